"""Locations: the tree of places from country to village, and specific places in it."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMPTY_OR, IS_FLOAT_IN_RANGE, IS_IN_SET, IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import IS_ONE_OF, S3Duplicate, S3Model, S3Represent, S3ReusableField, hidden_field, s3_comments, s3_meta_fields
from s3dal import Field, Row, Rows, Table

__all__ = ("LocationModel", "gis_LocationRepresent", "gis_get_children", "gis_get_parents", "gis_update_location_tree")

#: from the country down
LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")
BOUNDS = ("lat_min", "lat_max", "lon_min", "lon_max")
#: gis_feature_type of a place that is a single point
POINT = 1


class LocationModel(S3Model):
    names = ("gis_location", "gis_location_id", "gis_country_id", "gis_location_represent", "gis_hierarchy_levels")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        levels = {level: T(label) for level, label in current.deployment_settings.get_gis_hierarchy().items() if label}
        represent = gis_LocationRepresent()
        self.define_table(
            "gis_location",
            Field("name", length=128, label=T("Name"), requires=IS_NOT_EMPTY()),
            # NULL is a specific place, which is not part of the hierarchy
            Field("level", length=2, label=T("Level"),
                  requires=IS_EMPTY_OR(IS_IN_SET(levels)), represent=S3Represent(options=levels)),
            Field("parent", "reference gis_location", ondelete="RESTRICT", label=T("Parent"), represent=represent,
                  requires=IS_EMPTY_OR(IS_ONE_OF(db, "gis_location.id", represent, filterby="level", filter_opts=LEVELS,
                                                 orderby="gis_location.name"))),
            # ids from the root to the location itself, separated by slashes
            hidden_field("path", length=256),
            hidden_field("gis_feature_type", "integer", default=POINT, notnull=True),
            Field("lat", "double", label=T("Latitude"), requires=IS_EMPTY_OR(IS_FLOAT_IN_RANGE(-90, 90))),
            Field("lon", "double", label=T("Longitude"), requires=IS_EMPTY_OR(IS_FLOAT_IN_RANGE(-180, 180))),
            # the coordinates are those of the parent
            Field("inherited", "boolean", default=False, writable=False, label=T("Coordinates of the parent")),
            # follow from the coordinates
            hidden_field("wkt", "text"),
            *(hidden_field(name, "double") for name in BOUNDS),
            # metres
            hidden_field("elevation", "double"),
            hidden_field("radius", "double"),
            Field("addr_street", "text", label=T("Street Address")),
            Field("addr_postcode", length=128, label=T("Postcode")),
            hidden_field("start_date", "date"),
            hidden_field("end_date", "date"),
            s3_comments(),
            # names of the ancestors and of the location itself, each at its level: what location filters compare with
            *(
                Field(level, label=levels[level], requires=None, writable=False) if level in levels else hidden_field(level)
                for level in reversed(LEVELS)
            ),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["gis_location"] = Storage(
            label_create=T("Create Location"),
            title_display=T("Location Details"),
            title_list=T("Locations"),
            title_update=T("Edit Location"),
            msg_record_created=T("Location added"),
            msg_record_modified=T("Location updated"),
            msg_record_deleted=T("Location deleted"),
            msg_list_empty=T("No Locations currently available"),
        )
        self.configure(
            "gis_location",
            list_fields=["name", "level", *sorted(levels), "lat", "lon"],
            context={"location": "parent"},
            hierarchy="parent",
            local_fields=["path"],
            # specific places of the same name are different places
            deduplicate=S3Duplicate(primary=("name", "level"), secondary=("parent",)),
            onvalidation=location_onvalidation,
            onaccept=location_onaccept,
            indexes=["parent", "level"],
        )
        location_id = S3ReusableField(
            "location_id", "reference gis_location",
            label=T("Location"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "gis_location.id", represent, orderby="gis_location.name", sort=True)),
        )
        country_id = S3ReusableField(
            "country_id", "reference gis_location",
            label=T("Country"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "gis_location.id", "%(name)s", filterby="level", filter_opts=["L0"], sort=True)),
        )
        return {
            "gis_location_id": location_id,
            "gis_country_id": country_id,
            "gis_location_represent": represent,
            "gis_hierarchy_levels": levels,
        }


class gis_LocationRepresent(S3Represent):
    """A place with its level and the next higher place, ``North (State / Province), Utopia``; a specific place by its address."""

    def __init__(self, sep: str | None = None, show_name: bool = False, show_level: bool = True, **attr: Any) -> None:
        """
        Args:
            sep: list all higher places instead, separated by this: ``Town | North | Utopia``
            show_name: begin specific places with their name even if there is an address
            show_level: give the level of a place
        """
        super().__init__(lookup="gis_location", fields=("name", "level", "addr_street", "addr_postcode", "lat", "lon", *LEVELS), **attr)
        self.sep = sep
        self.show_name = show_name
        self.show_level = show_level

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        higher = self._higher_places(row)
        if self.sep:
            own = row.name if row.level or self.show_name else self._address(row)
            return self.sep.join([own, *higher])
        own = self._place(row) if row.level else self._address(row)
        return ", ".join([own, *higher[:1]])

    def _place(self, row: Row) -> str:
        label = current.s3db.gis_hierarchy_levels.get(row.level) if self.show_level else None
        return f"{row.name} ({label})" if label else str(row.name or self.none)

    def _address(self, row: Row) -> str:
        street = (row.addr_street or "").strip().split("\n")[0].strip()
        parts = [part for part in (street, row.addr_postcode) if part]
        if self.show_name or not parts:
            parts = [row.name, *parts] if row.name else parts
        if not parts and row.lat is not None and row.lon is not None:
            parts = [f"{row.lat:.5f}, {row.lon:.5f}"]
        return ", ".join(parts) or str(self.none)

    @staticmethod
    def _higher_places(row: Row) -> list[str]:
        """Names of the ancestors, the nearest first."""
        above = LEVELS[:LEVELS.index(row.level)] if row.level in LEVELS else LEVELS
        names = [row[level] for level in reversed(above) if row[level]]
        countries = current.deployment_settings.get_gis_countries()
        if len(countries) == 1 and row.L0 and names and names[-1] == row.L0 and len(names) > 1:
            names.pop()
        return names


def location_onvalidation(form: Any) -> None:
    """A place lies in a place of a higher level, and never in itself."""
    values, T = form.vars, current.T
    level, parent_id = values.get("level"), values.get("parent")
    if not parent_id:
        return
    table = current.s3db.gis_location
    parent = current.db(table.id == parent_id).select(table.id, table.level, table.path, limitby=(0, 1)).first()
    if parent is None:
        return
    own_id = str(values.get("id") or "")
    if own_id and own_id in (parent.path or str(parent.id)).split("/"):
        form.errors["parent"] = T("A location cannot lie within itself")
    elif level and parent.level and parent.level >= level:
        form.errors["parent"] = T("The parent must be of a higher level than the location")


def location_onaccept(form: Any) -> None:
    gis_update_location_tree(form.vars.id)


def gis_update_location_tree(location_id: int) -> None:
    """Bring path, level names and inherited coordinates of a location and of everything within it up to date.

    Writes only rows that differ. Eden leaves the names of descendants with coordinates of their own as they were.
    """
    table = current.s3db.gis_location
    names = ("id", "name", "level", "parent", "path", "gis_feature_type", "lat", "lon", "inherited", "wkt", *BOUNDS, *LEVELS)
    fields = [table[name] for name in names]
    location = current.db(table.id == location_id).select(*fields, limitby=(0, 1)).first()
    if location is None:
        return
    parent = current.db(table.id == location.parent).select(*fields, limitby=(0, 1)).first() if location.parent else None
    _update_branch(table, fields, location, parent)


def _update_branch(table: Table, fields: list[Field], location: Row, parent: Row | None) -> None:
    db = current.db
    changed = {name: value for name, value in _derived(location, parent).items() if location[name] != value}
    if changed:
        db(table.id == location.id).update(**changed)
        location.update(changed)
    for child in db((table.parent == location.id) & (table.deleted == False)).select(*fields):
        _update_branch(table, fields, child, location)


def _derived(location: Row, parent: Row | None) -> dict[str, Any]:
    """What follows from the parent."""
    values: dict[str, Any] = {level: parent[level] if parent else None for level in LEVELS}
    if location.level in LEVELS:
        own = LEVELS.index(location.level)
        values.update({level: None for level in LEVELS[own:]})
        values[location.level] = location.name
    above = (parent.path or str(parent.id)) if parent else None
    values["path"] = f"{above}/{location.id}" if above else str(location.id)
    if parent and (location.inherited or location.lat is None or location.lon is None):
        values.update(lat=parent.lat, lon=parent.lon, inherited=parent.lat is not None)
    lat, lon = values.get("lat", location.lat), values.get("lon", location.lon)
    if location.gis_feature_type == POINT and lat is not None and lon is not None:
        values.update(wkt=f"POINT ({lon} {lat})", lat_min=lat, lat_max=lat, lon_min=lon, lon_max=lon)
    return values


def gis_get_children(location_id: int, level: str | None = None) -> Rows:
    """Everything within a location, at any depth.

    Args:
        level: only places of this level
    """
    table = current.s3db.gis_location
    query = (table.path.startswith(f"{location_id}/") | table.path.contains(f"/{location_id}/")) & (table.deleted == False)
    if level:
        query &= table.level == level
    return current.db(query).select(table.id, table.name, table.level, orderby=table.id)


def gis_get_parents(location_id: int, ids_only: bool = False) -> list[Any]:
    """The places that a location lies in, the nearest first: their records, or their ids."""
    table = current.s3db.gis_location
    location = current.db(table.id == location_id).select(table.path, limitby=(0, 1)).first()
    ids = [int(item) for item in (location.path or "").split("/")[-2::-1]] if location else []
    if ids_only:
        return ids
    rows = current.db(table.id.belongs(ids)).select(table.id, table.name, table.level)
    found = {row.id: row for row in rows}
    return [found[item] for item in ids if item in found]
