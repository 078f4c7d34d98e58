"""Components: which tables belong to the records of a master table, under which alias, and how they are joined."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gluon.storage import Storage

from s3.s3error import S3ModelError
from s3.s3utils import did_you_mean, original_name
from s3dal import Table

if TYPE_CHECKING:
    from s3.s3model.model import ModelStore

__all__ = ("ComponentMixin",)

SPEC_KEYS = frozenset(
    (
        "name",
        "joinby",
        "link",
        "key",
        "fkey",
        "pkey",
        "actuate",
        "autodelete",
        "autocomplete",
        "defaults",
        "multiple",
        "filterby",
        "label",
        "plural",
    )
)


class ComponentMixin:
    """Part of S3Model."""

    store: ModelStore

    if TYPE_CHECKING:

        def table(self, tablename: str, default: Any = None, db_only: bool = False) -> Any: ...
        def table_or_none(self, tablename: str, wanted_by: str) -> Table | None: ...
        def get_config(self, tablename: Table | str, key: str, default: Any = None) -> Any: ...
        def get_aliased(self, table: Table, alias: str) -> Table: ...
        def _supertables(self, table: Table | str) -> list[Table]: ...

    def add_components(self, master: Table | str, **specs: Any) -> None:
        """Declare tables whose records belong to a record of the master table; loads none of them.

        ``add_components("pr_subscription", pr_subscription_resource="subscription_id")``

        Args:
            specs: name of the component table = its specification, or a list of them:
                - name of the foreign key in the component table, or
                - dict with the keys
                  joinby: that foreign key; or with a link table, the link table's key to the master
                  name: alias of the component; default is the table name without prefix
                  link: name of a link table
                  key: the link table's key to the component
                  pkey, fkey: what joinby and key refer to; default are the super key or record id of the master, and
                  the record id of the component
                  filterby: {field: value or list of values} or callable(table) -> Query, restricts the records;
                  False uses the table under an alias of its own without restriction
                  defaults: {field: value} for new records
                  multiple: False if a master record has at most one
                  label, plural, actuate, autodelete, autocomplete

        Raises:
            S3ModelError: a key is unknown or missing
        """
        hooks = self.store.components.setdefault(original_name(master), {})
        for tablename, spec in specs.items():
            for item in spec if isinstance(spec, (list, tuple)) else (spec,):
                hook = _parse_spec(original_name(master), tablename, item)
                hooks[hook.alias] = hook

    def get_hooks(self, table: Table | str, names: Iterable[str] | None = None) -> tuple[Table | None, dict[str, Storage]]:
        """The declarations that apply to a table, its own first, then those of its super-entities.

        Args:
            names: aliases, None for all

        Returns:
            (table, {alias: declaration}); declarations that stem from a super-entity have ``supertable``
        """
        wanted = None if names is None else {names} if isinstance(names, str) else set(names)
        master = table if isinstance(table, Table) else self.table(table, db_only=True)
        if master is None:
            return None, {}
        found = _select_hooks(self.store.components.get(original_name(master)), wanted)
        for supertable in self._supertables(master):
            if wanted is not None and wanted.issubset(found):
                break
            inherited = _select_hooks(self.store.components.get(original_name(supertable)), wanted)
            for alias, hook in inherited.items():
                found.setdefault(alias, Storage(hook, supertable=supertable))
        return master, found

    def get_components(self, table: Table | str, names: Iterable[str] | None = None) -> dict[str, Storage]:
        """Resolve components of a table; those whose table or link table belongs to a module that is not there are left out.

        Returns:
            {alias: component}, a component has tablename, table (aliased if needed), prefix, name, alias, pkey, fkey,
            linktable, lkey, rkey, actuate, autodelete, autocomplete, defaults, multiple, filterby, label, plural

        Raises:
            S3ModelError: a table or field that a declaration names does not exist
        """
        master, hooks = self.get_hooks(table, names)
        if master is None:
            return {}
        resolved = {alias: self._resolve(master, hook) for alias, hook in hooks.items()}
        return {alias: component for alias, component in resolved.items() if component is not None}

    def get_component(self, table: Table | str, alias: str) -> Storage | None:
        """Resolve one component, None if there is none of this alias."""
        return self.get_components(table, names=(alias,)).get(alias)

    def has_components(self, table: Table | str) -> bool:
        return bool(self.get_hooks(table)[1])

    def get_alias(self, tablename: Table | str, link: str) -> str | None:
        """Alias of the component that is reached through a link table.

        Args:
            link: "<alias>__link", or the name of the link table without prefix
        """
        _, hooks = self.get_hooks(tablename)
        alias, is_alias, _ = link.partition("__link")
        if is_alias:
            return alias if alias in hooks else None
        for alias, hook in hooks.items():
            if hook.link and original_name(hook.link).partition("_")[2] == link:
                return alias
        return None

    def hierarchy_link(self, tablename: Table | str) -> str | None:
        """Alias of the component that is the parent in a hierarchy of records which are linked by a table."""
        link = self.get_config(tablename, "hierarchy_link")
        if link:
            return link
        hierarchy = self.get_config(tablename, "hierarchy")
        parent = hierarchy[0] if isinstance(hierarchy, (list, tuple)) else hierarchy
        if not parent or "." not in parent:
            return None
        return self.get_alias(tablename, parent.partition(".")[0])

    def _resolve(self, master: Table, hook: Storage) -> Storage | None:
        wanted_by = f"{original_name(master)}: component {hook.alias}"
        table = self.table_or_none(hook.tablename, wanted_by)
        link = hook.link if isinstance(hook.link, Table) or not hook.link else self.table_or_none(hook.link, wanted_by)
        if table is None or (hook.link and link is None):
            return None
        pkey = hook.pkey or (hook.supertable._id.name if hook.supertable is not None else master._id.name)
        _check_fields(master, hook, master, (pkey,))
        if link is None:
            _check_fields(master, hook, table, (hook.joinby,))
        else:
            _check_fields(master, hook, link, (hook.joinby, hook.key))
            _check_fields(master, hook, table, (hook.fkey or table._id.name,))
        if hook.filterby is not None or original_name(table) == original_name(master):
            table = self.get_aliased(table, f"{hook.prefix}_{hook.alias}_{hook.name}")
        component = Storage(hook, table=table, pkey=pkey, linktable=link)
        if link is None:
            component.update(fkey=hook.joinby, lkey=None, rkey=None)
        else:
            component.update(fkey=hook.fkey or table._id.name, lkey=hook.joinby, rkey=hook.key)
        return component


def _parse_spec(master: str, tablename: str, spec: Any) -> Storage:
    if isinstance(spec, str):
        spec = {"joinby": spec}
    _check_spec(master, tablename, spec)
    prefix, _, name = tablename.partition("_")
    hook = Storage(dict.fromkeys(SPEC_KEYS), supertable=None, actuate="link", autodelete=False, multiple=True)
    hook.update(spec)
    hook.update(tablename=tablename, prefix=prefix, name=name, alias=spec.get("name") or name, defaults=spec.get("defaults") or {})
    return hook


def _check_spec(master: str, tablename: str, spec: Any) -> None:
    def wrong(key: str, problem: str) -> S3ModelError:
        return S3ModelError(f"{master}: component {tablename}: {problem}", table=master, key=key)

    if "_" not in tablename:
        raise wrong(tablename, "this is no table name, expected <prefix>_<name>")
    if not isinstance(spec, Mapping):
        raise wrong(tablename, f"declared by {spec!r}, expected the name of a foreign key or a dict")
    for key in spec:
        if key not in SPEC_KEYS:
            nearest = did_you_mean(key, SPEC_KEYS)
            raise wrong(key, f"unknown key {key!r}{nearest}, expected some of {', '.join(sorted(SPEC_KEYS))}")
    for key in ("joinby", "key") if spec.get("link") else ("joinby",):
        if not spec.get(key):
            raise wrong(key, f"{key!r} is missing, expected the name of a foreign key")


def _select_hooks(hooks: dict[str, Storage] | None, names: set[str] | None) -> dict[str, Storage]:
    if not hooks:
        return {}
    return dict(hooks) if names is None else {alias: hooks[alias] for alias in hooks if alias in names}


def _check_fields(master: Table, hook: Storage, table: Table, names: Iterable[str]) -> None:
    for name in names:
        if name not in table.fields:
            raise S3ModelError(
                f"{original_name(master)}: component {hook.alias} ({hook.tablename}) is joined by field {name!r}, "
                f"which {original_name(table)} does not have{did_you_mean(name, table.fields)}; its fields: {', '.join(table.fields)}",
                table=original_name(master),
                key=name,
            )
