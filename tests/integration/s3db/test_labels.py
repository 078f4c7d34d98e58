"""What the models call their fields and components is translated."""
from __future__ import annotations

from pathlib import Path

from gluon.languages import lazyT
from harness import App

from launcher.languages import collect

#: Tables of the machinery, which no page shows as records; and those of accounts, whose pages have labels of their own
WITHOUT_LABELS = ("auth_", "scheduler_", "s3_", "msg_channel_state", "pr_pentity", "pr_person_user", "pr_subscription_ledger")


def test_labels_and_comments_of_fields_are_translated(app: App) -> None:
    with app.env() as current:
        current.s3db.load_all_models()
        fields = [field for table in current.db for field in table if not table._tablename.startswith(WITHOUT_LABELS)]
        shown = [field for field in fields if (field.readable or field.writable) and field.type != "id"]

        assert len(shown) > 100
        assert [str(field) for field in shown if not isinstance(field.label, lazyT)] == []
        assert [str(field) for field in shown if field.comment and not isinstance(field.comment, lazyT)] == []


def test_components_have_names_that_are_translated(app: App) -> None:
    texts = collect(Path(__file__).resolve().parents[3]).places
    with app.env() as current:
        s3db = current.s3db
        s3db.load_all_models()
        aliases = {alias for table in current.db.tables for alias, component in s3db.get_components(table).items() if not component.label}

        names = {" ".join(word.capitalize() for word in alias.split("_")) for alias in aliases}
        assert {name for name in names if name not in texts} == set()
