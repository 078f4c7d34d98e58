"""Content: posts in series, their tags and comments."""
from __future__ import annotations

import re
from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_LENGTH, IS_NOT_EMPTY, IS_NOT_IN_DB, TAG, XML, A, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    NONE,
    S3DateFilter,
    S3Duplicate,
    S3LocationFilter,
    S3Model,
    S3OptionsFilter,
    S3Represent,
    S3ReusableField,
    S3TextFilter,
    hidden_field,
    s3_comments,
    s3_datetime,
    s3_meta_fields,
    s3_role_required,
    s3_roles_permitted,
    s3_yes_no_represent,
)
from s3dal import Field

__all__ = ("SeriesModel", "StatusModel", "StatusReferenceModel", "PostModel", "TagModel", "PostLinkModel", "CommentModel")


class SeriesModel(S3Model):
    names = ("cms_series", "cms_series_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        settings = current.deployment_settings
        self.define_table(
            "cms_series",
            Field("name", length=255, notnull=True, unique=True, label=T("Name"),
                  requires=[IS_NOT_EMPTY(), IS_LENGTH(255), IS_NOT_IN_DB(db, "cms_series.name")]),
            Field("avatar", "boolean", default=False, label=T("Show author picture?")),
            Field("location", "boolean", default=False, label=T("Show Location?")),
            Field("richtext", "boolean", default=True, label=T("Rich Text?")),
            Field("replies", "boolean", default=False, label=T("Comments permitted?")),
            s3_comments(),
            s3_roles_permitted(readable=False, writable=False),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["cms_series"] = Storage(
            label_create=T("Create Series"),
            title_display=T("Series Details"),
            title_list=T("Series"),
            title_update=T("Edit Series"),
            msg_record_created=T("Series added"),
            msg_record_modified=T("Series updated"),
            msg_record_deleted=T("Series deleted"),
            msg_list_empty=T("No series currently defined"),
        )
        self.configure(
            "cms_series",
            deduplicate=S3Duplicate(), list_fields=["name", "comments"], orderby="cms_series.name", onaccept=series_onaccept,
        )
        self.add_components("cms_series", cms_post="series_id")
        represent = S3Represent(lookup="cms_series", translate=settings.get_L10n_translate_cms_series())
        series_id = S3ReusableField(
            "series_id", "reference cms_series",
            label=T("Type"), represent=represent, ondelete="CASCADE", readable=False, writable=False,
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "cms_series.id", represent, orderby="cms_series.name", sort=True)),
        )
        return {"cms_series_id": series_id}

    def defaults(self) -> dict[str, Any]:
        return {"cms_series_id": S3ReusableField.dummy("series_id")}


#: what posts take over from their series
SERIES_FIELDS = ("avatar", "replies", "roles_permitted")


def series_onaccept(form: Any) -> None:
    """Posts are shown like their series says; those that are shown so already are left as they are."""
    db, series, table = current.db, current.s3db.cms_series, current.s3db.cms_post
    record = db(series.id == form.vars.id).select(*[series[name] for name in SERIES_FIELDS], limitby=(0, 1)).first()
    values = {name: record[name] for name in SERIES_FIELDS}
    for post in db((table.series_id == form.vars.id) & (table.deleted == False)).select(table.id, *[table[name] for name in SERIES_FIELDS]):
        if any((post[name] or None) != (values[name] or None) for name in SERIES_FIELDS):
            db(table.id == post.id).update(**values)


class StatusModel(S3Model):
    names = ("cms_status",)

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "cms_status",
            Field("name", length=255, notnull=True, unique=True, label=T("Name"),
                  requires=[IS_NOT_EMPTY(), IS_LENGTH(255), IS_NOT_IN_DB(db, "cms_status.name")]),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["cms_status"] = Storage(
            label_create=T("Create Status"),
            title_list=T("Statuses"),
            title_update=T("Edit Status"),
        )
        return {}


class StatusReferenceModel(S3Model):
    """References to statuses, for posts that are read without theirs."""

    names = ("cms_status_id",)

    def model(self) -> dict[str, Any]:
        self.configure("cms_status", deduplicate=S3Duplicate())
        represent = S3Represent(lookup="cms_status", translate=True)
        status_id = S3ReusableField(
            "status_id", "reference cms_status",
            label=current.T("Status"), represent=represent, ondelete="SET NULL", readable=False, writable=False,
            requires=IS_EMPTY_OR(IS_ONE_OF(current.db, "cms_status.id", represent, sort=True)),
        )
        return {"cms_status_id": status_id}

    def defaults(self) -> dict[str, Any]:
        return {"cms_status_id": S3ReusableField.dummy("status_id")}


