"""Components of a resource: resources of the tables whose records belong to its records, made when they are asked for."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3utils import original_name

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("S3Components", "link_hook")


class S3Components:
    """The components of one resource by alias.

    Any component that is declared can be had by its alias; ``keys``, ``values`` and ``items`` are those exposed.
    """

    def __init__(self, master: S3Resource, expose: Iterable[str] | None = None) -> None:
        """
        Args:
            expose: aliases; None exposes all
        """
        self.master = master
        self.loaded: dict[str, S3Resource] = {}
        self.links: dict[str, S3Resource] = {}
        self._exposed = _aliases(expose)

    def get(self, alias: str, default: Any = None) -> Any:
        """The component of this alias, or the link table of ``<alias>__link``."""
        if alias not in self.loaded and alias not in self.links:
            self._load(alias.partition("__link")[0])
        return self.loaded.get(alias) or self.links.get(alias) or default

    def __getitem__(self, alias: str) -> S3Resource:
        component = self.get(alias)
        if component is None:
            raise KeyError(alias)
        return component

    def __contains__(self, alias: str) -> bool:
        return self.get(alias) is not None

    @property
    def exposed(self) -> dict[str, S3Resource]:
        """All exposed components, loaded."""
        if self._exposed is None:
            self._exposed = list(current.s3db.get_hooks(self.master.tablename)[1])
        found = ((alias, self.get(alias)) for alias in self._exposed)
        return {alias: component for alias, component in found if component is not None}

    def __iter__(self) -> Iterator[str]:
        return iter(self.exposed)

    def keys(self) -> Iterable[str]:
        return self.exposed.keys()

    def values(self) -> Iterable[S3Resource]:
        return self.exposed.values()

    def items(self) -> Iterable[tuple[str, S3Resource]]:
        return self.exposed.items()

    def reset(self, aliases: Iterable[str] | None = None, expose: Iterable[str] | None = None) -> None:
        """Forget components, so that they are made anew.

        Args:
            aliases: those to forget; None for all
            expose: aliases to expose from now on; None leaves that as it is
        """
        for alias in list(self.loaded) if aliases is None else aliases:
            self.loaded.pop(alias, None)
            self.links.pop(f"{alias}__link", None)
        if expose is not None:
            self._exposed = _aliases(expose)

    def _load(self, alias: str) -> None:
        hook = current.s3db.get_component(self.master.tablename, alias)
        if hook is None:
            return
        make = type(self.master)
        component = make(hook.table, parent=self.master, alias=alias, hook=hook)
        self.loaded[alias] = component
        if hook.linktable is not None:
            link = make(hook.linktable, parent=self.master, alias=f"{alias}__link", linked=component, hook=link_hook(hook))
            component.link = link
            self.links[link.alias] = link
            self.links.setdefault(original_name(hook.linktable).partition("_")[2], link)


def _aliases(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else [names] if isinstance(names, str) else list(names)


def link_hook(hook: Any) -> Any:
    """The link table of a component seen as a component itself."""
    return type(hook)(hook, fkey=hook.lkey, lkey=None, rkey=None, linktable=None, filterby=None, multiple=True, defaults={})
