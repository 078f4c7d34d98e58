"""Subscriptions: who wants to be notified, of what, how and how often."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    IS_SUBSCRIPTION_URL,
    S3DataError,
    S3Error,
    S3Model,
    S3Represent,
    check_subscription_url,
    current_position,
    is_watched,
    s3_comments,
    s3_meta_fields,
    utcnow,
)
from s3dal import Field, Row, Table
from s3db.pr.filter import find_table, subscribed_tables, validate_for_tables

__all__ = (
    "S3SubscriptionModel",
    "pr_check_subscription_resource",
)

DAY = 24 * 60
#: minutes between two notifications; 0 never
CHECK_INTERVALS = {"immediately": 5, "hourly": 60, "daily": DAY, "weekly": 7 * DAY, "never": 0}


class S3SubscriptionModel(S3Model):
    """Who wants to be notified, of what, how and how often. Source: Eden s3db/pr.py SubscriptionModel."""

    names = ("pr_subscription", "pr_subscription_resource", "pr_subscription_ledger", "pr_subscription_check_intervals")

    def model(self) -> dict[str, Any]:
        self._define_subscription()
        self._define_subscription_resource()
        self._define_ledger()
        return {"pr_subscription_check_intervals": CHECK_INTERVALS}

    def _define_subscription(self) -> None:
        T = current.T
        triggers = {"new": T("New Records"), "upd": T("Record Updates")}
        frequencies = {
            "immediately": T("Immediately"), "hourly": T("Hourly"), "daily": T("Daily"), "weekly": T("Weekly"), "never": T("Never"),
        }
        methods = {"EMAIL": T("Email"), "SMS": T(current.deployment_settings.get_ui_label_mobile_phone())}
        formats = {"text": T("Text"), "html": T("HTML")}
        self.define_table(
            "pr_subscription",
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Person"), readable=True, writable=True),
            self.pr_filter_id(),
            Field("notify_on", "list:string", default=["new"], label=T("Notify On"),
                  requires=IS_IN_SET(triggers, multiple=True, zero=None), represent=S3Represent(options=triggers, multiple=True)),
            Field("frequency", default="daily", label=T("Frequency"),
                  requires=IS_IN_SET(frequencies, zero=None, sort=False), represent=S3Represent(options=frequencies)),
            Field("method", "list:string", default=["EMAIL"], label=T("Notify By"),
                  requires=IS_IN_SET(methods, multiple=True, zero=None), represent=S3Represent(options=methods, multiple=True)),
            Field("email_format", label=T("Email Format"),
                  requires=IS_EMPTY_OR(IS_IN_SET(formats)), represent=S3Represent(options=formats)),
            Field("attachment", "boolean", default=False, readable=False, writable=False),
            # set when it cannot work (filter deleted, too many failures); editing the subscription clears it
            Field("suspended", "boolean", default=False, notnull=True, label=T("Suspended"), writable=False),
            Field("suspended_reason", label=T("Reason"), writable=False),
            s3_comments(),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_subscription"] = Storage(
            label_create=T("Create Subscription"),
            title_display=T("Subscription Details"),
            title_list=T("Person Subscriptions"),
            title_update=T("Edit Subscription"),
            msg_record_created=T("Subscription added"),
            msg_record_modified=T("Subscription updated"),
            msg_record_deleted=T("Subscription deleted"),
            msg_list_empty=T("No Subscriptions available"),
        )
        self.configure(
            "pr_subscription",
            list_fields=[(T("Person"), "pe_id"), "notify_on", "frequency", "method", "suspended", "suspended_reason"],
            onvalidation=subscription_onvalidation,
            update_onaccept=subscription_update_onaccept,
            indexes=["pe_id", "filter_id"],
        )
        self.add_components(
            "pr_subscription",
            pr_subscription_resource={"name": "subscription_resource", "joinby": "subscription_id"},
        )

    def _define_subscription_resource(self) -> None:
        T = current.T
        represent = S3Represent(lookup="pr_subscription", fields=["id"])
        self.define_table(
            "pr_subscription_resource",
            Field("subscription_id", "reference pr_subscription", ondelete="CASCADE", label=T("Subscription"), represent=represent,
                  requires=IS_EMPTY_OR(IS_ONE_OF(current.db, "pr_subscription.id", represent))),
            Field("resource", label=T("Resource"), requires=IS_NOT_EMPTY()),
            Field("url", label=T("URL"), requires=IS_SUBSCRIPTION_URL()),
            # SHA-256 of the lookup token, in hex; the token itself is never stored
            Field("auth_token", length=64, readable=False, writable=False),
            Field("token_expires", "datetime", readable=False, writable=False),
            # dead columns of Eden's: a lease has taken the place of the lock, and nothing has ever read batch_mode
            Field("locked", "boolean", default=False, notnull=True, readable=False, writable=False),
            Field("batch_mode", "boolean", default=True, readable=False, writable=False),
            # a subscription reports what happens after it was made
            Field("last_check_time", "datetime", default=utcnow, label=T("Last Check"), writable=False),
            # NULL is due now
            Field("next_check_time", "datetime", label=T("Next Check"), writable=False),
            # position in the change log up to which everything has been reported: the real watermark
            Field("last_position", "bigint", default=current_position, readable=False, writable=False),
            Field("lease_owner", length=64, readable=False, writable=False),
            Field("lease_until", "datetime", readable=False, writable=False),
            # failures in a row
            Field("attempts", "integer", default=0, label=T("Failures"), writable=False),
            Field("last_error", "text", label=T("Last Error"), writable=False),
            Field("last_run", "datetime", label=T("Last Run"), writable=False),
            # after a failure: not before this time
            Field("retry_at", "datetime", label=T("Next Try"), writable=False),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_subscription_resource"] = Storage(
            label_create=T("Add Resource"),
            title_display=T("Subscribed Resource"),
            title_list=T("Subscribed Resources"),
            title_update=T("Edit Subscribed Resource"),
            msg_record_created=T("Resource added"),
            msg_record_modified=T("Resource updated"),
            msg_record_deleted=T("Resource removed"),
            msg_list_empty=T("No resources subscribed"),
        )
        self.configure(
            "pr_subscription_resource",
            list_fields=["subscription_id", "resource", "url", "last_check_time", "next_check_time", "attempts", "last_error"],
            onvalidation=subscription_resource_onvalidation,
            # how far this installation has come with it
            local_fields=[
                "last_check_time", "next_check_time", "last_position", "lease_owner", "lease_until", "token_expires", "locked",
                "attempts", "last_error", "last_run", "retry_at",
            ],
            indexes=["subscription_id", "next_check_time", "resource", "auth_token", "lease_until"],
        )

    def _define_ledger(self) -> None:
        """What was composed for whom: one row for each message of a round, written with it in one transaction."""
        self.define_table(
            "pr_subscription_ledger",
            Field("subscription_resource_id", "reference pr_subscription_resource", ondelete="CASCADE"),
            # the window of the change log that the message tells of
            Field("position_from", "bigint"),
            Field("position_to", "bigint"),
            Field("contact_method", length=32),
            # no foreign key: the ledger outlives the messages, which are pruned
            Field("message_id", "integer"),
            Field("new_records", "integer"),
            Field("updated_records", "integer"),
            Field("composed_on", "datetime"),
            # the account that it was looked up as, if any; no foreign key: an account that is gone must not look like none
            Field("user_id", "integer"),
            watch=False,
        )
        self.configure("pr_subscription_ledger", insertable=False, editable=False, deletable=False, indexes=["message_id"])


def pr_check_subscription_resource(resource: Any, url: Any) -> str:
    """Check what a subscription watches; gives the URL as it is to be stored.

    Raises:
        S3DataError: there is no such table, its changes cannot be seen, or the URL is not a page of this application
    """
    table = find_table(str(resource or ""))
    if table is None:
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: there is no such table", resource=resource)
    if "modified_on" not in table.fields:
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: the table has no modified_on", resource=resource)
    if not is_watched(table):
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: its changes are not logged", resource=resource)
    return check_subscription_url(url, is_new=True)


def subscription_onvalidation(form: Any) -> None:
    values = form.vars
    is_new = not values.get("id")
    if not values.get("pe_id") and (is_new or "pe_id" in values):
        form.errors["pe_id"] = current.T("Select the person or group to be notified")
    for name in ("notify_on", "method"):
        if name in values:
            values[name] = _once_each(values[name])
            if not values[name]:
                form.errors[name] = current.T("Select at least one")
    if not is_new and "filter_id" in values and not values["filter_id"] and _is_deleted_filter(_filter_of(values["id"])):
        # forms do not offer what is deleted: nobody has said that everything is wanted now (F20)
        form.errors["filter_id"] = current.T("The filter of this subscription was deleted. Select another one.")
    if values.get("filter_id") and not is_new:
        objection = _filter_objection(values["filter_id"], subscribed_tables(current.s3db.pr_subscription.id == values["id"]))
        if objection:
            form.errors["filter_id"] = objection


def _once_each(chosen: list[str] | str | None) -> list[str]:
    """What was chosen, each option once: a method that is given twice must not send twice."""
    return list(dict.fromkeys([chosen] if isinstance(chosen, str) and chosen else chosen or []))


def _filter_objection(filter_id: int, tablenames: Iterable[str]) -> str | None:
    """Why these tables cannot be filtered with this saved filter."""
    table = current.s3db.pr_filter
    row = current.db(table.id == filter_id).select(table.query, limitby=(0, 1)).first()
    try:
        validate_for_tables(row.query if row else None, tablenames)
    except S3Error as error:
        return str(error)
    return None


def subscription_resource_onvalidation(form: Any) -> None:
    values = form.vars
    stored = _stored_resource(values.get("id"))
    resource, url, subscription_id = (
        values.get(name, stored and stored[name]) for name in ("resource", "url", "subscription_id")
    )
    try:
        values["url"] = pr_check_subscription_resource(resource, url)
    except S3DataError as error:
        form.errors["url" if hasattr(error, "url") else "resource"] = str(error)
        return
    filter_id = _filter_of(subscription_id)
    objection = _filter_objection(filter_id, [resource]) if filter_id else None
    if objection:
        form.errors["resource"] = objection


def _stored_resource(record_id: Any) -> Row | None:
    if not record_id:
        return None
    table = current.s3db.pr_subscription_resource
    fields = (table.resource, table.url, table.subscription_id)
    row: Row | None = current.db(table.id == record_id).select(*fields, limitby=(0, 1)).first()
    return row


def _filter_of(subscription_id: Any) -> int | None:
    if not subscription_id:
        return None
    table = current.s3db.pr_subscription
    row = current.db(table.id == subscription_id).select(table.filter_id, limitby=(0, 1)).first()
    return row.filter_id if row else None


def subscription_update_onaccept(form: Any) -> None:
    """Whoever edits a subscription gives it a new start: it is no longer suspended, and a new frequency counts at once."""
    db, s3db = current.db, current.s3db
    table, resources = s3db.pr_subscription, s3db.pr_subscription_resource
    record_id = form.vars.id
    subscription = db(table.id == record_id).select(table.frequency, table.filter_id, table.suspended, limitby=(0, 1)).first()
    if subscription is None:
        return
    if subscription.suspended and not _is_deleted_filter(subscription.filter_id):
        db(table.id == record_id).update(suspended=False, suspended_reason=None)
        db(resources.subscription_id == record_id).update(attempts=0, last_error=None, retry_at=None, next_check_time=None)
    before = form.record.frequency if getattr(form, "record", None) else None
    if before != subscription.frequency:
        _reschedule(resources, record_id, subscription.frequency)


def _is_deleted_filter(filter_id: int | None) -> bool:
    if not filter_id:
        return False
    table = current.s3db.pr_filter
    return current.db((table.id == filter_id) & (table.deleted == False)).isempty()


def _reschedule(table: Table, subscription_id: int, frequency: str) -> None:
    """Count the due time from the last check with the new interval; Eden's plain forms keep the old due time (X45)."""
    interval = dt.timedelta(minutes=CHECK_INTERVALS.get(frequency, 0))
    db = current.db
    for row in db(table.subscription_id == subscription_id).select(table.id, table.last_check_time):
        due = row.last_check_time + interval if row.last_check_time else None
        # a look-up that is under way would write the due time of the old frequency: without its lease it composes nothing
        db(table.id == row.id).update(next_check_time=due, lease_owner=None, lease_until=None, auth_token=None, token_expires=None)
