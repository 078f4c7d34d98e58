"""docs/settings.md says of every setting what the code says, and its examples work."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from s3cfg import SETTINGS, S3Config, Setting

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = {row[1]: row for row in re.finditer(r"^\| `([\w.]+)` \| (.*?) \| (.*?) \| `(.*)` \|$", PAGE, re.MULTILINE)}
SECTIONS = re.findall(r"^## [^\n]*\(`settings\.(\w+)`\)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)


def plain(text: str) -> str:
    """Without what is markup in a page, and with its links as they are in code."""
    return text.replace("`", "").replace("docs/", "")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3Config:
    from gluon import current
    from gluon.storage import Storage

    monkeypatch.setattr(current, "request", Storage(folder=str(tmp_path), env={}), raising=False)
    return S3Config()


def test_every_setting_has_one_row_below_the_heading_of_its_section() -> None:
    names = [section for section, _ in SECTIONS]
    found = [(section, name) for section, text in SECTIONS for name in re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)]

    assert len(set(names)) == len(names)
    assert sorted(name for _, name in found) == [setting.name for setting in SETTINGS]
    assert [name for section, name in found if name.partition(".")[0] != section] == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_default_and_meaning_are_those_of_the_code(setting: Setting) -> None:
    _, default, meaning, _ = ROWS[setting.name].groups()

    computed = isinstance(setting.default, str) and setting.default.startswith("<")
    assert default == (setting.default.strip("<>") if computed else f"`{setting.default!r}`")
    assert plain(meaning) == plain(setting.help)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_example_sets_this_setting_to_something_that_works(setting: Setting, settings: S3Config) -> None:
    section, _, key = setting.name.partition(".")
    before = {name: dict(settings[name]) for name in settings if isinstance(settings[name], dict)}

    exec(ROWS[setting.name][4], {"settings": settings})

    value = settings[section].pop(key)
    assert {name: dict(settings[name]) for name in before} == {**before, section: {k: v for k, v in before[section].items() if k != key}}
    assert value != setting.default
    settings[section][key] = value
    assert read(settings, setting) == value
    assert settings.check() == []
    assert settings.unknown() == []


def read(settings: S3Config, setting: Setting) -> Any:
    return getattr(settings, setting.getter)()


def test_examples_of_modules_and_hooks_work(settings: S3Config) -> None:
    examples = re.findall(r"^\| .* \| `(settings\.(?:modules|customise_).*)` \|$", PAGE, re.MULTILINE)

    for example in examples:
        exec(example, {"settings": settings})

    assert len(examples) == 5
    assert [name for name in ("default", "cms", "event") if not settings.has_module(name)] == []
    assert settings.customise_controller("cms_post", rheader=None) == {"rheader": None}
    assert settings.customise_resource("cms_post") is not None
    assert settings.unknown() == []
