"""The steps of docs/languages.md, done as they stand there."""
from __future__ import annotations

import ast
import re
import shlex
import shutil
from pathlib import Path

import pytest

import manage
from launcher import commands

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "languages.md").read_text(encoding="utf-8")
TEMPLATE = "modules/templates/Relief"


def blocks(heading: str) -> list[str]:
    part = PAGE[PAGE.index(f"{heading}\n") :].partition("\n## ")[0]
    return re.findall(r"^```\w+\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The code of the application, with a template of somebody's own."""
    import templates

    for folder in ("models", "controllers", "modules", "views", "languages"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "000_config.py"))
    (tmp_path / TEMPLATE).mkdir()
    (tmp_path / TEMPLATE / "__init__.py").touch()
    (tmp_path / TEMPLATE / "config.py").write_text('def config(settings):\n    settings.custom.title = T("Shelter")\n')
    monkeypatch.setattr(commands, "CHECKOUT", tmp_path)
    monkeypatch.setattr(templates, "__path__", [str(tmp_path / "modules" / "templates")])
    return tmp_path


@pytest.fixture
def type_in(checkout, capfd):
    """Gives a function that does the commands of a block; it gives their exit status and what they have printed."""

    def do(block: str) -> list[tuple[int, str]]:
        return [_do(shlex.split(line)) for line in block.splitlines()]

    def _do(words: list[str]) -> tuple[int, str]:
        if words[:2] == ["mkdir", "-p"]:
            checkout.joinpath(words[2]).mkdir(parents=True)
            return 0, ""
        assert words[:2] == ["python3", "manage.py"]
        arguments, target = (words[2:-2], words[-1]) if ">" in words else (words[2:], None)
        status = commands.execute(manage.parse(arguments))
        printed = capfd.readouterr().out
        if target:
            checkout.joinpath(target).write_text(printed, encoding="utf-8")
        return status, printed

    return do


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_language_is_added_as_the_page_says(app, checkout, type_in):
    drafting, translating, offering, checking = blocks("## Add a language")
    type_in(drafting)
    drafted = checkout / "languages" / "pt.py"
    assert "'Shelter': 'Shelter'" in (checkout / TEMPLATE / "languages" / "pt.py").read_text(encoding="utf-8")

    translations = {**ast.literal_eval(drafted.read_text(encoding="utf-8")), **ast.literal_eval(translating)}
    checkout.joinpath(TEMPLATE, "languages", "pt.py").write_text(repr(translations), encoding="utf-8")
    with app.configured(f"settings.base.template = ['default', 'Relief']\n{offering.encode('ascii', 'replace').decode()}"):
        page = app.request("/default/user/login", vars={"_language": "pt"})

    assert '<html lang="pt" dir="ltr">' in page.text
    assert "<h1>Entrar</h1>" in page.text and "Senha" in page.text
    assert [status for status, printed in type_in(checking)] == [0, 1]
    assert type_in(checking)[1][1].splitlines()[1:] == [f"  missing: 'Shelter' ({TEMPLATE}/config.py:2)"]


@pytest.mark.parametrize("application", ["sqlite"], indirect=True)
def test_single_texts_are_changed_as_the_page_says(app, checkout):
    (texts,) = blocks("## Change single texts")
    (checkout / TEMPLATE / "languages").mkdir()
    (checkout / TEMPLATE / "languages" / "en.py").write_text(texts, encoding="utf-8")

    with app.configured("settings.base.template = ['default', 'Relief']"):
        page = app.request("/default/user/login")

    assert "<h1>Sign in</h1>" in page.text


def test_deployment_chooses_its_languages_as_the_page_says(app):
    (choice,) = blocks("## Who gets which language")

    with app.configured(choice.replace("Français", "French").replace("العربية", "Arabic")):
        pages = [app.request("/default/user/login", vars={"_language": code}).text for code in ("ar", "de")]

    assert [re.search(r'<html lang="(\w+)"', page)[1] for page in pages] == ["ar", "fr"]
