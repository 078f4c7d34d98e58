"""The pages of administrators about roles and permission rules."""
from __future__ import annotations

import re

import pytest


def ids(app, *uids):
    with app.env() as current:
        return [current.auth.find_role_id(uid) for uid in uids]


def rules_of(app, uid):
    """{(controller, function, table, entity, unrestricted): (uacl, oacl, id)}"""
    with app.env() as current:
        auth = current.auth
        table = auth.table("s3_permission")
        rows = current.db((table.group_id == auth.find_role_id(uid)) & (table.deleted == False)).select()
        return {(row.controller, row.function, row.tablename, row.entity, row.unrestricted): (row.uacl, row.oacl, row.id) for row in rows}


def changes_of(events, tablename):
    return [(action, changes, who) for table, action, changes, who in events() if table == tablename]


# -- roles -------------------------------------------------------------------------------------------------------------
def test_list_counts_who_has_a_role(app):
    page = app.request("/admin/role", auth="admin")

    lines = {re.search(r">([^<]+)</a>", line)[1]: line for line in re.findall(r"<tr>.*?</tr>", page.text) if "</a>" in line}
    assert {"Administrator", "Anonymous", "Authenticated", "Editor", "Reader", "Writer"} <= set(lines)
    assert re.search(r"/admin/user\?role=\d+\">2</a>", lines["Reader"]) and "of the system" not in lines["Reader"]
    assert "of the system" in lines["Administrator"] and "everybody" in lines["Anonymous"]


def test_role_is_created_renamed_and_deleted_and_all_is_logged(app, admin, events):
    me = app.people["admin"].user_id
    page = admin.follow(admin.submit("/admin/role/create", "create_role", role=" Logistics ", description="Moves things"))
    assert "<h1>Logistics</h1>" in page.text
    [role] = re.findall(r"/admin/role/(\d+)/delete", page.text)

    admin.follow(admin.send(f"/admin/role/{role}", "edit_role", role="Transport", description=""))
    admin.submit(f"/admin/user/{app.people['ben'].user_id}", "assign_role", role=role, realm="0")
    page = admin.follow(admin.submit(f"/admin/role/{role}/delete", "delete_role"))

    assert "Role deleted" in page.text and "Transport" not in page.text
    created, renamed, deleted = changes_of(events, "auth_group")
    assert created[1]["role"] == [None, "Logistics"] and created[1]["description"] == [None, "Moves things"]
    assert renamed == ("updated", {"role": ["Logistics", "Transport"], "description": ["Moves things", ""]}, me)
    assert deleted[0] == "deleted" and deleted[1]["role"] == ["Transport", None]
    assert [action for action, _, _ in changes_of(events, "auth_membership")] == ["created", "deleted"]


@pytest.mark.parametrize("name", ["", "  ", "reader", "Reader ", "x" * 256])
@pytest.mark.parametrize("path", ["/admin/role/create", "/admin/role/{writer}"])
def test_role_without_a_name_of_its_own_is_refused_beside_the_field(app, admin, state, path, name):
    path = path.format(writer=ids(app, "WRITER")[0])
    before = state()

    page = admin.submit(path, "create_role" if "create" in path else "edit_role", role=name)

    assert page.status == 200 and 'id="role__error"' in page.text
    assert state() == before


@pytest.mark.parametrize("uid", ["ADMIN", "AUTHENTICATED", "ANONYMOUS", "EDITOR"])
def test_roles_of_the_system_are_neither_renamed_nor_deleted(app, admin, state, uid):
    [role, writer] = ids(app, uid, "WRITER")
    stolen = admin.submit(f"/admin/role/{writer}", "edit_role", role="").text
    key = re.search(r'name="_formkey" type="hidden" value="([^"]+)"', stolen)[1]
    before = state()

    page = admin.get(f"/admin/role/{role}")
    assert 'value="edit_role"' not in page.text and "/delete" not in page.text
    assert admin.post(f"/admin/role/{role}", role="Mine", description="", _formname="edit_role", _formkey=key).status == 200
    assert admin.get(f"/admin/role/{role}/delete").status == 404
    assert state() == before


# -- rules -------------------------------------------------------------------------------------------------------------
def test_rule_for_a_page_opens_it_and_is_logged(app, admin, events):
    [role] = ids(app, "AUTHENTICATED")
    assert app.request("/cms/series.json", auth="ben").status == 403

    fields = {"controller": "cms", "function": "series", "uacl_READ": "on", "oacl_READ": "on", "oacl_UPDATE": "on", "entity": ""}
    page = admin.follow(admin.submit(f"/admin/role/{role}/rule/create", "create_rule", **fields))

    assert "cms/series" in page.text and "read, update" in page.text
    assert rules_of(app, "AUTHENTICATED")["cms", "series", None, None, False][:2] == (2, 6)
    assert app.request("/cms/series.json", auth="ben").status == 200
    [(action, changes, who)] = changes_of(events, "s3_permission")
    assert (action, who) == ("created", app.people["admin"].user_id)
    page_of_rule = {"controller": [None, "cms"], "function": [None, "series"]}
    assert changes == {"group_id": [None, role], **page_of_rule, "uacl": [None, 2], "oacl": [None, 6]}


