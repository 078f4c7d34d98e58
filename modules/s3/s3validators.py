"""Validators of form and import values, beside those that web2py brings."""
from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from gluon import current
from gluon.validators import ValidationError, Validator

from s3.s3datetime import S3DateTime
from s3.s3utils import LEFT_TO_RIGHT_MARK, s3_str
from s3cfg import to_translate
from s3dal import Query, Row, Table

__all__ = (
    "IS_JSONS3",
    "IS_ONE_OF",
    "IS_PHONE_NUMBER_MULTI",
    "IS_PHONE_NUMBER_SINGLE",
    "IS_UTC_DATE",
    "IS_UTC_DATETIME",
)

#: What web2py's own validators say; they translate it
ERRORS_OF_WEB2PY = to_translate((
    "Enter a number",
    "Enter a number between %(min)g and %(max)g",
    "Enter a number greater than or equal to %(min)g",
    "Enter a number less than or equal to %(max)g",
    "Enter a valid URL",
    "Enter a valid email address",
    "Enter a value",
    "Enter an integer",
    "Enter an integer between %(min)g and %(max)g",
    "Enter an integer greater than or equal to %(min)g",
    "Enter an integer less than or equal to %(max)g",
    "Enter date and time as %(format)s",
    "Enter date as %(format)s",
    "Enter from %(min)g to %(max)g characters",
    "Enter time as hh:mm:ss (seconds, am, pm optional)",
    "Invalid image",
    "Too short",
    "Value already in database or empty",
    "Value not allowed",
    "Value not in database",
))
PHONE_SEPARATORS = re.compile(r"\s*[,/;]\s*")


def _translated(message: str) -> str:
    T = getattr(current, "T", None)
    return s3_str(T(message)) if T is not None else message


