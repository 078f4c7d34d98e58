"""Field templates: declare a field once, use it with variations in many tables."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gluon.html import TAG
from gluon.validators import IS_EMPTY_OR

from s3dal import Field

__all__ = ("S3ReusableField",)


class S3ReusableField:
    """Make fields from a template: ``person_id = S3ReusableField("person_id", "reference pr_person", label=...)``."""

    def __init__(self, name: str, type: str = "string", **attr: Any) -> None:
        """
        Args:
            attr: attributes of the field, and
                empty: False unwraps an IS_EMPTY_OR validator, which makes a value mandatory
                widgets: {name: widget}, of which one is selected with widget=name
                script: element that is rendered after the comment
        """
        self.name = name
        self.type = type
        self.attr = attr

    def __call__(self, name: str | None = None, **attr: Any) -> Field:
        merged = {**self.attr, **attr} if attr else self.attr.copy()
        if merged.pop("empty", True) is False:
            merged["requires"] = _mandatory(merged.get("requires"))
        if "widgets" in merged or isinstance(merged.get("widget"), str):
            merged["widget"] = self._select_widget(merged.pop("widgets", None), merged.get("widget"))
        script = merged.pop("script", None)
        if script:
            comment = merged.get("comment")
            merged["comment"] = TAG[""](comment, script) if comment else script
        return Field(name or self.name, merged.pop("type", self.type), **merged)

    def _select_widget(self, widgets: dict[str, Any] | None, widget: Any) -> Any:
        if not isinstance(widget, str):
            return widget
        if not widgets or widget not in widgets:
            raise NameError(f"{self.name}: undefined widget {widget!r}, expected one of {sorted(widgets or ())}")
        return widgets[widget]

    @staticmethod
    def dummy(fname: str = "dummy_id", ftype: str = "integer") -> Callable[..., Field]:
        """Make a factory of hidden fields, which stand in for the reusable field of a disabled module."""

        def factory(name: str | None = None, **attr: Any) -> Field:
            return Field(name or fname, ftype, readable=False, writable=False)

        return factory


def _mandatory(requires: Any) -> Any:
    first = requires[0] if isinstance(requires, (list, tuple)) and requires else requires
    if not isinstance(first, IS_EMPTY_OR):
        return requires
    inner = first.other
    if isinstance(requires, (list, tuple)):
        inner = list(inner) if isinstance(inner, (list, tuple)) else [inner]
        return inner + list(requires[1:])
    return inner
