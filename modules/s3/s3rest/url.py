"""URLs of the same kind as the current one: another record, component, method or format of a request."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from gluon import URL

from s3.s3rest.address import DEFAULT_REPRESENTATION

if TYPE_CHECKING:
    from s3.s3rest.request import S3Request

__all__ = ("build_url",)

# what a page fills in for each record, in the browser or when the id is known
ID_PLACEHOLDER = "[id]"


class Address(NamedTuple):
    """The parts of a REST URL after the function; None: not there."""

    id: str | None
    component: str | None
    component_id: str | None
    method: str | None

    def args(self) -> list[str]:
        """The URL arguments, in order."""
        parts = (self.id, self.component, self.component_id if self.component else None, self.method)
        return [part for part in parts if part]


def _text(part: Any) -> str | None:
    """A part as text; None for what means "remove it"."""
    if part in ([], ID_PLACEHOLDER, "*"):
        return ID_PLACEHOLDER
    return str(part) if part else None


def _move(
    now: Address,
    id: Any = None,
    component: Any = None,
    component_id: Any = None,
    target: Any = None,
    method: Any = None,
) -> Address:
    """Where the address leads with some parts replaced; None keeps a part, 0 and "" remove it."""
    new_component = now.component if component is None else _text(component)
    if target is not None and new_component:
        component_id = target
    record_id = now.id if id is None else _text(id)
    sub_id = now.component_id if component_id is None else _text(component_id)
    keeps_method = True

    if new_component != now.component:
        keeps_method = False
        if component_id is None:
            sub_id = None
    if id is not None and record_id != now.id and (record_id or not new_component):
        # another record has neither this component record nor, perhaps, this method
        keeps_method = False
        if component_id is None:
            sub_id = None
    if component_id is not None and not sub_id:
        keeps_method = False
    if target is not None and not new_component:
        record_id = _text(target)
        keeps_method = record_id is not None

    if method is not None:
        new_method = _text(method)
        if not new_method and id is None and component_id is None and target is None:
            # the page without its method is the list that the record is in
            record_id, sub_id = (record_id, None) if new_component else (None, None)
    else:
        new_method = now.method if keeps_method else None
    return Address(record_id, new_component, sub_id, new_method)


def _vars(given: Any, current_vars: dict[str, Any]) -> dict[str, Any]:
    """The URL variables as a new dict, without the format, which stands in the path."""
    if isinstance(given, str):
        given = json.loads(given.replace("'", '"'))
    chosen = dict(current_vars if given is None else given)
    chosen.pop("format", None)
    return chosen


def build_url(
    r: S3Request,
    representation: str | None = None,
    vars: dict[str, Any] | str | None = None,
    host: Any = None,
    **moves: Any,
) -> str:
    """Give the URL of the request with some parts replaced, see :meth:`S3Request.url`.

    Source: Eden s3rest.py S3Request.url; unlike there the given variables are not changed.
    """
    now = Address(
        str(r.id) if r.id else None,
        r.component_name,
        str(r.component_id) if r.component_id else None,
        r.method,
    )
    args = _move(now, **moves).args()
    function = r.function
    chosen = r.representation if representation is None else representation
    if chosen and chosen != DEFAULT_REPRESENTATION:
        if args:
            args[-1] = f"{args[-1]}.{chosen}"
        else:
            function = f"{function}.{chosen}"
    if "/" in function:
        # a page below default/index: gluon does not split a function that it finds in the request
        function, _, page = function.partition("/")
        args = [page, *args]
    return URL(
        r=r.base_request,
        c=r.controller,
        f=function,
        args=args,
        vars=_vars(vars, r.get_vars),
        host=host,
        extension="",
    )
