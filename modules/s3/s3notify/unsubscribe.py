"""The link in a notification that ends it: signed, good without a login, and harmless until somebody presses the button.

The link is of one subscribed resource and the person whom it is for. Programs that fetch the links of a mail beforehand end
nothing, because only a POST does; that of a mail program (RFC 8058, ``List-Unsubscribe-Post``) needs no page.
"""
from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from gluon import current

from s3.s3error import S3Error
from s3.s3languages import speak
from s3.s3msg.contacts import find_instance_type
from s3.s3notify.records import Subscription
from s3.s3notify.render import resource_name
from s3.s3rest import fail_request
from s3dal import Row

__all__ = ("unsubscribe_page", "unsubscribe_url")

_CODE = re.compile(r"(\d{1,18})-(\d{1,18})-([0-9a-f]{40})")


def unsubscribe_url(subscription: Subscription) -> str | None:
    """The link for the person who is to be notified; None for a group, whose subscription one member must not end for the others."""
    if not current.auth.user_id and find_instance_type(subscription.pe_id) != "pr_person":
        return None
    base_url = current.deployment_settings.get_base_public_url()
    code = f"{subscription.id}-{subscription.pe_id}-{_signature(subscription.id, subscription.pe_id)}"
    return f"{base_url}/{current.request.application}/default/unsubscribe/{code}"


def unsubscribe_page() -> dict[str, Any]:
    """What view default/unsubscribe.html shows: a question, or after a POST that it is done.

    Gives ``about`` (name of what is subscribed, None if it has ended already), ``others`` (names of what else the person is
    notified of), ``ended`` (how many have been ended now) and the ``title``.

    Side effects:
        a POST ends the subscription: of this resource, or with ``what=all`` of all of this person; the request commits

    Raises:
        HTTP: 404 for a link that was not signed here
    """
    T, request = current.T, current.request
    current.session.forget(current.response)
    resource_id, pe_id = _read_code(request.args[0] if len(request.args) == 1 else "")
    if current.response.s3.form_error:
        fail_request(400, current.response.s3.form_error)
    _speak_to(pe_id)
    rows = _find_subscribed(pe_id)
    this = next((row for row in rows if row.id == resource_id), None)
    ended = 0
    if request.env.request_method == "POST":
        ending = rows if request.post_vars.what == "all" else [this] if this else []
        ended = _end(ending)
    return {
        "title": T("Stop these notifications"),
        "about": _name_of(this) if this else None,
        "others": list(dict.fromkeys(_name_of(row) for row in rows if row is not this)),
        "ended": ended,
    }


def _signature(resource_id: int, pe_id: int) -> str:
    said = f"unsubscribe {resource_id} {pe_id}"
    return hmac.new(current.auth.hmac_key.encode(), said.encode(), hashlib.sha256).hexdigest()[:40]


def _read_code(code: str) -> tuple[int, int]:
    parts = _CODE.fullmatch(code)
    if parts is None or not hmac.compare_digest(_signature(int(parts[1]), int(parts[2])), parts[3]):
        fail_request(404, current.T("This link is not complete. Copy all of it from the mail, or log in to change your notifications."))
    return int(parts[1]), int(parts[2])


def _speak_to(pe_id: int) -> None:
    """Use the language of the person's account, unless the visitor has chosen one."""
    if current.request.get_vars._language or (current.session.s3 or {}).get("language"):
        return
    user_id = current.auth.s3_get_user_id(pe_id=pe_id)
    account = current.auth.table("auth_user")[user_id] if user_id else None
    if account and account.language:
        speak(account.language)


def _find_subscribed(pe_id: int) -> list[Row]:
    rtable, stable = current.s3db.pr_subscription_resource, current.s3db.pr_subscription
    live = (rtable.deleted == False) & (stable.deleted == False)
    rows = current.db(live & (rtable.subscription_id == stable.id) & (stable.pe_id == pe_id)).select(
        rtable.id, rtable.resource, rtable.url, orderby=rtable.id
    )
    return list(rows)


def _end(rows: list[Row]) -> int:
    if not rows:
        return 0
    # the signature is the right to do it, whoever is logged in here
    auth = current.auth
    before, auth.override = auth.override, True
    try:
        ended = current.s3db.resource("pr_subscription_resource", id=[row.id for row in rows]).delete()
    finally:
        auth.override = before
    current.log.info(f"Ended by a link: subscribed resources {', '.join(str(row.id) for row in rows)}")
    return int(ended)


def _name_of(row: Row) -> str:
    try:
        return resource_name(current.s3db.resource(row.resource))
    except S3Error:
        # its module is switched off: the subscription can be ended all the same
        return str(row.url or row.resource)
