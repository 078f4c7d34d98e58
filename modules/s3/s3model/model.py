"""The model loader: finds, loads and serves tables and other objects of the model modules when they are first asked for."""
from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from gluon import current

from s3.s3changes import watch as watch_changes
from s3.s3error import S3CircularModelError, S3ConfigError, S3ModelError
from s3.s3fields import S3Represent
from s3.s3model.components import ComponentMixin
from s3.s3model.config import ConfigMixin
from s3.s3model.hooks import CrudStrings, HookMixin
from s3.s3model.reference import parse_reference
from s3.s3model.super import SuperEntityMixin
from s3.s3resource import S3Resource
from s3.s3utils import did_you_mean, import_module
from s3dal import Field, Table

__all__ = ("ModelStore", "S3Model")

# Modules that cannot be disabled
MANDATORY_MODULES = frozenset(("auth", "sync", "s3", "gis", "pr", "sit", "org"))


@dataclass
class ModelStore:
    """What the models of one request have declared."""

    #: {table name: {configuration key: value}}
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: {table name: {alias: declaration}}
    components: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: {(URL method, component alias or None): {table name: handler}}
    methods: dict[tuple[str, str | None], dict[str, Any]] = field(default_factory=dict)
    #: {prefix: model classes of its module}
    modules: dict[str, tuple[type[S3Model], ...]] = field(default_factory=dict)
    #: model classes that have been loaded
    classes: set[type] = field(default_factory=set)
    #: model classes that are being loaded, outermost first
    loading: list[type] = field(default_factory=list)


