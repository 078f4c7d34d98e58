"""The set-up of a database, whoever worked on it before: another host, an older version, another process right now."""
from __future__ import annotations

import base64
import contextlib
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import App

from launcher.instance import create_instance
from launcher.postgres import PostgresServer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120
_numbers = itertools.count(1)

# What a web server or worker process does at its first request, as soon as it is told to
PROCESS = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from launcher.instance import Instance
instance = Instance(Path(sys.argv[1]), sys.argv[2])
instance.enter()
from gluon.shell import env
import s3
print("ready", flush=True)
sys.stdin.readline()
env(instance.app, import_models=True, c="default", f="index", dir=str(instance.app_folder), extra_request={"is_shell": True})
"""


class Database:
    """An empty database, and the hosts which use it: each with its own folder of the application."""

    def __init__(self, web2py_folder: Path, kind: str, uri: str) -> None:
        self.web2py_folder = web2py_folder
        self.kind = kind
        self.uri = uri

    def host(self, template: str = "default") -> App:
        instance = create_instance(self.web2py_folder, app=f"host_{next(_numbers)}", database_uri=self.uri, template=template)
        return App(instance.app_folder, instance.app, self.kind)

    def execute(self, *statements: str) -> list[Any]:
        """Run SQL past the application; gives the rows of the last statement."""
        with contextlib.closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
        return list(rows)

    def connect(self) -> Any:
        if self.kind == "sqlite":
            import sqlite3

            return sqlite3.connect(self.uri.split("://", 1)[1])
        import psycopg2

        return psycopg2.connect("postgresql://" + self.uri.split("://", 1)[1])

    def has_table(self, name: str) -> bool:
        catalog = "sqlite_master WHERE name" if self.kind == "sqlite" else "pg_tables WHERE tablename"
        return bool(self.execute(f"SELECT 1 FROM {catalog} = '{name}'"))


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest, web2py_folder: Path, tmp_path: Path) -> Database:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_database")
    return Database(web2py_folder, "sqlite", f"sqlite://{tmp_path}/storage.db")


@pytest.fixture
def postgres_database(web2py_folder: Path, postgres: PostgresServer) -> Database:
    server = Database(web2py_folder, "postgresql", postgres.uri)
    name = f"setup_{next(_numbers)}"
    with contextlib.closing(server.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return Database(web2py_folder, "postgresql", postgres.uri.rpartition("/")[0] + "/" + name)


def set_up(host: App) -> None:
    """What the first request of a process does."""
    with host.env():
        pass


def make_old(database: Database) -> None:
    """Let the database be of an older version, which knew neither two of the tables nor a column, and has data."""
    database.execute(
        "DROP TABLE s3_change_sweep",
        "DROP TABLE scheduler_task_deps",
        "ALTER TABLE cms_tag RENAME COLUMN comments TO remarks",
        "INSERT INTO cms_tag (name, remarks) VALUES ('Flood', 'Of water')",
    )


def take_old_notes(host: App, database: Database) -> None:
    """Let pydal have noted in this host's folder how an older version saw the tables."""
    from pydal import DAL, Field

    db = DAL(database.uri, folder=str(host.folder / "databases"), fake_migrate_all=True)
    db.define_table("auth_user", Field("email"))
    db.define_table("cms_series", Field("title", "text"))
    db.define_table("cms_tag", Field("name", length=255, notnull=True), Field("remarks", "text"))
    db.define_table("scheduler_task", Field("task_name"))
    db.close()


def test_host_with_a_new_folder_completes_an_old_database(database: Database) -> None:
    set_up(database.host())
    make_old(database)

    set_up(database.host())

    assert database.has_table("s3_change_sweep")
    assert database.has_table("scheduler_task_deps")
    assert database.execute("SELECT name, remarks, comments FROM cms_tag") == [("Flood", "Of water", None)]


def test_host_whose_notes_are_older_than_the_database_starts(database: Database) -> None:
    set_up(database.host())
    second = database.host()
    take_old_notes(second, database)

    response = second.request("/default/index")

    assert response.status == 200


def test_host_whose_notes_are_newer_than_the_database_completes_it(database: Database) -> None:
    first = database.host()
    set_up(first)
    make_old(database)
    _forget_what_is_done(first)

    set_up(first)

    assert database.has_table("s3_change_sweep")
    assert database.execute("SELECT name, remarks, comments FROM cms_tag") == [("Flood", "Of water", None)]


def test_column_that_no_model_knows_stays(database: Database) -> None:
    set_up(database.host())
    make_old(database)
    second = database.host()
    # pydal would drop a column that its notes have and the model has not
    take_old_notes(second, database)

    set_up(second)

    assert database.execute("SELECT remarks FROM cms_tag") == [("Of water",)]


def test_column_keeps_its_type(database: Database) -> None:
    set_up(database.host())
    database.execute("ALTER TABLE cms_tag RENAME COLUMN name TO old_name", "ALTER TABLE cms_tag ADD COLUMN name TEXT",
                     f"INSERT INTO cms_tag (name, old_name) VALUES ('{'x' * 1000}', 'x')")  # fmt: skip
    second = database.host()
    take_old_notes(second, database)

    set_up(second)

    assert database.execute("SELECT name FROM cms_tag") == [("x" * 1000,)]


