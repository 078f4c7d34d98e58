"""Export of a resource as a S3XML tree: its records with their components, and the records that these refer to.

The number of queries depends on the number of tables involved, not on the number of records.
"""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage
from lxml import etree

from s3.s3datetime import s3_encode_iso_datetime
from s3.s3resource.exchange.access import is_closed, is_guarded, is_shown, is_super_entity, is_trusted, super_keys
from s3.s3resource.exchange.export_values import encode_value, labels_of, xml_text
from s3.s3resource.exchange.identity import Identities, Identity, chunks
from s3.s3utils import original_name, s3_get_foreign_key, s3_has_foreign_key
from s3.s3xml import ALIAS, DATA, FIELD, NAME, REFERENCE, RESOURCE, ROOT, UID, VALUE, export_uid, own_domain
from s3dal import Field, Row, Table

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("ExportOptions", "export_tree")

USER_ATTRIBUTES = ("created_by", "modified_by", "owned_by_user")
TIME_ATTRIBUTES = ("created_on", "modified_on")


@dataclass
class ExportOptions:
    """What to export; the parameters of S3Resource.export_xml."""

    start: int | None = None
    limit: int | None = None
    msince: dt.datetime | None = None
    fields: Iterable[str] | None = None
    references: Iterable[str] | None = None
    dereference: bool = True
    maxdepth: int = 10
    #: aliases of components; none of them for None, all for []
    mcomponents: Iterable[str] | None = field(default_factory=list)
    rcomponents: Iterable[str] | None = None
    #: {name of a table: URL filters for its records}
    filters: Mapping[str, Mapping[str, Any]] | None = None
    orderby: Any = None
    #: called once with the name of each table that is exported
    customise: Callable[[str], None] | None = None


def export_tree(resource: S3Resource, options: ExportOptions | None = None) -> Any:
    """The root element of the document."""
    return _Exporter(resource, options or ExportOptions()).export()


@dataclass
class _Part:
    """Records of one table that are exported alike."""

    resource: S3Resource
    ids: list[Any]
    #: URL of a record is this and its id
    url: str
    alias: str | None = None
    #: field that the position in the document stands for
    key: str | None = None
    #: only these fields; None for all
    fields: set[str] | None = None
    references: set[str] | None = None
    #: aliases of components to export; None for none, [] for all
    components: Iterable[str] | None = None