class IS_ONE_OF(Validator):
    """The value is the key of an existing record, or a list of such keys.

    Costs nothing until a value is validated or the options are listed, so that tables can be defined without a query.
    Archived records do not count as existing.
    """

    def __init__(
        self,
        dbset: Any,
        field: str,
        label: Any = None,
        filterby: str | None = None,
        filter_opts: Iterable[Any] | None = None,
        not_filterby: str | None = None,
        not_filter_opts: Iterable[Any] | None = None,
        instance_types: Iterable[str] | None = None,
        realms: Iterable[int] | None = None,
        updateable: bool = False,
        groupby: str | None = None,
        orderby: Any = None,
        sort: bool = False,
        multiple: bool = False,
        zero: str | None = "",
        error_message: str | None = None,
    ) -> None:
        """
        Args:
            dbset: database, or a Set that restricts the records
            field: "tablename.keyname"
            label: template like "%(name)s", or callable(value) such as an S3Represent; default is the name or key
            filterby: name of a field that must have one of filter_opts (None among them is NULL)
            not_filterby: name of a field that must have none of not_filter_opts
            instance_types: only these instance types of a super-entity
            realms: only records of these realm entities
            updateable: only records that the user may update
            groupby: name of a field; of the records that share its value only the first one is offered
            orderby: order of the options
            sort: order the options by their labels
            multiple: the value is a list
            zero: label of the empty option, None for no such option
        """
        self.dbset = dbset
        self.ktable, _, self.kfield = field.partition(".")
        self.kfield = self.kfield or "id"
        self.label = label
        self.filterby = filterby
        self.filter_opts = filter_opts
        self.not_filterby = not_filterby
        self.not_filter_opts = not_filter_opts
        self.instance_types = instance_types
        self.realms = realms
        self.updateable = updateable
        self.groupby = groupby.rpartition(".")[2] if groupby else None
        self.orderby = orderby
        self.sort = sort
        self.multiple = multiple
        self.zero = zero
        self.error_message = error_message

    def set_self_id(self, record_id: Any) -> None:
        """Accept what web2py's forms call on every validator; existence does not depend on the record."""

    def set_filter(
        self,
        filterby: str | None = None,
        filter_opts: Iterable[Any] | None = None,
        not_filterby: str | None = None,
        not_filter_opts: Iterable[Any] | None = None,
    ) -> None:
        """Change the filters, None leaves one as it is."""
        self.filterby = filterby or self.filterby
        self.filter_opts = filter_opts if filter_opts is not None else self.filter_opts
        self.not_filterby = not_filterby or self.not_filterby
        self.not_filter_opts = not_filter_opts if not_filter_opts is not None else self.not_filter_opts

    def validate(self, value: Any, record_id: Any = None) -> Any:
        table = self._table()
        if self.multiple:
            values = _as_list(value)
        else:
            values = [value]
        keys = [self._key(table, v) for v in values]
        if not self._all_exist(table, keys):
            raise ValidationError(_translated(self.error_message or to_translate("Invalid Record ID!")))
        return keys if self.multiple else keys[0]

    def options(self, zero: bool = True) -> list[tuple[Any, Any]]:
        """The choices as (key as text, label), with the empty one first if zero and the field allows it."""
        table = self._table()
        items = self._labelled(table, self._select(table))
        if self.sort:
            items.sort(key=lambda item: s3_str(item[1]).casefold())
        if zero and self.zero is not None and not self.multiple:
            items.insert(0, ("", self.zero))
        return items

    def _table(self) -> Table:
        table = current.s3db.table(self.ktable, db_only=True)
        if table is None:
            raise ValidationError(_translated(to_translate("Invalid Record ID!")))
        return table

    def _key(self, table: Table, value: Any) -> Any:
        ftype = str(table[self.kfield].type)
        if ftype not in ("id", "integer", "bigint") and not ftype.startswith("reference"):
            return s3_str(value)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise ValidationError(_translated(self.error_message or to_translate("Invalid Record ID!"))) from None

    def _all_exist(self, table: Table, keys: list[Any]) -> bool:
        if not keys:
            return True
        key = table[self.kfield]
        query = self._query(table) & (key == keys[0] if len(keys) == 1 else key.belongs(keys))
        return len(self.dbset(query).select(key, distinct=True)) == len(set(keys))

    def _query(self, table: Table) -> Query:
        """What restricts the records."""
        if self.updateable:
            query = current.auth.s3_accessible_query("update", table)
        else:
            query = table._id != None
        if "deleted" in table.fields:
            query &= table.deleted == False
        if self.filterby and self.filter_opts is not None:
            query &= _is_one_of(table[self.filterby], list(self.filter_opts))
        if self.not_filterby and self.not_filter_opts is not None:
            field = table[self.not_filterby]
            query &= ~_is_one_of(field, list(self.not_filter_opts)) | _unless_excluded(field, self.not_filter_opts)
        if self.instance_types and "instance_type" in table.fields:
            query &= table.instance_type.belongs(list(self.instance_types))
        if self.realms is not None and "realm_entity" in table.fields:
            query &= _is_one_of(table.realm_entity, list(self.realms))
        return query

    def _select(self, table: Table) -> list[Row]:
        fields = [table[name] for name in self._label_fields(table)]
        orderby = self.orderby
        if orderby is None and not self.sort:
            orderby = [field for field in fields if field.name != self.kfield] or fields
        rows = list(self.dbset(self._query(table)).select(*fields, orderby=orderby))
        if self.groupby is None:
            return rows
        firsts: dict[Any, Row] = {}
        for row in rows:
            firsts.setdefault(row[self.groupby], row)
        return list(firsts.values())

    def _label_fields(self, table: Table) -> list[str]:
        if isinstance(self.label, str):
            names = [name for name in re.findall(r"%\((\w+)\)", self.label) if name in table.fields]
        elif callable(self.label):
            names = [name for name in getattr(self.label, "fields", None) or () if name in table.fields]
        else:
            names = ["name"] if "name" in table.fields else []
        grouping = [self.groupby] if self.groupby else []
        return list(dict.fromkeys([self.kfield, *names, *grouping]))

    def _labelled(self, table: Table, rows: list[Row]) -> list[tuple[Any, Any]]:
        keys = [row[self.kfield] for row in rows]
        if isinstance(self.label, str):
            labels = {row[self.kfield]: self.label % row.as_dict() for row in rows}
        elif hasattr(self.label, "bulk"):
            labels = self.label.bulk(keys, list_type=False, show_link=False)
        elif callable(self.label):
            labels = {key: self.label(key) for key in keys}
        else:
            name = "name" if "name" in table.fields else self.kfield
            labels = {row[self.kfield]: row[name] for row in rows}
        return [(s3_str(key), labels.get(key)) for key in keys]


