"""Filters as text: as URL variables, and for logs."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gluon.storage import Storage

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query import syntax
from s3.s3query.path import Subject

if TYPE_CHECKING:
    from s3.s3query.query import S3ResourceQuery

__all__ = ("describe", "serialize")

# What is "at least one of these" when it is compared with several values, whatever the field
ALTERNATIVES = frozenset(("lt", "le", "ge", "gt", "like", "ilike", "belongs", "anyof", "typeof"))


# for URLs
def serialize(query: S3ResourceQuery, resource: Subject | None = None) -> Storage:
    """URL variables of a filter, see S3ResourceQuery.serialize_url."""
    variables = Storage()
    for key, text in _variables(query, resource):
        if key not in variables:
            variables[key] = text
        elif isinstance(variables[key], list):
            variables[key].append(text)
        else:
            variables[key] = [variables[key], text]
    return variables


def _variables(query: Any, resource: Subject | None) -> Iterator[tuple[str, str]]:
    if getattr(query, "op", None) == "and":
        for operand in query.operands():
            yield from _variables(operand, resource)
        return
    invert = getattr(query, "op", None) == "not"
    alternatives = list(_alternatives(query.left if invert else query))
    first = alternatives[0]
    op = first.op
    if any(other.op != op for other in alternatives):
        raise _unspeakable("alternatives with different operators")
    selectors = [_selector(condition) for condition in alternatives]
    values = [_value(condition, resource) for condition in alternatives]
    texts = [syntax.write_value(value) for value in values]
    if len(set(texts)) == 1:
        yield syntax.make_key(selectors, op, invert), texts[0]
    elif len(set(selectors)) == 1 and all(_is_any(condition, resource) for condition in alternatives):
        members = [item for value in values for item in (value if isinstance(value, (list, tuple)) else [value])]
        yield syntax.make_key(selectors, op, invert), syntax.write_value(members)
    else:
        raise _unspeakable("alternatives with different fields and different values")


def _alternatives(query: Any) -> Iterator[S3ResourceQuery]:
    """The conditions of which one must be met."""
    if getattr(query, "op", None) == "or":
        for operand in query.operands():
            yield from _alternatives(operand)
    elif getattr(query, "is_condition", False):
        yield query
    else:
        raise _unspeakable("combinations of combinations, and queries of the DAL")


def _selector(condition: S3ResourceQuery) -> str:
    if condition.selector.op != condition.operator.url_case:
        raise _unspeakable(f"comparisons by {condition.op} in {condition.selector.op or 'this'} case", condition.selector.name)
    return condition.selector.name


def _value(condition: S3ResourceQuery, resource: Subject | None) -> Any:
    value = condition.right
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=lambda item: (item is None, item))
    try:
        value = condition.operator.to_url(value)
        if isinstance(value, (list, tuple)) and len(value) == 1:
            return _single(condition, value[0])
        if condition.op in ("eq", "ne") and isinstance(value, (list, tuple)) and not value:
            raise S3FilterValueError("An empty list cannot be said in a URL", value=value)
    except S3FilterValueError as error:
        raise S3FilterValueError(f"{condition.selector.name}: {error}", selector=condition.selector.name, value=value) from error
    return value


def _single(condition: S3ResourceQuery, value: Any) -> Any:
    # equality with a list is membership, where * is a wildcard
    if condition.op in ("eq", "ne") and isinstance(value, str) and "*" in value:
        raise S3FilterValueError(f"A list of the pattern {value!r} alone would be read as text")
    return value


def _is_any(condition: S3ResourceQuery, resource: Subject | None) -> bool:
    """Whether several values of this condition mean: one of them."""
    if condition.op in ALTERNATIVES:
        return True
    if condition.op not in ("eq", "contains") or resource is None:
        return False
    rfield = condition.resolve(resource)
    # of lists, these are compared with the whole list; membership has wildcards, equality has not
    return not (rfield.is_list or rfield.virtual) and not (condition.op == "eq" and "*" in str(condition.right))


def _unspeakable(what: str, selector: str | None = None) -> S3FilterValueError:
    return S3FilterValueError(f"{selector or 'The filter'}: URLs have no words for {what}", selector=selector)


# for logs
PATTERNS = {
    "lt": "{0} < {1}", "le": "{0} <= {1}", "eq": "{0} == {1}", "ne": "{0} != {1}", "ge": "{0} >= {1}", "gt": "{0} > {1}",
    "like": "{0} like {1}", "ilike": "{0} ilike {1}", "belongs": "{0} in {1}", "contains": "{1} in {0}",
    "anyof": "{0} contains any of {1}", "typeof": "{0} is a type of {1}",
}  # fmt: skip


def describe(query: Any, resource: Subject) -> str:
    """Text of a filter with the names of columns; a selector that does not resolve has a question mark."""
    op = getattr(query, "op", None)
    if op in ("and", "or"):
        return "(" + f" {op} ".join(describe(operand, resource) for operand in query.operands()) + ")"
    if op == "not":
        return f"(not {describe(query.left, resource)})"
    if not getattr(query, "is_condition", False):
        return str(query)
    return f"({PATTERNS[query.op].format(_column(query, resource), _literal(query.right))})"


def _column(query: S3ResourceQuery, resource: Subject) -> str:
    try:
        name = query.selector.resolve(resource).colname
    except S3SelectorError:
        return f"{query.selector.name}?"
    return f"{name}.{query.selector.op}()" if query.selector.op else name


def _literal(value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
