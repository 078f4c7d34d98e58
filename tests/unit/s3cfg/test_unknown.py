"""Settings that nothing reads are told, with their place and the nearest name."""
from __future__ import annotations

from pathlib import Path

import pytest

from s3cfg import SETTINGS, S3Config
from s3cfg.unknown import describe_unknown

NAMES = [setting.name for setting in SETTINGS]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3Config:
    """Settings of an application whose models stand in a folder of the test's own."""
    from gluon import current
    from gluon.storage import Storage

    (tmp_path / "models").mkdir()
    monkeypatch.setattr(current, "request", Storage(folder=str(tmp_path)), raising=False)
    return S3Config()


@pytest.mark.parametrize("name, nearest", [
    # misspelt
    ("msg.notify_rendererr", "msg.notify_renderer"),
    ("msg.notify_max_record", "msg.notify_max_records"),
    ("mail.severs", "mail.server"),
    # in the wrong section
    ("base.notify_subject", "msg.notify_subject"),
    ("mail.sender_", "mail.sender"),
    # the section forgotten
    ("notify_subject", "msg.notify_subject"),
    # the hook in American spelling, or in the past
    ("customize_cms_post_resource", "customise_cms_post_resource"),
    ("customised_cms_post_controller", "customise_cms_post_controller"),
])
def test_nearest_name_is_suggested(name: str, nearest: str) -> None:
    assert describe_unknown(name, NAMES, []) == f"settings.{name}: there is no such setting; did you mean settings.{nearest}?"


@pytest.mark.parametrize("name", ["hrm.teams", "customise_cms_post", "msg.qqqqqq"])
def test_nothing_is_suggested_for_what_is_like_nothing_else(name: str) -> None:
    assert describe_unknown(name, NAMES, []) == f"settings.{name}: there is no such setting."


def test_only_what_nothing_reads_is_told(settings: S3Config) -> None:
    settings.msg.notify_batch = 3
    settings.msg.notify_bach = 3
    settings.custom.colour = "red"
    settings.tasks.tidy = len
    settings.modules = {}
    settings.customise_cms_post_resource = len
    settings.customise_cms_post_controller = len
    settings.customise_cms_home = len
    settings.notify_batch = 3

    assert [sentence.partition(":")[0] for sentence in settings.unknown()] == ["settings.notify_batch", "settings.msg.notify_bach"]


def test_presets_and_sections_that_are_replaced_are_known(settings: S3Config) -> None:
    assert settings.unknown() == []
    settings.L10n = {"timezone": "UTC"}

    assert settings.unknown() == []


def test_line_is_named_but_not_that_of_a_comment(settings: S3Config, tmp_path: Path) -> None:
    (tmp_path / "models" / "000_config.py").write_text("x = 1\n# settings.msg.notify_bach = 2\nif x: settings.msg.notify_bach = 3\n")
    settings.msg.notify_bach = 3

    [sentence] = settings.unknown()

    assert sentence.startswith("models/000_config.py, line 3: settings.msg.notify_bach: there is no such setting;")


def test_template_that_sets_it_is_named(settings: S3Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import templates

    folder = tmp_path / "modules" / "templates" / "Unknowing"
    folder.mkdir(parents=True)
    (folder / "config.py").write_text("def config(settings):\n    settings.msg.notify_bach = 3\n")
    monkeypatch.setattr(templates, "__path__", [str(folder.parent)])
    settings.base.template = "Unknowing"

    settings.import_template()

    [sentence] = settings.unknown()
    assert sentence.startswith("modules/templates/Unknowing/config.py, line 2: settings.msg.notify_bach:")


def test_a_process_is_told_once(settings: S3Config) -> None:
    settings.custom_section_of_a_test = 1

    assert settings.untold() == ["settings.custom_section_of_a_test: there is no such setting."]
    assert settings.untold() == []
    assert S3Config().untold() == []
