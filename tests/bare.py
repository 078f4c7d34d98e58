"""An environment for models and fields: a real database and settings, but no web2py request and no model modules of ours."""
from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gluon import current
from gluon.languages import TranslatorFactory
from gluon.storage import Storage
from pydal.helpers.classes import ExecutionHandler

from s3cfg import S3Config
from s3dal import DAL

MODEL_MODULES = Path(__file__).parent / "data" / "s3db"


@contextlib.contextmanager
def environment(folder: Path, uri: str = "sqlite:memory") -> Iterator[Any]:
    """Fill ``current`` with what models need, over an empty database; gives ``current``.

    Args:
        folder: empty, for the files of the DAL and the translator
        uri: of the database; on PostgreSQL the tables stand in a schema of their own
    """
    from s3.s3model import S3Model

    before = dict(current.__dict__)
    (folder / "languages").mkdir()
    with _database(uri, folder) as db:
        current.db = db
        current.deployment_settings = S3Config()
        current.request = Storage(get_vars=Storage(), post_vars=Storage(), args=[], env=Storage())
        current.request.update(application="eden", folder=str(folder), extension="html")
        current.response = Storage(s3=Storage())
        current.session = Storage(s3=Storage())
        current.T = TranslatorFactory(str(folder / "languages"), "en")
        current.auth = Storage(user=None)
        current.s3db = S3Model()
        try:
            yield current
        finally:
            current.__dict__.clear()
            current.__dict__.update(before)


@contextlib.contextmanager
def _database(uri: str, folder: Path) -> Iterator[DAL]:
    if uri.startswith("sqlite"):
        db = DAL(uri, folder=str(folder))
        yield db
        db.close()
        return
    schema = f"bare_{uuid.uuid4().hex[:12]}"
    # as in s3setup, for names with capital letters
    options = {"folder": str(folder), "ignore_field_case": False}
    db = DAL(uri, after_connection=lambda adapter: adapter.execute(f"SET search_path TO {schema}"), **options)
    db.executesql(f"CREATE SCHEMA {schema}")
    db.commit()
    try:
        yield db
    finally:
        db.rollback()
        db.executesql(f"DROP SCHEMA {schema} CASCADE")
        db.commit()
        db.close()


@contextlib.contextmanager
def counted_queries(db: DAL) -> Iterator[list[str]]:
    """The SQL statements that are sent meanwhile."""
    sent: list[str] = []

    class Counter(ExecutionHandler):
        def before_execute(self, command: str) -> None:
            sent.append(command)

    adapter = db._adapter
    before, adapter.execution_handlers = adapter.execution_handlers, [Counter]
    try:
        yield sent
    finally:
        adapter.execution_handlers = before
