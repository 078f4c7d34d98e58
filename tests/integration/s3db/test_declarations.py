"""The tables as they are declared: fields, types, lengths, defaults and names that other systems and templates rely on."""
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from harness import App

META = ["uuid", "mci", "deleted", "deleted_fk", "deleted_rb", "created_on", "created_by", "modified_on", "modified_by", "approved_by",
        "owned_by_user", "owned_by_group", "realm_entity"]  # fmt: skip

#: {table: {field: (type, length or None, default)}}; "now" and "own" stand for defaults that are computed
FIELDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "pr_person": {
        "pe_id": ("reference pr_pentity", None, None), "location_id": ("reference gis_location", None, None),
        "pe_label": ("string", 128, None), "first_name": ("string", 64, None), "middle_name": ("string", 64, None),
        "last_name": ("string", 64, None), "gender": ("integer", None, 1), "date_of_birth": ("date", None, None),
        "comments": ("text", None, None),
    },
    "pr_contact": {
        "pe_id": ("reference pr_pentity", None, None), "contact_method": ("string", 32, "SMS"), "value": ("string", None, None),
        "contact_description": ("string", None, None), "priority": ("integer", None, 1), "access": ("integer", None, 1),
        "poll": ("boolean", None, False),
    },
    "pr_group": {
        "doc_id": ("reference doc_entity", None, None), "pe_id": ("reference pr_pentity", None, None),
        "group_type": ("integer", None, 4), "system": ("boolean", None, False), "name": ("string", None, None),
        "description": ("string", 2048, None), "meetings": ("string", None, None),
    },
    "pr_group_membership": {
        "group_id": ("reference pr_group", None, None), "person_id": ("reference pr_person", None, None),
        "group_head": ("boolean", None, False),
    },
    "pr_role": {"pe_id": ("reference pr_pentity", None, None), "role_type": ("integer", None, 1), "role": ("string", None, None)},
    "pr_affiliation": {"role_id": ("reference pr_role", None, None), "pe_id": ("reference pr_pentity", None, None)},
    "pr_filter": {
        "pe_id": ("reference pr_pentity", None, None), "title": ("string", None, None), "controller": ("string", None, None),
        "function": ("string", None, None), "resource": ("string", None, None), "url": ("string", None, None),
        "description": ("text", None, None), "query": ("text", None, None),
    },
    "pr_subscription": {
        "pe_id": ("reference pr_pentity", None, None), "filter_id": ("reference pr_filter", None, None),
        "notify_on": ("list:string", None, ["new"]), "frequency": ("string", None, "daily"),
        "method": ("list:string", None, ["EMAIL"]), "email_format": ("string", None, None), "attachment": ("boolean", None, False),
    },
    "pr_subscription_resource": {
        "subscription_id": ("reference pr_subscription", None, None), "resource": ("string", None, None), "url": ("string", None, None),
        "locked": ("boolean", None, False), "batch_mode": ("boolean", None, True), "last_check_time": ("datetime", None, "now"),
        "next_check_time": ("datetime", None, None),
    },
    "org_organisation": {
        "pe_id": ("reference pr_pentity", None, None), "root_organisation": ("reference org_organisation", None, None),
        "name": ("string", 128, None), "acronym": ("string", 16, None), "country": ("string", 2, None), "contact": ("string", None, None),
        "phone": ("string", None, None), "website": ("string", None, None), "year": ("integer", None, None),
        "logo": ("upload", None, None),
    },
    "org_office_type": {"name": ("string", 128, None), "organisation_id": ("reference org_organisation", None, None)},
    "org_office": {
        "doc_id": ("reference doc_entity", None, None), "pe_id": ("reference pr_pentity", None, None),
        "site_id": ("reference org_site", None, None), "name": ("string", 64, None), "code": ("string", 10, None),
        "organisation_id": ("reference org_organisation", None, "own"), "office_type_id": ("reference org_office_type", None, None),
        "location_id": ("reference gis_location", None, None), "phone1": ("string", None, None), "phone2": ("string", None, None),
        "email": ("string", None, None), "fax": ("string", None, None), "obsolete": ("boolean", None, False),
    },
    "gis_location": {
        "name": ("string", 128, None), "level": ("string", 2, None), "parent": ("reference gis_location", None, None),
        "path": ("string", 256, None), "gis_feature_type": ("integer", None, 1), "lat": ("double", None, None),
        "lon": ("double", None, None), "radius": ("double", None, None), "wkt": ("text", None, None), "inherited": ("boolean", None, False),
        "lat_min": ("double", None, None), "lon_max": ("double", None, None), "elevation": ("double", None, None),
        "addr_street": ("text", None, None), "addr_postcode": ("string", 128, None), "start_date": ("date", None, None),
        "end_date": ("date", None, None), "L0": ("string", None, None), "L5": ("string", None, None),
    },
    "cms_series": {
        "name": ("string", 255, None), "avatar": ("boolean", None, False), "location": ("boolean", None, False),
        "richtext": ("boolean", None, True), "replies": ("boolean", None, False),
        "roles_permitted": ("list:reference auth_group", None, None),
    },
    "cms_post": {
        "doc_id": ("reference doc_entity", None, None), "series_id": ("reference cms_series", None, None), "name": ("string", None, None),
        "title": ("string", None, None), "body": ("text", None, None), "date": ("datetime", None, "now"),
        "location_id": ("reference gis_location", None, None), "person_id": ("reference pr_person", None, "own"),
        "avatar": ("boolean", None, False), "replies": ("boolean", None, False), "priority": ("integer", None, 1),
        "status_id": ("reference cms_status", None, None), "expired": ("boolean", None, False),
        "roles_permitted": ("list:reference auth_group", None, None),
    },
    "cms_post_module": {
        "post_id": ("reference cms_post", None, None), "module": ("string", None, None), "resource": ("string", None, None),
        "record": ("string", None, None),
    },
    "cms_comment": {
        "parent": ("reference cms_comment", None, None), "post_id": ("reference cms_post", None, None), "body": ("text", None, None),
    },
    "event_incident_type": {"name": ("string", 64, None), "parent": ("reference event_incident_type", None, None)},
    "event_event": {
        "doc_id": ("reference doc_entity", None, None), "name": ("string", 64, None),
        "organisation_id": ("reference org_organisation", None, "own"), "exercise": ("boolean", None, False),
        "start_date": ("datetime", None, "now"), "end_date": ("datetime", None, None), "closed": ("boolean", None, False),
    },
    "event_incident": {
        "doc_id": ("reference doc_entity", None, None), "event_id": ("reference event_event", None, None),
        "incident_type_id": ("reference event_incident_type", None, None), "name": ("string", 64, None),
        "exercise": ("boolean", None, False), "date": ("datetime", None, "now"), "end_date": ("datetime", None, None),
        "closed": ("boolean", None, False), "location_id": ("reference gis_location", None, None), "severity": ("integer", None, None),
        "level": ("integer", None, None), "organisation_id": ("reference org_organisation", None, "own"),
        "person_id": ("reference pr_person", None, None), "action_plan": ("text", None, None),
    },
    "event_incident_report": {
        "date": ("datetime", None, "now"), "name": ("string", None, None), "reported_by": ("string", None, None),
        "contact": ("string", None, None), "location_id": ("reference gis_location", None, None), "description": ("text", None, None),
        "needs": ("text", None, None), "closed": ("boolean", None, False),
    },
    "event_post": {
        "event_id": ("reference event_event", None, None), "incident_id": ("reference event_incident", None, None),
        "post_id": ("reference cms_post", None, None),
    },
}