def _is_one_of(field: Any, options: list[Any]) -> Query:
    values = [option for option in options if option is not None]
    query = field.belongs(values)
    return query | (field == None) if None in options else query


def _unless_excluded(field: Any, options: Iterable[Any]) -> Query:
    # SQL's NOT IN is not true for NULL, which is none of the options unless it is named
    return field.belongs([]) if None in list(options) else (field == None)


def _as_list(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    text = s3_str(value)
    # "|1|2|" is how list types are stored
    return [item for item in (text.strip("|").split("|") if text.startswith("|") else text.split(",")) if item]


class IS_UTC_DATETIME(Validator):
    """A date/time as the client writes it, in ISO form or in the format of the deployment; the value is naive UTC.

    Without zone it is taken in the client's time zone.
    """

    DEFAULT_ERROR = to_translate("Enter a valid date/time")
    ISO_FORMATS: tuple[str, ...] = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
    OFFSET = re.compile(r"\s*(Z|[+-]\d{2}:?\d{2})$")

    def __init__(
        self,
        format: str | None = None,
        error_message: str | None = None,
        minimum: dt.date | None = None,
        maximum: dt.date | None = None,
    ) -> None:
        """
        Args:
            format: as of strptime; default is the date and time format of the deployment
            minimum, maximum: both included; a datetime is naive UTC
        """
        self.format = format
        self.error_message = error_message
        self.minimum = minimum
        self.maximum = maximum

    def validate(self, value: Any, record_id: Any = None) -> Any:
        if not isinstance(value, dt.datetime):
            value = self._parse(s3_str(value).strip())
        elif value.tzinfo:
            value = S3DateTime.to_utc(value)
        self._check_range(value)
        return value

    def formatter(self, value: Any) -> Any:
        """The stored value as the client would write it."""
        if isinstance(value, dt.date):
            return S3DateTime.datetime_represent(value, format=self.format, utc=True)
        return value

    def _parse(self, text: str) -> dt.datetime:
        offset = self.OFFSET.search(text)
        naive = self._strptime(text[: offset.start()] if offset else text)
        if offset:
            aware = dt.datetime.strptime(f"{naive.isoformat()}{offset[1]}", "%Y-%m-%dT%H:%M:%S%z")
            return aware.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return S3DateTime.to_utc(naive) or naive

    def _strptime(self, text: str) -> dt.datetime:
        for format in (self._local_format(), *self.ISO_FORMATS):
            try:
                return dt.datetime.strptime(text, format)
            except ValueError:
                continue
        raise ValidationError(self._message())

    def _local_format(self) -> str:
        return self.format or current.deployment_settings.get_L10n_datetime_format()

    def _check_range(self, value: Any) -> None:
        too_early = self.minimum is not None and value < self.minimum
        too_late = self.maximum is not None and value > self.maximum
        if not (too_early or too_late):
            return
        if self.error_message:
            raise ValidationError(self._message())
        if too_early:
            raise ValidationError(f"{_translated(to_translate('Not before'))} {self.formatter(self.minimum)}")
        raise ValidationError(f"{_translated(to_translate('Not after'))} {self.formatter(self.maximum)}")

    def _message(self) -> str:
        return _translated(self.error_message or self.DEFAULT_ERROR)


class IS_UTC_DATE(IS_UTC_DATETIME):
    """A date in ISO form or in the format of the deployment."""

    DEFAULT_ERROR = to_translate("Enter a valid date")
    ISO_FORMATS = ("%Y-%m-%d",)

    def validate(self, value: Any, record_id: Any = None) -> Any:
        if isinstance(value, dt.datetime):
            value = value.date()
        elif not isinstance(value, dt.date):
            value = self._strptime(s3_str(value).strip()).date()
        self._check_range(value)
        return value

    def formatter(self, value: Any) -> Any:
        return S3DateTime.date_represent(value, format=self.format) if isinstance(value, dt.date) else value

    def _local_format(self) -> str:
        return self.format or current.deployment_settings.get_L10n_date_format()


class IS_PHONE_NUMBER_SINGLE(Validator):
    """One telephone number.

    A number in international form is stored without separators, "+44123456". Whether it is in service is not known
    here: a country code and a possible length are enough, because numbering plans change faster than libraries.
    """

    def __init__(self, international: bool = False, error_message: str | None = None) -> None:
        """
        Args:
            international: a number with country code is required, unless the setting
                ``msg.require_international_phone_numbers`` is off
        """
        self.international = international
        self.error_message = error_message

    def validate(self, value: Any, record_id: Any = None) -> str:
        number = s3_str(value).replace(LEFT_TO_RIGHT_MARK, "").strip()
        settings = current.deployment_settings
        if self.international and settings.get_msg_require_international_phone_numbers():
            normal = _international_number(number)
            if normal is None:
                explanation = self.error_message or to_translate("Enter phone number in international format like +46783754957")
                raise ValidationError(_translated(explanation))
            return normal
        if not _is_phone_number(number, settings.get_L10n_default_country_code()):
            raise ValidationError(_translated(self.error_message or to_translate("Enter a valid phone number")))
        return number


class IS_PHONE_NUMBER_MULTI(Validator):
    """One or more telephone numbers, separated by comma, slash or semicolon; stored separated by ", "."""

    def __init__(self, error_message: str | None = None) -> None:
        self.error_message = error_message
        self.single = IS_PHONE_NUMBER_SINGLE(error_message=error_message)

    def validate(self, value: Any, record_id: Any = None) -> str:
        numbers = [number for number in PHONE_SEPARATORS.split(s3_str(value).strip()) if number]
        if not numbers:
            raise ValidationError(_translated(self.error_message or to_translate("Enter a valid phone number")))
        return ", ".join(self.single.validate(number) for number in numbers)


def _international_number(text: str) -> str | None:
    """The number as + and digits, None if it is not in international form."""
    # imported on use: takes 40 ms, which every scheduler task would pay and hardly one needs
    import phonenumbers

    if not text.startswith("+"):
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_phone_number(text: str, country_code: int) -> bool:
    import phonenumbers

    try:
        phonenumbers.parse(text, phonenumbers.region_code_for_country_code(country_code))
    except phonenumbers.NumberParseException:
        return False
    return True


class IS_JSONS3(Validator):
    """A JSON text; it is stored as it was written.

    Unlike the original, single quotes are not turned into double quotes: that destroyed every apostrophe in a value.
    """

    def __init__(
        self, check: Callable[[Any], str | None] | None = None, error_message: str | None = None
    ) -> None:
        """
        Args:
            check: callable(parsed value) that returns what is wrong with it, or None
        """
        self.check = check
        self.error_message = error_message

    def validate(self, value: Any, record_id: Any = None) -> str:
        text = s3_str(value)
        try:
            parsed = json.loads(text)
        except ValueError as error:
            raise ValidationError(f"{_translated(self.error_message or to_translate('Invalid JSON'))}: {error}") from error
        problem = self.check(parsed) if self.check else None
        if problem:
            raise ValidationError(problem)
        return text