class PostModel(S3Model):
    names = ("cms_post", "cms_post_id", "cms_post_priorities")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        priorities = {1: T("Informational"), 2: T("Important"), 3: T("Critical")}
        self.define_table(
            "cms_post",
            self.super_link("doc_id", "doc_entity"),
            self.cms_series_id(),
            Field("name", label=T("Name")),
            Field("title", label=T("Title")),
            Field("body", "text", notnull=True, label=T("Body"), requires=IS_NOT_EMPTY(),
                  represent=body_represent if current.deployment_settings.get_cms_richtext() else link_urls),
            s3_datetime("date", default="now"),
            self.gis_location_id(),
            self.pr_person_id(label=T("Contact"), readable=False, writable=False, default=_author),
            hidden_field("avatar", "boolean", default=False),
            hidden_field("replies", "boolean", default=False),
            Field("priority", "integer", default=1, label=T("Priority"), readable=False, writable=False,
                  requires=IS_IN_SET(priorities, zero=None), represent=S3Represent(options=priorities)),
            self.cms_status_id(),
            Field("expired", "boolean", default=False, label=T("Expired?"), represent=s3_yes_no_represent),
            s3_comments(),
            s3_roles_permitted(readable=False, writable=False),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["cms_post"] = Storage(
            label_create=T("Create Post"),
            title_display=T("Post Details"),
            title_list=T("Posts"),
            title_update=T("Edit Post"),
            msg_record_created=T("Post added"),
            msg_record_modified=T("Post updated"),
            msg_record_deleted=T("Post deleted"),
            msg_list_empty=T("No posts currently available"),
        )
        self.configure(
            "cms_post",
            orderby="cms_post.date desc",
            list_orderby="cms_post.date desc",
            list_fields=["title", "body", "location_id", "date", "expired", "comments"],
            filter_widgets=[
                S3TextFilter(["title", "body"], label=T("Words")),
                S3OptionsFilter("series_id"),
                S3LocationFilter("location_id"),
                S3DateFilter("date", hide_time=True),
                S3OptionsFilter("expired", hidden=True),
            ],
            context={
                "event": "event.id",
                "incident": "incident.id",
                "location": "location_id",
                "organisation": "created_by$organisation_id",
            },
            super_entity="doc_entity",
            indexes=["series_id", "date"],
        )
        self.add_components(
            "cms_post",
            cms_comment="post_id",
            cms_post_module="post_id",
            cms_tag_post="post_id",
            cms_tag={"link": "cms_tag_post", "joinby": "post_id", "key": "tag_id", "actuate": "hide"},
            cms_post_organisation={"joinby": "post_id", "multiple": False},
            cms_post_user={"name": "bookmark", "joinby": "post_id"},
            auth_group={"name": "roles", "link": "cms_post_role", "joinby": "post_id", "key": "group_id", "actuate": "hide"},
            event_post=({"name": "event_post", "joinby": "post_id"}, {"name": "incident_post", "joinby": "post_id"}),
            event_event={"link": "event_post", "joinby": "post_id", "key": "event_id", "actuate": "hide"},
            event_incident={"link": "event_post", "joinby": "post_id", "key": "incident_id", "actuate": "hide"},
        )
        represent = S3Represent(lookup="cms_post", fields=["title", "body"], labels=_post_label)
        post_id = S3ReusableField(
            "post_id", "reference cms_post",
            label=T("Post"), represent=represent, ondelete="CASCADE",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "cms_post.id", represent)),
        )
        return {"cms_post_id": post_id, "cms_post_priorities": priorities}

    def defaults(self) -> dict[str, Any]:
        return {"cms_post_id": S3ReusableField.dummy("post_id"), "cms_post_priorities": {}}


def body_represent(value: str | None, row: Any = None) -> Any:
    """Rich text as an element."""
    # safe: web2py's sanitizer keeps a short list of tags and attributes and escapes the rest
    return XML(value, sanitize=True) if value else ""


