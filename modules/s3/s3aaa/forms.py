"""The forms of the account pages: labelled fields, and what of a submitted form may be used."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gluon import current
from gluon.html import DIV, FORM, INPUT, LABEL, OPTION, SELECT, P
from gluon.storage import Storage
from gluon.validators import IS_EMAIL, IS_EMPTY_OR, IS_IN_SET, IS_LENGTH, IS_NOT_EMPTY

from s3.s3datetime import is_time_zone

__all__ = (
    "accepts",
    "check_repetition",
    "choice",
    "email_field",
    "field",
    "form_of",
    "last_texts",
    "local_path",
    "name_fields",
    "new_password_fields",
    "tick_box",
    "time_zone_field",
)


def local_path(url: Any) -> str | None:
    """The URL if it is a path on this host, else None: a login must not forward to somewhere else."""
    if isinstance(url, list) and url:
        url = url[-1]
    if not isinstance(url, str) or not url.startswith("/"):
        return None
    # Browsers take "//host" and "/\\host" for another host, and skip control characters
    if url[1:2] in ("/", "\\") or any(ord(sign) <= 0x20 or ord(sign) == 0x7F for sign in url) or "\\" in url:
        return None
    return url


def last_texts(posted: dict[str, Any]) -> Storage:
    """The fields of a submitted form, each a text: of a repeated one the last, and no files."""
    last = ((name, value[-1] if isinstance(value, list) else value) for name, value in posted.items())
    return Storage((name, value) for name, value in last if isinstance(value, str))


def accepts(form: FORM, formname: str, onvalidation: Callable[[FORM], None] | None = None) -> bool:
    """Whether this form was submitted, from a page of this session, and has no errors."""
    posted = last_texts(current.request.post_vars)
    if form.accepts(posted, current.session, formname=formname, onvalidation=onvalidation, keepvalues=True):
        return True
    if posted._formname == formname and not form.errors:
        # The form key was not (or no longer) that of this session: nothing is done
        current.response.error = str(current.T("This form has expired. Please send it again."))
    for widget in form.elements("input", _type="password"):
        # The page shows again what was typed, but no passwords
        widget["_value"] = widget["value"] = None
    for name in form.errors:
        for widget in form.elements(f"[name={name}]"):
            # web2py gives the sentence this id
            widget["_aria-invalid"], widget["_aria-describedby"] = "true", f"{name}__error"
    return False


def form_of(*fields: DIV, submit: Any, hidden: dict[str, Any] | None = None) -> FORM:
    button = DIV(INPUT(_type="submit", _value=submit), _class="form-buttons")
    return FORM(*fields, button, hidden=hidden or {}, _class="auth-form")


def field(
    name: str, label: Any, type: str = "text", value: Any = None, requires: Any = None, autocomplete: str | None = None,
    required: bool = True, hint: Any = None, **attr: Any,
) -> DIV:  # fmt: skip
    """One labelled input.

    Args:
        required: the browser asks for it; whether it must be there, ``requires`` decides
        hint: a sentence below it
    """
    if hint:
        attr["_aria-describedby"] = f"auth_{name}_hint"
    widget = INPUT(
        _type=type, _name=name, _id=f"auth_{name}", value=value, requires=requires or [], _autocomplete=autocomplete,
        _required=required or None, **attr,
    )  # fmt: skip
    parts = [LABEL(label, _for=f"auth_{name}"), widget]
    if hint:
        parts.append(P(hint, _class="hint", _id=f"auth_{name}_hint"))
    return DIV(*parts, _class="form-row")


def tick_box(name: str, label: Any) -> DIV:
    box = INPUT(_type="checkbox", _name=name, _id=f"auth_{name}")
    return DIV(LABEL(box, " ", label, _for=f"auth_{name}"), _class="form-row choice")


def choice(name: str, label: Any, options: dict[str, str], value: Any = None) -> DIV:
    widget = SELECT(
        *[OPTION(text, _value=key) for key, text in options.items()],
        _name=name,
        _id=f"auth_{name}",
        value=value,
        requires=IS_IN_SET(list(options)),
    )
    return DIV(LABEL(label, _for=f"auth_{name}"), widget, _class="form-row")


def time_zone_field(value: str | None) -> DIV:
    T = current.T
    site = current.deployment_settings.get_L10n_timezone() or "UTC"
    hint = T("Of the dates in your messages, such as Europe/Berlin. If it is empty: %(zone)s") % {"zone": site}
    return field("timezone", T("Time zone"), value=value, requires=IS_EMPTY_OR(_is_time_zone), required=False, hint=hint)


def _is_time_zone(value: Any, record_id: Any = None) -> tuple[Any, Any]:
    zone = value.strip()
    return zone, None if is_time_zone(zone) else current.T("There is no such time zone")


def email_field(requires: Any = None) -> DIV:
    requires = requires or [IS_EMAIL(), IS_LENGTH(255)]
    return field("email", current.T("E-mail"), type="email", autocomplete="username", requires=requires)


def name_fields(first_name: str | None = None, last_name: str | None = None) -> list[DIV]:
    T = current.T
    return [
        field("first_name", T("First Name"), value=first_name, requires=[IS_NOT_EMPTY(), IS_LENGTH(128)], autocomplete="given-name"),
        field("last_name", T("Last Name"), value=last_name, requires=IS_LENGTH(128), autocomplete="family-name", required=False),
    ]


def new_password_fields(label: Any = None, label_again: Any = None) -> list[DIV]:
    T = current.T
    shortest = current.deployment_settings.get_auth_password_min_length()
    too_short = T("Enter at least %(number)s characters", dict(number=shortest))
    requires = IS_LENGTH(minsize=shortest, maxsize=1024, error_message=too_short)
    hint = T("At least %(number)s characters.", dict(number=shortest))
    return [
        field("new_password", label or T("New password"), type="password", autocomplete="new-password", requires=requires, hint=hint),
        field("repeat_password", label_again or T("Repeat the new password"), type="password", autocomplete="new-password"),
    ]


def check_repetition(form: FORM) -> None:
    """Complain about two new passwords that differ."""
    if form.vars.new_password != form.vars.repeat_password:
        form.errors.repeat_password = current.T("The two passwords differ")