class S3Model(ConfigMixin, ComponentMixin, SuperEntityMixin, HookMixin):
    """Base class of models; an instance of S3Model itself, made once per request, is the loader ``current.s3db``.

    A model module ``s3db/<prefix>.py`` lists its model classes and public functions in ``__all__``. A model class has
    ``names``, what it provides, and ``model(self)``, which defines its tables and returns {name: object} of the other
    things it provides. ``defaults(self)`` is called instead if the module is disabled, ``mandatory(self)`` before either.
    A prefix that has no module in ``s3db`` may have one in a deployment template, ``templates/<template>/models/<prefix>.py``,
    which the setting ``base.custom_models`` names. Source: Eden s3model.py S3Model.
    """

    #: names of the tables and other objects that a model class provides
    names: tuple[str, ...] = ()
    #: global filter with context selectors, an S3ResourceQuery or None
    context: Any = None

    def __init__(self, prefix: str | None = None) -> None:
        """
        Args:
            prefix: load this model class, as part of the module of that name; None makes a loader

        Raises:
            S3CircularModelError: the class is already being loaded
        """
        if prefix is None:
            self.store = ModelStore()
            current.db._adapter.parser.registered["reference"] = parse_reference
            current.response.s3.crud_strings = CrudStrings(current.response.s3.crud_strings or {})
            return
        self.store = current.s3db.store
        self.prefix = prefix
        cls = type(self)
        if cls not in self.store.classes:
            self._load_class(cls, prefix)

    def model(self) -> dict[str, Any] | None:
        """Define the tables; gives {name: object} of the other things the model provides."""
        return None

    def defaults(self) -> dict[str, Any] | None:
        """Stand-ins of what other modules may use, while the own module is disabled."""
        return None

    def mandatory(self) -> dict[str, Any] | None:
        """What is provided whether or not the module is enabled."""
        return None

    @property
    def cache(self) -> tuple[Any, int]:
        """Cache for selects that may be a minute old."""
        return current.cache.ram, 60

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "store":
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        found = self.table(name)
        if found is None:
            raise AttributeError(f"undefined table or model object: {name}{self.why_missing(name)}")
        return found

    def table(self, tablename: str, default: Any = None, db_only: bool = False) -> Any:
        """Find a table or another object of a model, load its model if necessary.

        Args:
            tablename: its name, <prefix>_<name>
            default: returned if there is none; an exception is raised
            db_only: tables only
        """
        found = self._find_loaded(tablename, db_only)
        if found is None:
            found = self._find_in_module(tablename, db_only)
        if found is not None:
            return found
        if isinstance(default, Exception):
            raise default
        return default

    def get(self, name: str, default: Any = None) -> Any:
        """Find an object that a model provides and that is not a table."""
        found = self.table(name)
        return default if found is None or isinstance(found, Table) else found

    def load(self, prefix: str) -> None:
        """Load all models of a module."""
        for cls in self._classes(prefix):
            cls(prefix)

    def load_all_models(self) -> None:
        """Load the models of all modules, for set-up and for whatever must know every reference between tables."""
        package = import_module("s3db")
        prefixes = [info.name for info in pkgutil.iter_modules(package.__path__)] if package else []
        for prefix in dict.fromkeys([*prefixes, *current.deployment_settings.get_base_custom_models()]):
            self.load(prefix)

    def table_or_none(self, tablename: str, wanted_by: str) -> Table | None:
        """A table that a declaration names; None if its module is disabled or not there.

        Args:
            wanted_by: what declares it, for the error

        Raises:
            S3ModelError: the module is there and has no such table
        """
        table: Table | None = self.table(tablename, db_only=True)
        prefix, separator, _ = tablename.partition("_")
        if table is None and (not separator or (_find_module(prefix) is not None and _is_active(prefix))):
            why = self.why_missing(tablename)
            raise S3ModelError(f"{wanted_by}: there is no table {tablename!r}{why}", key=tablename)
        return table

    def is_provided(self, tablename: str) -> bool:
        """Whether there is such a table; defines it only if its model does not say by name what it provides."""
        if tablename in current.db.tables:
            return True
        prefix = tablename.partition("_")[0]
        if not _is_active(prefix):
            return False
        if any(tablename in cls.names for cls in self._classes(prefix)):
            return True
        return self.table(tablename, db_only=True) is not None

    @staticmethod
    def resource(tablename: Any, *args: Any, **kwargs: Any) -> S3Resource:
        """Make a resource of a table, see S3Resource."""
        return S3Resource(tablename, *args, **kwargs)

    def define_table(self, tablename: str, *fields: Any, watch: bool | None = None, **args: Any) -> Table:
        """Define a table, or give the existing one.

        Args:
            watch: False keeps the table out of the change log; otherwise tables with the time stamps
                ``created_on`` and ``modified_on`` are watched

        Raises:
            S3ModelError: the definition is wrong
        """
        db = current.db
        if tablename in db.tables:
            return db[tablename]
        if "_" not in tablename.strip("_"):
            raise S3ModelError(f"{tablename!r} is no table name, expected <prefix>_<name>", table=tablename)
        self._prepare_references(tablename, fields)
        try:
            table = db.define_table(tablename, *fields, **args)
        except (SyntaxError, KeyError, ValueError) as exc:
            if isinstance(exc, S3ModelError):
                raise
            raise S3ModelError(f"{tablename} cannot be defined: {_reason(exc)}", table=tablename) from exc
        if watch is not False and "created_on" in table.fields and "modified_on" in table.fields:
            watch_changes(table)
        return table

    @staticmethod
    def get_aliased(table: Table, alias: str) -> Table:
        """The table under another name, the same object for the same name."""
        return table.with_alias(alias)

    def _find_loaded(self, name: str, db_only: bool) -> Any:
        if not db_only:
            s3 = current.response.s3
            found = s3.get(name)
            if found is not None:
                return found
        db = current.db
        return db[name] if name in db.tables else None

    def _find_in_module(self, name: str, db_only: bool) -> Any:
        prefix, separator, _ = name.partition("_")
        module = _find_module(prefix) if separator and prefix else None
        if module is None:
            return None
        if not db_only and name in _public_names(module):
            return _public(module, name)
        classes = self._classes(prefix)
        provider = next((cls for cls in classes if name in cls.names), None)
        for cls in (provider,) if provider else [cls for cls in classes if not cls.names]:
            cls(prefix)
        return self._find_loaded(name, db_only)

    def _classes(self, prefix: str) -> tuple[type[S3Model], ...]:
        """The model classes of a module."""
        if prefix not in self.store.modules:
            module = _find_module(prefix)
            self.store.modules[prefix] = _model_classes(module) if module is not None else ()
        return self.store.modules[prefix]

    def why_missing(self, name: str) -> str:
        """End of an error message about a name that nobody provides: why, or the nearest one that somebody does."""
        prefix, separator, _ = name.partition("_")
        if not separator:
            return ", expected <prefix>_<name>"
        module = _find_module(prefix)
        if module is None:
            return f"; there is no model module s3db/{prefix}.py"
        provided = [own for cls in self._classes(prefix) for own in cls.names]
        if name in provided and not _is_active(prefix):
            return f"; the module {prefix!r} is not enabled in settings.modules"
        return did_you_mean(name, [*provided, *_public_names(module)])

    def _load_class(self, cls: type[S3Model], prefix: str) -> None:
        loading = self.store.loading
        if cls in loading:
            cycle = " -> ".join(item.__name__ for item in (*loading[loading.index(cls) :], cls))
            raise S3CircularModelError(f"circular model reference: {cycle}", models=cycle)
        loading.append(cls)
        try:
            for provide in (self.mandatory, self.model if _is_active(prefix) else self.defaults):
                current.response.s3.update(provide() or {})
            self.store.classes.add(cls)
        finally:
            loading.remove(cls)

    def _prepare_references(self, tablename: str, fields: tuple[Any, ...]) -> None:
        for item in fields:
            ftype = item.type if isinstance(item, Field) else None
            if not isinstance(ftype, str) or "reference " not in ftype:
                continue
            kind, _, target = ftype.partition("reference ")
            referenced = target.strip().partition(".")[0]
            if item.represent is None:
                # pydal would represent with a query for every single value
                item.represent = S3Represent(lookup=referenced, multiple=kind == "list:")
            if current.db._migrate_enabled and not kind and referenced != tablename:
                # CREATE TABLE needs the tables that foreign keys refer to
                self.table(referenced, db_only=True)