class _Exporter:
    """One export."""

    def __init__(self, resource: S3Resource, options: ExportOptions) -> None:
        self.resource = resource
        self.options = options
        self.trusted = is_trusted()
        self.identities = Identities(resource.tablename, self.trusted)
        self.users: dict[int, str | None] = {}
        self.roles: dict[int, str | None] = {}
        #: {table name: ids of records that stand in the document}
        self.exported: dict[str, set[Any]] = {}
        #: {table name: ids of records that are referred to}
        self.pending: dict[str, dict[Any, None]] = {}
        self.base_url = current.response.s3.base_url or ""
        #: tables of which the page hides records, which is not to be got round by way of references
        self.hidden = set() if self.trusted else resource.rfilter.hidden_tables()

    def export(self) -> Any:
        options = self.options
        root = etree.Element(ROOT)
        ids = self._master_ids()
        part = _Part(
            self.resource, ids, self._table_url(self.resource.tablename), components=options.mcomponents,
            fields=_names(options.fields), references=_names(options.references),
        )  # fmt: skip
        root.extend(self._elements(part).values())
        results = len(root)
        for _ in range(options.maxdepth if options.dereference else 0):
            if not self._export_level(root):
                break
        self._set_attributes(root, results)
        return root

    def _set_attributes(self, root: Any, results: int) -> None:
        values = {
            "success": "true" if len(root) else "false",
            "start": self.options.start,
            "limit": self.options.limit,
            "results": results,
            "domain": own_domain() or None,
            "url": self.base_url or None,
        }
        for name, value in values.items():
            if value is not None:
                root.set(name, str(value))

    def _master_ids(self) -> list[Any]:
        resource, options = self.resource, self.options
        id_name, orderby = resource._id.name, options.orderby
        if options.msince is not None and "modified_on" in resource.table.fields:
            resource.add_filter(resource.table.modified_on >= options.msince, hides=False)
            orderby = [resource.table.modified_on, resource._id]
        data = resource.select([id_name], start=options.start, limit=options.limit, orderby=orderby or resource._id)
        return [row[f"{resource.table._tablename}.{id_name}"] for row in data.rows]

    def _export_level(self, root: Any) -> bool:
        """Append the records that are referred to and not yet in the document; whether there were any."""
        pending, self.pending = self.pending, {}
        found = False
        for tablename, ids in pending.items():
            missing = [record_id for record_id in ids if record_id not in self.exported.get(tablename, ())]
            if not missing or self._is_guarded(tablename):
                continue
            resource = self._reference_resource(tablename)
            # permissions were looked at when the reference was resolved; the filters of the caller were not
            part = _Part(resource, self._existing(resource, missing), self._table_url(tablename), components=self.options.rcomponents)
            elements = self._elements(part)
            root.extend(elements.values())
            found = found or bool(elements)
        return found

    def _is_guarded(self, tablename: str) -> bool:
        return tablename in self.hidden or is_guarded(tablename, self.trusted)

    def _reference_resource(self, tablename: str) -> S3Resource:
        filters = (self.options.filters or {}).get(tablename)
        return type(self.resource)(tablename, vars=filters)

    @staticmethod
    def _existing(resource: S3Resource, ids: list[Any]) -> list[Any]:
        """Those of the ids that the resource has."""
        found: set[Any] = set()
        colname = f"{resource.table._tablename}.{resource._id.name}"
        for chunk in chunks(ids):
            own = type(resource)(resource.tablename, id=chunk, vars=resource.vars)
            found.update(row[colname] for row in own.select([resource._id.name]).rows)
        return [record_id for record_id in ids if record_id in found]

    def _table_url(self, tablename: str) -> str:
        prefix, _, name = tablename.partition("_")
        return f"{self.base_url}/{prefix}/{name}"

    # Records

    def _elements(self, part: _Part) -> dict[Any, Any]:
        """{record id: element} of the records that do not yet stand in the document."""
        table = part.resource._table
        self._prepare(part.resource.tablename)
        known = self.exported.setdefault(part.resource.tablename, set())
        ids = [record_id for record_id in part.ids if record_id not in known]
        known.update(ids)
        rows = self._load(table, ids)
        data, references = self._fields(part)
        elements = {row[table._id.name]: self._resource_element(part, row) for row in rows}
        live = [row for row in rows if not row.get("deleted")]
        for item in data:
            self._add_data(item, live, elements)
        for item in references:
            self._add_references(item, live, elements)
        if part.components is not None and live:
            self._add_components(part, live, elements)
        return elements

    def _prepare(self, tablename: str) -> None:
        """Let the deployment change a table before its first record is looked at."""
        if tablename not in self.exported and self.options.customise is not None:
            self.options.customise(tablename)

    def _load(self, table: Table, ids: list[Any]) -> list[Row]:
        fields = [item for item in table if item.type != "blob"]
        found: dict[Any, Row] = {}
        for chunk in chunks(ids):
            rows = current.db(table._id.belongs(chunk)).select(*fields, cacheable=True)
            found.update((row[table._id.name], row) for row in rows)
        rows = [found[record_id] for record_id in ids if record_id in found]
        self._look_up_people(table, rows)
        return rows

    def _fields(self, part: _Part) -> tuple[list[Field], list[Field]]:
        """The fields to export as data, and those to export as references."""
        table = part.resource._table
        hidden = super_keys(table) | {part.key}
        shown = [item for item in table if item.name not in hidden and is_shown(item, self.trusted)]
        references = [item for item in shown if s3_has_foreign_key(item)]
        data = [item for item in shown if not s3_has_foreign_key(item)]
        if part.fields is not None:
            data = [item for item in data if item.name in part.fields]
        if part.references is not None:
            references = [item for item in references if item.name in part.references]
        return data, references

    def _resource_element(self, part: _Part, row: Row) -> Any:
        table, tablename = part.resource._table, part.resource.tablename
        element = etree.Element(RESOURCE, {NAME: tablename})
        record_id = row[table._id.name]
        values: dict[str, Any] = {ALIAS: part.alias, UID: export_uid(tablename, row.uuid) if row.get("uuid") else None}
        if current.xml.show_ids:
            values["id"] = record_id
        if row.get("deleted"):
            values.update(deleted="True", modified_on=row.get("modified_on"), replaced_by=self._replacement(table, row))
        else:
            values.update(self._meta_values(table, row), url=f"{part.url}/{record_id}")
        for name, value in values.items():
            if value is not None:
                element.set(name, s3_encode_iso_datetime(value) if isinstance(value, dt.datetime) else xml_text(value))
        return element

    def _meta_values(self, table: Table, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = {"mci": (row.mci or 0) + 1} if "mci" in table.fields else {}
        values.update((name, row[name]) for name in TIME_ATTRIBUTES if name in table.fields)
        for name in USER_ATTRIBUTES:
            if self._shows_people(table, name):
                values[name] = self.users.get(row[name])
        if self._shows_people(table, "owned_by_group"):
            values["owned_by_group"] = self.roles.get(row.owned_by_group)
        return values

    def _shows_people(self, table: Table, name: str) -> bool:
        return name in table.fields and bool(self.trusted or table[name].readable)

    def _look_up_people(self, table: Table, rows: list[Row]) -> None:
        """Read the e-mail addresses and role names that the attributes of these records need."""
        for names, known, tablename, label in (
            (USER_ATTRIBUTES, self.users, "auth_user", "email"),
            (("owned_by_group",), self.roles, "auth_group", "role"),
        ):
            shown = [name for name in names if self._shows_people(table, name)]
            missing = {row[name] for row in rows for name in shown if row[name]} - set(known)
            if missing:
                people = current.auth.table(tablename)
                for chunk in chunks(missing):
                    known.update((row.id, row[label]) for row in current.db(people.id.belongs(chunk)).select(people.id, people[label]))

    @staticmethod
    def _replacement(table: Table, row: Row) -> str | None:
        """Identifier of the record that has taken the place of a deleted one; a merge is rare."""
        if not row.get("deleted_rb") or "uuid" not in table.fields:
            return None
        found = current.db(table._id == row.deleted_rb).select(table.uuid, limitby=(0, 1)).first()
        return export_uid(original_name(table), found.uuid) if found else None

    # Fields

    def _add_data(self, item: Field, rows: list[Row], elements: dict[Any, Any]) -> None:
        given = [row for row in rows if row[item.name] is not None]
        if item.type == "upload":
            self._add_files(item, given, elements)
            return
        text_of = labels_of(item, [row[item.name] for row in given])
        id_name = item.table._id.name
        for row in given:
            value = row[item.name]
            element = etree.SubElement(elements[row[id_name]], DATA, {FIELD: item.name})
            encoded = encode_value(item, value)
            if encoded is not None:
                element.set(VALUE, encoded)
            element.text = xml_text(text_of(value))

    def _add_files(self, item: Field, rows: list[Row], elements: dict[Any, Any]) -> None:
        for row in rows:
            if row[item.name]:
                url = f"{current.response.s3.download_url or ''}/{row[item.name]}"
                etree.SubElement(elements[row[item.table._id.name]], DATA, {FIELD: item.name, "url": url, "filename": row[item.name]})

    def _add_references(self, item: Field, rows: list[Row], elements: dict[Any, Any]) -> None:
        tablename, key, multiple = s3_get_foreign_key(item)
        if tablename is None or key is None:
            return
        values = {row[item.table._id.name]: _as_list(row[item.name], bool(multiple)) for row in rows}
        self.identities.look_up(tablename, key, [value for several in values.values() for value in several])
        resolved = {
            record_id: [found for found in (self.identities.get(tablename, key, value) for value in several) if found is not None]
            for record_id, several in values.items()
        }
        shown = {record_id for record_id, targets in resolved.items() if targets and not self._hides_labels(targets)}
        text_of = labels_of(item, [row[item.name] for row in rows if row[item.table._id.name] in shown])
        for row in rows:
            record_id = row[item.table._id.name]
            targets = resolved[record_id]
            if not targets:
                continue
            element = self._reference_element(item, targets, bool(multiple))
            if record_id in shown and len(targets) == len(values[record_id]):
                element.text = xml_text(text_of(row[item.name]))
            elements[record_id].append(element)
            for target in targets:
                self.pending.setdefault(target.tablename, {})[target.record_id] = None

    def _hides_labels(self, targets: list[Identity]) -> bool:
        """Whether the label of a record may tell more than the user may know."""
        return any(self._is_guarded(target.tablename) and not self._is_exported(target) for target in targets)

    def _is_exported(self, target: Identity) -> bool:
        return target.record_id in self.exported.get(target.tablename, ())

    @staticmethod
    def _reference_element(item: Field, targets: list[Identity], multiple: bool) -> Any:
        first = targets[0]
        uids = [export_uid(target.tablename, target.uid) for target in targets]
        element = etree.Element(REFERENCE, {FIELD: item.name, "resource": first.tablename})
        element.set(UID, json.dumps(uids) if multiple else uids[0])
        if current.xml.show_ids:
            ids = [target.record_id for target in targets]
            element.set("id", json.dumps(ids) if multiple else str(ids[0]))
        if not multiple and first.lat is not None and first.lon is not None:
            element.set("lat", f"{first.lat:.4f}")
            element.set("lon", f"{first.lon:.4f}")
        return element

    # Components

    def _add_components(self, part: _Part, rows: list[Row], elements: dict[Any, Any]) -> None:
        id_name = part.resource._id.name
        for hook in self._hooks(part):
            masters = {row[hook.pkey]: row[id_name] for row in rows if row[hook.pkey] is not None}
            if masters:
                self._add_component(part, hook, masters, elements)

    def _hooks(self, part: _Part) -> list[Storage]:
        """The components to export: each table once, link tables in place of what they link, no super-entities."""
        declared = current.s3db.get_components(part.resource.tablename, names=list(part.components or ()) or None).values()
        hooks = [hook if hook.linktable is None else _link_as_component(hook) for hook in declared]
        whole = {original_name(hook.table) for hook in hooks if not hook.filterby and not hook.links}
        return [
            hook
            for hook in hooks
            if not ((hook.filterby or hook.links) and original_name(hook.table) in whole)
            and not is_super_entity(hook.table)
            and not self._is_out_of_reach(original_name(hook.table))
        ]

    def _is_out_of_reach(self, tablename: str) -> bool:
        if tablename == self.resource.tablename:
            return tablename in self.hidden
        return is_closed(self.resource.tablename, tablename, self.trusted) or is_guarded(tablename, self.trusted)

    def _add_component(self, part: _Part, hook: Storage, masters: dict[Any, Any], elements: dict[Any, Any]) -> None:
        """Put the records of one component into their masters: {key value: id of the master record}."""
        keys: dict[Any, Any] = {}
        for chunk in chunks(masters):
            resource = type(part.resource)(hook.table, parent=part.resource, alias=hook.alias, hook=hook)
            resource.add_filter(resource.table[hook.fkey].belongs(chunk), hides=False)
            name, id_name = resource.table._tablename, resource._id.name
            rows = resource.select([id_name, hook.fkey], orderby=resource._id).rows
            keys.update((row[f"{name}.{id_name}"], row[f"{name}.{hook.fkey}"]) for row in rows)
        alias = hook.alias if hook.alias != resource.name else None
        component = _Part(resource, list(keys), "", alias=alias, key=hook.fkey)
        for record_id, element in self._elements(component).items():
            if hook.links and element.find(f"{REFERENCE}[@{FIELD}='{hook.links}']") is None:
                # what it links to is not for this reader
                continue
            master_id = masters[keys[record_id]]
            if element.get("url"):
                element.set("url", f"{part.url}/{master_id}/{hook.alias}/{record_id}")
            elements[master_id].append(element)


def _link_as_component(hook: Storage) -> Storage:
    """The link table of a component as a component of its own; ``links`` is its key to the component."""
    return Storage(
        hook, table=hook.linktable, fkey=hook.lkey, links=hook.rkey, lkey=None, rkey=None, linktable=None, filterby=None, defaults={}
    )


def _names(names: Iterable[str] | None) -> set[str] | None:
    return None if names is None else set(names)


def _as_list(value: Any, multiple: bool) -> list[Any]:
    if value is None:
        return []
    return list(value) if multiple else [value]