def test_processes_that_start_together_set_up_once(database: Database) -> None:
    # several processes of one host for SQLite, several hosts for PostgreSQL
    hosts = [database.host("DRMP")] * 3 if database.kind == "sqlite" else [database.host("DRMP") for _ in range(3)]
    processes = [_start_process(host) for host in hosts]

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=SECONDS)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], errors
    for table, column in (("auth_group", "uuid"), ("auth_user", "email"), ("cms_series", "name"), ("scheduler_task", "task_name || args")):
        values = [value for (value,) in database.execute(f"SELECT {column} FROM {table}")]
        assert values
        assert len(values) == len(set(values)), table


def test_process_that_waits_for_the_first_run_of_another_host_does_not_block_its_tables(postgres_database: Database) -> None:
    from s3 import s3setup

    host = postgres_database.host("DRMP")
    set_up(host)
    for mark in (host.folder / "databases").glob("s3_first_run_*.json"):
        mark.unlink()
    _restart()
    with contextlib.closing(postgres_database.connect()) as other_host:
        other_host.cursor().execute(f"SELECT pg_advisory_lock({s3setup.LOCK_KEY})")
        waiting = threading.Thread(target=host.request, args=("/default/index",), kwargs={"headers": _login_of_a_demo_user()})
        waiting.start()
        _wait_for(lambda: postgres_database.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))

        blocked = postgres_database.execute(
            "SELECT DISTINCT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE relname LIKE 'auth_%'")

    waiting.join(SECONDS)
    assert not waiting.is_alive()
    assert blocked == []


def test_database_that_was_deleted_is_set_up_again(database: Database) -> None:
    host = database.host("DRMP")
    set_up(host)
    if database.kind == "sqlite":
        Path(database.uri.split("://", 1)[1]).unlink()
    else:
        database.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    _restart()

    response = host.request("/default/index")

    assert response.status == 200
    assert database.execute("SELECT count(*) FROM cms_series") > [(0,)]


def test_error_of_the_database_is_a_sentence_and_lifts_the_lock(database: Database) -> None:
    database.execute("CREATE TABLE s3_change (id INTEGER PRIMARY KEY)", "INSERT INTO s3_change (id) VALUES (1)")
    host = database.host()

    failed = host.request("/default/index")
    database.execute("DROP TABLE s3_change")
    repaired = host.request("/default/index")

    assert (failed.status, repaired.status) == (503, 200)
    assert failed.text.startswith("Cannot set up the database ")
    assert len(failed.text.splitlines()) == 1
    assert "postgres:postgres@" not in failed.text


@pytest.mark.parametrize("uri", [
    "postgres://bob:geheim@127.0.0.1:1/eden",  # nobody listens
    "postgres://bob:geheim@127.0.0.1:port/eden",
    "postgres://bob:geheim@127.0.0.1",
    "postgres://bob:g@heim@127.0.0.1:1/eden",
    "postgres:/bob:geheim@127.0.0.1/eden",
    "bob:geheim@127.0.0.1/eden",
    "unknown://bob:geheim@127.0.0.1/eden",
    "eden",
    None,
])  # fmt: skip
def test_wrong_uri_is_a_sentence_without_password(web2py_folder: Path, uri: str | None) -> None:
    host = Database(web2py_folder, "postgresql", uri).host()  # type: ignore[arg-type]

    response = host.request("/default/index")

    assert response.status == 503
    assert "database" in response.text
    assert "heim" not in response.text
    assert len(response.text.splitlines()) == 1


def test_missing_database_is_a_sentence_without_password(web2py_folder: Path, postgres: PostgresServer) -> None:
    head, _, tail = postgres.uri.partition("@")
    uri = f"{head.rpartition(':')[0]}:geheim@{tail.rpartition('/')[0]}/no_such_database"

    response = Database(web2py_folder, "postgresql", uri).host().request("/default/index")

    assert response.status == 503
    assert "geheim" not in response.text


def test_folder_that_cannot_be_written_is_a_sentence(database: Database) -> None:
    host = database.host()
    databases = host.folder / "databases"
    databases.rmdir()
    databases.write_text("")

    response = host.request("/default/index")

    assert response.status == 503
    assert str(databases) in response.text


def test_request_after_the_first_looks_into_no_file(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from s3 import s3setup

    host = database.host()
    set_up(host)
    monkeypatch.setattr(s3setup, "_has_mark", lambda *arguments: pytest.fail("the mark was looked up again"))

    response = host.request("/default/index")

    assert response.status == 200


def _start_process(host: App) -> Any:
    """A process of this host, which is about to execute the models."""
    command = [sys.executable, "-c", PROCESS, str(host.folder.parents[1]), host.name, str(ROOT / "private"), str(ROOT / "modules")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def _login_of_a_demo_user() -> dict[str, str]:
    from templates.DRMP.demo import DEMO_PASSWORD, DEMO_USERS

    user = next(iter(DEMO_USERS.values()))
    return {"Authorization": "Basic " + base64.b64encode(f"{user.email}:{DEMO_PASSWORD}".encode()).decode()}


def _wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _restart() -> None:
    """Forget what this process knows of its databases, as a new process would not know it."""
    from s3 import s3setup

    s3setup._done.clear()


def _forget_what_is_done(host: App) -> None:
    """Let the code be new to this host."""
    for mark in (host.folder / "databases").glob("s3_*.json"):
        mark.unlink()
    _restart()
