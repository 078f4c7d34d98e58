"""The newsfeed: all posts, the newest first, as people read them, as JSON, and for the look-up of a subscription."""
from __future__ import annotations

from typing import Any

from gluon import DIV, H2, TAG, A, P, current

from s3 import (
    ListPage,
    S3DateFilter,
    S3FilterWidget,
    S3LocationFilter,
    S3OptionsFilter,
    S3Request,
    S3TextFilter,
    s3_encode_iso_datetime,
    to_translate,
)

__all__ = ("NEWSFEED", "Newsfeed")

#: where the newsfeed is, for subscriptions
NEWSFEED = "default/index/newsfeed"

#: what a post says about itself
FIELDS = ["date", "series_id", "location_id", "body", "created_by", "created_by$organisation_id"]


class Newsfeed:
    """The page ``default/index/newsfeed``, in all formats."""

    title = to_translate("Newsfeed")

    def __call__(self) -> Any:
        T, s3 = current.T, current.response.s3
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
            filter_widgets=_filter_widgets(),
            list_orderby="cms_post.date desc",
        )
        s3.prep = prepare
        return current.rest_controller("cms", "post")


def _filter_widgets() -> list[S3FilterWidget]:
    T = current.T
    return [
        S3TextFilter(["body"], label=T("Search")),
        S3OptionsFilter("series_id", label=T("Type")),
        S3LocationFilter("location_id", label=T("Location"), levels=["L1", "L2", "L3"]),
        S3DateFilter("date", label=T("Date"), hide_time=True),
        S3OptionsFilter("created_by$organisation_id", label=T("Organization"), hidden=True),
    ]


def prepare(r: S3Request) -> bool:
    """Show the list as a newsfeed, after the hooks of the table have had their say."""
    if r.interactive and r.component is None:
        current.s3db.configure("cms_post", list_fields=FIELDS)
        r.set_handler("list", NewsfeedPage, http=("GET",), representation="html")
    return True


class NewsfeedPage(ListPage):
    """A screenful of posts."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        output = super().apply_method(r, **attr)
        output["title"] = current.T(Newsfeed.title)
        return output

    def _table(self, data: Any) -> DIV:
        return DIV(*[self._post(row) for row in data.rows], _class="posts")

    def _post(self, row: dict[str, Any]) -> Any:
        raw = row["_row"]
        kind = row["cms_post.series_id"] if raw["cms_post.series_id"] else current.T("Update")
        place = [": ", row["cms_post.location_id"]] if raw["cms_post.location_id"] else []
        heading = H2(A(kind, *place, _href=self._record_url(raw["cms_post.id"])))
        return TAG.article(heading, P(*self._source(row), _class="source"), DIV(row["cms_post.body"], _class="body"))

    @staticmethod
    def _source(row: dict[str, Any]) -> list[Any]:
        """When it was published, and by whom."""
        raw, parts = row["_row"], []
        if raw["cms_post.date"]:
            parts.append(TAG.time(row["cms_post.date"], _datetime=s3_encode_iso_datetime(raw["cms_post.date"]) + "Z"))
        parts += [row[name] for name in ("auth_user.organisation_id", "cms_post.created_by") if raw.get(name)]
        return [item for part in parts for item in (" · ", part)][1:]
