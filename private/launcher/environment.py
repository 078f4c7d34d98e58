"""The virtual environments: made once, brought in step with the requirements, and never touched while these do not change."""
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import LauncherError
from launcher.instance import CHECKOUT

__all__ = ("Environment", "check_web2py", "choose_environment", "prepare")

#: The web2py folder and whatever else the launcher makes for itself
WORK_FOLDER = CHECKOUT / ".web2py"
STAMP = "requirements.sha256"
DEV_STAMP = "requirements-dev.sha256"

#: What pip says when it has not reached its index
NO_NETWORK = re.compile(
    r"No matching distribution|Could not find a version|NewConnectionError|Connection refused|Temporary failure|ConnectTimeout|"
    r"Name or service not known|ProxyError|Max retries"
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the web2py that is used from it."""

    folder: Path
    requirements: Path
    #: Folder of a web2py checkout; None: the environment has pip's
    web2py: Path | None = None

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def is_active(self) -> bool:
        return Path(sys.prefix).resolve() == self.folder.resolve()

    def variables(self) -> dict[str, str]:
        """Give the process environment in which the environment's Python finds web2py."""
        variables = dict(os.environ)
        variables.pop("PYTHONHOME", None)
        if self.web2py:
            paths = [str(self.web2py), *filter(None, [os.environ.get("PYTHONPATH")])]
            variables.update(
                WEB2PY_PATH=str(self.web2py),
                PYTHONPATH=os.pathsep.join(paths),
                # nothing is written into somebody's checkout, not even byte code
                PYTHONPYCACHEPREFIX=str(WORK_FOLDER / "pycache"),
            )
        return variables


def choose_environment(web2py: str | None) -> Environment:
    """Give the environment for a web2py checkout, or for pip's web2py. Nothing is made yet.

    Raises:
        LauncherError: `web2py` is not a checkout we can work with
    """
    if not web2py:
        return Environment(CHECKOUT / ".venv", CHECKOUT / "requirements-embedded.txt")
    checkout = check_web2py(Path(web2py))
    name = hashlib.sha256(str(checkout).encode()).hexdigest()[:8]
    return Environment(WORK_FOLDER / f"venv-{name}", CHECKOUT / "requirements-web2py.txt", checkout)


def check_web2py(path: Path) -> Path:
    """Give the absolute path of a web2py checkout of version 3.3 or later.

    Raises:
        LauncherError: it is none
    """
    checkout = path.expanduser().resolve()
    if not (checkout / "gluon" / "main.py").is_file():
        raise LauncherError(f"{checkout} is not a web2py checkout: it has no gluon/main.py (--web2py or WEB2PY_PATH).")
    version_file = checkout / "gluon" / "version.py"
    source = version_file.read_text() if version_file.is_file() else ""
    version = re.search(r"(\d+)\.(\d+)", source)
    if version is None or (int(version[1]), int(version[2])) < (3, 3):
        raise LauncherError(f"The web2py in {checkout} is too old: 3.3 or later is needed (--web2py or WEB2PY_PATH).")
    return checkout


def prepare(environment: Environment, *, dev: bool = False) -> None:
    """Make the environment, or bring it in step with the requirements; says what it does, does nothing when all is there.

    Args:
        dev: with what the tests and checks need

    Raises:
        LauncherError: no venv module, no network
    """
    if _is_current(environment, dev):
        return
    WORK_FOLDER.mkdir(exist_ok=True)
    with _lock(WORK_FOLDER / "environment.lock"):
        if not _works(environment):
            _make(environment)
        if not _has_stamp(environment, STAMP, [environment.requirements]):
            _install(environment, STAMP, [environment.requirements])
        if dev and not _has_stamp(environment, DEV_STAMP, _dev_requirements(environment)):
            _install(environment, DEV_STAMP, _dev_requirements(environment))


def _is_current(environment: Environment, dev: bool) -> bool:
    return (
        environment.python.exists()
        and _has_stamp(environment, STAMP, [environment.requirements])
        and (not dev or _has_stamp(environment, DEV_STAMP, _dev_requirements(environment)))
    )


def _dev_requirements(environment: Environment) -> list[Path]:
    return [environment.requirements, CHECKOUT / "requirements-dev.txt"]


def _works(environment: Environment) -> bool:
    """Does its Python start? Not after the system's Python, which it links to, has been replaced by another version."""
    try:
        return subprocess.run([environment.python, "-c", "import pip"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make(environment: Environment) -> None:
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise LauncherError(f"Python's module {module} is missing, install it first (Debian, Ubuntu: apt install python3-venv).")
    print(f"Making {_relative(environment.folder)} with Python {sys.version.split()[0]} (once) ...", flush=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    result = subprocess.run([sys.executable, "-m", "venv", environment.folder], capture_output=True, text=True, check=False)
    if result.returncode:
        shutil.rmtree(environment.folder, ignore_errors=True)
        raise LauncherError(f"The virtual environment {environment.folder} cannot be made: {_last_line(result.stdout + result.stderr)}")


def _install(environment: Environment, stamp: str, requirements: Sequence[Path]) -> None:
    print(f"Installing {', '.join(path.name for path in requirements)} into {_relative(environment.folder)} (once) ...", flush=True)
    command = [str(environment.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    for path in requirements:
        command += ["-r", str(path)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=CHECKOUT) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line)
            if line.startswith(("Collecting ", "Installing ")):
                print("  " + line.partition(" (from ")[0].rstrip(), flush=True)
    if pip.returncode:
        raise LauncherError(_explain(lines))
    (environment.folder / stamp).write_text(_fingerprint(requirements))


def _explain(lines: Sequence[str]) -> str:
    errors = [line for line in lines if line.startswith("ERROR:")] or list(lines)
    reason = _last_line("".join(errors)).removeprefix("ERROR: ")
    if NO_NETWORK.search("".join(lines)):
        return f"pip cannot fetch what is needed, is there a network connection? It says: {reason}"
    return f"pip cannot install what is needed: {reason}"


def _has_stamp(environment: Environment, stamp: str, requirements: Sequence[Path]) -> bool:
    try:
        return (environment.folder / stamp).read_text() == _fingerprint(requirements)
    except OSError:
        return False


def _fingerprint(requirements: Sequence[Path]) -> str:
    """Changes with the content of the requirement files, the common one included, and with nothing else."""
    digest = hashlib.sha256()
    for path in (CHECKOUT / "requirements.txt", *requirements):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Two launchers which start together make the environment once."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _relative(path: Path) -> str:
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it does not say why."
