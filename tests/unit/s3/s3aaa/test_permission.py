"""Permission decisions under the policies without realms, 1 to 5: the vectors of the original's unit tests, and what is stricter here."""
from __future__ import annotations

import pytest
from gluon import current
from gluon.http import HTTP

from s3.s3aaa import S3Permission
from s3.s3error import S3ConfigError

P = S3Permission
R, RC, RU, RCU = P.READ, P.READ | P.CREATE, P.READ | P.UPDATE, P.READ | P.CREATE | P.UPDATE
PAGE = {"c": "org", "f": "permission_test"}
TABLE = {"t": "org_permission_test"}


@pytest.fixture
def roles(world):
    """The two roles of the vectors; returns the ids of anna and of a record of somebody else."""
    auth = current.auth
    auth.s3_create_role(
        "Reader", None,
        {"c": "org", "uacl": R, "oacl": RU}, {**PAGE, "uacl": RC, "oacl": RU}, {**TABLE, "uacl": RCU, "oacl": RU},
        uid="READER",
    )
    auth.s3_create_role("Changer", None, *({**on, "uacl": RCU, "oacl": RU} for on in ({"c": "org"}, PAGE, TABLE)), uid="EDITOR_ROLE")
    admin = world.user("admin@example.org", roles=["ADMIN"])
    record = current.db.org_permission_test.insert(name="one", owned_by_user=admin)
    return world.user(), record


def decisions(record):
    table = current.db.org_permission_test
    may = current.auth.s3_has_permission
    return tuple(
        may(method, table, record_id)
        for method, record_id in (("read", None), ("create", None), ("update", record), ("delete", record))
    )


# policy, role: read, create, update the record, delete the record
VECTORS = [
    (1, None, (True, True, True, True)),
    (3, None, (False, False, False, False)),
    # function rules are not used
    (3, "READER", (True, False, False, False)),
    (3, "EDITOR_ROLE", (True, True, True, False)),
    # the function rule replaces that of the controller
    (4, "READER", (True, True, False, False)),
    (4, "EDITOR_ROLE", (True, True, True, False)),
    # the page blocks what the table permits
    (5, "READER", (True, True, False, False)),
    (5, "EDITOR_ROLE", (True, True, True, False)),
]


@pytest.mark.parametrize(("policy", "role", "expected"), VECTORS)
def test_policy_decides_by_the_rules_it_knows(world, roles, policy, role, expected):
    anna, record = roles
    if role:
        current.auth.s3_assign_role(anna, role)

    world.as_user(anna, policy=policy)

    assert decisions(record) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [(1, (True, False, False, False)), (2, (True, False, False, False)), *((p, (False,) * 4) for p in (3, 4, 5))],
)
def test_anonymous_visitor_without_rules_reads_at_most(world, roles, policy, expected):
    world.auth(policy=policy)

    assert decisions(roles[1]) == expected


def test_page_that_permits_updates_lets_the_table_rule_through(world, roles):
    anna, record = roles
    current.auth.s3_assign_role(anna, "READER")
    current.auth.permission.update_acl("READER", **PAGE, uacl=RCU, oacl=RU)

    world.as_user(anna, policy=5)

    assert decisions(record) == (True, True, True, False)


def test_editor_policy_lets_owners_and_editors_change(world, roles):
    anna, record = roles
    own = current.db.org_permission_test.insert(name="own", owned_by_user=anna)

    auth = world.as_user(anna, policy=2)
    table = current.db.org_permission_test
    assert (auth.s3_has_permission("update", table, own), auth.s3_has_permission("update", table, record)) == (True, False)
    assert accessible("update") == [own]
    assert accessible("read") == [record, own]

    auth.s3_assign_role(anna, "EDITOR")
    auth = world.as_user(anna, policy=2)
    assert auth.s3_has_permission("update", table, record) is True
    assert accessible("update") == [record, own]


def accessible(method, table=None):
    table = table if table is not None else current.db.org_permission_test
    query = current.auth.s3_accessible_query(method, table)
    return [row.id for row in current.db(query).select(table._id, orderby=table._id)]


