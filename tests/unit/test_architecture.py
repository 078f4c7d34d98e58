"""The architecture is checked like code: layers, wiring, closed lists, and documents that cannot rot."""
from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "modules"

#: Set by web2py itself, not by us
OF_WEB2PY = {"request", "response", "session", "T", "cache", "W2P_TASK", "_scheduler"}


def python_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_imports_point_downward_only():
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT, env={"PYTHONPATH": "modules", "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr


def code_at_import_time(tree: ast.Module) -> list[ast.AST]:
    """Every node that runs when the module is imported: all but the bodies of functions."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        found.append(node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, *node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        elif isinstance(node, ast.Lambda):
            continue
        else:
            pending += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("path", python_files("modules"), ids=lambda path: str(path.relative_to(MODULES)))
def test_nothing_is_taken_from_current_at_import_time(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    uses = [
        node.lineno
        for node in code_at_import_time(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "current"
    ]

    assert uses == []


@pytest.mark.parametrize("path", python_files("modules"), ids=lambda path: str(path.relative_to(MODULES)))
def test_nobody_imports_through_the_applications_package(path):
    imported = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported.append(node.module or "")

    assert [name for name in imported if name.split(".")[0] == "applications"] == []


@pytest.mark.parametrize("path", [path for path in python_files("models") if path.name != "000_config.py"], ids=lambda path: path.name)
def test_models_hold_wiring_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    definitions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]

    if path.name == "tasks.py":
        definitions = [node for node in definitions if isinstance(node, ast.ClassDef)]
    assert [node.name for node in definitions] == []


def attributes_set_on_current() -> set[str]:
    names = set()
    for path in [*python_files("modules"), *python_files("models")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            names |= {
                target.attr
                for target in targets
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "current"
            }
    return names


def test_current_is_a_closed_list_and_documented():
    documented = set(re.findall(r"^\| `current\.(\w+)`", document("docs/current.md"), re.M))
    listed = ARCHITECTURE_LIST = section("ARCHITECTURE.md", "## 5.")

    assert attributes_set_on_current() <= documented | OF_WEB2PY
    assert {name for name in documented if name not in listed} == set(), ARCHITECTURE_LIST


def section(name: str, heading: str) -> str:
    text = document(name)
    start = text.index(heading)
    return text[start : text.index("\n## ", start + 1)]


def test_every_setting_is_documented(web2py_folder):
    from s3cfg import SETTINGS

    text = document("docs/settings.md")

    assert [setting.name for setting in SETTINGS if f"`{setting.name}`" not in text] == []


def test_every_setting_is_read_by_somebody(web2py_folder):
    """A setting that nothing reads would promise what it does not do."""
    from s3cfg import S3Config

    folders = ("modules", "models", "controllers", "views", "private")
    files = [path for folder in folders for suffix in ("py", "html") for path in (ROOT / folder).rglob(f"*.{suffix}")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    getters = {name for name in dir(S3Config) if hasattr(getattr(S3Config, name), "setting")}

    assert sorted(name for name in getters if not re.search(rf"\.{name}\b", source)) == []


@pytest.mark.parametrize("name", ["docs/deviations.md", "docs/security.md"])
def test_every_test_that_a_document_names_exists(name):
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", document(name))

    assert named
    assert [f"{path}::{name}" for path, name in named if f"def {name}(" not in document(path)] == []


def test_no_document_names_a_setting_that_does_not_exist(web2py_folder):
    from s3cfg import SETTINGS

    known = {setting.name for setting in SETTINGS}

    assert set(re.findall(r"^\| `([\w.]+)`", document("docs/settings.md"), re.M)) - known == set()


def test_every_notify_config_key_is_documented():
    text = document("docs/notifications.md")
    used = set()
    for path in python_files("modules/s3"):
        used |= set(re.findall(r'get_config\(\s*"(notify_\w+)"', path.read_text(encoding="utf-8")))
        used |= set(re.findall(r'list_fields\("(notify_\w+)"', path.read_text(encoding="utf-8")))

    assert used
    assert {key for key in used if f"`{key}`" not in text} == set()


def test_every_operator_of_url_queries_is_documented(web2py_folder):
    from s3.s3query.operators import OPERATORS

    text = document("docs/notifications.md")

    assert [key for key in OPERATORS if f"`{key}`" not in text] == []


def test_every_path_in_the_architecture_exists():
    text = section("ARCHITECTURE.md", "## 3.")
    tree = text[text.index("```") + 3 : text.rindex("```")]
    missing = []
    folders: list[tuple[int, str]] = []
    for line in tree.splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        names = re.match(r"([\w./-]+(?: [\w./-]+)*?)(?:\s{2,}|$)", line.strip())
        if names is None:
            continue
        folders = [folder for folder in folders if folder[0] < indent]
        base = ROOT.joinpath(*(folder for _, folder in folders))
        for name in names[1].split():
            if not re.search(r"[/.]", name):
                continue
            if name.endswith("/"):
                folders.append((indent, name))
            if not (base / name).exists() and name != "models/000_config.py":
                missing.append(str((base / name).relative_to(ROOT)))

    assert missing == []
