"""Small functions without state that every other part of the framework may use."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from html.parser import HTMLParser
from typing import Any

from gluon import current
from gluon.html import A, XmlComponent

from s3cfg.importer import import_module
from s3dal import Field, Query, Row, Table

__all__ = (
    "NONE",
    "among",
    "did_you_mean",
    "import_module",
    "original_name",
    "s3_fullname",
    "s3_get_extension",
    "s3_get_foreign_key",
    "s3_get_last_record_id",
    "s3_has_foreign_key",
    "s3_options_represent",
    "s3_phone_represent",
    "s3_plain_text",
    "s3_remove_last_record_id",
    "s3_store_last_record_id",
    "s3_str",
    "s3_strip_markup",
    "s3_truncate",
    "s3_url_represent",
    "s3_validate",
    "s3_yes_no_represent",
)

NONE = "-"
"""What stands where there is no value."""

# Stored as whole numbers
NUMBER_TYPES = frozenset(("id", "integer", "bigint", "reference"))
LEFT_TO_RIGHT_MARK = "\u200e"


def s3_str(value: Any) -> str:
    """Text of any value: bytes are UTF-8, lazy translations are rendered in the language of the moment."""
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """End of an error message about a name that does not exist: the nearest one that does, "" if none is near."""
    nearest = get_close_matches(name, list(names), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def original_name(table: Table | str) -> str:
    """Name under which a table was defined, also for an alias of it."""
    return table if isinstance(table, str) else table._dalname


def among(field: Field, values: Iterable[Any]) -> Query:
    """``field.belongs(values)``; numbers are written here, for the DAL takes longer to write each than the database to find it."""
    given = list(values)
    is_number = isinstance(field.type, str) and field._itype in NUMBER_TYPES
    if not (given and is_number and all(isinstance(value, int) for value in given)):
        return field.belongs(given)
    # text is taken for a statement, whose semicolon goes
    return field.belongs(",".join(str(int(value)) for value in given) + ";")


def s3_has_foreign_key(field: Field, m2m: bool = True) -> bool:
    """True if the field refers to records of a table.

    Args:
        m2m: count list:reference as well
    """
    ftype = str(field.type)
    if ftype.startswith("reference ") or (m2m and ftype.startswith("list:reference ")):
        return True
    return _pseudo_reference(field) is not None


def s3_get_foreign_key(field: Field, m2m: bool = True) -> tuple[str, str, bool] | tuple[None, None, None]:
    """Say where a field refers to, including the pseudo references of the ``references`` table setting.

    Returns:
        (name of the referenced table, name of its key, whether the field holds a list), or three times None
        when the field refers to nothing, or to a table that is not available
    """
    ftype = str(field.type)
    multiple = m2m and ftype.startswith("list:reference ")
    if multiple:
        target: str | None = ftype[15:].strip()
    elif ftype.startswith("reference "):
        target = ftype[10:].strip()
    else:
        target = _pseudo_reference(field)
    if not target:
        return None, None, None
    tablename, _, key = target.partition(".")
    if not key:
        table = current.s3db.table(tablename, db_only=True)
        if table is None:
            return None, None, None
        key = table._id.name
    return tablename, key, multiple


def _pseudo_reference(field: Field) -> str | None:
    table = field.table
    s3db = getattr(current, "s3db", None)
    if table is None or s3db is None:
        return None
    references = s3db.get_config(table, "references")
    return references.get(field.name) if references else None


# Not stripped: what the HTML parser does not see as a tag, e.g. "a < b".
class _TextCollector(HTMLParser):
    SILENT = frozenset(("script", "style"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SILENT:
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SILENT and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def s3_strip_markup(text: Any) -> str:
    """Plain text of a value that may hold HTML: tags, scripts and styles removed, entities resolved."""
    text = s3_str(text)
    if "<" not in text and "&" not in text:
        return text
    collector = _TextCollector()
    collector.feed(text)
    collector.close()
    return "".join(collector.parts)


def s3_plain_text(value: Any) -> str:
    """A represented value as plain text, which whoever writes HTML must escape.

    Only elements have markup, which is stripped; what looks like a tag in a text is what somebody has written.
    """
    return s3_strip_markup(value.xml()) if isinstance(value, XmlComponent) else s3_str(value)


def s3_truncate(text: str, length: int = 48, nice: bool = True) -> str:
    """Shorten a text that is longer than length characters, ending it with "...".

    Args:
        nice: cut at the end of a word
    """
    if len(text) <= length:
        return text
    if nice:
        return text[:length].rsplit(" ", 1)[0][: length - 3] + "..."
    return text[: length - 3] + "..."


def s3_options_represent(options: Mapping[Any, Any]) -> Callable[..., Any]:
    """Make a represent function from {value: label}; other values are shown as "-"."""

    def represent(value: Any, row: Row | None = None) -> Any:
        return options.get(value, NONE)

    return represent


def s3_yes_no_represent(value: Any, row: Row | None = None) -> Any:
    if value is True:
        return current.T("Yes")
    if value is False:
        return current.T("No")
    return NONE


def s3_phone_represent(value: str | None, row: Row | None = None) -> str:
    """Phone number that stays left-to-right inside right-to-left text."""
    return f"{LEFT_TO_RIGHT_MARK}{s3_str(value)}" if value else NONE


def s3_url_represent(value: str | None, row: Row | None = None) -> Any:
    """Link to a web address; an address with another scheme than http(s) stays text."""
    if not value:
        return NONE
    if not re.match(r"https?://", value, re.IGNORECASE):
        return value
    return A(value, _href=value, _target="_blank", _rel="noopener noreferrer")


def s3_fullname(person: Any = None, pe_id: int | None = None, truncate: bool = True) -> str:
    """Name of a person in the format of the setting ``pr.name_format``.

    Args:
        person: Row or dict with the name fields (also a joined row with "pr_person"), or a record id
        pe_id: the person entity, instead of person
        truncate: cut each part and the whole to 24 characters

    Returns:
        "" if there is no such person
    """
    if isinstance(person, Mapping) or hasattr(person, "as_dict"):
        record = person.get("pr_person") or person
    else:
        record = _find_person(person, pe_id)
    if not record:
        return ""
    return _format_name(record, truncate)


def _find_person(person_id: Any, pe_id: int | None) -> Row | None:
    if not person_id and not pe_id:
        return None
    table = current.s3db.pr_person
    query = (table.id == person_id) if person_id else (table.pe_id == pe_id)
    rows = current.db(query & (table.deleted == False)).select(
        table.first_name, table.middle_name, table.last_name, limitby=(0, 1)
    )
    return rows.first()


def _format_name(record: Mapping[str, Any], truncate: bool) -> str:
    parts = {}
    for name in ("first_name", "middle_name", "last_name"):
        part = s3_str(record.get(name) or "").strip()
        parts[name] = s3_truncate(part, 24, nice=False) if truncate else part
    fullname = current.deployment_settings.get_pr_name_format() % parts
    fullname = fullname.replace("  ", " ").rstrip()
    return s3_truncate(fullname, 24, nice=False) if truncate else fullname


def s3_validate(table: Table, field: Field | str, value: Any, record: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
    """Run the validators of a field on one value.

    Args:
        record: the stored record; a truthy value that equals the stored one is accepted as it is

    Returns:
        (value as it is to be stored, error message or None)
    """
    field = table[field] if isinstance(field, str) else field
    if record is not None and value and record.get(field.name) == value:
        return value, None
    record_id = record.get(table._id.name) if record is not None else None
    requires = field.requires
    if not requires:
        return value, None
    for validator in requires if isinstance(requires, (list, tuple)) else (requires,):
        value, error = _run_validator(validator, value, record_id)
        if error is not None:
            return value, error
    return value, None


def _run_validator(validator: Callable[..., Any], value: Any, record_id: Any) -> tuple[Any, Any]:
    # uniqueness validators of web2py learn from set_self_id which record they must not compare with
    if hasattr(validator, "set_self_id"):
        validator.set_self_id(record_id)
    return validator(value)


def s3_get_extension(request: Any = None) -> str:
    """Format extension of a request: URL variable ``format``, else that of the last argument with a dot, else the function's."""
    request = request or current.request
    extension = request.get_vars.get("format")
    if isinstance(extension, (list, tuple)):
        extension = extension[-1]
    if not extension:
        dotted = [arg for arg in request.args if "." in arg]
        extension = dotted[-1].rsplit(".", 1)[1] if dotted else request.extension
    return s3_str(extension).lower()


def _last_records() -> dict[str, Any]:
    session = current.session
    if session.rcvars is None:
        session.rcvars = {}
    return session.rcvars


def s3_get_last_record_id(tablename: str) -> Any:
    """Id of the record of this table which the session opened last, or None."""
    return _last_records().get(tablename)


def s3_store_last_record_id(tablename: str, record_id: Any) -> None:
    """Remember in the session which record of a table was opened last."""
    _last_records()[tablename] = int(record_id)


def s3_remove_last_record_id(tablenames: str | Iterable[str] | None = None) -> None:
    """Forget the last opened record of these tables, or of all."""
    records = _last_records()
    if tablenames is None:
        records.clear()
        return
    for tablename in (tablenames,) if isinstance(tablenames, str) else tablenames:
        records.pop(tablename, None)
