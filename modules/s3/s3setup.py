"""Set-up of a database: its tables, indexes, roles, periodic tasks and first data, once per version of the schema.

A request must not pay for this: what is up to date is a fact of the process, looked up in one dictionary. The work
itself runs under a lock, so that a web server and a worker which start together, on one host or several, do it once.
What is to be done the database itself says: the folder of the application may be new, or from before another host's work.
"""
from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gluon import current
from pydal.contrib import portalocker
from pydal.migrator import Migrator

from s3 import s3changes
from s3.s3aaa import AuthS3
from s3.s3error import S3ConfigError
from s3.s3import import prepopulate
from s3.s3model import S3Model
from s3.s3task import S3Task
from s3.s3utils import import_module
from s3dal import DAL, Table

__all__ = ("connect", "first_run", "worker_start")

# Seconds that a writer of SQLite waits for another one
SQLITE_SECONDS = 20

# The advisory lock of PostgreSQL that all hosts of a database agree on: "s3setup" in ASCII
LOCK_KEY = 0x73337365747570

URI_FORMS = "sqlite://storage.db or postgres://user:password@host:port/database"

SCHEMA = "schema"
FIRST_RUN = "first_run"

# What this process has seen to be done: {(database folder, uri, step): fingerprint}. A fact about the database that
# only changes with new code, and new code is a new process.
_done: dict[tuple[str, str, str], str] = {}
_fingerprint: str | None = None


# -- connecting --------------------------------------------------------------------------------------------------------
def connect(folder: str) -> DAL:
    """Connect this request to the database of the deployment, with all tables in place.

    Args:
        folder: of the application

    Side effects:
        creates or migrates the tables first, unless that is done or ``settings.base.migrate`` is off

    Raises:
        S3ConfigError: there is no such database, or it refuses us; the message holds no password
    """
    settings = current.deployment_settings
    uri = settings.get_database_uri()
    if "://" not in str(uri):
        raise S3ConfigError(f"Setting database.uri is {safe_uri(str(uri))!r}: it must be {URI_FORMS}")
    databases = os.path.join(folder, "databases")
    if settings.get_base_migrate() and not _is_done(databases, uri, SCHEMA):
        _create_schema(databases, uri)
    return _open(databases, uri, pool_size=_pool_size())


def _pool_size() -> int:
    # A scheduler task is a forked process: it must not find its parent's connections in a pool
    return 0 if current.request.is_scheduler else current.deployment_settings.get_database_pool_size()


def _open(databases: str, uri: str, *, migrate: bool = False, pool_size: int = 0) -> DAL:
    try:
        return DAL(
            uri,
            folder=databases,
            pool_size=pool_size,
            migrate_enabled=migrate,
            migrate=migrate,
            attempts=1,
            check_reserved=None,
            # else pydal creates "L1" as "l1" and then asks PostgreSQL, which knows the difference, for "L1"
            ignore_field_case=False,
            # readers of SQLite do not wait for a writer (_create_schema), but a writer does for another one
            driver_args={"timeout": SQLITE_SECONDS} if uri.startswith("sqlite") else None,
            adapter_args={"migrator": _Migrator},
        )
    except Exception as exc:  # pydal raises bare RuntimeError and SyntaxError around whatever the driver said
        raise S3ConfigError(f"Cannot connect to the database {safe_uri(uri)}: {_reason(exc, uri)}", uri=safe_uri(uri)) from exc


def safe_uri(uri: str) -> str:
    """The URI without its password, for people and logs."""
    return re.sub(r"(\w+:/+[^:/@]*)?:.*@", r"\1:***@", uri)


def _reason(exc: Exception, uri: str) -> str:
    """What the driver said, in one line: pydal hands it on at the end of a traceback, whose other lines are indented."""
    if uri.count("@") > 1:
        return 'a password with "@" is not possible'  # what follows it would be quoted as the name of the host
    lines = [line for line in str(exc).replace("\\n", "\n").splitlines() if line.strip() and not line[0].isspace()]
    if not lines:
        return type(exc).__name__
    return safe_uri(lines[-1] if "Traceback" in str(exc) else lines[0])


# -- schema ------------------------------------------------------------------------------------------------------------
def _create_schema(databases: str, uri: str) -> None:
    """Bring the tables up to date, whoever made them, and let the first run look again."""
    try:
        os.makedirs(databases, exist_ok=True)
        with _lock(databases, uri):
            if _is_done(databases, uri, SCHEMA):
                return
            _unmark(databases, uri, FIRST_RUN)
            _migrate(databases, uri)
            _mark(databases, uri, SCHEMA)
    except OSError as exc:
        raise S3ConfigError(f"Cannot set up the folder {databases}: {exc}") from exc


