"""The account pages below default/user: login and logout, profile and password, registration, lost passwords."""
from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from gluon import current
from gluon.html import FORM, INPUT, URL
from gluon.http import HTTP, redirect
from gluon.validators import IS_NOT_EMPTY

from s3.s3aaa.client import client_network
from s3.s3aaa.forms import (
    accepts,
    check_repetition,
    choice,
    email_field,
    field,
    form_of,
    last_texts,
    local_path,
    name_fields,
    new_password_fields,
    tick_box,
    time_zone_field,
)
from s3.s3aaa.reset import AuthReset
from s3.s3aaa.throttle import Counters, minutes
from s3.s3error import S3DeliveryError, S3ThrottleError
from s3.s3languages import forget_language
from s3dal import Row

__all__ = ("AuthPages", "local_path")

# Seconds in which mails about accounts are counted
_MAIL_WINDOW = 3600


class AuthPages(AuthReset):
    """``auth()`` in a controller: the form of the page that the first argument of the URL names."""

    def __call__(self) -> FORM:
        """The form of default/user/<page>; redirects when it is done.

        Raises:
            HTTP: 404 for a page that there is not, 403 for what is switched off
        """
        pages: dict[str, Callable[[], FORM]] = {
            "login": self._login_page,
            "logout": self._logout_page,
            "register": self._register_page,
            "verify_email": self._verify_page,
            "retrieve_password": self._retrieve_page,
            "reset_password": self._reset_page,
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
        return str(URL(c="default", f="user", args=[action], vars={}))

    # Login and logout

    def _login_page(self) -> FORM:
        T = current.T
        target = local_path(current.request.vars.get("_next")) or self._home()
        if self.user:
            redirect(target)
        remember = [tick_box("remember", T("Stay logged in"))] if current.deployment_settings.get_auth_login_remember() else []
        form = form_of(
            email_field(requires=IS_NOT_EMPTY()),
            field("password", T("Password"), type="password", autocomplete="current-password"),
            *remember,
            submit=T("Log in"),
            hidden={"_next": target},
        )
        current.response.title = T("Log in")
        if accepts(form, "login"):
            self._log_in(form, target)
        return form

    def _log_in(self, form: FORM, target: str) -> None:
        email, password = form.vars.email.strip(), form.vars.password or ""
        try:
            account = self._check_credentials(email, password)
        except S3ThrottleError as error:
            self._ask_to_wait(error.seconds, form)
            return
        if account is None:
            self._log_event("Login failed for %(email)s", email=email[:255])
            current.session.error = str(current.T("Invalid login"))
            redirect(URL(c="default", f="user", args=["login"], vars={"_next": target}))
        self._forget_attempts(email)
        self.login_user(self._refresh_hash(account, password), remember=bool(form.vars.remember))
        current.session.confirmation = str(current.T("Logged in"))
        redirect(target)

    def _logout_page(self) -> FORM:
        if not self.user:
            redirect(self._home())
        key = self.logout_key()
        sent = last_texts(current.request.post_vars).get("_logout_key") or ""
        if not hmac.compare_digest(sent.encode("utf-8", "replace"), key.encode()):
            # a link leads here from anywhere: the button logs out
            current.response.title = current.T("Log out")
            return form_of(submit=current.T("Log out"), hidden={"_logout_key": key})
        self.logout_user()
        current.session.confirmation = str(current.T("Logged out"))
        redirect(self._home())

    # One's own account

    def _profile_page(self) -> FORM:
        T, account = current.T, self._own_account()
        languages = current.deployment_settings.get_L10n_languages()
        form = form_of(
            *name_fields(account.first_name, account.last_name),
            choice("language", T("Language"), languages, value=account.language),
            time_zone_field(account.timezone),
            submit=T("Save"),
        )
        current.response.title = T("Profile")
        if accepts(form, "profile"):
            names = ("first_name", "last_name", "language", "timezone")
            account.update_record(**{name: form.vars[name] for name in names})
            self.s3_link_to_person(account)
            forget_language()
            current.session.confirmation = str(T("Profile updated"))
            redirect(self.user_page("profile"))
        return form

    def _password_page(self) -> FORM:
        T, account = current.T, self._own_account()
        if not current.deployment_settings.get_auth_password_changes():
            raise HTTP(403, str(T("Passwords cannot be changed here.")))
        form = form_of(
            field("password", T("Current password"), type="password", autocomplete="current-password"),
            *new_password_fields(),
            submit=T("Change password"),
        )
        current.response.title = T("Change password")
        if accepts(form, "change_password", onvalidation=lambda f: self._check_password_form(f, account)):
            self.set_password(account.id, form.vars.new_password)
            self.login_user(self._find_account(account.id) or account)
            current.session.confirmation = str(T("Password changed"))
            redirect(self.user_page("profile"))
        return form

    def _check_password_form(self, form: FORM, account: Row) -> None:
        try:
            is_right = self._check_credentials(account.email, form.vars.password or "") is not None
        except S3ThrottleError as error:
            form.errors.password = str(error)
            return
        if not is_right:
            form.errors.password = current.T("Wrong password")
        check_repetition(form)

    # Registration

    def _register_page(self) -> FORM:
        T = current.T
        self._require_registration()
        passwords = new_password_fields(T("Password"), T("Repeat the password"))
        form = form_of(*name_fields(), email_field(), *passwords, submit=T("Register"))
        current.response.title = T("Register")
        if accepts(form, "register", onvalidation=check_repetition):
            self._register(form)
        return form

    def _require_registration(self) -> None:
        settings = current.deployment_settings
        if not settings.get_security_self_registration():
            raise HTTP(403, str(current.T("Registration is not open here. Ask the administrator for an account.")))
        if settings.get_auth_registration_requires_verification():
            self._require_mail()

    def _register(self, form: FORM) -> None:
        values = form.vars
        if not self._may_send_mail(values.email, form):
            return
        try:
            state = self.register(values.email, values.new_password, values.first_name, values.last_name, current.response.s3.language)
        except S3DeliveryError as error:
            self._show_error(503, str(error), form)
            return
        T = current.T
        told = {
            "unverified": T("Thank you. We have sent you a mail: open the link in it to confirm your address."),
            "pending": T("Thank you. Your account must be approved before you can log in."),
        }
        current.session.confirmation = str(told.get(state) or T("Thank you. You can log in now."))
        redirect(self.user_page("login"))

    def _verify_page(self) -> FORM:
        """The address is confirmed by whoever has the mail and knows the password: nobody can register others and be let in by them."""
        T = current.T
        account = self.find_registration(current.request.args(1) or "")
        if account is None:
            current.session.error = str(T("This link has been used or is too old. Please register again."))
            redirect(self.user_page("register"))
        assert account is not None
        form = form_of(
            field("password", T("The password that you have chosen"), type="password", autocomplete="current-password"),
            # for password managers, which else cannot know whose password this is
            INPUT(_type="email", _autocomplete="username", _value=account.email, _readonly=True, _hidden=True, _tabindex="-1"),
            submit=T("Confirm"),
        )
        current.response.title = T("Confirm your e-mail address")
        if accepts(form, "verify_email", onvalidation=lambda f: self._check_chosen_password(f, account)):
            self._confirm(account)
        return form

    def _check_chosen_password(self, form: FORM, account: Row) -> None:
        try:
            if not self._is_password(account.email, account, form.vars.password or ""):
                form.errors.password = current.T("Wrong password")
        except S3ThrottleError as error:
            form.errors.password = str(error)

    def _confirm(self, account: Row) -> None:
        T = current.T
        if self.s3_verify_user(account):
            self.login_user(self._find_account(account.id) or account)
            current.session.confirmation = str(T("Thank you. Your account is ready."))
            redirect(self._home())
        current.session.confirmation = str(T("Thank you. Your account must be approved before you can log in."))
        redirect(self.user_page("login"))

    # Lost passwords

    def _retrieve_page(self) -> FORM:
        T = current.T
        if not current.deployment_settings.get_auth_password_retrieval():
            raise HTTP(403, str(T("Passwords cannot be set anew here. Ask the administrator.")))
        self._require_mail()
        form = form_of(email_field(), submit=T("Send me a link"))
        current.response.title = T("Lost password")
        if accepts(form, "retrieve_password") and self._may_send_mail(form.vars.email, form):
            try:
                self.send_password_reset(form.vars.email)
            except S3DeliveryError as error:
                self._show_error(503, str(error), form)
                return form
            current.session.confirmation = str(T("We have sent a mail to this address. It says how to go on."))
            redirect(self.user_page("login"))
        return form

    def _reset_page(self) -> FORM:
        T = current.T
        key = current.request.args(1) or ""
        account = self.find_password_reset(key)
        if account is None:
            self._reset_is_over()
        form = form_of(
            *new_password_fields(),
            INPUT(_type="email", _autocomplete="username", _value=account and account.email, _readonly=True, _hidden=True, _tabindex="-1"),
            submit=T("Set password"),
        )
        current.response.title = T("Set a new password")
        if accepts(form, "reset_password", onvalidation=check_repetition):
            if not self.reset_password(key, form.vars.new_password):
                self._reset_is_over()
            current.session.confirmation = str(T("Password changed. You can log in now."))
            redirect(self.user_page("login"))
        return form

    def _reset_is_over(self) -> None:
        current.session.error = str(current.T("This link has been used or is too old. Please ask for a new one."))
        redirect(self.user_page("retrieve_password"))

    # Their parts

    def _own_account(self) -> Row:
        account = self._find_account(self.user.id) if self.user else None
        if account is None:
            self.permission.fail()
        assert account is not None
        return account

    def _require_mail(self) -> None:
        if not self.can_send_keys():
            current.log.warning("settings.mail.sender or settings.base.public_url is not set: no keys can be sent by mail")
            raise HTTP(503, str(current.T("This is not possible at the moment, because no mails can be sent. Ask the administrator.")))

    def _may_send_mail(self, email: str, form: FORM) -> bool:
        """Count a mail that a visitor causes; too many are not sent, whoever has the address."""
        settings = current.deployment_settings
        limits: dict[tuple[str, ...], int] = {
            ("mail to", email.strip().lower()): settings.get_auth_mails_per_address(),
            ("mail from", client_network()): settings.get_auth_mails_per_client(),
        }
        counters = Counters(self.table("auth_throttle"), self.hmac_key, limits, _MAIL_WINDOW)
        seconds = counters.seconds_to_wait()
        if seconds:
            self._ask_to_wait(seconds, form)
            return False
        counters.count()
        return True

    def _ask_to_wait(self, seconds: int, form: FORM) -> None:
        current.response.headers["Retry-After"] = str(seconds)
        told = current.T("Too many attempts. Please try again in %(minutes)s minutes.", {"minutes": minutes(seconds)})
        self._show_error(429, str(told), form)

    @staticmethod
    def _show_error(status: int, message: str, form: FORM) -> None:
        """Show the form again, under this message."""
        current.response.status = status
        current.response.error = message
        for widget in form.elements("input", _type="password"):
            widget["_value"] = widget["value"] = None

    @staticmethod
    def _home() -> str:
        configured: Any = current.deployment_settings.get_auth_login_next()
        return str(configured or URL(c="default", f="index", args=[], vars={}))