def test_rule_for_a_table_and_all_records_of_an_organisation(app, admin):
    [role] = ids(app, "READER")
    with app.env() as current:
        table = current.s3db.table("org_organisation")
        organisation = {"id": table.insert(name="Red Cross")}
        current.s3db.update_super(table, organisation)
        pe_id = table[organisation["id"]].pe_id
        current.db.commit()

    for entity in ("any", str(pe_id)):
        answer = admin.submit(f"/admin/role/{role}/rule/create", "create_rule", tablename="cms_post", uacl_DELETE="on", entity=entity)
        page = admin.follow(answer)

    # reading is ticked when the form opens
    rules = rules_of(app, "READER")
    assert rules[None, None, "cms_post", None, True][:2] == rules[None, None, "cms_post", pe_id, False][:2] == (2 | 8, 2)
    assert "table cms_post" in page.text and "Red Cross" in page.text


@pytest.mark.parametrize(
    ("fields", "beside"),
    [
        ({}, "controller"),
        ({"function": "post"}, "controller"),
        ({"controller": "nonsense"}, "controller"),
        ({"controller": "../cms"}, "controller"),
        ({"controller": "cms", "function": "po st"}, "function"),
        ({"controller": "cms", "tablename": "cms_post"}, "tablename"),
        ({"tablename": "cms_nonsense"}, "tablename"),
        ({"tablename": "pr_pentity_represent"}, "tablename"),
        ({"tablename": "_adapter"}, "tablename"),
        # there is one already
        ({"tablename": "cms_post"}, "controller"),
        ({"controller": "cms", "entity": "99999999"}, "entity"),
        ({"controller": "msg", "entity": "x"}, "entity"),
    ],
)
def test_rule_about_nothing_or_twice_is_refused_beside_the_field(app, admin, state, fields, beside):
    [role] = ids(app, "READER")
    before = state()

    page = admin.submit(f"/admin/role/{role}/rule/create", "create_rule", **fields)

    assert page.status == 200 and f'id="{beside}__error"' in page.text
    assert state() == before


def test_rule_is_changed_and_deleted_with_old_and_new_values(app, admin, events):
    [role] = ids(app, "READER")
    uacl, oacl, rule = rules_of(app, "READER")["cms", None, None, None, False]
    assert (uacl, oacl) == (2, 2)
    path = f"/admin/role/{role}/rule/{rule}"

    page = admin.get(path)
    boxes = re.findall(r'<input[^>]*name="(\w+)"[^>]*type="checkbox"[^>]*>', page.text)
    ticked = re.findall(r'<input checked="checked"[^>]*name="(\w+)"', page.text)
    assert len(boxes) == 14 and ticked == ["uacl_READ", "oacl_READ"]
    sent = {name: value for name, value in admin.fields("edit_rule").items() if name != "uacl_READ"}
    admin.follow(admin.post(path, **{**sent, "oacl_PUBLISH": "on"}))
    assert rules_of(app, "READER")["cms", None, None, None, False][:2] == (0, 0x42)
    assert app.request("/cms/post.json", auth="anna").json() == []

    admin.follow(admin.submit(path, "delete_rule"))
    assert ("cms", None, None, None, False) not in rules_of(app, "READER")
    assert admin.get(path).status == 404
    assert app.request("/cms/post.json", auth="anna").status == 403

    me = app.people["admin"].user_id
    changed, deleted = changes_of(events, "s3_permission")
    assert changed == ("updated", {"uacl": [2, 0], "oacl": [2, 0x42]}, me)
    assert deleted == ("deleted", {"deleted": [False, True], "group_id": [role, None]}, me)
    log = admin.get("/admin/event?kind=s3_permission").text
    assert "Permission rule cms/*: changed" in log
    assert "With any record: read → nothing" in log and "With own records: read → read, publish" in log


def test_rule_of_another_role_is_no_rule_of_this_one(app, admin, state):
    [role] = ids(app, "WRITER")
    rule = next(iter(rules_of(app, "READER").values()))[2]
    before = state()

    assert admin.get(f"/admin/role/{role}/rule/{rule}").status == 404
    assert admin.post(f"/admin/role/{role}/rule/{rule}", _formname="delete_rule").status == 404
    assert state() == before


def test_rules_for_administrators_are_not_offered(app):
    [role] = ids(app, "ADMIN")

    assert "/rule/" not in app.request(f"/admin/role/{role}", auth="admin").text
    assert app.request(f"/admin/role/{role}/rule/create", auth="admin").status == 404
