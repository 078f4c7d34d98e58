"""The account pages below default/user: login, logout, register, profile, change_password."""
from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from gluon import current
from gluon.html import DIV, FORM, INPUT, LABEL, OPTION, SELECT, URL
from gluon.http import HTTP, redirect
from gluon.storage import Storage
from gluon.validators import IS_EMAIL, IS_IN_SET, IS_LENGTH, IS_NOT_EMPTY

from s3.s3aaa.accounts import AuthAccounts
from s3.s3error import S3ConfigError, S3DataError
from s3dal import Row

__all__ = ("AuthPages", "local_path")


class AuthPages(AuthAccounts):
    """``auth()`` in a controller: the form of the page that the first argument of the URL names."""

    def __call__(self) -> FORM:
        """The form of default/user/<page>; redirects when it is done.

        Raises:
            HTTP: 404 for a page that there is not, 403 for registration while it is off
        """
        pages: dict[str, Callable[[], FORM]] = {
            "login": self._login_page,
            "logout": self._logout_page,
            "register": self._register_page,
            "profile": self._profile_page,
            "change_password": self._password_page,
        }
        args = current.request.args
        page = pages.get(args[0] if args else "profile")
        if page is None:
            raise HTTP(404, str(current.T("There is no such account page.")))
        return page()

    def user_page(self, action: str) -> str:
        """URL of an account page."""
        return str(URL(c="default", f="user", args=[action]))

    # Pages

    def _login_page(self) -> FORM:
        T = current.T
        target = local_path(current.request.vars.get("_next")) or self._home()
        if self.user:
            redirect(target)
        form = _form(
            _field("email", T("E-mail"), type="email", autocomplete="username", requires=IS_NOT_EMPTY()),
            _field("password", T("Password"), type="password", autocomplete="current-password"),
            submit=T("Log in"),
            hidden={"_next": target},
        )
        current.response.title = T("Log in")
        if self._accepts(form, "login"):
            account = self._check_credentials(form.vars.email, form.vars.password or "")
            if account is None:
                self._log_event("Login failed for %(email)s", email=form.vars.email[:255])
                current.session.error = str(T("Invalid login"))
                redirect(URL(c="default", f="user", args=["login"], vars={"_next": target}))
            self.login_user(account)
            current.session.confirmation = str(T("Logged in"))
            redirect(target)
        return form

    def _logout_page(self) -> FORM:
        if not self.user:
            redirect(self._home())
        key = self.logout_key()
        sent = _last_texts(current.request.post_vars).get("_logout_key") or ""
        if not hmac.compare_digest(sent.encode("utf-8", "replace"), key.encode()):
            # a link leads here from anywhere: the button logs out
            current.response.title = current.T("Log out")
            return _form(submit=current.T("Log out"), hidden={"_logout_key": key})
        self.logout_user()
        current.session.confirmation = str(current.T("Logged out"))
        redirect(self._home())

    def _profile_page(self) -> FORM:
        T, account = current.T, self._own_account()
        languages = current.deployment_settings.get_L10n_languages()
        form = _form(
            _field("first_name", T("First Name"), value=account.first_name, requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            _field("last_name", T("Last Name"), value=account.last_name, requires=IS_LENGTH(128)),
            _choice("language", T("Language"), languages, value=account.language),
            submit=T("Save"),
        )
        current.response.title = T("Profile")
        if self._accepts(form, "profile"):
            names = ("first_name", "last_name", "language")
            account.update_record(**{name: form.vars[name] for name in names})
            self.s3_link_to_person(account)
            current.session.confirmation = str(T("Profile updated"))
            redirect(self.user_page("profile"))
        return form

    def _password_page(self) -> FORM:
        T, account = current.T, self._own_account()
        if not current.deployment_settings.get_auth_password_changes():
            raise HTTP(403, str(T("Passwords cannot be changed here.")))
        form = _form(
            _field("password", T("Current password"), type="password", autocomplete="current-password"),
            *self._new_password_fields(),
            submit=T("Change password"),
        )
        current.response.title = T("Change password")
        if self._accepts(form, "change_password", onvalidation=lambda f: self._check_password_form(f, account)):
            self.set_password(account.id, form.vars.new_password)
            self.login_user(self._find_account(account.id) or account)
            current.session.confirmation = str(T("Password changed"))
            redirect(self.user_page("profile"))
        return form

    def _register_page(self) -> FORM:
        T, settings = current.T, current.deployment_settings
        if not settings.get_security_self_registration():
            raise HTTP(403, str(T("Registration is not open here. Ask the administrator for an account.")))
        if settings.get_auth_registration_requires_verification():
            raise S3ConfigError(
                "settings.auth.registration_requires_verification is not supported yet by this version; set it to False"
            )
        form = _form(
            _field("first_name", T("First Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            _field("last_name", T("Last Name"), requires=IS_LENGTH(128)),
            _field("email", T("E-mail"), type="email", autocomplete="username", requires=[IS_EMAIL(), IS_LENGTH(255)]),
            *self._new_password_fields(),
            submit=T("Register"),
        )
        current.response.title = T("Register")
        if self._accepts(form, "register", onvalidation=_check_repetition):
            self._register(form)
        return form

    # Their parts

    def _register(self, form: FORM) -> None:
        T, settings = current.T, current.deployment_settings
        pending = settings.get_auth_registration_requires_approval()
        try:
            self.create_user(
                form.vars.email,
                password=form.vars.new_password,
                first_name=form.vars.first_name,
                last_name=form.vars.last_name,
                registration_key="pending" if pending else "",
                roles=settings.get_auth_registration_roles(),
            )
        except S3DataError:
            # The page does not tell who has an account: the owner of the address knows
            current.log.warning("Registration for an address that has an account")
        current.session.confirmation = str(
            T("Thank you. Your account must be approved before you can log in.") if pending
            else T("Thank you. You can log in now.")
        )
        redirect(self.user_page("login"))

    def _own_account(self) -> Row:
        account = self._find_account(self.user.id) if self.user else None
        if account is None:
            self.permission.fail()
        assert account is not None
        return account

    def _new_password_fields(self) -> list[DIV]:
        T = current.T
        shortest = current.deployment_settings.get_auth_password_min_length()
        too_short = T("Enter at least %(number)s characters", dict(number=shortest))
        requires = IS_LENGTH(minsize=shortest, maxsize=1024, error_message=too_short)
        return [
            _field("new_password", T("New password"), type="password", autocomplete="new-password", requires=requires),
            _field("repeat_password", T("Repeat the new password"), type="password", autocomplete="new-password"),
        ]

    def _check_password_form(self, form: FORM, account: Row) -> None:
        if self._check_credentials(account.email, form.vars.password or "") is None:
            form.errors.password = current.T("Wrong password")
        _check_repetition(form)

    @staticmethod
    def _accepts(form: FORM, formname: str, onvalidation: Callable[[FORM], None] | None = None) -> bool:
        posted = _last_texts(current.request.post_vars)
        if form.accepts(posted, current.session, formname=formname, onvalidation=onvalidation, keepvalues=True):
            return True
        if posted._formname == formname and not form.errors:
            # The form key was not (or no longer) that of this session: nothing is done
            current.response.error = str(current.T("This form has expired. Please send it again."))
        for widget in form.elements("input", _type="password"):
            # The page shows again what was typed, but no passwords
            widget["_value"] = widget["value"] = None
        return False

    @staticmethod
    def _home() -> str:
        configured = current.deployment_settings.get_auth_login_next()
        return str(configured or URL(c="default", f="index", args=[], vars={}))


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


def _last_texts(posted: dict[str, Any]) -> Storage:
    """The fields of a submitted form, each a text: of a repeated one the last, and no files."""
    last = ((name, value[-1] if isinstance(value, list) else value) for name, value in posted.items())
    return Storage((name, value) for name, value in last if isinstance(value, str))


def _check_repetition(form: FORM) -> None:
    if form.vars.new_password != form.vars.repeat_password:
        form.errors.repeat_password = current.T("The two passwords differ")


def _form(*fields: DIV, submit: Any, hidden: dict[str, Any] | None = None) -> FORM:
    button = DIV(INPUT(_type="submit", _value=submit), _class="form-buttons")
    return FORM(*fields, button, hidden=hidden or {}, _class="auth-form")


def _field(
    name: str, label: Any, type: str = "text", value: Any = None, requires: Any = None, autocomplete: str | None = None
) -> DIV:
    widget = INPUT(
        _type=type, _name=name, _id=f"auth_{name}", value=value, requires=requires or [], _autocomplete=autocomplete
    )
    return DIV(LABEL(label, _for=f"auth_{name}"), widget, _class="form-row")


def _choice(name: str, label: Any, options: dict[str, str], value: Any = None) -> DIV:
    widget = SELECT(
        *[OPTION(text, _value=key) for key, text in options.items()],
        _name=name,
        _id=f"auth_{name}",
        value=value,
        requires=IS_IN_SET(list(options)),
    )
    return DIV(LABEL(label, _for=f"auth_{name}"), widget, _class="form-row")
