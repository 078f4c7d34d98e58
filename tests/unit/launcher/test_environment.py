import sys
from pathlib import Path

import pytest

from launcher import environment
from launcher.environment import Environment, check_web2py, choose_environment, prepare
from launcher.errors import LauncherError


@pytest.fixture
def made(tmp_path, monkeypatch):
    """An environment that has been made, with requirements of its own."""
    monkeypatch.setattr(environment, "CHECKOUT", tmp_path)
    monkeypatch.setattr(environment, "WORK_FOLDER", tmp_path / ".web2py")
    for name in ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text(name)
    made = Environment(tmp_path / ".venv", tmp_path / "requirements-embedded.txt")
    made.python.parent.mkdir(parents=True)
    made.python.symlink_to(sys.executable)
    for stamp, requirements in ((environment.STAMP, [made.requirements]), (environment.DEV_STAMP, environment._dev_requirements(made))):
        (made.folder / stamp).write_text(environment._fingerprint(requirements))
    return made


@pytest.fixture
def installs(monkeypatch):
    """What would have been installed."""
    installed = []

    def install(environment, stamp, requirements):
        installed.append([path.name for path in requirements])

    monkeypatch.setattr(environment, "_install", install)
    return installed


def web2py(folder, version):
    (folder / "gluon").mkdir()
    (folder / "gluon" / "main.py").touch()
    (folder / "gluon" / "version.py").write_text(f'VERSION = "{version}-stable+timestamp.2026.04.28"\n')
    return folder


def test_a_second_use_does_nothing(made, installs, capsys):
    prepare(made, dev=True)

    assert installs == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-embedded.txt"])
def test_changed_requirements_are_installed(made, installs, name):
    (made.folder.parent / name).write_text("other")

    prepare(made)

    assert installs == [["requirements-embedded.txt"]]


def test_what_only_the_tests_need_is_left_out_of_other_commands(made, installs):
    (made.folder.parent / "requirements-dev.txt").write_text("other")

    prepare(made)
    assert installs == []

    prepare(made, dev=True)
    assert installs == [["requirements-embedded.txt", "requirements-dev.txt"]]


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_a_missing_venv_module_is_named(made, monkeypatch, module):
    made.python.unlink()
    find_spec = environment.importlib.util.find_spec
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None if name == module else find_spec(name))

    with pytest.raises(LauncherError, match=f"Python's module {module} is missing, install it first"):
        prepare(made)


def test_each_web2py_checkout_has_an_environment_of_its_own(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()

    one, two = (choose_environment(str(web2py(tmp_path / name, "3.3.3"))) for name in ("one", "two"))

    assert len({one.folder, two.folder, choose_environment(None).folder}) == 3
    assert one.requirements.name == "requirements-web2py.txt"


def test_a_web2py_checkout_is_put_on_the_path_and_not_written_into(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    variables = choose_environment(str(web2py(tmp_path, "3.3.3"))).variables()

    assert variables["PYTHONPATH"] == f"{tmp_path}:/elsewhere"
    assert not Path(variables["PYTHONPYCACHEPREFIX"]).is_relative_to(tmp_path)


@pytest.mark.parametrize("version", ["3.3.0", "3.10.1", "4.0.0"])
def test_a_new_enough_web2py_is_accepted(tmp_path, version):
    assert check_web2py(web2py(tmp_path, version)) == tmp_path


@pytest.mark.parametrize("version", ["2.27.1", "3.2.9"])
def test_an_older_web2py_is_refused(tmp_path, version):
    with pytest.raises(LauncherError, match="is too old: 3.3 or later is needed"):
        check_web2py(web2py(tmp_path, version))


@pytest.mark.parametrize(
    ("said", "beginning"),
    [
        ("ERROR: Could not find a version that satisfies the requirement lxml==5.3.0", "pip cannot fetch what is needed, is there a "),
        ("ERROR: Failed building wheel for lxml", "pip cannot install what is needed: Failed building wheel for lxml"),
        ("", "pip cannot install what is needed: it does not say why."),
    ],
)
def test_what_pip_says_is_one_sentence(said, beginning):
    assert environment._explain([f"{said}\n"]).startswith(beginning)
