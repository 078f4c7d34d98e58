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
FIELDS = ["id", "date", "series_id", "location_id", "body", "created_by", "created_by$organisation_id"]


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
        _find_series(current.request.get_vars)
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


def _find_series(get_vars: dict[str, Any]) -> None:
    """Let links name the type of posts, as the form does not: the form shows what has the id of a type."""
    name = get_vars.get("~.series_id$name")
    if not isinstance(name, str):
        return
    table = current.s3db.cms_series
    series = current.db((table.name == name) & (table.deleted == False)).select(table.id, limitby=(0, 1)).first()  # noqa: E712
    if series:
        del get_vars["~.series_id$name"]
        get_vars["~.series_id__belongs"] = str(series.id)


def prepare(r: S3Request) -> bool:
    """Show the list as a newsfeed, after the hooks of the table have had their say."""
    if r.interactive and r.component is None:
        current.s3db.configure("cms_post", list_fields=FIELDS)
        r.set_handler("list", NewsfeedPage, http=("GET",), representation="html")
    return True


class Post:
    """What a row of the list says, by selector."""

    def __init__(self, row: dict[str, Any], columns: dict[str, str]) -> None:
        """
        Args:
            columns: {selector: column}
        """
        self._row = row
        self._columns = columns

    def raw(self, selector: str) -> Any:
        return self._row["_row"][self._columns[selector]]

    def text(self, selector: str) -> Any:
        """The represented value; None if there is none."""
        return self._row[self._columns[selector]] if self.raw(selector) else None

    def time(self, selector: str) -> Any:
        """A time for people and for programs."""
        when = self.raw(selector)
        return TAG.time(self.text(selector), _datetime=s3_encode_iso_datetime(when) + "Z") if when else None


class NewsfeedPage(ListPage):
    """A screenful of posts."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        output = super().apply_method(r, **attr)
        output["title"] = current.T(Newsfeed.title)
        return output

    def _table(self, data: Any) -> DIV:
        columns = {rfield.selector.removeprefix("~."): rfield.colname for rfield in data.rfields}
        return DIV(*[self._post(Post(row, columns)) for row in data.rows], _class="posts")

    def _post(self, post: Post) -> Any:
        kind, place = post.text("series_id") or current.T("Update"), post.text("location_id")
        heading = A(kind, *([": ", place] if place else []), _href=self._record_url(post.raw("id")))
        source = [post.time("date"), post.text("created_by$organisation_id"), post.text("created_by")]
        parts = [item for part in source if part for item in (" · ", part)][1:]
        # what people have entered has the direction of its own script
        return TAG.article(H2(heading, _dir="auto"), P(*parts, _class="source"), DIV(post.text("body"), _class="body", _dir="auto"))