def _migrate(databases: str, uri: str) -> None:
    db = _open(databases, uri, migrate=True)
    s3 = current.response.s3
    before = dict(s3)
    try:
        with _driver_errors(db, uri):
            _define_and_index(db)
    finally:
        db.close()
        # what models have left here is bound to that connection, such as the validators of reusable fields
        s3.clear()
        s3.update(before)


def _define_and_index(db: DAL) -> None:
    try:
        _define_everything(db)
        for statement in _index_statements():
            db.executesql(statement)
        if db._dbname == "sqlite":
            db.commit()  # SQLite changes the mode, which stays with the file, outside of transactions only
            db.executesql("PRAGMA journal_mode=WAL;")
        db.commit()  # the tables must be there for every other process before the mark says so
    except BaseException:
        with suppress(db._adapter.driver.Error):  # the connection itself may be what is broken
            db.rollback()
        raise


@contextmanager
def _driver_errors(db: DAL, uri: str) -> Iterator[None]:
    """Whatever the database says against its set-up is for the one who runs it, and no error of the program."""
    try:
        yield
    except db._adapter.driver.Error as exc:
        raise S3ConfigError(f"Cannot set up the database {safe_uri(uri)}: {_reason(exc, uri)}", uri=safe_uri(uri)) from exc


class _Migrator(Migrator):
    """Creates the tables and adds the columns that the database lacks, and does nothing else to it.

    pydal compares the models with its notes in databases/, which are wrong as soon as another host or a restored dump has
    changed the database; then it creates what is there already, or not what is missing. Here the notes are what the
    database says, and are never written. Columns that no model knows stay, and no column changes its type.
    """

    def create_table(self, table: Table, *args: Any, **options: Any) -> Any:
        self._columns = _columns_of(self.db, table._raw_rname)
        return super().create_table(table, *args, **options)

    def migrate_table(self, table: Table, sql_fields: dict[str, Any], notes: dict[str, Any], *args: Any, **options: Any) -> None:
        existing = {name: field for name, field in sql_fields.items() if _spelled(self.db, field["raw_rname"]) in self._columns}
        super().migrate_table(table, sql_fields, existing, *args, **options)

    def file_exists(self, filename: str) -> bool:
        return bool(self._columns)

    def file_open(self, filename: str, mode: str = "rb", lock: bool = True) -> Any:
        if filename.endswith(".table"):
            return io.BytesIO(pickle.dumps({}))
        return super().file_open(filename, mode, lock)  # sql.log, the diary of all statements


def _columns_of(db: DAL, tablename: str) -> set[str]:
    """The columns that the table really has; none when there is no such table where it would be created."""
    if db._dbname == "sqlite":
        sql = "SELECT name FROM pragma_table_info(?)"
    else:
        sql = """SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = current_schema() AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped"""
    return {_spelled(db, name) for (name,) in db.executesql(sql, placeholders=[tablename])}


def _spelled(db: DAL, name: str) -> str:
    """A column's name as the database compares it: SQLite does not know "L1" from "l1"."""
    return name.lower() if db._dbname == "sqlite" else name


def _define_everything(db: DAL) -> None:
    """Define every table of the application on a connection that migrates."""
    current.db = db
    current.auth = auth = AuthS3()
    auth.define_tables(complete=True)
    s3changes.define_tables(db)
    s3changes.define_sweeps(db)
    current.s3db = s3db = S3Model()
    s3db.load_all_models()
    current.s3task = S3Task()
    current.s3task.define_tables(migrate=True)


def _index_statements() -> list[str]:
    """SQL of all indexes: those of the change log, ``modified_on`` of watched tables, and config key ``indexes``."""
    statements = s3changes.index_statements()
    s3db, db = current.s3db, current.db
    for tablename in db.tables:
        fields = list(s3db.get_config(tablename, "indexes", ()))
        if s3changes.is_watched(db[tablename]):
            fields.append("modified_on")
        for names in fields:
            columns = (names,) if isinstance(names, str) else tuple(names)
            statements.append(f"CREATE INDEX IF NOT EXISTS {tablename}_{'_'.join(columns)}_idx ON {tablename} ({', '.join(columns)})")
    return statements


# -- first run ---------------------------------------------------------------------------------------------------------
def first_run(folder: str) -> None:
    """Create system roles, periodic tasks and the first data of the deployment templates, once per schema version.

    To be called at the end of the models, when everything is wired. Commits each step.
    """
    settings = current.deployment_settings
    uri = settings.get_database_uri()
    databases = os.path.join(folder, "databases")
    if _is_done(databases, uri, FIRST_RUN):
        return
    current.db.commit()  # or what the models have read blocks another process, which has the lock, in altering tables
    with _lock(databases, uri):
        if _is_done(databases, uri, FIRST_RUN):
            return
        try:
            _fill()
        except BaseException:
            current.db.rollback()
            raise
        _mark(databases, uri, FIRST_RUN)


