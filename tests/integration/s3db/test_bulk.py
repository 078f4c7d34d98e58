"""Lists take the same number of queries whatever their length: every table, with the fields that it lists."""
from __future__ import annotations

from typing import Any

import bare
import pytest
from harness import App

#: {table: values of record number n, of which those that end in _id are tables to make a record of first}
RECORDS: dict[str, dict[str, Any]] = {
    "pr_person": {"first_name": "P{n}"},
    "pr_group": {"name": "G{n}"},
    "pr_group_membership": {"group_id": "pr_group", "person_id": "pr_person"},
    "pr_contact": {"value": "+49123456{n}", "pe_id": "pr_pentity"},
    "pr_role": {"role": "R{n}", "pe_id": "pr_pentity"},
    "pr_subscription": {"pe_id": "pr_pentity"},
    "org_organisation": {"name": "O{n}", "acronym": "A{n}"},
    "org_office": {
        "name": "F{n}", "organisation_id": "org_organisation", "location_id": "gis_location", "office_type_id": "org_office_type",
    },
    "org_facility": {"name": "F{n}", "organisation_id": "org_organisation", "location_id": "gis_location"},
    "gis_location": {"name": "L{n}", "parent": "gis_location"},
    "cms_series": {"name": "S{n}"},
    "cms_post": {
        "body": "B{n} https://example.org/{n}", "series_id": "cms_series", "location_id": "gis_location", "person_id": "pr_person",
    },
    "cms_comment": {"body": "C{n}", "post_id": "cms_post"},
    "event_event": {"name": "E{n}", "organisation_id": "org_organisation"},
    "event_incident": {"name": "I{n}", "incident_type_id": "event_incident_type", "location_id": "gis_location", "person_id": "pr_person"},
    "event_incident_report": {"name": "R{n}", "incident_type_id": "event_incident_type", "location_id": "gis_location"},
    "doc_document": {"name": "D{n}"},
}
OTHERS: dict[str, dict[str, Any]] = {"org_office_type": {"name": "T{n}"}, "event_incident_type": {"name": "T{n}"}}


def make(current: Any, tablename: str, n: int, depth: int = 0) -> int:
    """A record, with records of its own that it refers to."""
    if tablename == "pr_pentity":
        return int(current.s3db.pr_get_pe_id("pr_person", make(current, "pr_person", n)))
    values: dict[str, Any] = {}
    for name, value in {**RECORDS, **OTHERS}[tablename].items():
        if "_" not in value or "{" in value:
            values[name] = value.format(n=n)
        elif value != tablename or depth == 0:
            values[name] = make(current, value, n * 100 + depth, depth + 1)
    return int(current.s3db.resource(tablename).insert(**values))


@pytest.mark.parametrize("tablename", RECORDS)
def test_list_takes_no_query_for_single_rows(app: App, tablename: str) -> None:
    with app.env() as current:
        current.auth.override = True
        ids = [make(current, tablename, n) for n in range(1, 9)]
        current.db.commit()

    assert [select(app, tablename, ids[:2])[0], len(ids)] == list(select(app, tablename, ids))


def select(app: App, tablename: str, ids: list[int]) -> tuple[int, int]:
    """Numbers of queries and rows of a list with all its fields and references."""
    with app.env() as current:
        current.auth.override = True
        current.deployment_settings.org.branches = True
        resource = current.s3db.resource(tablename, id=ids)
        fields = [*resource.get_config("list_fields", []), *(name for name in resource.fields if name.endswith(("_id", "_by")))]
        with bare.counted_queries(current.db) as sent:
            data = resource.select(list(dict.fromkeys(fields)), represent=True)
        return len(sent), len(data.rows)
