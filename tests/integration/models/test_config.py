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
