"""Errors in models/000_config.py are answered with a sentence."""
from __future__ import annotations

from pathlib import Path

import pytest
from harness import App

from launcher.instance import create_instance

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("source", "reason"), [
    ("settings.mesg.notify_batch = 3", "settings.mesg: there is no section 'mesg'; did you mean 'msg'?"),
    ("settings.base.template = 'Atlantis'; settings.import_template()", "Template not found: Atlantis (looked for "),
    ("settings.base.template = nosuch", "name 'nosuch' is not defined"),
    ("settings.base.template =", "invalid syntax"),
    ("from s3 import nosuch", "cannot import name 'nosuch' from 's3'"),
], ids=["section", "template", "name", "syntax", "import"])  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(app: App, source: str, reason: str) -> None:
    line = (app.folder / "models" / "000_config.py").read_text().count("\n") + 2

    with app.configured(source):
        answer = app.request("/default/index")

    assert answer.status == 503
    assert answer.text.startswith(f"models/000_config.py, line {line}: {reason}")
    assert len(answer.text.splitlines()) == 1


def test_values_are_not_told(app: App) -> None:
    with app.configured("settings.mail.login = int('user:geheim')"):
        answer = app.request("/default/index")

    assert answer.status == 503
    assert answer.text.endswith(": ValueError")


def test_the_repaired_file_counts_at_once(app: App) -> None:
    with app.configured("nosuch"):
        assert app.request("/default/index").status == 503

    assert app.request("/default/index").status == 200


def test_the_file_may_use_what_other_models_know(app: App) -> None:
    with app.configured("settings.base.system_name = T('Relief of %s') % request.application"):
        answer = app.request("/default/index")

    assert answer.status == 200
    assert f"Relief of {app.name}" in answer.text


def test_a_value_that_the_set_up_cannot_work_with_is_said(web2py_folder: Path) -> None:
    instance = create_instance(web2py_folder, app="wrong_interval", msg_outbox_interval=2)

    answer = App(instance.app_folder, instance.app, "sqlite").request("/default/index")

    assert answer.status == 503
    assert answer.text == "Setting msg.outbox_interval is 2: it must be a whole number of at least 5"


UNKNOWN = "settings.msg.notify_bach = 3"
SENTENCE = "settings.msg.notify_bach: there is no such setting; did you mean settings.msg.notify_batch?"


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has not been told of any unknown setting."""
    monkeypatch.setattr("s3cfg.config._told", set())


def test_a_setting_that_nothing_reads_is_logged_once_and_stops_nothing(app: App, forgetful: None, caplog: pytest.LogCaptureFixture) -> None:
    line = (app.folder / "models" / "000_config.py").read_text().count("\n") + 2

    with app.configured(UNKNOWN):
        statuses = [app.request("/default/index").status for _ in range(2)]

    assert statuses == [200, 200]
    assert [record.getMessage() for record in caplog.records] == [f"models/000_config.py, line {line}: {SENTENCE}"]


def test_it_stands_on_the_page_about_the_state_of_the_service(app: App, forgetful: None) -> None:
    with app.configured(UNKNOWN):
        page = app.request("/admin/health", auth="admin")

    assert f"{SENTENCE}</li>" in page.text


def test_a_hook_for_a_table_that_there_is_not_is_told_by_doctor(app: App, forgetful: None) -> None:
    hooks = "settings.customise_cms_pots_resource = settings.customise_cms_post_resource = settings.customise_hrm_staff_resource = len"

    with app.configured(hooks), app.env():
        from s3.s3notify import health

        # there may be modules that are not enabled here
        assert health.find().settings == ("settings.customise_cms_pots_resource: there is no table cms_pots.",)


def test_a_value_that_cannot_work_is_told_by_doctor(app: App) -> None:
    with app.configured("settings.mail.server = 'localhost'"), app.env():
        from s3.s3notify import health

        assert health.find().settings == ("Setting mail.server is 'localhost': it must be host:port, such as 127.0.0.1:25",)
