"""A template to be copied: its settings and hooks. docs/templates.md goes through it step by step."""
from __future__ import annotations

from typing import Any

from gluon import current
from gluon.storage import Storage


def config(settings: Any) -> None:
    """Set what this deployment wants otherwise; runs for every request. All settings: docs/settings.md."""
    T = current.T

    settings.base.system_name = "Skeleton of a Platform"
    settings.base.system_name_short = "Skeleton"

    # permission rules for controllers, functions and tables: auth_roles.csv
    settings.security.policy = 5

    # beside those of the framework: default, admin, gis, pr, org
    settings.modules.update(
        cms=Storage(name_nice=T("Updates"), restricted=True, module_type=1),
        doc=Storage(name_nice=T("Documents"), restricted=True, module_type=None),
        msg=Storage(name_nice=T("Messaging"), restricted=True, module_type=None),
    )

    settings.msg.notify_subject = "$s: $r"

    settings.customise_cms_post_resource = cms_post_resource


def cms_post_resource(r: Any, tablename: str) -> None:
    """How posts are shown, on pages and in messages."""
    T, s3db = current.T, current.s3db
    s3db.cms_post.body.label = T("Description")
    s3db.configure(
        tablename,
        list_fields=["date", "series_id", "title", "body"],
        # what messages say of each post
        notify_fields=["title", (T("Type"), "series_id"), "date", "body"],
        # views/msg/notify_news_email.html, and so on for other methods and formats
        notify_template="notify_news",
    )
