"""The pages of this template, below default/index: the newsfeed, which is what people subscribe to."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3 import to_translate

__all__ = ("NEWSFEED", "PAGES", "Newsfeed")

#: where the newsfeed is, for subscriptions
NEWSFEED = "default/index/newsfeed"


class Newsfeed:
    """All posts, the newest first, as a page, as JSON, and for the lookup of a subscription."""

    title = to_translate("Newsfeed")

    def __call__(self) -> Any:
        T = current.T
        current.s3db.cms_post  # noqa: B018  - what is configured before the model is loaded would be overwritten by it
        current.s3db.configure(
            "cms_post",
            notify_fields=[
                (T("Type"), "series_id"),
                (T("Date"), "date"),
                (T("Location"), "location_id"),
                (T("Description"), "body"),
            ],
            notify_template="notify_post",
            list_orderby="cms_post.date desc",
        )
        return current.rest_controller("cms", "post")


#: what default/index/<name> serves
PAGES = {"newsfeed": Newsfeed}
