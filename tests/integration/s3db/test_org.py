"""Organisations and offices."""
from __future__ import annotations

from typing import Any

from harness import App

from s3.s3query import FS


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


def test_sites_get_codes_that_tell_them_apart_and_stay(app: App) -> None:
    with app.env() as current:
        s3db = current.s3db
        names = ("Head Quarters North", "Headquarters, South", "Head-Quarters", "!!!")
        ids = [insert(current, "org_office", name=name) for name in names]

        def codes() -> list[str | None]:
            return [s3db.org_site[s3db.org_office[office_id].site_id].code for office_id in ids]

        assert codes() == ["HEADQUARTE", "HEADQU2", "HEADQU3", None]
        s3db.resource("org_office", id=ids[0]).update(name="Renamed")
        assert codes()[0] == "HEADQUARTE"


def test_groups_types_and_tags_are_components(app: App) -> None:
    with app.env() as current:
        organisation_id = insert(current, "org_organisation", name="Red Cross")
        group_id, type_id = insert(current, "org_group", name="Federation"), insert(current, "org_organisation_type", name="NGO")
        insert(current, "org_group_membership", group_id=group_id, organisation_id=organisation_id)
        insert(current, "org_organisation_organisation_type", organisation_id=organisation_id, organisation_type_id=type_id)
        insert(current, "org_organisation_tag", organisation_id=organisation_id, tag="founded", value="1863")
        office_id = insert(current, "org_office", name="Headquarters", organisation_id=organisation_id)

        selectors = ["group.name", "organisation_type.name", "tag.value"]
        data = current.s3db.resource("org_organisation", id=organisation_id).select(selectors)
        assert [data.rows[0][rfield.colname] for rfield in data.rfields] == ["Federation", "NGO", "1863"]

        found = current.s3db.resource("org_office", filter=FS("(org_group)") == group_id).select(["id"], getids=True)
        assert found.ids == [office_id]


def test_office_shows_where_it_is(app: App) -> None:
    with app.env() as current:
        country = insert(current, "gis_location", name="Utopia", level="L0")
        place = insert(current, "gis_location", name="Door", parent=country, addr_street="1 High St")
        office_id = insert(current, "org_office", name="Headquarters", location_id=place)
        resource = current.s3db.resource("org_office", id=office_id)

        data = resource.select(resource.get_config("list_fields"), represent=True)

        shown = {str(rfield.label): data.rows[0][rfield.colname] for rfield in data.rfields}
        assert (shown["Country"], shown["Address"]) == ("Utopia", "1 High St")