def _fill() -> None:
    db, auth, settings = current.db, current.auth, current.deployment_settings
    auth.override = True
    try:
        is_new = db(auth.table("auth_group")).isempty()
        auth.create_system_roles()
        if is_new and settings.get_base_prepopulate():
            _load_template_data()
        db.commit()  # all or nothing: roles without the data would look like an old database the next time
        current.s3task.sync_periodic()
        db.commit()  # the worker's ticker must see the tasks
    finally:
        auth.override = False


def _load_template_data() -> None:
    prepopulate()
    settings = current.deployment_settings
    wanted = settings.get_base_prepopulate()
    for name in settings.get_template_names():
        if wanted is not True and name not in ([wanted] if isinstance(wanted, str) else wanted):
            continue
        demo = import_module(f"templates.{name}.demo")
        if demo is not None:
            demo.load()


def worker_start() -> None:
    """Bring the periodic tasks in step with the settings, at every start of a worker (P22). Commits."""
    current.s3task.sync_periodic()
    current.db.commit()  # the ticker, possibly on another host, must see them


# -- marks -------------------------------------------------------------------------------------------------------------
def fingerprint() -> str:
    """Changes whenever the code that declares tables or first data changes; computed once per process."""
    global _fingerprint
    if _fingerprint is None:
        digest = hashlib.sha256()
        modules = Path(__file__).resolve().parents[1]
        for path in sorted(modules.glob("**/*.py")):
            digest.update(str(path.relative_to(modules)).encode())
            digest.update(path.read_bytes())
        _fingerprint = digest.hexdigest()[:16]
    return _fingerprint


def _mark_file(databases: str, uri: str, step: str) -> Path:
    name = hashlib.sha256(uri.encode()).hexdigest()[:12]
    return Path(databases) / f"s3_{step}_{name}.json"


def _value(step: str) -> str:
    settings = current.deployment_settings
    if step == FIRST_RUN:
        return f"{fingerprint()}:{','.join(settings.get_template_names())}"
    # the settings of a machine are no code: a module that is enabled there needs its tables, too
    return f"{fingerprint()}:{','.join(sorted([*settings.modules, *settings.get_base_custom_models()]))}"


def _is_done(databases: str, uri: str, step: str) -> bool:
    key = (databases, uri, step)
    value = _value(step)
    if _done.get(key) == value:
        return True
    if not _has_mark(databases, uri, step) or (step == SCHEMA and _is_empty(databases, uri)):
        return False
    _done[key] = value
    return True


def _has_mark(databases: str, uri: str, step: str) -> bool:
    try:
        return bool(json.loads(_mark_file(databases, uri, step).read_text()).get("fingerprint") == _value(step))
    except (OSError, ValueError):
        return False


def _is_empty(databases: str, uri: str) -> bool:
    """Does the mark speak of a database that was deleted since? Asked once per process."""
    db = _open(databases, uri)
    try:
        with _driver_errors(db, uri):
            return not _columns_of(db, "auth_user")
    finally:
        db.close()


def _mark(databases: str, uri: str, step: str) -> None:
    path = _mark_file(databases, uri, step)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"fingerprint": _value(step), "database": safe_uri(uri)}))
    os.replace(temporary, path)
    _done[(databases, uri, step)] = _value(step)


def _unmark(databases: str, uri: str, step: str) -> None:
    _mark_file(databases, uri, step).unlink(missing_ok=True)
    _done.pop((databases, uri, step), None)


# -- locks -------------------------------------------------------------------------------------------------------------
@contextmanager
def _lock(databases: str, uri: str) -> Iterator[None]:
    """One process at a time on all hosts; system and server lift the lock of a process that dies."""
    with _file_lock(databases), _database_lock(databases, uri):
        yield


@contextmanager
def _file_lock(databases: str) -> Iterator[None]:
    with open(os.path.join(databases, "s3_setup.lock"), "a") as lock:
        portalocker.lock(lock, portalocker.LOCK_EX)
        try:
            yield
        finally:
            portalocker.unlock(lock)


@contextmanager
def _database_lock(databases: str, uri: str) -> Iterator[None]:
    """Among the hosts of a PostgreSQL; a file of SQLite has but one."""
    if not uri.startswith("postgres"):
        yield
        return
    db = _open(databases, uri)
    try:
        with _driver_errors(db, uri):
            db.executesql(f"SELECT pg_advisory_lock({LOCK_KEY})")
            db.commit()  # the lock belongs to the session: no transaction may stay open as long as others work
        yield
    finally:
        db.close()  # the end of the session is the end of the lock
