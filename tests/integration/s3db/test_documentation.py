"""docs/s3db.md does what it says: its files make an application, its lines run, its subscriber gets a mail."""
from __future__ import annotations

import doctest
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import App

from launcher.instance import CHECKOUT, create_instance

PAGE = (CHECKOUT / "docs" / "s3db.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^`([\w/.]+)`:\n\n```python\n(.*?)^```", PAGE, re.M | re.S))
TEMPLATES = "modules/templates/"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory, web2py_folder: Path, smtp: Any) -> Iterator[App]:
    """A new application with the files of the page in it."""
    import templates

    root = tmp_path_factory.mktemp("templates")
    templates.__path__.append(str(root))
    instance = create_instance(
        web2py_folder, app="relief", mail_server=f"127.0.0.1:{smtp.port}", mail_sender="alerts@example.com", base_tasks_sync_fallback=True)
    with instance.config.open("a", encoding="utf-8") as stream:
        stream.write('\nsettings.base.template = ["default", "Relief"]\nsettings.import_template()\n')
    controllers = instance.app_folder / "controllers"
    controllers.unlink()
    controllers.mkdir()
    for path in (CHECKOUT / "controllers").glob("*.py"):
        (controllers / path.name).symlink_to(path)
    for name, source in FILES.items():
        path = root / name.removeprefix(TEMPLATES) if name.startswith(TEMPLATES) else instance.app_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    app = App(instance.app_folder, instance.app, "sqlite")
    app.smtp = smtp
    yield app
    templates.__path__.remove(str(root))
    for name in [name for name in sys.modules if name.startswith("templates.Relief")]:
        del sys.modules[name]


@pytest.fixture
def relief(application: App) -> Iterator[App]:
    from s3.s3datetime import set_clock

    set_clock(application.clock)
    application.clean()
    application.smtp.clear()
    yield application
    set_clock(None)


def run_examples(app: App) -> dict[str, Any]:
    """Run the lines after ``>>>`` one after the other, as in a shell of the application; gives the names they leave."""
    with app.env() as current:
        names = {
            "current": current, "auth": current.auth, "db": current.db, "s3db": current.s3db, "settings": current.deployment_settings,
            "request": current.request, "reader_id": app.people["anna"].user_id,
        }  # fmt: skip
        page = "\n".join(re.findall(r"^```pycon\n(.*?)^```", PAGE, re.M | re.S))
        test = doctest.DocTestParser().get_doctest(page, names, "docs/s3db.md", "docs/s3db.md", 0)
        report: list[str] = []
        runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
        result = runner.run(test, out=report.append, clear_globs=False)
        assert result.attempted > 25
        assert result.failed == 0, "".join(report)
        return dict(test.globs)


def test_page_has_the_files_that_make_a_resource() -> None:
    assert sorted(FILES) == [
        "controllers/shelter.py",
        "modules/templates/Relief/__init__.py",
        "modules/templates/Relief/config.py",
        "modules/templates/Relief/demo.py",
        "modules/templates/Relief/models/__init__.py",
        "modules/templates/Relief/models/kitchen.py",
        "modules/templates/Relief/models/shelter.py",
    ]


def test_lines_of_the_page_give_what_it_says(relief: App) -> None:
    run_examples(relief)


def test_declared_resource_has_pages(relief: App) -> None:
    school = run_examples(relief)["school"]

    assert "School" in relief.request("/shelter/shelter", auth="anna").text
    assert "Reports" in relief.request(f"/shelter/shelter/{school}", auth="admin").text
    assert relief.request(f"/shelter/shelter/{school}/report.json", auth="admin").status == 200
    assert relief.request("/shelter/shelter.json", "POST", json={"name": "Tent"}, auth="anna").status == 403
    refused = relief.request("/shelter/shelter.json", "POST", json={"name": "Tent", "state": 2, "capacity": 0}, auth="admin")
    assert (refused.status, "An open shelter has places" in refused.text) == (400, True)


def test_subscriber_of_the_declared_resource_is_told_of_the_next_report(relief: App) -> None:
    names = run_examples(relief)
    relief.clock.advance(minutes=10)
    for shelter_id, people in ((names["school"], 25), (names["hall"], 70)):
        created = relief.request(f"/shelter/shelter/{shelter_id}/report.json", "POST", json={"people": people}, auth="admin")
        assert created.status in (200, 201), created.text

    with relief.serving() as url, relief.env() as current:
        current.deployment_settings.msg.notify_lookup_url = url
        from s3 import S3Notifications

        S3Notifications.check_subscriptions()
        current.msg.process_outbox("EMAIL")
        current.db.commit()

    mails = relief.smtp.messages
    assert [mail["To"] for mail in mails] == ["anna@cast.example"]
    text = mails[0].get_content()
    assert "Shelter: School" in text and "Free places: 15" in text and "State: Open" in text
    assert "Town Hall" not in text, "the filter asks for open shelters"


def test_module_that_is_enabled_later_gets_its_tables(relief: App) -> None:
    enabled = 'settings.modules["kitchen"] = {}\nsettings.base.custom_models["kitchen"] = "Relief"'
    with relief.configured(enabled), relief.env() as current:
        current.auth.override = True
        kitchen_id = current.s3db.resource("kitchen_kitchen").insert(name="Field kitchen")

        kitchen = current.s3db.kitchen_kitchen[kitchen_id]
        assert current.s3db.get_instance("pr_pentity", kitchen.pe_id) == ("kitchen", "kitchen", kitchen_id)
        assert current.s3db.get_instance("doc_entity", kitchen.doc_id) == ("kitchen", "kitchen", kitchen_id)