def link_urls(value: str | None, row: Any = None) -> Any:
    """Plain text whose web addresses are links; without any it stays text."""
    if not value or not _URL.search(value):
        return value or NONE
    parts: list[Any] = []
    end = 0
    for match in _URL.finditer(value):
        parts += [value[end : match.start()], A(match.group(), _href=match.group(), _rel="noopener noreferrer", _target="_blank")]
        end = match.end()
    # safe: the helpers escape every part
    return TAG[""](*parts, value[end:])


# without what usually ends the sentence around an address
_URL = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", re.IGNORECASE)


def _author() -> int | None:
    """The person who is logged in."""
    user = current.auth.user
    if not user or not user.pe_id:
        return None
    table = current.s3db.pr_person
    row = current.db(table.pe_id == user.pe_id).select(table.id, limitby=(0, 1)).first()
    return row.id if row else None


def _post_label(row: Any) -> str:
    body = row.body or ""
    return row.title or (body if len(body) <= 60 else body[:57] + "...")


class TagModel(S3Model):
    names = ("cms_tag", "cms_tag_id", "cms_tag_post")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "cms_tag",
            Field("name", length=255, notnull=True, label=T("Tag"), requires=[IS_NOT_EMPTY(), IS_LENGTH(255)]),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["cms_tag"] = Storage(
            label_create=T("Create Tag"),
            title_list=T("Tags"),
            title_update=T("Edit Tag"),
        )
        represent = S3Represent(lookup="cms_tag", translate=True)
        tag_id = S3ReusableField(
            "tag_id", "reference cms_tag",
            label=T("Tag"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "cms_tag.id", represent, sort=True)),
        )
        self.define_table("cms_tag_post", self.cms_post_id(empty=False), tag_id(empty=False), *s3_meta_fields())
        self.configure("cms_tag", deduplicate=S3Duplicate())
        self.configure("cms_tag_post", deduplicate=S3Duplicate(primary=("post_id", "tag_id")), indexes=["post_id", "tag_id"])
        return {"cms_tag_id": tag_id}

    def defaults(self) -> dict[str, Any]:
        return {"cms_tag_id": S3ReusableField.dummy("tag_id")}


class PostLinkModel(S3Model):
    """What posts belong to: pages of modules, organisations, readers, roles. Loaded by those who ask for one of them."""

    names = ("cms_post_module", "cms_post_organisation", "cms_post_user", "cms_post_role")

    def model(self) -> dict[str, Any]:
        T = current.T
        post_id = self.cms_post_id
        self.define_table(
            "cms_post_module",
            post_id(empty=False),
            Field("module", label=T("Module"), requires=IS_EMPTY_OR(IS_LENGTH(255))),
            Field("resource", label=T("Resource"), requires=IS_EMPTY_OR(IS_LENGTH(255))),
            Field("record", label=T("Record"), requires=IS_EMPTY_OR(IS_LENGTH(255))),
            *s3_meta_fields(),
        )
        self.define_table(
            "cms_post_organisation",
            post_id(empty=False),
            self.org_organisation_id(empty=False, ondelete="CASCADE"),
            *s3_meta_fields(),
        )
        self.define_table(
            "cms_post_user",
            post_id(empty=False),
            Field("user_id", "reference auth_user", notnull=True, default=_own_account, label=T("User")),
            *s3_meta_fields(),
            watch=False,
        )
        self.define_table(
            "cms_post_role",
            post_id(empty=False),
            s3_role_required("group_id", empty=False, label=T("Role"), ondelete="CASCADE"),
            *s3_meta_fields(),
        )
        for tablename in self.names:
            self.configure(tablename, indexes=["post_id"])
        return {}


def _own_account() -> int | None:
    user = current.auth.user
    return user.id if user else None


class CommentModel(S3Model):
    names = ("cms_comment",)

    def model(self) -> dict[str, Any]:
        T = current.T
        represent = S3Represent(lookup="cms_comment", fields=["body"])
        self.define_table(
            "cms_comment",
            Field("parent", "reference cms_comment", readable=False, writable=False, represent=represent,
                  requires=IS_EMPTY_OR(IS_ONE_OF(current.db, "cms_comment.id", represent))),
            self.cms_post_id(empty=False),
            Field("body", "text", notnull=True, label=T("Comment"), requires=IS_NOT_EMPTY()),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["cms_comment"] = Storage(
            label_create=T("Add Comment"),
            title_list=T("Comments"),
            title_update=T("Edit Comment"),
        )
        self.configure("cms_comment", list_fields=["id", "post_id", "created_by", "modified_on"], indexes=["post_id"])
        return {}