def test_records_are_limited_to_the_owned_ones_when_only_they_are_permitted(world, roles):
    anna, other = roles
    current.auth.s3_assign_role(anna, "READER")
    own = current.db.org_permission_test.insert(name="own", owned_by_user=anna)
    group_owned = current.db.org_permission_test.insert(name="group", owned_by_group=current.auth.find_role_id("READER"))

    auth = world.as_user(anna, policy=4)

    assert accessible("read") == [other, own, group_owned]
    assert accessible("update") == [own, group_owned]
    assert accessible("delete") == []
    assert auth.permission.ownership_required("update", current.db.org_permission_test)
    assert not auth.permission.ownership_required("read", current.db.org_permission_test)


def test_ownerless_record_is_everybodys_only_without_strict_ownership(world, roles):
    anna = roles[0]
    current.auth.s3_assign_role(anna, "READER")
    public = current.db.org_permission_test.insert(name="public")

    auth = world.as_user(anna, policy=4)
    assert (accessible("update"), auth.s3_has_permission("update", current.db.org_permission_test, public)) == ([], False)

    auth = world.as_user(anna, policy=4, security__strict_ownership=False)
    assert (accessible("update"), auth.s3_has_permission("update", current.db.org_permission_test, public)) == ([public], True)


def test_loose_ownership_query_is_the_originals(world, roles):
    anna = roles[0]
    current.auth.s3_assign_role(anna, "READER")
    auth = world.as_user(anna, policy=4, security__strict_ownership=False)
    table = current.db.org_permission_test

    query = auth.s3_accessible_query("update", table)

    owner = (table.owned_by_user == anna) | ((table.owned_by_user == None) & (table.owned_by_group == None))
    assert str(query) == str(owner | table.owned_by_group.belongs(list(auth.realms)))


def test_decision_and_record_filter_agree_for_every_policy_and_method(world, roles):
    anna, _ = roles
    table = current.db.org_permission_test
    reader = current.auth.find_role_id("READER")
    current.auth.s3_assign_role(anna, "READER", for_pe=0)
    for owner in ({"owned_by_user": anna}, {"owned_by_group": reader}, {"realm_entity": 7}, {}):
        table.insert(name="x", **owner)
    everything = [row.id for row in current.db(table).select(table.id)]
    for policy in (1, 2, 3, 4, 5, 6, 7):
        for strict in (True, False):
            for user in (anna, None):
                auth = world.as_user(user, policy=policy, security__strict_ownership=strict)
                for method in ("read", "create", "update", "delete", "never heard of"):
                    permitted = [key for key in everything if auth.s3_has_permission(method, table, key)]

                    assert accessible(method) == permitted, (policy, strict, user, method)


def test_table_without_owners_is_decided_as_a_whole(world, roles):
    anna, _ = roles
    plain = current.db.gis_plain
    record = plain.insert(name="x")
    current.auth.s3_assign_role(anna, "READER", for_pe=7)
    for policy in (1, 2, 3, 4, 5, 6):
        for strict in (True, False):
            for user in (anna, None):
                auth = world.as_user(user, policy=policy, security__strict_ownership=strict)
                for method in ("read", "update", "delete"):
                    permitted = [record] if auth.s3_has_permission(method, plain, record) else []

                    assert accessible(method, plain) == permitted, (policy, strict, user, method)


def test_another_user_is_decided_about_anew(world, roles):
    anna, record = roles
    auth = world.as_user("admin@example.org", policy=5)
    assert decisions(record) == (True,) * 4

    auth.user = auth._as_user(auth.table("auth_user")[anna])

    assert decisions(record) == (False,) * 4


def test_administrator_may_do_everything(world, roles):
    world.as_user("admin@example.org", policy=5)

    assert decisions(roles[1]) == (True,) * 4
    assert accessible("delete") == [roles[1]]


def test_override_permits_everything_to_nobody(world, roles):
    auth = world.auth(policy=5)
    auth.override = True

    assert decisions(roles[1]) == (True,) * 4
    assert accessible("delete") == [roles[1]]
    assert auth.s3_logged_in() and auth.user is None


