"""The page about the state of the service: what ``manage.py doctor`` says, dead letters, suspended subscriptions."""
from __future__ import annotations

from typing import Any

from gluon import BUTTON, DIV, LI, TAG, UL, URL, A, P, current

from s3.s3aaa.forms import accepts, last_texts
from s3.s3admin.memberships import entity_labels
from s3.s3admin.parts import ROWS_PER_PAGE, Page, admin_url, buttons_form, finish, pages_of, read_number, table_of, url_vars
from s3.s3datetime import S3DateTime
from s3.s3notify import health
from s3dal import Row

__all__ = ("show_health",)


def show_health() -> Page:
    """The state of the service, and what needs a person."""
    T = current.T
    findings = health.find()
    # the form first: what is sent again is a dead letter no more
    letters, paging = _dead_letters()
    found = [LI(problem) for problem in health.problems(findings, _translated)]
    needed = UL(*found, _class="problems") if found else P(T("Nothing needs you."))
    facts = TAG.dl(*[DIV(TAG.dt(name), TAG.dd(value)) for name, value in health.facts(findings, _translated)], _class="record")
    return Page(
        title=T("State of the service"),
        sections=[
            (T("What needs you"), needed),
            (T("How it is"), facts),
            (T("Dead letters"), letters),
            (None, paging),
            (T("Suspended subscriptions"), _suspended()),
        ],
    )


def _translated(text: str, **values: Any) -> str:
    return str(current.T(text, values, lazy=False))


# -- dead letters ------------------------------------------------------------------------------------------------------
def _dead_letters() -> tuple[Any, Any]:
    """Messages that could not be delivered, each with a button to send it again, and links to more of them."""
    T, db, table = current.T, current.db, current.s3db.table("msg_outbox")
    query = table.status.belongs(health.DEAD_LETTERS) & (table.deleted == False)
    start, total = read_number(url_vars().start) or 0, db(query).count()
    rows = db(query).select(
        table.id, table.pe_id, table.address, table.contact_method, table.status, table.attempts, table.last_error, table.modified_on,
        orderby=~table.id, limitby=(start, start + ROWS_PER_PAGE),
    )  # fmt: skip
    people = entity_labels(row.pe_id for row in rows)
    heads = (T("Recipient"), T("Contact Method"), T("State"), T("Why"), T("Since"), T("Change"))
    lines = [
        (
            A(_recipient(row, people), _href=URL(c="msg", f="outbox", args=[row.id], extension=False)),
            row.contact_method,
            table.status.represent(row.status),
            row.last_error or "",
            S3DateTime.datetime_represent(row.modified_on, utc=True),
            BUTTON(
                T("Send again"), _type="submit", _name="resend", _value=row.id, _class="button plain",
                **{"_aria-label": f"{T('Send again')}: {_recipient(row, people)}"},
            ),
        )
        for row in rows
    ]  # fmt: skip
    form = buttons_form(table_of(T("Dead letters"), heads, lines, T("All messages were delivered, or are still tried.")))
    if accepts(form, "resend"):
        _resend(read_number(last_texts(current.request.post_vars).resend))
    return form, pages_of("health", start, total)


def _recipient(row: Row, people: dict[Any, Any]) -> str:
    return row.address or (str(people[row.pe_id]) if row.pe_id else f"#{row.id}")


def _resend(outbox_id: int | None) -> None:
    T, table = current.T, current.s3db.table("msg_outbox")
    row = current.db(table.id == outbox_id).select(table.id, table.contact_method, table.status).first()
    if row is None or row.status not in health.DEAD_LETTERS or not current.msg.resend(row.id):
        current.response.error = str(T("This is no dead letter any more."))
        return
    current.auth.s3_log_event("Message %(id)s of the outbox is sent again", id=row.id)
    current.s3task.wake("msg_process_outbox", [row.contact_method])
    finish(T("The message is sent again"), admin_url("health"))


# -- subscriptions -----------------------------------------------------------------------------------------------------
def _suspended() -> Any:
    T, db, table = current.T, current.db, current.s3db.table("pr_subscription")
    query = (table.suspended == True) & (table.deleted == False)
    rows = db(query).select(table.id, table.pe_id, table.suspended_reason, table.modified_on, orderby=~table.id, limitby=(0, ROWS_PER_PAGE))
    people = entity_labels(row.pe_id for row in rows)
    lines = [
        (
            A(str(people[row.pe_id]) if row.pe_id else f"#{row.id}", _href=URL(c="pr", f="subscription", args=[row.id], extension=False)),
            row.suspended_reason or "",
            S3DateTime.datetime_represent(row.modified_on, utc=True),
        )
        for row in rows
    ]
    heads = (T("Person"), T("Why"), T("Since"))
    return table_of(T("Suspended subscriptions"), heads, lines, T("No subscription is suspended."))
