"""The cascade of deployment templates."""
from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from s3cfg import S3Config, import_module

numbers = itertools.count()


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two folders for templates, the newer and the older one."""
    import templates

    folders = [tmp_path / "modules", tmp_path / "private"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(templates, "__path__", [str(folder) for folder in folders])
    return folders


def make_template(place: Path, body: str, *parents: str) -> str:
    """Write a template with a name of its own, since modules are imported once; gives its name."""
    name = ".".join((*parents, f"Template{next(numbers)}"))
    folder = place.joinpath(*name.split("."))
    folder.mkdir(parents=True)
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (folder / "config.py").write_text(f"def config(settings):\n{lines}")
    return name


def test_template_sets_the_settings(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = make_template(places[0], "settings.base.system_name_short = 'DRMP'")

    settings.import_template()

    assert settings.get_system_name_short() == "DRMP"


def test_later_template_overrides_the_earlier(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = [
        make_template(places[0], "settings.msg.notify_batch = 1\nsettings.msg.outbox_batch = 1"),
        make_template(places[0], "settings.msg.notify_batch = 2"),
    ]

    settings.import_template()

    assert (settings.get_msg_notify_batch(), settings.get_msg_outbox_batch()) == (2, 1)


def test_dotted_name_is_a_template_within_a_template(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = make_template(places[0], "settings.base.system_name = 'Sub'", "Region")

    settings.import_template()

    assert settings.get_system_name() == "Sub"
    assert settings.template_folders() == [str(places[0] / settings.base.template.replace(".", "/"))]


def test_older_place_is_still_searched(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = make_template(places[1], "settings.base.system_name = 'Old'")

    settings.import_template()

    assert settings.get_system_name() == "Old"


def test_missing_template_is_named_with_the_places_searched(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = "Nowhere"

    with pytest.raises(RuntimeError) as raised:
        settings.import_template()

    message = str(raised.value)
    assert message.startswith("Template not found: Nowhere")
    for place in places:
        assert str(place / "Nowhere" / "config.py") in message


@pytest.mark.parametrize("name", ["../DRMP", "DRMP/..", "", "a b", ".DRMP"])
def test_name_that_is_no_name_is_not_found(places: list[Path], name: str) -> None:
    settings = S3Config()
    settings.base.template = name

    with pytest.raises(RuntimeError, match="Template not found"):
        settings.import_template()


def test_template_without_config_function_is_named(places: list[Path]) -> None:
    (places[0] / "Hollow").mkdir()
    (places[0] / "Hollow" / "config.py").write_text("")
    settings = S3Config()
    settings.base.template = "Hollow"

    with pytest.raises(RuntimeError, match=r"Template Hollow has no function config\(settings\)"):
        settings.import_template()


def test_error_inside_a_template_is_not_taken_for_a_missing_template(places: list[Path]) -> None:
    settings = S3Config()
    settings.base.template = make_template(places[0], "import a_module_that_does_not_exist")

    with pytest.raises(ModuleNotFoundError, match="a_module_that_does_not_exist"):
        settings.import_template()


def test_template_that_cannot_be_imported_says_why(places: list[Path]) -> None:
    name = make_template(places[0], "pass")
    (places[0] / name / "config.py").write_text("import a_module_that_does_not_exist\n")
    settings = S3Config()
    settings.base.template = name

    with pytest.raises(ModuleNotFoundError, match="a_module_that_does_not_exist"):
        settings.import_template()


def test_other_modules_of_a_template_can_be_had(places: list[Path]) -> None:
    name = make_template(places[0], "pass")
    (places[0] / name / "controllers.py").write_text("PAGES = {'start': 1}\n")

    module: Any = S3Config().template_module(name, "controllers")

    assert module.PAGES == {"start": 1}
    assert S3Config().template_module(name, "menus") is None


def test_folders_are_listed_general_first_and_newer_place_last(places: list[Path]) -> None:
    first, second = make_template(places[0], "pass"), make_template(places[0], "pass")
    (places[1] / second).mkdir()
    settings = S3Config()
    settings.base.template = [first, second]

    assert settings.template_folders() == [str(places[0] / first), str(places[1] / second), str(places[0] / second)]


def test_module_that_does_not_exist_is_none() -> None:
    assert import_module("no_such_package.at_all") is None
    assert import_module("json") is sys.modules["json"]


# -- the older place ---------------------------------------------------------------------------------------------------
SCRIPT = "from gluon import current\nsettings = current.deployment_settings\nsettings.base.system_name = {!r}\n"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> S3Config:
    """The settings of a request."""
    from gluon import current

    settings = S3Config()
    monkeypatch.setattr(current, "deployment_settings", settings, raising=False)
    return settings


def write_script(place: Path, source: str) -> tuple[str, Path]:
    name = f"Script{next(numbers)}"
    (place / name).mkdir()
    (place / name / "config.py").write_text(source)
    return name, place / name / "config.py"


def test_script_at_the_older_place_is_executed_for_every_request(places: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    from gluon import current

    name, _ = write_script(places[1], SCRIPT.format("Of 2013"))
    for _request in range(2):
        settings = S3Config()
        monkeypatch.setattr(current, "deployment_settings", settings, raising=False)
        settings.base.template = name

        settings.import_template()

        assert settings.get_system_name() == "Of 2013"


def test_script_that_has_changed_counts_at_once(places: list[Path], settings: S3Config) -> None:
    name, path = write_script(places[1], SCRIPT.format("Before"))
    settings.base.template = name
    settings.import_template()

    path.write_text(SCRIPT.format("Afterwards"))
    settings.import_template()

    assert settings.get_system_name() == "Afterwards"


@pytest.mark.parametrize("source", [
    "def config(settings):\n    settings.base.system_name = 'By function'\n",
    "def other(settings):\n    settings.base.system_name = 'By function'\nconfig = other\n",
])
def test_function_at_the_older_place_is_called(places: list[Path], settings: S3Config, source: str) -> None:
    settings.base.template = write_script(places[1], source)[0]

    settings.import_template()

    assert settings.get_system_name() == "By function"


def test_newer_place_goes_before_the_older_one(places: list[Path], settings: S3Config) -> None:
    name = make_template(places[0], "settings.base.system_name = 'Newer'")
    (places[1] / name).mkdir()
    (places[1] / name / "config.py").write_text(SCRIPT.format("Older"))
    settings.base.template = name

    settings.import_template()

    assert settings.get_system_name() == "Newer"


def test_scripts_and_functions_cascade(places: list[Path], settings: S3Config) -> None:
    script = write_script(places[1], SCRIPT.format("Of 2013") + "settings.msg.notify_batch = 7\n")[0]
    settings.base.template = [script, make_template(places[0], "settings.base.system_name = 'Of today'")]

    settings.import_template()

    assert (settings.get_system_name(), settings.get_msg_notify_batch()) == ("Of today", 7)
