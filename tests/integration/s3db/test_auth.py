"""What the models know about accounts."""
from __future__ import annotations

from harness import App


def test_an_account_is_shown_with_name_and_address(app: App) -> None:
    with app.env() as current:
        represent = current.s3db.auth_UserRepresent()
        anna = app.people["anna"]
        nameless = int(current.db.auth_user.insert(first_name="", last_name="", email="box@example.org"))

        assert represent.bulk([anna.user_id, nameless, 999999]) == {
            anna.user_id: "Anna Abel <anna@cast.example>", nameless: "box@example.org", 999999: "Unknown", None: "-",
        }  # fmt: skip
        assert represent.queries == 1
