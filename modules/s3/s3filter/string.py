"""The text of a filter: what it selects, in a sentence, in the language of the reader.

The words stand beside the SQL of each operator, in ``s3query.operators``.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3filter.saved import parse_filter
from s3.s3query import OPERATORS, S3ResourceField, S3ResourceQuery, S3URLQuery
from s3.s3query.query import values_as_set
from s3.s3utils import original_name, s3_get_foreign_key, s3_str, s3_strip_markup

if TYPE_CHECKING:
    from s3.s3resource import S3Resource

__all__ = ("S3FilterString",)

# Values of these types are quoted: their words could be taken for those of the sentence
QUOTED_TYPES = ("string", "text", "list:string", "list:reference", "reference")

AND_WORDS = "%s AND %s"
OR_WORDS = "%s OR %s"
NOT_WORDS = "NOT %s"


class S3FilterString:
    """A saved filter as URL variables and as text. Source: Eden s3filter.py S3FilterString.

    Attributes:
        get_vars: {key: value}, a list if the key occurs several times; keys are prefixed with "~."
    """

    def __init__(self, resource: S3Resource, query: Any) -> None:
        """
        Args:
            query: JSON text or list of [key, value]; conditions without a value (null) are left out

        Raises:
            S3FilterValueError: the filter is malformed
        """
        self.resource = resource
        self.get_vars: Storage = Storage()
        self._labels: dict[str, Any] | None = None
        for key, value in parse_filter(query):
            if value is not None:
                self._add(resource.prefix_selector(key), value)

    def _add(self, key: str, value: str) -> None:
        if key not in self.get_vars:
            self.get_vars[key] = value
        elif isinstance(self.get_vars[key], list):
            self.get_vars[key].append(value)
        else:
            self.get_vars[key] = [self.get_vars[key], value]

    def represent(self) -> str:
        """What the filter selects; "" if it is empty.

        Raises:
            S3SelectorError, S3FilterValueError: the filter does not suit the resource
        """
        queries = [query for items in S3URLQuery.parse(self.resource, self.get_vars).values() for query in items]
        text = ""
        for query in queries:
            part = self._sentence(query, False)
            if query.op == "or" and len(queries) > 1:
                part = _in_parentheses(part)
            text = s3_str(current.T(AND_WORDS)) % (text, part) if text else part
        return text

    def _sentence(self, query: S3ResourceQuery, invert: bool) -> str:
        if query.is_condition:
            return self._condition(query, invert)
        return self._combination(query, invert)

    def _combination(self, query: S3ResourceQuery, invert: bool) -> str:
        if query.op == "not":
            return self._sentence(query.left, not invert)
        is_and = query.op == "and"
        parts = [self._operand(operand, query.op) for operand in query.operands()]
        if invert:
            parts = [s3_str(current.T(NOT_WORDS)) % part for part in parts]
        words = AND_WORDS if is_and != invert else OR_WORDS
        return s3_str(current.T(words)) % tuple(parts)

    def _operand(self, operand: S3ResourceQuery, op: str) -> str:
        text = self._sentence(operand, False)
        return text if operand.is_condition or operand.op == op else _in_parentheses(text)

    def _condition(self, query: S3ResourceQuery, invert: bool) -> str:
        rfield = query.resolve(self.resource)
        value = query.right if rfield.virtual else query.value_for(rfield)
        operation, value = values_as_set(query.operator, value, rfield.is_list)
        is_exclusion = query.op == "ne" and operation is not query.operator
        # several values of "!=" are looked up as a set, but people know the field as being none of them
        words = OPERATORS["ne"] if is_exclusion else OPERATORS["eq"] if query.op == "eq" else operation
        template = words.negated if invert else words.sentence
        conjunction = operation.conjunction if rfield.is_list else "or"
        text = self._values(rfield, _readable(query.op, value), conjunction)
        return s3_str(current.T(template)) % {"label": s3_str(self._label(rfield)), "value": text}

    def _values(self, rfield: S3ResourceField, value: Any, conjunction: str) -> str:
        if not isinstance(value, (list, tuple)):
            return self._represent_values(rfield, [value])[0]
        if not value:
            return "()"
        texts = self._represent_values(rfield, list(value))
        if len(texts) == 1:
            return texts[0]
        word = s3_str(current.T(conjunction))
        return f"{', '.join(texts[:-1])} {word} {texts[-1]}"

    def _represent_values(self, rfield: S3ResourceField, values: list[Any]) -> list[str]:
        renderer: Any = None if rfield.virtual or self._refers_to_hidden(rfield) else rfield.represent
        if hasattr(renderer, "bulk"):
            labels = renderer.bulk([value for value in values if value is not None], list_type=False, show_link=False)
            texts = [labels.get(value) for value in values]
        else:
            texts = [_represented(renderer, value, rfield) for value in values]
        return [s3_str(current.T("None")) if value is None else _quoted(rfield, text) for value, text in zip(values, texts, strict=True)]

    def _refers_to_hidden(self, rfield: S3ResourceField) -> bool:
        """Whether names would tell of records that code hides: any number may stand in a filter."""
        hidden = self.resource.rfilter.hidden_tables()
        if not hidden or rfield.field is None:
            return False
        original = current.db[original_name(rfield.path.table)][rfield.field.name]
        return s3_get_foreign_key(original)[0] in hidden

    def _label(self, rfield: S3ResourceField) -> Any:
        """Label of a field: as in the lists of the resource, else its own."""
        if self._labels is None:
            self._labels = {}
            for key in ("notify_fields", "list_fields"):
                for item in self.resource.get_config(key) or ():
                    if isinstance(item, (list, tuple)):
                        self._labels[self.resource.prefix_selector(item[1])] = item[0]
        return self._labels.get(self.resource.prefix_selector(rfield.selector)) or rfield.label


def _in_parentheses(text: str) -> str:
    return f"({text})"


def _readable(op: str, value: Any) -> Any:
    """The pattern of "like" as people write it, with * and ?."""
    if op != "like" or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_readable(op, item) for item in value]
    result, is_escaped = "", False
    for char in s3_str(value):
        if char == "\\" and not is_escaped:
            is_escaped = True
            continue
        result += char if is_escaped else {"%": "*", "_": "?"}.get(char, char)
        is_escaped = False
    return result


def _represented(renderer: Any, value: Any, rfield: S3ResourceField) -> Any:
    if renderer is None or value is None:
        return value
    # a filter compares with one member, the field's function represents lists
    return renderer([value]) if rfield.is_list else renderer(value)


def _quoted(rfield: S3ResourceField, text: Any) -> str:
    plain = s3_strip_markup(s3_str(text.xml())) if hasattr(text, "xml") else s3_str(text)
    return f'"{plain}"' if rfield.ftype.partition(" ")[0] in QUOTED_TYPES else plain
