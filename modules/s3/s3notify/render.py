"""From records to messages: meta data, contents per format, subject.

Pre-rendering is a hook, per table or per deployment; ``render_contents`` is the default one. Nothing here writes.
Before: ``extract``. After: ``templates`` turn the contents into text, ``deliver`` puts it into the outbox.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from string import Template
from typing import Any

from gluon import TABLE, TBODY, TD, TH, THEAD, TR, current

from s3.s3msg import clean_subject
from s3.s3notify.records import Subscription, Updates
from s3.s3utils import s3_str, s3_strip_markup

__all__ = ("contents_formats", "message_subject", "meta_data_of", "renderer_of", "render_contents", "resource_name")

def resource_name(resource: Any) -> str:
    """The list title of the table, else its name in words."""
    crud_strings = current.response.s3.crud_strings or {}
    strings = crud_strings.get(resource.tablename)
    title = strings.get("title_list") if strings else None
    return s3_str(title) if title else " ".join(part.capitalize() for part in resource.name.split("_"))


def meta_data_of(resource: Any, subscription: Subscription, updates: Updates, page_url: str, filter_text: str | None) -> dict[str, Any]:
    """What hooks and templates know beside the records. Source: Eden s3notify.py S3Notifications.send"""
    settings = current.deployment_settings
    return {
        "systemname": s3_str(settings.get_system_name()),
        "systemname_short": s3_str(settings.get_system_name_short()),
        "resource": resource_name(resource),
        "page_url": page_url,
        "notify_on": list(subscription.notify_on),
        "last_check_time": subscription.last_check_time.replace(tzinfo=dt.timezone.utc),
        "filter_query": filter_text,
        "total_rows": updates.total,
        "new_rows": updates.new,
        "upd_rows": updates.updated,
    }


def renderer_of(resource: Any, default: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The pre-rendering hook: the table's, else the deployment's, else the default."""
    return (
        resource.get_config("notify_renderer")
        or current.deployment_settings.get_msg_notify_renderer()
        or default
    )


def contents_formats(methods: tuple[str, ...], email_format: str) -> list[str]:
    """Which contents have to be made: html for an html mail, text for everything else."""
    html = email_format == "html" and "EMAIL" in methods
    if not html:
        return ["text"]
    return ["html"] if len(methods) == 1 else ["html", "text"]


def render_contents(resource: Any, data: Any, meta_data: dict[str, Any], format: str | None = None) -> dict[str, Any]:
    """Default pre-renderer: the variables of the message template.

    Gives ``new``/``upd`` (count, or None if there is none) with ``new_records``/``upd_records``: in text a list of records,
    each a list of (label, text) pairs; in html one TABLE element, whose cells escape what is not an element already.
    Source: Eden s3notify.py S3Notifications._render
    """
    columns = [rfield for rfield in data.rfields if _is_content(resource, rfield)]
    make = _html_records if format == "html" else _text_records
    contents: dict[str, Any] = dict(meta_data)
    for key, is_new in (("new", True), ("upd", False)):
        rows = [row for row in data.rows if row["_new"] == is_new]
        total = meta_data.get(f"{key}_rows", len(rows))
        wanted = key in meta_data["notify_on"] and total
        contents[key] = total if wanted else None
        if wanted:
            contents[f"{key}_records"] = make(columns, rows)
            contents[f"{key}_more"] = total - len(rows)
    return contents


def _is_content(resource: Any, rfield: Any) -> bool:
    return rfield.selector not in ("~.created_on", "created_on") and rfield.colname != str(resource._id)


def _text_records(columns: list[Any], rows: list[Any]) -> list[list[tuple[str, str]]]:
    return [[(s3_str(column.label), s3_strip_markup(s3_str(row[column.colname]))) for column in columns] for row in rows]


def _html_records(columns: list[Any], rows: list[Any]) -> TABLE:
    head = THEAD(TR(*[TH(s3_str(column.label)) for column in columns]))
    body = TBODY(*[TR(*[TD(row[column.colname]) for column in columns]) for row in rows])
    return TABLE(head, body)


def message_subject(resource: Any, data: Any, meta_data: dict[str, Any]) -> str:
    """The subject line: one line of at most 78 characters, whatever the template or hook contains."""
    source = resource.get_config("notify_subject") or current.deployment_settings.get_msg_notify_subject()
    if callable(source):
        source = source(resource, data, meta_data)
    names = {"S": meta_data["systemname"], "s": meta_data["systemname_short"], "r": meta_data["resource"]}
    # placeholders that are unknown stay, a lone dollar or a percent sign is a character like others
    return clean_subject(Template(s3_str(source)).safe_substitute(names))
