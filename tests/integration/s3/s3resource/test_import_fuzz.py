"""Whatever a document holds, it is imported or refused with a reason, and what is refused leaves nothing behind."""
from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3.s3error import S3DataError

TABLES = (
    "cms_post", "cms_comment", "cms_tag", "cms_tag_post", "cms_series", "gis_location", "pr_person", "pr_contact", "auth_user",
    "pr_pentity", "org_organisation", "no_table", "x", "",
)  # fmt: skip
FIELDS = (
    "body", "title", "date", "expired", "priority", "location_id", "series_id", "person_id", "name", "level", "parent", "lat",
    "post_id", "tag_id", "value", "contact_method", "pe_id", "first_name", "uuid", "id", "deleted", "created_by", "owned_by_user",
    "nothing", "",
)  # fmt: skip
TOPS = ("$_cms_post", "$_gis_location", "$_cms_tag", "$_pr_person", "$_cms_comment")
ATTRIBUTES = ("uuid", "tuid", "deleted", "created_on", "modified_by", "mci", "alias", "resource", "replaced_by", "value", "field", "name")

scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
    | st.sampled_from(["1", "2", "urn:1", "True", "2026-03-02", "2026-03-02T06:00:00Z", "EMAIL", "tag", '["1", "2"]', "127.0.0.1/1", "L1"])
)  # fmt: skip
def objects(inner):
    keys = (
        st.sampled_from(FIELDS) | st.sampled_from(FIELDS).map("$k_{}".format) | st.sampled_from(TABLES).map("$_{}".format)
        | st.sampled_from(ATTRIBUTES).map("@{}".format) | st.just("$")
    )  # fmt: skip
    return st.dictionaries(keys, inner, max_size=5)


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | objects(inner),
    max_leaves=12,
)
records = st.lists(objects(values), min_size=1, max_size=3)
documents = st.dictionaries(st.sampled_from(TOPS), records, max_size=3)


def contents(current):
    names = ("cms_post", "cms_comment", "cms_tag", "gis_location", "pr_person", "auth_user", "auth_membership")
    return {name: current.db(current.s3db.table(name)).select().as_list() for name in names}


@pytest.mark.parametrize("who", ["editor", "admin"])
def test_any_document_is_imported_or_refused(app, who):
    with app.env(user=who, c="cms", f="post") as current:
        before = contents(current)
        outcomes = {"success": 0, "failed": 0, "no document": 0}

        @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(documents, st.booleans())
        def check(document, ignore_errors):
            current.db.rollback()
            try:
                text = current.s3db.resource("cms_post").import_xml(json.dumps(document), format="s3json", ignore_errors=ignore_errors)
            except S3DataError:
                outcomes["no document"] += 1
                return
            message = json.loads(text)
            outcomes[message["status"]] += 1
            if message["status"] == "failed":
                assert message["errors"]
                assert contents(current) == before

        check()

    assert outcomes["failed"] > 5
