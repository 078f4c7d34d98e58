"""Forms of records: which fields they have, how they look, and what a submitted one gives.

Built on web2py's SQLFORM, which validates, and protects with a one-time key; storing is the caller's.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from gluon import DIV, INPUT, LABEL, SPAN, SQLFORM, TAG, current
from gluon.sqlhtml import OptionsWidget
from gluon.storage import Storage
from gluon.validators import IS_NOT_EMPTY

from s3.s3crud.values import length_error
from s3.s3datetime import S3DateTime
from s3.s3error import S3RequestError
from s3cfg import to_translate
from s3dal import Field, Row, Table

__all__ = ("FormResult", "RecordForm")

# more options than this are a list to choose from, not a group of boxes
MAX_CHECKBOXES = 12
# on the widget of a field with a file
WORDS_OF_WEB2PY = to_translate(("delete", "file ## download"))


def _date_widget(value: Any) -> Callable[..., INPUT]:
    """A date input; takes the stored value, as web2py gives the widget a text in the format of the deployment."""
    text = value.isoformat() if isinstance(value, dt.date) else None
    return lambda field, shown, **attr: _input(field, "date", text)


def _datetime_widget(value: Any) -> Callable[..., INPUT]:
    """A date and time input, in the reader's time zone and with the seconds, which saving must not lose."""
    local = S3DateTime.to_local(value) if isinstance(value, dt.datetime) else None
    text = local.isoformat() if local else None
    return lambda field, shown, **attr: _input(field, "datetime-local", text, _step="1")


def _input(field: Field, kind: str, value: Any, **attr: Any) -> INPUT:
    return INPUT(
        _type=kind,
        _name=field.name,
        _id=f"{field.tablename}_{field.name}",
        _class=kind,
        value=value,
        requires=field.requires,
        **attr,
    )


def _checkboxes(field: Field, value: Any, **attr: Any) -> DIV:
    """Boxes to tick, for a field of which several options can be chosen."""
    chosen = {str(item) for item in (value or [])}
    boxes: list[DIV] = []
    for position, (key, label) in enumerate(_options(field)):
        if key == "":
            continue
        box_id = f"{field.tablename}_{field.name}_{position}"
        box = INPUT(
            _type="checkbox",
            _id=box_id,
            _name=field.name,
            _value=key,
            value=str(key) in chosen,
            # validated once, with all values of the group
            requires=field.requires if not boxes else None,
            hideerror=bool(boxes),
        )
        boxes.append(DIV(box, " ", LABEL(label, _for=box_id), _class="choice"))
    return DIV(*boxes, _class="choices")


def _options(field: Field) -> list[tuple[Any, Any]]:
    requires = field.requires[0] if isinstance(field.requires, (list, tuple)) else field.requires
    return list(requires.options())


def _choose_widget(field: Field, record: Row | None) -> Callable[..., Any] | None:
    """A widget that serves better than web2py's for this field, or None."""
    if field.widget:
        return None
    if field.type in ("date", "datetime"):
        value = record[field.name] if record else field.default() if callable(field.default) else field.default
        return _date_widget(value) if field.type == "date" else _datetime_widget(value)
    if str(field.type).startswith("list:") and OptionsWidget.has_options(field):
        requires = field.requires[0] if isinstance(field.requires, (list, tuple)) else field.requires
        if requires.multiple and len(requires.options()) <= MAX_CHECKBOXES:
            return _checkboxes
    return None


def _is_multiple(field: Field) -> bool:
    requires = field.requires or ()
    validators = requires if isinstance(requires, (list, tuple)) else (requires,)
    return str(field.type).startswith("list:") or any(getattr(validator, "multiple", False) for validator in validators)


def _is_required(field: Field) -> bool:
    """Whether the form must not be sent without a value of this field."""
    if field.type == "boolean":
        return False
    requires = field.requires or ()
    validators = requires if isinstance(requires, (list, tuple)) else (requires,)
    return any(isinstance(validator, IS_NOT_EMPTY) for validator in validators) or (
        field.notnull and field.default is None
    )


class FormResult:
    """What became of a form: shown, refused or accepted; ``values`` are to be stored."""

    def __init__(self, form: SQLFORM, accepted: bool, values: dict[str, Any]) -> None:
        self.form = form
        self.accepted = accepted
        self.values = values


