import os
import subprocess
import sys

import pytest

from launcher.errors import LauncherError
from launcher.instance import CHECKOUT, Instance, create_instance, open_instance
from launcher.processes import child_variables


def test_a_throw_away_instance_shares_the_code_and_nothing_else(tmp_path):
    instance = create_instance(tmp_path / "w")

    for name in ("modules", "controllers", "views"):
        assert (instance.app_folder / name).resolve() == CHECKOUT / name
    for name in ("models", "databases", "sessions", "errors", "uploads"):
        assert (instance.app_folder / name).resolve().is_relative_to(tmp_path)


def test_its_models_are_the_checkout_s_with_a_config_of_its_own(tmp_path):
    instance = create_instance(tmp_path, template="DRMP", msg_notify_batch=7)

    models = instance.app_folder / "models"
    assert (models / "00_db.py").resolve() == CHECKOUT / "models" / "00_db.py"
    assert not instance.config.is_symlink()
    assert 'settings.base.template = \'DRMP\'' in instance.config.read_text()
    assert "settings.msg.notify_batch = 7" in instance.config.read_text()


def test_making_an_instance_twice_keeps_its_data(tmp_path):
    first = create_instance(tmp_path)
    (first.app_folder / "databases" / "storage.db").write_text("data")

    create_instance(tmp_path)

    assert (first.app_folder / "databases" / "storage.db").read_text() == "data"


def test_removing_an_instance_leaves_the_checkout(tmp_path):
    instance = create_instance(tmp_path / "w")

    instance.remove()

    assert not instance.folder.exists()
    assert (CHECKOUT / "models" / "00_db.py").exists()


def test_the_real_instance_is_the_checkout_and_its_config_is_made_once(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    (checkout / "models").mkdir(parents=True)
    monkeypatch.setattr("launcher.instance.CHECKOUT", checkout)

    instance = open_instance(checkout / ".web2py", base_template="DRMP")
    instance.config.write_text("# edited")
    open_instance(checkout / ".web2py", base_template="default")

    assert (checkout / "models" / "000_config.py").read_text() == "# edited"
    assert instance.app_folder.resolve() == checkout


@pytest.mark.parametrize("name", ["databases", "sessions", "errors"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, monkeypatch, name):
    checkout = tmp_path / "checkout"
    (checkout / "models").mkdir(parents=True)
    (checkout / name).touch()
    monkeypatch.setattr("launcher.instance.CHECKOUT", checkout)

    with pytest.raises(LauncherError, match=f"{name} is not a folder: move it away"):
        open_instance(checkout / ".web2py")


def test_web2py_accepts_the_folder(tmp_path):
    instance = create_instance(tmp_path)
    script = (
        "import sys; from pathlib import Path; from launcher.instance import Instance; Instance(Path(sys.argv[1]), 'eden').enter();"
        "import gluon.main; print(gluon.main.web2py_path)"
    )

    result = subprocess.run([sys.executable, "-c", script, tmp_path], env=child_variables(), capture_output=True, text=True, check=True)

    assert result.stdout.strip() == str(tmp_path) == str(instance.folder)


def test_entering_sets_the_folder_before_gluon_is_imported(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "gluon", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("web2py_path", "elsewhere")

    Instance(tmp_path, "eden").enter()

    assert os.environ["web2py_path"] == str(tmp_path)
    assert sys.path[0] == str(tmp_path)
