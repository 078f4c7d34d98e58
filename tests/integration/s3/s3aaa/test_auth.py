"""AuthS3 with the real data models, on each database."""
from __future__ import annotations


def test_impersonation_in_a_request_does_not_log_in(app):
    with app.env() as current:
        current.auth.s3_impersonate(app.people["anna"].user_id)
        assert current.auth.user.pe_id == app.people["anna"].pe_id
        assert dict(current.session) == {}


def test_role_is_assigned_and_archived_on_each_database(app):
    with app.env(user="ben") as current:
        auth, ben = current.auth, app.people["ben"].user_id
        assert not auth.s3_has_role("READER")
        # the page, default/index, is open; the table has rules
        assert auth.s3_has_permission("read", "cms_post") is False

        auth.s3_assign_role(ben, "READER")
        assert auth.s3_has_role("READER")
        assert auth.s3_has_permission("read", "cms_post") is True

        auth.s3_withdraw_role(ben, "READER", for_pe=[])
        assert not auth.s3_has_role("READER")
        assert auth.s3_has_permission("read", "cms_post") is False


def test_account_of_somebody_is_made_with_person_and_contact(app):
    with app.env() as current:
        user_id = current.auth.create_user("cleo@cast.example", password="long enough", first_name="Cleo", last_name="Cox")
        pe_id = current.auth.s3_user_pe_id(user_id)

        assert pe_id and current.s3db.pr_pentity(pe_id).instance_type == "pr_person"
        contact = current.s3db.pr_contact(pe_id=pe_id)
        assert (contact.value, contact.owned_by_user, contact.realm_entity) == ("cleo@cast.example", user_id, pe_id)
        assert current.auth.login_bare("cleo@cast.example", "long enough").id == user_id


def test_super_record_has_the_owners_of_its_instance(app):
    with app.env(user="anna") as current:
        s3db, auth = current.s3db, current.auth
        organisation = {"name": "Relief"}
        organisation["id"] = s3db.org_organisation.insert(**organisation)
        s3db.update_super(s3db.org_organisation, organisation)
        office = {"name": "Quito", "organisation_id": organisation["id"]}
        office["id"] = s3db.org_office.insert(**office)
        s3db.update_super(s3db.org_office, office)

        auth.s3_set_record_owner(s3db.org_office, office["id"], force_update=True, owned_by_group=3)

        stored = s3db.org_office(office["id"])
        site = s3db.org_site(stored.site_id)
        assert (site.owned_by_user, site.owned_by_group) == (stored.owned_by_user, 3) == (app.people["anna"].user_id, 3)
        assert stored.realm_entity == site.realm_entity is not None


def test_roles_cost_one_query_however_many_there_are(app):
    def queries(current):
        current.db._timings.clear()
        current.auth.s3_set_roles()
        return len(current.db._timings)

    with app.env(user="anna") as current:
        before = queries(current)
        for number in range(10):
            current.auth.s3_assign_role(app.people["anna"].user_id, f"ROLE{number}")
        assert queries(current) == before == 1
