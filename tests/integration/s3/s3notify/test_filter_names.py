"""The filter in a message names no record that its reader may not know."""
from __future__ import annotations

import re


def filter_lines(world):
    return [re.findall("Filter: [^\r\n]*", str(mail.get_content())) for mail in world.mails]


def test_mail_names_no_account_by_its_number(app, world):
    admin = app.people["admin"].user_id
    world.subscribe("anna", filters=[["created_by__ne", str(admin)]])
    app.clock.advance(minutes=1)

    app.request("/cms/post.json", "POST", json={"title": "T", "body": "B"}, auth="editor")
    world.tick()

    assert filter_lines(world) == [[f'Filter: Created By != "{admin}"']]


def test_mail_names_no_record_that_is_closed_to_its_reader(app, world):
    with app.env() as current:
        current.auth.override = True
        series, other = (current.s3db.resource("cms_series").insert(name=name) for name in ("Secret", "Other"))
        rules = current.auth.table("s3_permission")
        rules.insert(group_id=current.auth.get_system_roles().AUTHENTICATED, tablename="cms_series", uacl=0, oacl=0)
        current.db.commit()
    with app.configured("settings.security.policy = 5\n"):
        world.subscribe("anna", filters=[["series_id__ne", str(series)]])
        app.clock.advance(minutes=1)
        world.create(name="News", series_id=other)
        world.tick()

    assert filter_lines(world) == [[f'Filter: Type != "{series}"']]
