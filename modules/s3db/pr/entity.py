"""Person entities: whatever can own things, be contacted or subscribe. What others ask of them by their pe_id."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import (
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_fullname,
    s3_meta_fields,
)
from s3dal import Field, Row

__all__ = (
    "PersonEntityModel",
    "RealmModel",
    "pr_PersonEntityRepresent",
    "pr_get_entities",
    "pr_get_pe_id",
    "pr_instance_type",
)


class PersonEntityModel(S3Model):
    """Whatever can own things, be contacted or subscribe: persons, groups, organisations, offices."""

    names = ("pr_pentity", "pr_pe_label", "pr_pe_types", "pr_pentity_represent")

    def model(self) -> dict[str, Any]:
        T = current.T
        pe_types = Storage(
            org_facility=T("Facility"),
            org_group=T("Organization Group"),
            org_organisation=T("Organization"),
            org_office=T("Office"),
            pr_group=T("Person Group"),
            pr_person=T("Person"),
            pr_realm=T("Realm"),
        )
        self.super_entity(
            "pr_pentity", "pe_id", pe_types,
            Field("type"),
            Field("pe_label", length=128),
        )
        self.configure(
            "pr_pentity",
            insertable=False, editable=False, deletable=False, listadd=False,
            list_fields=["instance_type", "type", "pe_label"],
            referenced_by=[("auth_membership", "pe_id")],
        )
        self.add_components(
            "pr_pentity",
            pr_contact=(
                {"name": "contact", "joinby": "pe_id"},
                {"name": "email", "joinby": "pe_id", "filterby": {"contact_method": "EMAIL"}},
                {"name": "phone", "joinby": "pe_id", "filterby": {"contact_method": "SMS"}},
                {"name": "facebook", "joinby": "pe_id", "filterby": {"contact_method": "FACEBOOK"}},
                {"name": "twitter", "joinby": "pe_id", "filterby": {"contact_method": "TWITTER"}},
            ),
            pr_role="pe_id",
        )
        pe_label = S3ReusableField("pe_label", length=128, label=T("ID Tag Number"))
        return {
            "pr_pe_label": pe_label,
            "pr_pe_types": pe_types,
            # readers of lists and messages know people by their names
            "pr_pentity_represent": pr_PersonEntityRepresent(show_label=False),
        }


class pr_PersonEntityRepresent(S3Represent):
    """Name and type of any person entity: ``Jane Doe (Person)``. One query per type of entity, however many there are."""

    def __init__(self, show_label: bool = True, default_label: str = "[No ID Tag]", show_type: bool = True, **attr: Any) -> None:
        """
        Args:
            show_label: add the ID tag, or default_label when there is none
            show_type: add the type of the entity
        """
        super().__init__(lookup="pr_pentity", key="pe_id", fields=("instance_type", "pe_label"), **attr)
        self.show_label = show_label
        self.default_label = default_label
        self.show_type = show_type
        self.names: dict[int, str] = {}

    def lookup_rows(self, key: Field, values: list[Any], fields: list[Field]) -> Iterable[Row]:
        rows = super().lookup_rows(key, values, fields)
        by_type: dict[str, list[int]] = {}
        for row in rows:
            by_type.setdefault(row.instance_type, []).append(row.pe_id)
        for instance_type, pe_ids in by_type.items():
            self._look_up_names(instance_type, pe_ids)
        return rows

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        name = self.names.get(row.pe_id)
        parts = [name] if name else []
        if self.show_label and (row.instance_type == "pr_person" or not name):
            parts.append(f"<{row.pe_label}>" if row.pe_label else self.default_label)
        if self.show_type or not parts:
            label = current.s3db.pr_pe_types.get(row.instance_type) or row.instance_type
            parts.append(f"({label})")
        return " ".join(parts)

    def _look_up_names(self, instance_type: str, pe_ids: list[int]) -> None:
        table = current.s3db.table(instance_type, db_only=True)
        if table is None:
            return
        fields = [table[name] for name in ("name", "first_name", "middle_name", "last_name") if name in table.fields]
        self.queries += 1
        for row in current.db(table.pe_id.belongs(pe_ids)).select(table.pe_id, *fields):
            self.names[row.pe_id] = row.name if "name" in table.fields else s3_fullname(row, truncate=False)


def pr_get_entities(
    pe_ids: Iterable[int] | None = None,
    types: Iterable[str] | None = None,
    show_instance_type: bool = True,
    group: bool = False,
    as_list: bool = False,
) -> Any:
    """Names of entities, such as ``Jane Doe (Person)``.

    Args:
        pe_ids, types: only these entities, only those of these tables
        show_instance_type: with the type behind the name
        group: {name of table: {pe_id: name}}
        as_list: the pe_ids alone

    Returns:
        {pe_id: name}
    """
    table = current.s3db.pr_pentity
    query = table.deleted == False
    if pe_ids is not None:
        query &= table.pe_id.belongs(list(pe_ids))
    if types is not None:
        query &= table.instance_type.belongs(list(types))
    rows = current.db(query).select(table.pe_id, table.instance_type, table.pe_label, orderby=table.pe_id)
    keys = [row.pe_id for row in rows]
    if as_list:
        return keys
    labels = pr_PersonEntityRepresent(show_label=False, show_type=show_instance_type).bulk(keys)
    if not group:
        return {key: labels[key] for key in keys}
    grouped: dict[str, dict[int, str]] = {}
    for row in rows:
        grouped.setdefault(row.instance_type, {})[row.pe_id] = labels[row.pe_id]
    return grouped


def pr_get_pe_id(entity: Any, record_id: int | None = None) -> int | None:
    """The pe_id of an entity.

    Args:
        entity: a pe_id (number or text of digits), a Row with pe_id or id of its table, a tuple (table name, record id),
            or a table name together with record_id
    """
    if record_id is not None:
        return _pe_id_of_record(str(entity), record_id)
    if isinstance(entity, (list, tuple)):
        return _pe_id_of_record(str(entity[0]), entity[1])
    if isinstance(entity, Row):
        return entity.get("pe_id")
    if isinstance(entity, int) or str(entity).isdigit():
        return int(entity)
    return None


def _pe_id_of_record(tablename: str, record_id: int) -> int | None:
    s3db = current.s3db
    table = s3db.table(tablename, db_only=True)
    if table is None:
        return None
    if "pe_id" not in table.fields:
        if "instance_type" not in table.fields:
            return None
        prefix, name, instance_id = s3db.get_instance(table, record_id)
        return _pe_id_of_record(f"{prefix}_{name}", instance_id) if prefix else None
    row = current.db(table._id == record_id).select(table.pe_id, limitby=(0, 1)).first()
    return row.pe_id if row else None


def pr_instance_type(pe_id: int) -> str | None:
    """Name of the table that holds this person entity."""
    table = current.s3db.pr_pentity
    row = current.db(table.pe_id == pe_id).select(table.instance_type, limitby=(0, 1)).first()
    return row.instance_type if row else None


class RealmModel(S3Model):
    names = ("pr_realm",)

    def model(self) -> dict[str, Any]:
        self.define_table(
            "pr_realm",
            self.super_link("pe_id", "pr_pentity"),
            Field("name", label=current.T("Name"), requires=IS_NOT_EMPTY()),
            s3_comments(),
            *s3_meta_fields(),
        )
        self.configure("pr_realm", super_entity="pr_pentity", indexes=["pe_id"])
        return {}