def _reason(exc: Exception) -> str:
    return str(exc.args[0]) if exc.args else str(exc)


# Cached, a miss above all: every look-up of a table of a missing module would search the import path again.
@cache
def _model_module(prefix: str) -> ModuleType | None:
    return import_module(f"s3db.{prefix}")


def _is_active(prefix: str) -> bool:
    return prefix in MANDATORY_MODULES or bool(current.deployment_settings.has_module(prefix))


@cache
def _custom_module(template: str, prefix: str) -> ModuleType | None:
    return import_module(f"templates.{template}.models.{prefix}")


def _find_module(prefix: str) -> ModuleType | None:
    """The model module of a prefix, else that of the deployment template.

    Raises:
        S3ConfigError: the setting names a template that has no such module
    """
    module = _model_module(prefix)
    template = current.deployment_settings.get_base_custom_models().get(prefix) if module is None else None
    if template is None:
        return module
    module = _custom_module(template, prefix)
    if module is None:
        raise S3ConfigError(
            f"Setting base.custom_models names the template {template!r} for the prefix {prefix!r}, "
            f"but there is no templates/{template.replace('.', '/')}/models/{prefix}.py",
            key=prefix,
        )
    return module


def _model_classes(module: ModuleType) -> tuple[type[S3Model], ...]:
    public = [_public(module, name) for name in _public_names(module)]
    return tuple(item for item in public if isinstance(item, type) and issubclass(item, S3Model))


def _public_names(module: ModuleType) -> tuple[str, ...]:
    """What a model module lists in ``__all__``."""
    names = getattr(module, "__all__", None)
    if names is None:
        raise S3ModelError(f"{module.__name__}: __all__ is missing, expected the names of its model classes and public functions")
    return tuple(names)


def _public(module: ModuleType, name: str) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        raise S3ModelError(f"{module.__name__}: __all__ lists {name!r}, which it does not define", key=name) from None