def test_unknown_table_is_neither_permitted_nor_denied(world):
    class Log:
        warnings = []

        @classmethod
        def warning(cls, message):
            cls.warnings.append(message)

    current.log = Log

    assert current.auth.s3_has_permission("read", "no_such_table") is None
    assert "no_such_table" in Log.warnings[0]


def test_unknown_method_needs_the_right_to_update(world, roles):
    anna, record = roles
    current.auth.s3_assign_role(anna, "READER")
    auth = world.as_user(anna, policy=3)

    assert P.required_acl("explode") == P.UPDATE
    assert P.required_acl(["create", "update"]) == P.CREATE | P.UPDATE
    assert auth.permission.has_permission("read")
    assert not auth.s3_has_permission("explode", "org_permission_test", record)
    assert accessible("explode") == []


def test_controller_that_is_not_a_module_is_closed(world, roles):
    auth = world.as_user(roles[0], policy=5, c="nosuch", f="page")

    assert not auth.permission.has_permission("read")


@pytest.mark.parametrize("page", [("default", "index"), ("default", "user"), ("default", "about"), ("default", "contact")])
def test_public_pages_are_open_and_cost_no_query(world, page):
    auth = world.auth(policy=5, c=page[0], f=page[1])
    auth.s3_set_roles()

    assert world.queries(lambda: auth.permission.has_permission("read")) == 0
    assert auth.permission.has_permission("read")


def test_module_can_be_declared_open(world):
    auth = world.auth(policy=5)
    assert not auth.permission.has_permission("read")

    current.deployment_settings.modules["org"].restricted = False
    auth.permission.clear_cache()
    assert auth.permission.has_permission("read")


def test_generic_table_pages_are_closed_even_in_an_open_module(world):
    assert not world.auth(policy=5, c="default", f="table").permission.has_permission("read")


def test_table_with_a_rule_for_anyone_needs_a_rule_for_everyone(world, roles):
    current.deployment_settings.modules["org"].restricted = False
    world.auth(policy=5, c="default", f="index")

    assert accessible("read", current.db.gis_plain) == []  # no records
    current.db.gis_plain.insert(name="open")
    assert accessible("read", current.db.gis_plain) == [1]
    assert accessible("read") == []


def test_rule_for_a_table_holds_for_its_alias(world, roles):
    world.auth(policy=5, c="default", f="index")
    alias = current.db.org_permission_test.with_alias("org_other_permission_test")

    assert accessible("read", alias) == []


def test_joined_tables_are_decided_one_by_one(world, roles):
    anna, _ = roles
    current.auth.s3_assign_role(anna, "READER")
    auth = world.as_user(anna, policy=5)
    table, joined = current.db.org_permission_test, current.db.gis_plain

    assert str(auth.s3_accessible_query("read", table)) == str(table._id > 0)
    assert str(auth.s3_accessible_query("update", joined)) == str(joined._id == 0)


def test_rules_of_page_and_table_are_read_with_one_query_per_request(world, roles):
    anna, record = roles
    current.auth.s3_assign_role(anna, "READER")
    auth = world.as_user(anna, policy=5)
    table = current.db.org_permission_test

    assert world.queries(lambda: auth.s3_accessible_query("read", table)) == 1
    assert world.queries(lambda: [auth.s3_has_permission(m, table) for m in ("read", "create", "update")]) == 0


def test_roles_are_read_with_a_fixed_number_of_queries(world, roles):
    anna, _ = roles
    few = world.queries(world.as_user(anna).s3_set_roles)
    for number in range(20):
        current.auth.s3_assign_role(anna, f"ROLE{number}")

    assert world.queries(world.as_user(anna).s3_set_roles) == few <= 2


def test_rule_can_be_changed_and_archived(world, roles):
    anna, _ = roles
    auth = current.auth
    auth.s3_assign_role(anna, "READER")
    for rule in ({"c": "org"}, PAGE):
        auth.permission.delete_acl("READER", **rule)

    world.as_user(anna, policy=5)

    assert not current.auth.permission.has_permission("read")
    archived = current.db(current.db.s3_permission.deleted == True).select().first()
    assert archived.group_id is None and "group_id" in archived.deleted_fk


