"""The notification settings of a person: several lists, one filter for all of them, when and how to be told.

A deployment with other lists has a page of its own: a subclass with other ``offers``, in the ``PAGES`` of its template.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, NoReturn

from gluon import FORM, URL, current, redirect
from gluon.storage import Storage

from s3 import (
    OwnSubscription,
    S3Error,
    S3FilterForm,
    S3FilterString,
    S3FilterValueError,
    S3LocationFilter,
    S3OptionsFilter,
    S3Resource,
    S3SettingsError,
    Watched,
    fail_request,
    own_subscription,
    own_subscriptions,
    template_view,
    to_translate,
    unsubscribe_all,
    update_subscription,
)
from s3dal import Field
from templates.DRMP.newsfeed import NEWSFEED
from templates.DRMP.state import missing_methods, own_addresses, states

__all__ = ("Offer", "Subscriptions")

FORMNAME = "subscription"


class Offer(NamedTuple):
    """A list to which people may subscribe."""

    watched: Watched
    label: Any

    @property
    def key(self) -> str:
        """What stands for it in the form."""
        return f"{self.watched.resource} {self.watched.url}"


class Choice(NamedTuple):
    """One box or button."""

    value: str
    label: Any
    is_chosen: bool


class Choices(NamedTuple):
    """A group of boxes, or of buttons of which one is chosen."""

    name: str
    #: "checkbox" or "radio"
    kind: str
    label: Any
    choices: list[Choice]


class Subscriptions:
    """The page ``default/index/subscriptions``: shown, saved, and everything ended. Works without script."""

    #: of the link for whoever is logged in
    personal_title = to_translate("Notifications")

    offers: tuple[Offer, ...] = (Offer(Watched("cms_post", NEWSFEED), to_translate("Updates")),)

    #: whose settings the page shows
    own: OwnSubscription | None
    #: further ones with which the person watches lists
    others: list[OwnSubscription]

    def filter_form(self) -> S3FilterForm:
        """What limits all the lists; the selectors must make sense for each of their tables."""
        T, posts = current.T, _readable_posts()
        return S3FilterForm([
            S3OptionsFilter("series_id", label=T("Filter by Type"), resource=posts),
            S3LocationFilter("location_id", label=T("Filter by Location"), levels=["L1"], resource=posts),
        ])

    def __call__(self) -> dict[str, Any]:
        T = current.T
        _admit()
        self.own = own_subscription()
        self.others = [other for other in own_subscriptions() if self.own and other.record.id != self.own.record.id]
        form, leave = FORM(), FORM()
        if _accepts(form, FORMNAME, self._save):
            _finish(T("Notification settings updated") if self._wanted() else T("You are unsubscribed and get no more notifications."))
        if _accepts(leave, "unsubscribe"):
            unsubscribe_all()
            _finish(T("You are unsubscribed and get no more notifications."))
        current.response.view = template_view("subscriptions.html")
        record = self.own.record if self.own else None
        addresses = own_addresses()
        return {
            "title": T("Notification Settings"),
            "states": states(self.own, self._label) if self.own else [],
            "other_states": [state for other in self.others for state in states(other, partial(_limited_label, other, self._label))],
            "suspended": record.suspended_reason or T("unknown reason") if record and record.suspended else None,
            "groups": self._groups(addresses),
            "filters": self.filter_form().fields(get_vars=self._shown_filters()),
            "method_hint": missing_methods(addresses),
            "form": form,
            # whoever watches anything has a subscription here that does
            "leave": leave if self.own and self.own.resources else None,
        }

    def _offered(self) -> list[Offer]:
        """What is offered to all, and what this person has besides, from elsewhere."""
        known = {offer.watched for offer in self.offers}
        more = [watched for watched in (self.own.watched if self.own else ()) if watched not in known]
        return [*self.offers, *(Offer(watched, self._label(watched)) for watched in more)]

    def _label(self, watched: Watched) -> Any:
        offer = next((offer for offer in self.offers if offer.watched == watched), None)
        return current.T(offer.label) if offer else f"{_list_title(watched.resource)} ({watched.url})"

    # -- save ----------------------------------------------------------------------------------------------------------
    def _save(self, form: FORM) -> None:
        posted, wanted = self._posted(), self._wanted()
        try:
            update_subscription(
                wanted, self._filters(), notify_on=posted.notify_on, frequency=posted.frequency, method=posted.method,
                email_format=posted.email_format,
            )  # fmt: skip
            if not wanted:
                # of other pages as well, as this one says
                unsubscribe_all()
        except S3FilterValueError as error:
            form.errors.filters = str(error)
        except S3SettingsError as error:
            form.errors.update(error.errors)

    def _wanted(self) -> list[Watched]:
        keys = self._posted().resources
        return [offer.watched for offer in self._offered() if offer.key in keys]

    def _filters(self) -> list[tuple[str, str | None]]:
        """The filter that was sent; what no widget shows stays as it was stored.

        Raises:
            S3FilterValueError: a control cannot be read
        """
        return self.filter_form().pairs_of(current.request.post_vars, stored=self.own.filters if self.own else ())

    @staticmethod
    def _posted() -> Storage:
        """What was chosen in the form, whatever was sent."""
        posted = current.request.post_vars
        one = {name: _texts(posted[name])[-1:] for name in ("frequency", "email_format")}
        several = {name: _texts(posted[name]) for name in ("resources", "notify_on", "method")}
        return Storage(several, **{name: texts[0] if texts else "" for name, texts in one.items()})

    # -- show ----------------------------------------------------------------------------------------------------------
    def _chosen(self) -> Storage:
        """What the form shows: what was sent and not saved, else what is stored, else what is usual."""
        table = current.s3db.pr_subscription
        if current.request.post_vars._formname == FORMNAME:
            return self._posted()
        if self.own is None:
            keys = [offer.key for offer in self.offers]
            usual = {name: table[name].default for name in ("notify_on", "frequency", "method")}
            return Storage(usual, resources=keys, email_format="")
        record = self.own.record
        stored = {name: record[name] or [] for name in ("notify_on", "method")}
        keys = [Offer(watched, "").key for watched in self.own.watched]
        return Storage(stored, resources=keys, frequency=record.frequency, email_format=record.email_format or "")

    def _shown_filters(self) -> Mapping[str, Any]:
        if current.request.post_vars._formname == FORMNAME:
            return current.request.post_vars
        return S3FilterForm.values_of(self.own.filters if self.own else ())

    def _groups(self, addresses: Mapping[str, str]) -> dict[str, Choices]:
        T, table, chosen = current.T, current.s3db.pr_subscription, self._chosen()
        methods = [
            (value, f"{label}: {addresses[value]}") if value in addresses else (value, label)
            for value, label in _options(table.method)
            if value in addresses or value in chosen.method
        ]
        usual = current.deployment_settings.get_msg_notify_email_format()
        formats = _options(table.email_format)
        formats.insert(0, ("", T("Default (%(format)s)") % {"format": dict(formats)[usual]}))
        groups = (
            _group("resources", "checkbox", T("Subscribe to"), [(offer.key, T(offer.label)) for offer in self._offered()], chosen),
            _group("notify_on", "checkbox", table.notify_on.label, _options(table.notify_on), chosen),
            _group("frequency", "radio", table.frequency.label, _options(table.frequency), chosen),
            _group("method", "checkbox", table.method.label, methods, chosen),
            _group("email_format", "radio", table.email_format.label, formats, chosen),
        )
        return {group.name: group for group in groups}


def _limited_label(own: OwnSubscription, label: Callable[[Watched], Any], watched: Watched) -> str:
    """What a list is called, with what the subscription limits it to."""
    try:
        limits = S3FilterString(current.s3db.resource(watched.resource), own.filters).represent()
    except S3Error:
        limits = ""
    return f"{label(watched)}: {limits}" if limits else str(label(watched))


def _list_title(tablename: str) -> Any:
    # the model brings its titles along
    current.s3db.table(tablename)
    return current.s3db.get_crud_string(tablename, "title_list")


def _readable_posts() -> S3Resource:
    """The posts that the person finds in the newsfeed, with the hooks that decide about them."""
    current.deployment_settings.customise_controller("cms_post")
    return S3Resource("cms_post", filter=current.response.s3.filter)


def _group(name: str, kind: str, label: Any, options: list[tuple[str, Any]], chosen: Storage) -> Choices:
    values = chosen[name] if kind == "checkbox" else [chosen[name]]
    return Choices(name, kind, label, [Choice(value, text, value in values) for value, text in options])


def _options(field: Field) -> list[tuple[str, Any]]:
    """What may be chosen for a field of the subscription."""
    validator = getattr(field.requires, "other", field.requires)
    return [(value, text) for value, text in validator.options(zero=False) if value]


def _texts(sent: Any) -> list[str]:
    return [text for text in (sent if isinstance(sent, list) else [sent]) if isinstance(text, str)]


def _admit() -> None:
    """Let in who is logged in, as a person, and asks for the page itself."""
    auth, request, form_error = current.auth, current.request, current.response.s3.form_error
    if not auth.user or not auth.user.pe_id:
        auth.permission.fail()
    if request.args:
        fail_request(404, current.T("There is no such page."))
    if auth.permission.format != "html":
        fail_request(415, current.T("This page has no such format."), auth.permission.format)
    if form_error:
        fail_request(400, form_error)


def _accepts(form: FORM, formname: str, onvalidation: Any = None) -> bool:
    """Whether this form was sent from a page of this session, and what it wants could be done."""
    T, posted = current.T, current.request.post_vars
    if form.accepts(posted, current.session, formname=formname, onvalidation=onvalidation):
        return True
    if form.errors:
        current.response.error = str(T("Nothing was saved. Please correct what is marked."))
    elif posted._formname == formname:
        current.response.error = str(T("This form has expired. Please send it again."))
    return False


def _finish(message: Any) -> NoReturn:
    """Say on the page, opened anew, that it is done."""
    current.session.confirmation = str(message)
    redirect(URL(c="default", f="index", args=["subscriptions"], extension=False))
    raise AssertionError("a redirect does not return")
