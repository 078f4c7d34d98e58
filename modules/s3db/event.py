"""Events and incidents: what has happened, who reports it, and the posts about it."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_LENGTH, IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    S3Duplicate,
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_datetime,
    s3_meta_fields,
    s3_yes_no_represent,
)
from s3dal import Field

__all__ = ("IncidentTypeModel", "EventModel", "IncidentModel", "IncidentReportModel", "EventPostModel")


class IncidentTypeModel(S3Model):
    """Kinds of incidents, a tree."""

    names = ("event_incident_type", "event_incident_type_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        represent = S3Represent(lookup="event_incident_type", hierarchy=True, translate=True)
        self.define_table(
            "event_incident_type",
            Field("name", length=64, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(64)]),
            Field("parent", "reference event_incident_type", ondelete="RESTRICT", label=T("Subtype of"), represent=represent,
                  requires=IS_EMPTY_OR(IS_ONE_OF(db, "event_incident_type.id", represent, sort=True))),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["event_incident_type"] = Storage(
            label_create=T("Create Incident Type"),
            title_display=T("Incident Type Details"),
            title_list=T("Incident Types"),
            title_update=T("Edit Incident Type"),
            msg_record_created=T("Incident Type added"),
            msg_record_modified=T("Incident Type updated"),
            msg_record_deleted=T("Incident Type deleted"),
            msg_list_empty=T("No Incident Types currently registered"),
        )
        self.configure("event_incident_type", deduplicate=S3Duplicate(), hierarchy="parent", indexes=["parent"])
        self.add_components(
            "event_incident_type",
            event_incident="incident_type_id",
            event_incident_type={"name": "child", "joinby": "parent"},
        )
        type_id = S3ReusableField(
            "incident_type_id", "reference event_incident_type",
            label=T("Incident Type"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "event_incident_type.id", represent, sort=True)),
        )
        return {"event_incident_type_id": type_id}

    def defaults(self) -> dict[str, Any]:
        return {"event_incident_type_id": S3ReusableField.dummy("incident_type_id")}


class EventModel(S3Model):
    """Events: storms, elections, exercises; each with its incidents."""

    names = ("event_event", "event_event_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "event_event",
            self.super_link("doc_id", "doc_entity"),
            Field("name", length=64, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(64)]),
            self.org_organisation_id(readable=False, writable=False),
            Field("exercise", "boolean", default=False, label=T("Exercise?"), represent=s3_yes_no_represent),
            s3_datetime("start_date", default="now", label=T("Start Date")),
            s3_datetime("end_date", label=T("End Date")),
            Field("closed", "boolean", default=False, label=T("Closed"), represent=s3_yes_no_represent),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["event_event"] = Storage(
            label_create=T("Create Event"),
            title_display=T("Event Details"),
            title_list=T("Events"),
            title_update=T("Edit Event"),
            msg_record_created=T("Event added"),
            msg_record_modified=T("Event updated"),
            msg_record_deleted=T("Event deleted"),
            msg_list_empty=T("No Events currently registered"),
        )
        self.configure(
            "event_event",
            super_entity="doc_entity",
            list_fields=["name", "start_date", "exercise", "closed", "comments"],
            orderby="event_event.start_date desc",
            context={"organisation": "organisation_id"},
            indexes=["start_date"],
        )
        self.add_components(
            "event_event",
            event_incident="event_id",
            event_post={"name": "event_post", "joinby": "event_id"},
            cms_post={"link": "event_post", "joinby": "event_id", "key": "post_id"},
        )
        represent = S3Represent(lookup="event_event")
        event_id = S3ReusableField(
            "event_id", "reference event_event",
            label=T("Event"), represent=represent, ondelete="CASCADE",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "event_event.id", represent, filterby="closed", filter_opts=(False,), sort=True)),
        )
        return {"event_event_id": event_id}

    def defaults(self) -> dict[str, Any]:
        return {"event_event_id": S3ReusableField.dummy("event_id")}


class IncidentModel(S3Model):
    """Incidents: what happens at one place and time, as a part of an event or alone."""

    names = ("event_incident", "event_incident_id", "event_levels")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        levels = {level: str(level) for level in range(1, 6)}
        self.define_table(
            "event_incident",
            self.super_link("doc_id", "doc_entity"),
            self.event_event_id(readable=False, writable=False),
            self.event_incident_type_id(),
            Field("name", length=64, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(64)]),
            Field("exercise", "boolean", default=False, label=T("Exercise?"), represent=s3_yes_no_represent),
            s3_datetime("date", default="now"),
            s3_datetime("end_date", label=T("Closed at")),
            Field("closed", "boolean", default=False, label=T("Closed"), represent=s3_yes_no_represent),
            self.gis_location_id(),
            _level("severity", T("Severity"), levels),
            _level("level", T("Level"), levels),
            self.org_organisation_id(readable=False, writable=False),
            self.pr_person_id(label=T("Incident Commander")),
            Field("action_plan", "text", label=T("Action Plan")),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["event_incident"] = Storage(
            label_create=T("Create Incident"),
            title_display=T("Incident Details"),
            title_list=T("Incidents"),
            title_update=T("Edit Incident"),
            msg_record_created=T("Incident added"),
            msg_record_modified=T("Incident updated"),
            msg_record_deleted=T("Incident deleted"),
            msg_list_empty=T("No Incidents currently registered"),
        )
        self.configure(
            "event_incident",
            super_entity="doc_entity",
            list_fields=[
                "date", "name", "incident_type_id", "exercise", "closed", "comments",
                *(f"location_id${level}" for level in sorted(self.gis_hierarchy_levels)),
            ],
            orderby="event_incident.date desc",
            context={"event": "event_id", "location": "location_id", "organisation": "organisation_id"},
            indexes=["event_id", "incident_type_id", "date"],
        )
        self.add_components(
            "event_incident",
            event_post={"name": "event_post", "joinby": "incident_id"},
            cms_post={"link": "event_post", "joinby": "incident_id", "key": "post_id"},
            event_incident_report={"link": "event_incident_report_incident", "joinby": "incident_id", "key": "incident_report_id"},
        )
        represent = S3Represent(lookup="event_incident")
        incident_id = S3ReusableField(
            "incident_id", "reference event_incident",
            label=T("Incident"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "event_incident.id", represent, filterby="closed", filter_opts=(False,), sort=True)),
        )
        return {"event_incident_id": incident_id, "event_levels": levels}

    def defaults(self) -> dict[str, Any]:
        return {"event_incident_id": S3ReusableField.dummy("incident_id"), "event_levels": {}}


def _level(name: str, label: Any, levels: dict[int, str]) -> Field:
    return Field(name, "integer", label=label, readable=False, writable=False,
                 requires=IS_EMPTY_OR(IS_IN_SET(levels)), represent=S3Represent(options=levels))


class IncidentReportModel(S3Model):
    """Reports of incidents as they come in, and the incidents that they are about."""

    names = ("event_incident_report", "event_incident_report_id", "event_incident_report_incident")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "event_incident_report",
            self.super_link("doc_id", "doc_entity"),
            s3_datetime("date", default="now"),
            Field("name", notnull=True, label=T("Short Description"), requires=IS_NOT_EMPTY()),
            self.event_incident_type_id(),
            Field("reported_by", label=T("Reported By")),
            Field("contact", label=T("Contact")),
            self.gis_location_id(),
            Field("description", "text", label=T("Long Description")),
            Field("needs", "text", label=T("Needs")),
            Field("closed", "boolean", default=False, label=T("Closed"), represent=s3_yes_no_represent),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["event_incident_report"] = Storage(
            label_create=T("Create Incident Report"),
            title_display=T("Incident Report Details"),
            title_list=T("Incident Reports"),
            title_update=T("Edit Incident Report"),
            msg_record_created=T("Incident Report added"),
            msg_record_modified=T("Incident Report updated"),
            msg_record_deleted=T("Incident Report deleted"),
            msg_list_empty=T("No Incident Reports currently registered"),
        )
        self.configure(
            "event_incident_report",
            super_entity="doc_entity",
            list_fields=["date", "name", "incident_type_id", "location_id", "reported_by", "closed", "comments"],
            orderby="event_incident_report.date desc",
            context={"location": "location_id"},
            indexes=["date"],
        )
        self.add_components(
            "event_incident_report",
            event_incident={"link": "event_incident_report_incident", "joinby": "incident_report_id", "key": "incident_id"},
        )
        represent = S3Represent(lookup="event_incident_report")
        report_id = S3ReusableField(
            "incident_report_id", "reference event_incident_report",
            label=T("Incident Report"), represent=represent, ondelete="CASCADE",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "event_incident_report.id", represent, sort=True)),
        )
        self.define_table(
            "event_incident_report_incident",
            report_id(empty=False),
            self.event_incident_id(empty=False, ondelete="CASCADE"),
            *s3_meta_fields(),
        )
        self.configure("event_incident_report_incident", indexes=["incident_report_id", "incident_id"])
        return {"event_incident_report_id": report_id}

    def defaults(self) -> dict[str, Any]:
        return {"event_incident_report_id": S3ReusableField.dummy("incident_report_id")}


class EventPostModel(S3Model):
    """Posts about events and incidents."""

    names = ("event_post",)

    def model(self) -> dict[str, Any]:
        self.define_table(
            "event_post",
            self.event_event_id(),
            self.event_incident_id(ondelete="CASCADE"),
            self.cms_post_id(empty=False),
            *s3_meta_fields(),
        )
        self.configure("event_post", indexes=["event_id", "incident_id", "post_id"])
        return {}