def test_rule_of_an_unknown_role_is_refused(world):
    with pytest.raises(ValueError, match="NOBODY"):
        current.auth.permission.update_acl("NOBODY", c="org", uacl=P.ALL)


@pytest.mark.parametrize("policy", [0, 8, "5", None, True, 5.5])
def test_unknown_policy_is_a_configuration_error(world, policy):
    with pytest.raises(S3ConfigError, match=r"security\.policy"):
        world.auth(policy=policy)


def test_decision_follows_the_owner(world, roles):
    anna, record = roles
    current.auth.s3_assign_role(anna, "READER")
    auth = world.as_user(anna, policy=4)
    table = current.db.org_permission_test
    assert not auth.s3_has_permission("update", table, record)

    auth.s3_set_record_owner(table, record, owned_by_user=anna)

    assert auth.s3_has_permission("update", table, record)
    assert not auth.s3_has_permission("delete", table, record)


# Approval


@pytest.fixture
def approval(world, roles):
    """Unapproved record of admin; the settings that make approval necessary."""
    anna, record = roles
    current.auth.s3_assign_role(anna, "EDITOR_ROLE")
    return {"auth__record_approval": True, "auth__record_approval_required_for": ["org_permission_test"]}


def test_unapproved_record_is_hidden_from_others(world, roles, approval):
    anna, record = roles
    auth = world.as_user(anna, **approval)

    assert accessible("read") == []
    assert auth.s3_has_permission("read", "org_permission_test", record) is False

    current.db(current.db.org_permission_test.id == record).update(approved_by=0)
    auth.permission.clear_cache()
    assert accessible("read") == [record]
    assert auth.s3_has_permission("read", "org_permission_test", record) is True


# Under policy 1 every user may review, and so see
@pytest.mark.parametrize("policy", [2, 3, 4, 5])
def test_unapproved_record_is_hidden_from_those_who_may_not_review(world, roles, approval, policy):
    anna, record = roles
    auth = world.as_user(anna, policy=policy, **approval)

    for method in ("read", "update"):
        assert auth.s3_has_permission(method, "org_permission_test", record) is False
        assert accessible(method) == []


def test_owner_sees_the_unapproved_record_but_does_not_approve_it(world, roles, approval):
    anna, _ = roles
    own = current.db.org_permission_test.insert(name="own", owned_by_user=anna)
    auth = world.as_user(anna, **approval)

    assert accessible("read") == [own]
    assert auth.s3_has_permission("update", "org_permission_test", own) is True
    assert auth.s3_has_permission(["review", "approve"], "org_permission_test", own) is False


def test_reviewer_finds_unapproved_records(world, roles, approval):
    anna, record = roles
    current.auth.permission.update_acl("EDITOR_ROLE", **PAGE, uacl=RCU | P.REVIEW | P.APPROVE)
    current.auth.permission.update_acl("EDITOR_ROLE", **TABLE, uacl=RCU | P.REVIEW | P.APPROVE)
    auth = world.as_user(anna, **approval)

    assert [auth.s3_has_permission(m, "org_permission_test", record) for m in ("read", "review", "approve")] == [True] * 3
    assert accessible("review") == accessible(["read", "review"]) == [record]


def test_approval_can_be_required_by_table_configuration(world):
    world.auth(auth__record_approval=True, auth__record_approval_required_for=None)
    current.s3db.config["org_permission_test", "requires_approval"] = True

    assert current.auth.permission.requires_approval("org_permission_test")
    assert not current.auth.permission.requires_approval("gis_plain")


@pytest.mark.parametrize(
    ("settings", "override", "expected"),
    [({}, False, 0), ({"auth__record_approval": True}, False, None), ({"auth__record_approval": True}, True, 0)],
)
def test_default_approver_of_an_anonymous_record(world, settings, override, expected):
    auth = world.auth(**settings)
    auth.override = override

    auth.permission.set_default_approver(current.db.org_permission_test)

    assert current.db.org_permission_test.approved_by.default == expected


# Refusal


def refusal():
    with pytest.raises(HTTP) as refused:
        current.auth.permission.fail()
    return refused.value


