"""From records to the contents of messages: meta data, variables of the templates, subject.

Pre-rendering is a hook, per table or per deployment; ``render_contents`` is the default one. Nothing here writes.
Before: ``extract``. After: ``messages`` puts the contents into templates, ``deliver`` puts the result into the outbox.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from string import Template
from typing import Any

from gluon import TABLE, TBODY, TD, TH, TR, A, current

from s3.s3languages import isolated
from s3.s3msg import clean_subject
from s3.s3notify.links import Links
from s3.s3notify.records import Subscription, Updates
from s3.s3utils import NONE, s3_str

__all__ = ("Record", "contents_formats", "meta_data_of", "notice", "render_contents", "resource_name", "subject_line")


class Record(list[tuple[str, str]]):
    """The (label, text) pairs of one record.

    Attributes:
        url: where it can be read, None if it has no page
    """

    def __init__(self, pairs: list[tuple[str, str]], url: str | None) -> None:
        super().__init__(pairs)
        self.url = url


def resource_name(resource: Any) -> str:
    """The list title of the table, else its name in words."""
    crud_strings = current.response.s3.crud_strings or {}
    strings = crud_strings.get(resource.tablename)
    title = strings.get("title_list") if strings else None
    return s3_str(title) if title else " ".join(part.capitalize() for part in resource.name.split("_"))


def meta_data_of(resource: Any, subscription: Subscription, updates: Updates, addresses: Mapping[str, str | None],
                 filter_text: str | None) -> dict[str, Any]:
    """What hooks and templates know beside the records. Source: Eden s3notify.py S3Notifications.send"""
    settings = current.deployment_settings
    return {
        "systemname": s3_str(settings.get_system_name()),
        "systemname_short": s3_str(settings.get_system_name_short()),
        "resource": resource_name(resource),
        **addresses,
        "notify_on": list(subscription.notify_on),
        "last_check_time": subscription.last_check_time.replace(tzinfo=dt.timezone.utc),
        "filter_query": filter_text,
        "total_rows": updates.total,
        "new_rows": updates.new,
        "upd_rows": updates.updated,
    }


def contents_formats(methods: tuple[str, ...], email_format: str) -> list[str]:
    """Which contents have to be made: text always, for an html mail has it as its alternative."""
    return ["html", "text"] if email_format == "html" and "EMAIL" in methods else ["text"]


def render_contents(resource: Any, data: Any, meta_data: dict[str, Any], format: str | None = None) -> dict[str, Any]:
    """Default pre-renderer: the variables of the message template.

    Gives ``new``/``upd`` (count, or None if there is none) with ``new_records``/``upd_records``: in text a list of records,
    each a list of (label, text) pairs with the attribute ``url``; in html one TABLE element, whose cells escape what is no
    element of a representation. ``new_more``/``upd_more`` say how many are not among them.
    Source: Eden s3notify.py S3Notifications._render
    """
    columns = [rfield for rfield in data.rfields if _is_content(resource, rfield)]
    public_url = current.deployment_settings.get_base_public_url()
    # a hook may pass on less than it was given
    links = Links(public_url, meta_data.get("list_url") or public_url)
    make = _html_records if format == "html" else _text_records
    contents: dict[str, Any] = dict(meta_data)
    for key, is_new in (("new", True), ("upd", False)):
        rows = [row for row in data.rows if row["_new"] == is_new]
        total = meta_data.get(f"{key}_rows", len(rows))
        wanted = key in meta_data["notify_on"] and total
        contents[key] = total if wanted else None
        if wanted:
            urls = _urls_of(resource, rows, meta_data.get("record_url"))
            contents[f"{key}_records"] = make(columns, rows, urls, links)
            contents[f"{key}_more"] = total - len(rows)
    return contents


def _is_content(resource: Any, rfield: Any) -> bool:
    return rfield.selector not in ("~.created_on", "created_on") and rfield.colname != str(resource._id)


def _urls_of(resource: Any, rows: list[Any], record_url: str | None) -> list[str | None]:
    key = str(resource._id)
    return [record_url.replace("[id]", str(row["_row"][key])) if record_url else None for row in rows]


def _text_records(columns: list[Any], rows: list[Any], urls: list[str | None], links: Links) -> list[Record]:
    return [
        Record([(s3_str(column.label), isolated(links.text(row[column.colname]))) for column in columns], url)
        for row, url in zip(rows, urls, strict=True)
    ]


def _html_records(columns: list[Any], rows: list[Any], urls: list[str | None], links: Links) -> TABLE:
    # below one another: side by side, more than two columns do not fit on a telephone
    bodies = [_html_record(columns, row, url, links) for row, url in zip(rows, urls, strict=True)]
    return TABLE(*bodies, _class="records", _cellpadding="4", _cellspacing="0")


def _html_record(columns: list[Any], row: Any, url: str | None, links: Links) -> TBODY:
    labels = [s3_str(column.label) for column in columns]
    values = [links.html(row[column.colname]) for column in columns]
    if url and values and isinstance(values[0], str) and values[0] not in ("", NONE):
        values[0] = A(values[0], _href=url)
    elif url:
        labels.append("")
        values.append(A(current.T("Open"), _href=url))
    # a value may run in another direction than its label
    lines = [
        TR(TH(label, _scope="row") if label else TD(), TD(value, _dir="auto")) for label, value in zip(labels, values, strict=True)
    ]
    if lines:
        lines[0]["_class"] = "first"
    # what is an attribute of the whole need not be a style of each cell: long mails are cut off by their size
    return TBODY(*lines, _valign="top")


def subject_line(template: Any, meta_data: Mapping[str, Any]) -> str:
    """The subject: one line of at most 78 characters, whatever the template contains."""
    names = {"S": meta_data["systemname"], "s": meta_data["systemname_short"], "r": meta_data["resource"]}
    # placeholders that are unknown stay, a lone dollar or a percent sign is a character like others
    return clean_subject(Template(s3_str(template)).safe_substitute(names))


def notice(meta_data: Mapping[str, Any]) -> str:
    """What is said when no template works."""
    said = s3_str(current.T("New updates are available."))
    return f"{said}\n{meta_data['resource']}: {meta_data['total_rows']}\n{meta_data['page_url']}"
