"""Imports through web2py's own importer, which looks in the application as well."""
import sys

import pytest

from s3.s3utils import import_module


@pytest.fixture
def package(app, tmp_path, monkeypatch):
    """A package with a sound module and faulty ones, in a request."""
    folder = tmp_path / "importable"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "sound.py").write_text("VALUE = 5")
    (folder / "lacking.py").write_text("import importable_lacks_this")
    (folder / "misnaming.py").write_text("from importable.sound import nothing")
    (folder / "failing.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with app.env():
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "importable"]:
        del sys.modules[name]


def test_a_module_is_found(package):
    assert import_module("importable.sound").VALUE == 5
    assert import_module("s3db.pr").__name__ == "s3db.pr"


@pytest.mark.parametrize("name", ["importable.nothing", "nothing_at_all", "nothing_at_all.inner", "s3db.nothing"])
def test_a_missing_module_is_none(package, name):
    assert import_module(name) is None


@pytest.mark.parametrize(
    ("name", "error"),
    [("importable.lacking", ImportError), ("importable.misnaming", ImportError), ("importable.failing", ZeroDivisionError)],
)
def test_a_fault_inside_a_module_is_raised(package, name, error):
    with pytest.raises(error):
        import_module(name)