class RecordForm:
    """The form to add or change a record.

    Args:
        table: the table
        record: the stored record to change, None to add one
        hidden: names of fields that the form does not have
    """

    def __init__(self, table: Table, record: Row | None = None, hidden: tuple[str, ...] = ()) -> None:
        self.table = table
        self.record = record
        self.names = [
            field.name
            for field in table
            if field.writable and not field.compute and field.type not in ("id", "blob") and field.name not in hidden
        ]

    def process(self, post_vars: Any, onvalidation: Callable[[Any], None]) -> FormResult:
        """Show the form, or take in what was submitted.

        Args:
            post_vars: the body of the request
            onvalidation: called with the form when all fields are valid; adds to its errors
        """
        table = self.table
        post_vars = self._single_values(post_vars)
        for name in self.names:
            widget = _choose_widget(table[name], self.record)
            if widget:
                table[name].widget = widget
        formname = f"{table._tablename}/{self.record[table._id.name] if self.record else None}"
        form = SQLFORM(
            table,
            self.record,
            # SQLFORM adds to the list
            fields=list(self.names),
            showid=False,
            submit_button=to_translate("Save"),
            formstyle=self._arrange,
            separator="",
            _class="record-form",
            _action="",
        )
        accepted = self._accepts(form, post_vars, formname, onvalidation)
        if post_vars and not accepted:
            self._explain(form, post_vars)
        values = self._values(form) if accepted else {}
        return FormResult(form, accepted, values)

    def _single_values(self, post_vars: Any) -> Storage:
        """What was submitted, of a repeated field the last value; a file counts only where there is one to store."""
        single = Storage()
        for name, value in (post_vars or {}).items():
            field = self.table[name] if name in self.names else None
            if isinstance(value, list) and not (field is not None and _is_multiple(field)):
                value = value[-1]
            if isinstance(value, (str, list)) or (field is not None and field.type == "upload"):
                single[name] = value
        return single

    def _accepts(self, form: SQLFORM, post_vars: Storage, formname: str, onvalidation: Callable[[Any], None]) -> bool:
        checks = [self._check_lengths, onvalidation]
        try:
            return bool(form.accepts(post_vars, current.session, formname=formname, onvalidation=checks, keepvalues=True, dbio=False))
        except SyntaxError as exc:
            # what web2py makes of a hidden record id that is not the one in the URL
            raise S3RequestError("This form belongs to another record.") from exc

    def _check_lengths(self, form: SQLFORM) -> None:
        for name in self.names:
            error = length_error(self.table[name], form.vars[name])
            if error:
                form.errors[name] = error

    def _values(self, form: SQLFORM) -> dict[str, Any]:
        """The fields of the form, and what the hooks added."""
        id_name = self.table._id.name
        return {name: form.vars[name] for name in form.vars if name in self.table.fields and name != id_name}

    def _explain(self, form: SQLFORM, post_vars: Any) -> None:
        """Say why a submitted form was not accepted, where it is to be mended, also to a screen reader."""
        T = current.T
        if not form.errors:
            # the one-time key was used, or the session is over: what was typed stays
            self._refill(form, post_vars)
            current.response.error = T("This form was open for too long or was sent twice. Please check it and save again.")
            return
        for element in form.elements("input,select,textarea"):
            name = element["_name"]
            if name in form.errors:
                element["_aria-invalid"] = "true"
                element["_aria-describedby"] = f"{name}__error"
        labels = {name: self.table[name].label for name in self.names}
        shown = [f"{labels[name]}: {error}" if name in labels else str(error) for name, error in form.errors.items()]
        current.response.error = T("Not saved. ") + " ".join(shown)

    def _refill(self, form: SQLFORM, post_vars: Any) -> None:
        for element in form.elements("input,select,textarea"):
            name = element["_name"]
            if name in self.names and name in post_vars and element["_type"] not in ("file", "password"):
                element["value"] = post_vars[name]
                element._postprocessing()

    def _arrange(self, form: SQLFORM, rows: list[tuple[str, Any, Any, Any]]) -> DIV:
        """The form style: each field a block of label, input and hint."""
        lines = []
        for row_id, label, widget, comment in rows:
            name = row_id.removeprefix(f"{self.table._tablename}_").removesuffix(SQLFORM.ID_ROW_SUFFIX)
            if name not in self.names:
                if widget:
                    lines.append(DIV(widget, _class="actions", _id=row_id))
                continue
            lines.append(self._line(name, row_id, label, widget, comment))
        return DIV(*lines)

    def _line(self, name: str, row_id: str, label: Any, widget: Any, comment: Any) -> DIV:
        is_group = isinstance(widget, DIV) and widget["_class"] == "choices"
        if _is_required(self.table[name]):
            label.append(SPAN(" *", _class="required", _title=current.T("must be filled in")))
            if not is_group:
                widget["_required"] = True
        attr = {}
        if is_group:
            label["_for"] = None
            attr = {"_role": "group", "_aria-labelledby": label["_id"]}
        hint = TAG.small(comment, _class="hint") if comment else ""
        return DIV(label, DIV(widget, _class="input", **attr), hint, _class="field", _id=row_id)