def test_refused_page_leads_an_anonymous_visitor_to_the_login(world):
    world.auth()

    http = refusal()

    assert http.status == 303
    assert http.headers["Location"] == "/eden/default/user/login?_next=%2Feden%2Forg%2Fpermission_test"
    assert current.session.error == "Authentication Required"


def test_refused_page_leads_a_user_home(world, roles):
    world.as_user(roles[0])

    http = refusal()

    assert (http.status, http.headers["Location"]) == (303, "/eden/default/index")
    assert current.session.error == "Insufficient Privileges"


@pytest.mark.parametrize("extension", ["xml", "json", "msg", "popup"])
def test_refused_data_request_is_challenged(world, extension):
    world.auth().permission.format = extension

    http = refusal()

    assert (http.status, http.headers["WWW-Authenticate"]) == (401, 'Basic realm="eden"')
    assert http.headers["Content-Type"] == "application/json"
    assert http.body == "False 401 Authentication Required"


def test_refused_data_request_of_a_user_is_not_challenged(world, roles):
    world.as_user(roles[0]).permission.format = "xml"

    http = refusal()

    assert http.status == 403
    assert "WWW-Authenticate" not in http.headers


# The request


@pytest.mark.parametrize(
    ("format", "args", "extension", "expected"),
    [
        (None, [], "html", "html"),
        (None, [], "JSON", "json"),
        (None, ["5.xml"], "html", "xml"),
        (None, ["5.xml", "update"], "html", "xml"),
        ("MSG", ["5.xml"], "html", "msg"),
        (["xml", "json"], [], "html", "json"),
        ("", [], "csv", "csv"),
    ],
)
def test_format_is_that_of_url_variable_then_argument_then_page(world, format, args, extension, expected):
    auth = world.auth()
    current.request.get_vars.format = format
    current.request.args = args
    current.request.extension = extension

    assert auth.permission.format == expected


def test_page_is_that_of_the_request_until_another_is_set(world):
    permission = world.auth(c="org", f="office").permission
    current.request.function = "facility"
    assert (permission.controller, permission.function) == ("org", "facility")

    permission.controller, permission.function = "pr", "person"
    assert (permission.controller, permission.function) == ("pr", "person")


# Menus and rules


def test_module_without_any_right_is_hidden(world, roles):
    anna, _ = roles
    current.auth.s3_assign_role(anna, "READER")
    current.auth.permission.update_acl("READER", c="gis", uacl=P.NONE)

    hidden = world.as_user(anna, policy=5).permission.hidden_modules()

    assert "gis" in hidden and "pr" in hidden
    assert "org" not in hidden and "default" not in hidden
    assert world.as_user("admin@example.org", policy=5).permission.hidden_modules() == []
    assert world.as_user(anna, policy=1).permission.hidden_modules() == []
    assert "org" in world.auth(policy=5).permission.hidden_modules()


def test_address_is_given_to_who_may_go_there(world, roles):
    anna, record = roles
    current.auth.s3_assign_role(anna, "READER")
    permission = world.as_user(anna, policy=5).permission

    assert permission.accessible_url(args=[record], vars={"a": 1}) == f"/eden/org/permission_test/{record}?a=1"
    assert permission.accessible_url(p="delete") is False
    assert permission.accessible_url(c="pr", f="person") is False
    assert permission.accessible_url(c="no_module", f="page") is False
    assert permission.accessible_url(c="static", f="logo.png") == "/eden/static/logo.png"
    assert permission.accessible_url(c="default", f="index") == "/eden/default/index"


def test_rules_of_a_role_are_set_together_and_taken_away(world, roles):
    anna, record = roles
    auth = current.auth
    auth.s3_assign_role(anna, "READER")
    auth.s3_update_acls("READER", {**PAGE, "uacl": P.ALL}, {**TABLE, "uacl": P.ALL})
    world.as_user(anna, policy=5)
    assert decisions(record) == (True,) * 4

    assert current.auth.permission.update_acl("READER", **TABLE, delete=True) is None

    assert current.auth.permission.table_restricted("org_permission_test")
    assert decisions(record) == (False,) * 4
