"""What a deployment changes by settings and hooks is the same on the page and in the mail: R49 to R57.

Where docs/templates.md has an example of it, that very example is the deployment's code.
"""
from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "templates.md").read_text(encoding="utf-8")
REFERENCE = PAGE[PAGE.index("## What a template can contain") :]
EXAMPLES = [match[1] for match in re.finditer(r"^```python\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)]


def example(beginning: str) -> str:
    """A block of Python of the page, by its first line."""
    [found] = [block for block in EXAMPLES if block.startswith(beginning)]
    return found


@pytest.fixture
def templates(tmp_path, monkeypatch):
    """Writes templates: templates.write("Relief/config.py", "...")."""
    import templates

    folders = [tmp_path / "modules", tmp_path / "private"]
    monkeypatch.setattr(templates, "__path__", [*templates.__path__[:1], *map(str, folders)])

    class Templates:
        @staticmethod
        def write(name: str, content: str, older: bool = False) -> None:
            path = folders[older] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

        @staticmethod
        def config(name: str, *lines: str) -> None:
            Templates.write(f"{name}/config.py", "def config(settings):\n" + "".join(f"    {line}\n" for line in lines or ["pass"]))

    return Templates


def report(app, world, **post) -> str:
    """One new post; gives the text of the mail about it, in which lines are not broken."""
    app.clock.advance(minutes=1)
    world.create(**{"name": "Headline", "body": "Text", **post})
    world.tick()
    [mail] = world.mails
    return str(mail.get_body(("plain",)).get_content())


def use(*names: str) -> str:
    """As models/000_config.py does it."""
    return f"settings.base.template = {list(names)!r}\nsettings.import_template()\n"


# -- where settings stand: R49 -----------------------------------------------------------------------------------------
ABOVE = "settings.msg.notify_subject = 'above'\n"
BELOW = "settings.msg.notify_subject = 'below'\n"


@pytest.mark.parametrize("source, subject", [
    (use("default"), "Relief Update Notification: Posts"),
    (ABOVE + use("default"), "above"),
    # the template overrides what stands above it, and is overridden by what stands below
    (ABOVE + use("default", "R49"), "template"),
    (ABOVE + use("default", "R49") + BELOW, "below"),
])
def test_000_config_has_the_last_word_below_the_templates(app, world, templates, source, subject):
    """R49, R51"""
    templates.config("R49", "settings.msg.notify_subject = 'template'")
    world.subscribe("anna")

    with app.configured(source):
        report(app, world)

    assert world.mails[0]["Subject"] == subject


def test_of_several_templates_each_says_something_and_the_last_one_wins(app, world, templates):
    """H5"""
    templates.config("Country", "settings.base.system_name_short = 'Country'", "settings.msg.notify_subject = '$s of the country'")
    templates.config("Region", "settings.base.system_name_short = 'Region'")
    world.subscribe("anna")

    with app.configured(use("default", "Country", "Region")):
        report(app, world)

    assert world.mails[0]["Subject"] == "Region of the country"


@pytest.mark.parametrize("older", [False, True])
def test_both_places_of_templates_give_settings_hooks_and_messages(app, world, templates, older):
    """R43, and the place of 2013."""
    name = f"Place{older}"
    hook = "lambda r, tablename: current.s3db.configure(tablename, notify_fields=['body'], notify_template='notify_place')"
    script = f"settings.msg.notify_subject = '{name}'\nsettings.customise_cms_post_resource = {hook}\n"
    head = "from gluon import current\n"
    if older:
        templates.write(f"{name}/config.py", f"{head}settings = current.deployment_settings\n{script}", older=True)
    else:
        templates.write(f"{name}/config.py", head + "def config(settings):\n" + "".join(f"    {line}\n" for line in script.splitlines()))
    templates.write(f"{name}/views/msg/notify_place_email.html", "{{for record in new_records:}}{{=record}}{{pass}}", older)
    world.subscribe("anna")

    with app.configured(use("default", name)):
        text = report(app, world)

    assert world.mails[0]["Subject"] == name
    assert text.strip() == "[('Body', 'Text')]"


# -- hooks of a table: R53 to R56 --------------------------------------------------------------------------------------
RESOURCE_HOOK = """
def _post_resource(r, tablename):
    table = current.s3db.cms_post
    table.body.label = "What has happened"
    table.body.represent = lambda value, row=None: value.upper() if value else "-"
    current.s3db.configure(tablename, list_fields=["name", "body"], notify_fields=["name", "body"])
    current.response.s3.crud_strings[tablename].title_list = "Reports"
settings.customise_cms_post_resource = _post_resource
"""


def test_a_mail_has_the_labels_values_and_title_of_the_page(app, world):
    """R53, R54"""
    world.subscribe("anna")

    with app.configured(RESOURCE_HOOK):
        text = report(app, world, body="water in the school")
        page = app.request("/cms/post", auth="anna").text

    for said in (text, page):
        assert "What has happened" in said and "WATER IN THE SCHOOL" in said
    assert "<h1>Reports</h1>" in page
    assert world.mails[0]["Subject"] == "Relief Update Notification: Reports"


@pytest.mark.parametrize("source, expected", [
    ("notify_fields=['body'], list_fields=['name']", ["Body: Text"]),
    ("list_fields=['name']", ["Name: Headline"]),
])
def test_fields_of_a_mail_are_those_for_mails_else_those_of_the_list(app, world, source, expected):
    """R54"""
    world.subscribe("anna")
    hook = f"settings.customise_cms_post_resource = lambda r, tablename: current.s3db.configure(tablename, {source})\n"

    with app.configured(hook):
        text = report(app, world)

    assert [line.strip() for line in text.splitlines() if re.match(r"\s+(Name|Body): ", line)] == expected


def test_without_either_all_readable_fields_are_told(app, world):
    """R54"""
    world.subscribe("anna")
    hook = (
        "def _plain(r, tablename):\n"
        "    current.s3db.clear_config(tablename, 'list_fields', 'notify_fields')\n"
        "    current.s3db.cms_post.title.readable = False\n"
        "settings.customise_cms_post_resource = _plain\n"
    )

    with app.configured(hook):
        text = report(app, world, title="Hidden title")

    assert "Name: Headline" in text and "Body: Text" in text
    assert "Hidden title" not in text


def test_hooks_run_with_the_request_of_page_and_lookup_alike_and_for_their_table_only(app, world):
    world.subscribe("anna")
    log = (
        "from gluon.storage import Storage\n"
        "def _log(r, tablename):\n"
        "    current.log.warning('hook ran', (tablename, r.tablename, r.representation, r.http))\n"
        "settings.customise_cms_post_resource = settings.customise_cms_series_resource = _log\n"
        "def _log_attr(**attr):\n"
        "    current.log.warning('controller hook ran', current.auth.permission.format)\n"
        "    return attr\n"
        "settings.customise_cms_post_controller = _log_attr\n"
    )

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    lines: list[str] = []
    handler = Lines()
    logging.getLogger("s3").addHandler(handler)
    try:
        with app.configured(log):
            report(app, world)
            looked_up = set(lines)
            lines.clear()
            app.request("/cms/post", auth="anna")
    finally:
        logging.getLogger("s3").removeHandler(handler)

    assert {line for line in looked_up if "hook ran" in line} == {
        "controller hook ran: msg", "hook ran: ('cms_post', 'cms_post', 'msg', 'POST')",
    }  # fmt: skip
    assert {line for line in lines if "hook ran" in line} == {
        "controller hook ran: html", "hook ran: ('cms_post', 'cms_post', 'html', 'GET')",
    }  # fmt: skip


def test_example_of_a_table_hook_changes_the_page(app):
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("gis_location").insert(name="Alder Town", level="L3", lat=13.25, lon=41.5)
        current.db.commit()

    before = app.request("/gis/location", auth="anna").text
    with app.configured(example("def location_resource")):
        after = app.request("/gis/location", auth="anna").text

    assert "Alder Town" in before and "13.25" in before
    assert "Alder Town" in after and "13.25" not in after and "Level" in after


# -- hooks of a page ---------------------------------------------------------------------------------------------------
def test_example_of_a_page_hook_keeps_records_from_page_and_mail(app, world):
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(body="Flood of last year", expired=True)

    with app.configured(example("def post_controller")):
        text = report(app, world, body="Flood of today")
        page = app.request("/cms/post", auth="anna").text
        asked_for = app.request("/cms/post?~.body__like=*year", auth="anna").text

    assert "Flood of today" in text and "Flood of today" in page
    assert [said for said in (text, page, asked_for) if "Flood of last year" in said] == []


HIDE_SECRETS = """
def _hide(**attr):
    current.response.s3.filter = current.s3db.cms_post.name != "Secret"
    return attr
settings.customise_cms_post_controller = _hide
"""


def test_the_filter_of_a_page_hook_holds_for_every_address_and_for_mails(app, world):
    world.subscribe("anna", filters=[["name__belongs", "Secret,Known"]])
    app.clock.advance(minutes=1)
    secret = world.create(name="Secret", body="Where the gold is")

    with app.configured(HIDE_SECRETS):
        text = report(app, world, name="Known")
        addresses = ("/cms/post.json", "/cms/post.json?~.name=Secret", "/cms/post.xml?include_deleted=true", "/cms/post.csv")
        answers = [app.request(address, auth="anna").text for address in addresses]
        record = app.request(f"/cms/post/{secret}.json", auth="anna").status

    assert "Known" in text
    assert [said for said in (text, *answers) if "gold" in said] == []
    assert record == 404


def test_a_page_hook_that_refuses_costs_the_look_up_with_the_reason_on_the_row(app, world):
    subscribed = world.subscribe("anna")
    refuse = (
        "def _refuse(**attr):\n"
        "    from s3 import S3PermissionError\n"
        "    current.auth.permission.fail()\n"
        "settings.customise_cms_post_controller = _refuse\n"
    )
    app.clock.advance(minutes=1)
    world.create(name="News")

    with app.configured(refuse):
        world.tick()
        assert app.request("/cms/post.json", auth="anna").status == 403

    assert world.mails == []
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert row.attempts == 1 and "403" in row.last_error
    # when the page is open again, nothing has been lost
    app.clock.advance(hours=1)
    world.tick()
    assert "News" in world.text()


# -- messages and modules ----------------------------------------------------------------------------------------------
def test_example_of_a_subject_hook_is_the_subject(app, world):
    """H1"""
    world.subscribe("anna")

    with app.configured(example("def say_how_many")):
        report(app, world)

    assert world.mails[0]["Subject"] == "Relief: 1 new, 0 changed"


@pytest.mark.parametrize("setting, own, content_type", [
    ("text", None, "text/plain"), ("html", None, "multipart/alternative"),
    ("text", "html", "multipart/alternative"), ("html", "text", "text/plain"),
])
def test_the_format_of_the_deployment_counts_unless_the_subscription_has_one(app, world, setting, own, content_type):
    """R52, R57"""
    world.subscribe("anna", email_format=own)

    with app.configured(f"settings.msg.notify_email_format = {setting!r}"):
        report(app, world)

    assert world.mails[0].get_content_type() == content_type


@pytest.mark.parametrize("settings, told", [
    ({}, ["new", "changed", "again"]),
    ({"notify_on": ["new"]}, ["new"]),
    ({"notify_on": ["upd"]}, ["changed", "again"]),
    ({"frequency": "hourly"}, ["new", "changed", "again"]),
    ({"frequency": "daily"}, ["new"]),
    ({"frequency": "never"}, []),
    ({"method": ["SMS"]}, []),
    ({"filters": [["name", "changed"]]}, ["changed", "again"]),
])
def test_each_setting_of_a_subscription_counts(app, world, settings, told):
    """R57: a new record, a change after one round, and one after two hours."""
    old = world.create(name="changed", body="as it was")
    world.subscribe("anna", **settings)
    app.clock.advance(minutes=1)
    world.create(name="another", body="new")
    world.tick()
    app.clock.advance(minutes=10)
    world.update(old, body="changed")
    world.tick()
    app.clock.advance(hours=2)
    world.tick()
    world.update(old, body="again")
    app.clock.advance(hours=2)
    world.tick()

    texts = [str(mail.get_content()) for mail in world.mails]
    assert [body for text in texts for body in ("new", "changed", "again") if f"Body: {body}\r\n" in text] == told


def test_example_of_modules_is_what_there_is(app, world):
    subscribed = world.subscribe("anna")
    modules = "from gluon.storage import Storage\n" + example("settings.modules = ")
    with app.configured(modules):
        statuses = [app.request(path, auth="admin").status for path in ("/cms/post", "/event/event", "/admin/user")]
        menu = re.findall(r">(News|Places|People|Events|Documents)</a>", app.request("/default/index", auth="admin").text)
        report(app, world)

    assert statuses == [200, 404, 200]
    assert dict.fromkeys(menu) == dict.fromkeys(["News", "People", "Places"])
    assert world.row("pr_subscription_resource", subscribed.resource_id).last_error is None


def test_every_example_is_a_config_without_unknown_settings(app):
    for source in EXAMPLES:
        with app.configured("from gluon.storage import Storage\n" + source), app.env() as current:
            assert current.deployment_settings.unknown() == [], source
            assert current.deployment_settings.check() == [], source
    assert len(EXAMPLES) == 5
