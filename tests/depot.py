"""A small data model for tests of selectors, filters and resources: every kind of join once, over a database of its own."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bare
from gluon.storage import Storage

from s3.s3model import S3Model
from s3dal import Field, Query, Table


class Warden:
    """Decides like AuthS3 for a user who may do everything but what a test forbids."""

    def __init__(self) -> None:
        self.user = Storage(id=1)
        self.override = False
        self.permission = Storage(
            set_default_approver=lambda table: None,
            is_admin=lambda: False,
            table_restricted=lambda tablename: False,
        )
        #: {table name: function(table) -> query of the records the user may read}
        self.readable: dict[str, Any] = {}
        #: {(method, table name)} that is not permitted
        self.forbidden: set[tuple[str, str]] = set()

    def s3_accessible_query(self, method: Any, table: Table, c: str | None = None, f: str | None = None) -> Query:
        restrict = self.readable.get(table._dalname)
        return restrict(table) if restrict else table._id > 0

    def s3_has_permission(self, method: str, table: Table, record_id: Any = None, c: Any = None, f: Any = None) -> bool:
        return (method, table._dalname) not in self.forbidden

    def s3_set_record_owner(self, table: Table, record: Any, force_update: bool = False, **fields: Any) -> None:
        if "owned_by_user" in table.fields:
            table._db(table._id == record).update(owned_by_user=self.user.id)


class Journal:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, message: str) -> None:
        self.lines.append(message)

    error = warning


@contextlib.contextmanager
def open_depot(folder: Path, uri: str = "sqlite:memory") -> Iterator[Any]:
    """Gives ``current``, with the tables of the depot, empty and committed; call ``reset`` between tests."""
    with bare.environment(folder, uri) as current:
        _define_tables(current.db)
        current.db.commit()
        yield current


def reset(current: Any) -> None:
    """Empty the tables, and forget what a test has declared, configured or forbidden."""
    db = current.db
    db.rollback()
    # clones of fields, which know nothing of later changes to the originals
    db._aliased_tables.__dict__.clear()
    if db._adapter.dbengine == "postgres":
        names = ", ".join(name for name in db.tables if name.startswith("depot_"))
        db.executesql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    current.auth = Warden()
    current.log = Journal()
    current.ERROR = Storage(NOT_PERMITTED="Operation not permitted", INTEGRITY_ERROR="Cannot be deleted")
    current.response = Storage(s3=Storage())
    current.s3db = S3Model()
    current.s3db.load_all_models = lambda: None
    _declare(current.s3db)


def _deleted() -> list[Field]:
    return [Field("deleted", "boolean", notnull=True, default=False), Field("deleted_fk"), Field("uuid", length=128)]


def _define_tables(db: Any) -> None:
    db.define_table("depot_entity", Field("pe_id", "id"), Field("deleted", "boolean", default=False), Field("instance_type"),
                    Field("uuid", length=128), Field("label"))
    db.define_table("depot_region", Field("name"), *_deleted())
    db.define_table("depot_place", Field("name"), Field("L1"), Field("region_id", "reference depot_region"), *_deleted())
    db.define_table("depot_series", Field("name"), *_deleted())
    db.define_table(
        "depot_item",
        Field("pe_id", "reference depot_entity"),
        Field("name"), Field("status"), Field("text", "text"),
        Field("number", "integer"), Field("amount", "double"), Field("flag", "boolean"),
        Field("day", "date"), Field("at", "datetime"), Field("tags", "list:string"), Field("secret", "password"),
        Field("series_id", "reference depot_series", ondelete="RESTRICT"),
        Field("from_id", "reference depot_place", ondelete="SET NULL"), Field("to_id", "reference depot_place", ondelete="SET NULL"),
        Field("parent_id", "reference depot_item", ondelete="SET NULL"),
        Field("owned_by_user", "integer"), Field("approved_by", "integer"),
        Field.Method("shout", lambda row: f"{row.name}!".upper()),
        *_deleted(),
    )  # fmt: skip
    db.define_table("depot_comp", Field("item_id", "reference depot_item"), Field("value"), Field("kind"),
                    Field("place_id", "reference depot_place"), *_deleted())
    db.define_table("depot_note", Field("pe_id", "reference depot_entity"), Field("body"), *_deleted())
    db.define_table("depot_tag", Field("name"), *_deleted())
    db.define_table("depot_item_tag", Field("item_id", "reference depot_item"), Field("tag_id", "reference depot_tag"), *_deleted())
    db.define_table("depot_bond", Field("lower_id", "reference depot_item"), Field("upper_id", "reference depot_item"), *_deleted())


def _declare(s3db: Any) -> None:
    s3db.configure("depot_item", super_entity="depot_entity", context={"location": "from_id", "region": "(location)$region_id"})
    s3db.add_components(
        "depot_item",
        depot_comp=["item_id", {"name": "big", "joinby": "item_id", "filterby": {"kind": "big"}}],
        depot_item={"name": "child", "joinby": "parent_id"},
        depot_tag={"link": "depot_item_tag", "joinby": "item_id", "key": "tag_id"},
    )
    s3db.add_components("depot_entity", depot_note="pe_id")