TITLES = {
    "pr_person": "Persons", "pr_group": "Groups", "pr_contact": "Contact Information", "pr_subscription": "Person Subscriptions",
    "org_organisation": "Organizations", "org_office": "Offices", "gis_location": "Locations", "cms_series": "Series", "cms_post": "Posts",
    "event_incident": "Incidents",
}  # fmt: skip

COMPONENTS = {
    "pr_person": ["contact", "email", "phone", "facebook", "twitter", "user", "group_membership"],
    "pr_group": ["person", "group_membership", "contact", "document"],
    "pr_subscription": ["subscription_resource"],
    "org_organisation": ["office", "site", "facility", "branch", "parent", "group", "organisation_type", "tag", "contact"],
    "cms_series": ["post"],
    "cms_post": ["comment", "post_module", "tag", "tag_post", "post_organisation", "event_post", "incident_post", "event", "incident",
                 "bookmark", "roles", "document", "image"],
    "event_incident": ["post", "event_post", "incident_report", "document"],
}  # fmt: skip


def default_of(app: App, field: Any) -> Any:
    if not callable(field.default):
        return field.default
    return "now" if field.default() == app.clock() else "own"


@pytest.mark.parametrize("tablename", FIELDS)
def test_table_has_the_fields_of_the_original(app: App, tablename: str) -> None:
    with app.env() as current:
        table = current.s3db[tablename]

        found = {
            name: (table[name].type, length and table[name].length, default_of(app, table[name]))
            for name, (_, length, _) in FIELDS[tablename].items()
        }

        assert found == FIELDS[tablename]
        assert table.fields[-len(META):] == META


@pytest.mark.parametrize("tablename", TITLES)
def test_list_has_the_title_of_the_original(app: App, tablename: str) -> None:
    with app.env() as current:
        current.s3db[tablename]

        assert str(current.s3db.get_crud_string(tablename, "title_list")) == TITLES[tablename]


@pytest.mark.parametrize("tablename", COMPONENTS)
def test_table_has_the_components_of_the_original(app: App, tablename: str) -> None:
    with app.env() as current:
        components = current.s3db.get_components(tablename)

        assert [alias for alias in COMPONENTS[tablename] if alias not in components] == []


def test_super_entities_hold_no_time_of_change(app: App) -> None:
    with app.env() as current:
        keys = {"pr_pentity": "pe_id", "org_site": "site_id", "doc_entity": "doc_id"}

        assert {name: current.s3db.super_key(name) for name in keys} == keys
        assert [name for name in keys if "modified_on" in current.s3db[name].fields] == []


def test_hierarchies_are_declared(app: App) -> None:
    with app.env() as current:
        from s3.s3hierarchy import find_hierarchy

        current.deployment_settings.org.branches = True
        declared = {name: find_hierarchy(name).parent.name for name in ("gis_location", "org_organisation", "event_incident_type")}

        assert declared == {"gis_location": "parent", "org_organisation": "organisation_id", "event_incident_type": "parent"}


def test_a_new_record_is_stamped_with_naive_utc_in_whole_seconds(app: App) -> None:
    with app.env() as current:
        app.clock.set(dt.datetime(2026, 11, 21, 21, 18, 43))
        current.auth.override = True
        post_id = current.s3db.resource("cms_post").insert(body="A")

        data = current.s3db.resource("cms_post", id=post_id).select(["created_on", "modified_on", "created_by"], represent=True)

        row = data.rows[0]
        assert [row[f"cms_post.{name}"] for name in ("created_on", "modified_on", "created_by")] == [
            "2026-11-21 21:18:43", "2026-11-21 21:18:43", "-"]
