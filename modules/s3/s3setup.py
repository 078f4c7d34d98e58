"""Set-up of a database: its tables, indexes, roles, periodic tasks and first data, once per version of the schema.

A request must not pay for this: what is up to date is a fact of the process, looked up in one dictionary. The work
itself runs under a lock, so that a web server and a worker which start together do it once.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gluon import current
from pydal.contrib import portalocker

from s3 import s3changes
from s3.s3aaa import AuthS3
from s3.s3error import S3ConfigError
from s3.s3model import S3Model
from s3.s3task import S3Task
from s3.s3utils import import_module
from s3dal import DAL

__all__ = ("connect", "first_run", "worker_start")

# Seconds that a writer of SQLite waits for another one
SQLITE_SECONDS = 20

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
    databases = os.path.join(folder, "databases")
    if settings.get_base_migrate() and not _is_done(databases, uri, SCHEMA):
        _create_schema(databases, uri)
    return _open(databases, uri, migrate=False)


def _open(databases: str, uri: str, *, migrate: bool, fake: bool = False) -> DAL:
    # A scheduler task is a forked process: it must not find its parent's connections in a pool
    pool_size = 0 if current.request.is_scheduler or migrate else current.deployment_settings.get_database_pool_size()
    try:
        return DAL(
            uri,
            folder=databases,
            pool_size=pool_size,
            migrate_enabled=migrate,
            migrate=migrate,
            fake_migrate_all=fake,
            attempts=1,
            check_reserved=None,
            # else pydal creates "L1" as "l1" and then asks PostgreSQL, which knows the difference, for "L1"
            ignore_field_case=False,
            # readers of SQLite do not wait for a writer (_create_schema), but a writer does for another one
            driver_args={"timeout": SQLITE_SECONDS} if uri.startswith("sqlite") else None,
        )
    except Exception as exc:  # pydal raises bare RuntimeError and SyntaxError around whatever the driver said
        raise S3ConfigError(f"Cannot connect to the database {safe_uri(uri)}: {_last_line(exc)}", uri=safe_uri(uri)) from exc


def safe_uri(uri: str) -> str:
    """The URI without its password, for people and logs."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", uri)


def _last_line(exc: Exception) -> str:
    lines = [line for line in str(exc).replace("\\n", "\n").splitlines() if line.strip()]
    return safe_uri(lines[-1].strip()) if lines else type(exc).__name__


# -- schema ------------------------------------------------------------------------------------------------------------
def _create_schema(databases: str, uri: str) -> None:
    os.makedirs(databases, exist_ok=True)
    with _lock(databases):
        if _is_done(databases, uri, SCHEMA):
            return
        db = _open(databases, uri, migrate=True, fake=_was_created_elsewhere(databases, uri))
        try:
            _define_everything(db)
            for statement in _index_statements():
                db.executesql(statement)
            if uri.startswith("sqlite"):
                db.commit()  # SQLite changes the mode, which stays with the file, outside of transactions only
                db.executesql("PRAGMA journal_mode=WAL;")
            db.commit()  # the tables must be there for every other process before the mark says so
        except BaseException:
            db.rollback()
            raise
        finally:
            db.close()
        _mark(databases, uri, SCHEMA)


def _was_created_elsewhere(databases: str, uri: str) -> bool:
    """Do the tables exist although this folder has no record of them? Then another host made them: only take note."""
    if any(Path(databases).glob("*_auth_user.table")):
        return False
    db = _open(databases, uri, migrate=False)
    try:
        db.executesql("SELECT id FROM auth_user WHERE id = 0")
        return True
    except Exception:  # each driver has an error class of its own for a missing table
        return False
    finally:
        db.rollback()
        db.close()


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
    with _lock(databases):
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
    for name in current.deployment_settings.get_template_names():
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
    template = ",".join(current.deployment_settings.get_template_names()) if step == FIRST_RUN else ""
    return f"{fingerprint()}:{template}"


def _is_done(databases: str, uri: str, step: str) -> bool:
    key = (databases, uri, step)
    value = _value(step)
    if _done.get(key) == value:
        return True
    try:
        done = json.loads(_mark_file(databases, uri, step).read_text()).get("fingerprint") == value
    except (OSError, ValueError):
        return False
    if done:
        _done[key] = value
    return done


def _mark(databases: str, uri: str, step: str) -> None:
    path = _mark_file(databases, uri, step)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"fingerprint": _value(step), "database": safe_uri(uri)}))
    os.replace(temporary, path)
    _done[(databases, uri, step)] = _value(step)


@contextmanager
def _lock(databases: str) -> Iterator[None]:
    """One process at a time; the operating system lifts the lock of a process that dies."""
    with open(os.path.join(databases, "s3_setup.lock"), "a") as lock:
        portalocker.lock(lock, portalocker.LOCK_EX)
        try:
            yield
        finally:
            portalocker.unlock(lock)
