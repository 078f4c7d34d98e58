"""Organisations and offices."""
from __future__ import annotations

from typing import Any

from harness import App


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource(tablename).insert(**values))


def test_organisation_is_an_entity_and_its_own_root(app: App) -> None:
    with app.env() as current:
        record_id = insert(current, "org_organisation", name="Red Cross", acronym="RC")

        organisation = current.db.org_organisation[record_id]

        assert organisation.root_organisation == record_id
        assert current.s3db.pr_instance_type(organisation.pe_id) == "org_organisation"
        assert str(current.s3db.org_organisation_represent(record_id)) == "Red Cross (RC)"


def test_branch_is_represented_with_the_organisation_above_it(app: App) -> None:
    with app.env() as current:
        current.deployment_settings.org.branches = True
        head, branch = insert(current, "org_organisation", name="Red Cross"), insert(current, "org_organisation", name="North")
        insert(current, "org_organisation_branch", organisation_id=head, branch_id=branch)

        labels = current.s3db.org_organisation_represent.bulk([head, branch])

        assert (str(labels[head]), str(labels[branch])) == ("Red Cross", "Red Cross > North")


def test_branches_and_offices_are_components(app: App) -> None:
    with app.env() as current:
        head, branch = insert(current, "org_organisation", name="Red Cross"), insert(current, "org_organisation", name="North")
        insert(current, "org_organisation_branch", organisation_id=head, branch_id=branch)
        insert(current, "org_office", name="Headquarters", organisation_id=head)

        data = current.s3db.resource("org_organisation", id=head).select(["branch.name", "office.name"])

        assert [data.rows[0][rfield.colname] for rfield in data.rfields if rfield.fname == "name"] == ["North", "Headquarters"]


def test_office_is_an_entity_a_site_and_a_realm_of_its_own(app: App) -> None:
    with app.env() as current:
        organisation_id = insert(current, "org_organisation", name="Red Cross")

        office = current.s3db.org_office[insert(current, "org_office", name="Headquarters", organisation_id=organisation_id)]

        site = current.s3db.org_site[office.site_id]
        assert (site.name, site.organisation_id, site.instance_type) == ("Headquarters", organisation_id, "org_office")
        assert current.s3db.pr_instance_type(office.pe_id) == "org_office"
        assert office.realm_entity == office.pe_id
