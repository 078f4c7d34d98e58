"""Owners, visitors' sessions and approval, as far as pages and lists show them."""
from __future__ import annotations

import pytest
from realms import as_user, use_policy

CREATE, READ, UPDATE, REVIEW, APPROVE = 1, 2, 4, 16, 32


def open_to_visitors(app, uacl, oacl):
    with app.env() as current:
        acl = {"uacl": uacl, "oacl": oacl}
        for on in ({"c": "cms", "f": "post"}, {"t": "cms_post"}):
            current.auth.permission.update_acl("ANONYMOUS", **on, **acl)
        current.db.commit()


def test_visitor_owns_what_the_session_has_entered(app):
    open_to_visitors(app, uacl=CREATE, oacl=CREATE | READ | UPDATE)
    created = app.request("/cms/post.json", "POST", json={"body": "By a visitor"})
    assert created.status == 200 and created.cookies
    path = f"/cms/post/{created.json()['created'][0]}.json"

    assert app.request(path, cookies=created.cookies).json()["cms_post.body"] == "By a visitor"
    assert app.request(path, "PUT", json={"body": "Changed"}, cookies=created.cookies).status == 200
    assert len(app.request("/cms/post.json", cookies=created.cookies).json()) == 1
    # other visitors, and users with an account, own nothing of it
    assert app.request(path).status == 404
    assert app.request("/cms/post.json").json() == []


def test_task_and_import_leave_no_ownership_in_a_session(app):
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("cms_post").insert(body="By the system")
        assert current.session.owned_records is None


@pytest.fixture
def approval(app):
    """(current, ben, an unapproved post of admin); ben may read and change posts."""
    with app.env(c="cms", f="post") as current:
        ben = app.people["ben"].user_id
        # rules of other roles restrict the table from policy 5 on
        current.auth.s3_create_role("Changer", None, {"c": "cms", "uacl": READ | UPDATE}, {"t": "cms_post", "uacl": 0x7F}, uid="CHANGER")
        current.auth.s3_assign_role(ben, "CHANGER", for_pe=0)
        post = current.s3db.cms_post.insert(body="Waits", approved_by=None, owned_by_user=app.people["admin"].user_id)
        yield current, ben, post


def bodies(current):
    from s3.s3rest import S3Request

    request = S3Request("cms", "post", args=[], vars={}, http="GET")
    return [row["cms_post.body"] for row in request.resource.select(["body"])["rows"]]


@pytest.mark.parametrize("policy", [3, 4, 6, 7])
def test_unapproved_record_is_on_no_list_but_of_reviewers(approval, policy):
    current, ben, post = approval
    settings = {"auth__record_approval": True, "auth__record_approval_required_for": ["cms_post"]}
    auth = as_user(current, ben, policy, **settings)
    table = current.s3db.cms_post
    assert bodies(current) == []
    assert [auth.s3_has_permission(method, table, post) for method in ("read", "update", "review", "approve")] == [False] * 4
    assert auth.permission.unapproved(table, post) and not auth.permission.approved(table, table(post))

    auth.permission.update_acl("CHANGER", c="cms", uacl=READ | UPDATE | REVIEW | APPROVE)
    assert bodies(current) == ["Waits"]
    assert [auth.s3_has_permission(method, table, post) for method in ("read", "update", "review", "approve")] == [True] * 4

    current.s3db.resource("cms_post", id=post, approved=True, unapproved=True).approve()
    auth.permission.clear_cache()
    assert auth.permission.approved(table, post)
    assert auth.s3_has_permission("approve", table, post) is False
    auth.permission.update_acl("CHANGER", c="cms", uacl=READ)
    assert bodies(current) == ["Waits"]


def test_administrator_reviews_what_others_wait_for(app, approval):
    """The query for reading is the same for administrators; pages show them what is to be reviewed beside it."""
    current, _, post = approval
    settings = {"auth__record_approval": True, "auth__record_approval_required_for": ["cms_post"]}
    ada = app.people["editor"].user_id
    current.auth.s3_assign_role(ada, "ADMIN")
    as_user(current, ada, 5, **settings)
    auth, table = current.auth, current.s3db.cms_post

    def found(method):
        return [row.id for row in current.db(auth.s3_accessible_query(method, table)).select(table.id)]

    assert (found("read"), found("review"), found(["read", "review"])) == ([], [post], [post])
    assert bodies(current) == ["Waits"]


def test_new_record_is_approved_by_who_may_approve(approval):
    current, ben, _ = approval
    settings = {"auth__record_approval": True, "auth__record_approval_required_for": ["cms_post"]}
    auth = as_user(current, ben, 4, **settings)
    auth.permission.update_acl("CHANGER", c="cms", uacl=CREATE | READ)
    first = current.s3db.resource("cms_post").insert(body="Waits")
    auth.permission.update_acl("CHANGER", c="cms", uacl=CREATE | READ | APPROVE)
    second = current.s3db.resource("cms_post").insert(body="Approved")
    use_policy(current, 4, auth__record_approval_manual=["cms_post"])
    current.s3db.cms_post.approved_by.default = None
    third = current.s3db.resource("cms_post").insert(body="By hand")

    table = current.s3db.cms_post
    assert [table(key).approved_by for key in (first, second, third)] == [None, ben, None]


def test_owner_group_is_that_of_the_table(app):
    with app.env(user="admin", c="cms", f="post") as current:
        s3db = current.s3db
        s3db.cms_post  # noqa: B018
        s3db.configure("cms_post", owner_group=lambda table, row: current.auth.find_role_id("READER"))
        post = s3db.cms_post(s3db.resource("cms_post").insert(body="Of the readers"))
        auth = current.auth
        auth.s3_create_role("Own", None, {"c": "cms", "uacl": 0, "oacl": UPDATE}, uid="OWN")
        for name in ("anna", "ben"):
            auth.s3_assign_role(app.people[name].user_id, "OWN", for_pe=0)

        may = {}
        for name in ("anna", "ben"):
            as_user(current, app.people[name].user_id, 4)
            may[name] = auth.s3_has_permission("update", "cms_post", post.id)

        # anna is a reader
        assert may == {"anna": True, "ben": False}
