"""Where the links of a message lead."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("who", "page", "tablename", "expected"),
    [
        # the page that is subscribed
        ("anna", ("cms", "post"), "cms_post", "/cms/post/[id]"),
        # a page of the deployment: records are read on that of their table
        ("anna", ("default", "index"), "cms_post", "/cms/post/[id]"),
        ("anna", ("default", "index"), "org_organisation", "/org/organisation/[id]"),
        # who may not open that page gets no link to it
        ("ben", ("default", "index"), "cms_post", None),
        # nobody has a page for it
        ("admin", ("default", "index"), "cms_comment", None),
    ],
)
def test_record_has_the_page_of_its_table_if_its_reader_may_open_it(app, who, page, tablename, expected):
    from s3.s3notify.addresses import _record_url

    with app.env(who, *page) as current:
        url = _record_url(current.s3db.resource(tablename))

    assert url == (expected and f"http://127.0.0.1:8000/{app.name}{expected}")


def test_module_that_is_off_has_no_pages(app):
    from s3.s3notify.addresses import _record_url

    with app.env("admin", "default", "index") as current:
        resource = current.s3db.resource("org_organisation")
        del current.deployment_settings.modules["org"]

        assert _record_url(resource) is None


def test_members_of_a_group_get_no_link_to_settings_that_they_do_not_have(app):
    from s3.s3notify.addresses import _settings_url

    with app.configured('settings.msg.notify_settings_url = "default/index/subscriptions"'):
        with app.env("anna"):
            own = _settings_url()
        with app.env():
            nobody = _settings_url()

    assert own.endswith(f"/{app.name}/default/index/subscriptions")
    assert nobody is None
