"""The first data of a deployment: tasks.cfg, CSV files, roles, accounts."""
from __future__ import annotations

import datetime as dt

import pytest

from s3.s3error import S3ConfigError
from s3.s3import import import_file, import_roles, import_users, prepopulate


@pytest.fixture
def env(app):
    with app.env() as current:
        current.auth.override = True
        yield current


@pytest.fixture
def load(env, tmp_path):
    """Imports a table that is written here; gives what is wrong with it."""

    def load(tablename, content, name="file.csv", **options):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return import_file(tablename, path, **options)

    return load


def rows(current, tablename):
    table = current.s3db[tablename]
    return list(current.db(table.deleted == False).select(orderby=table.id))


# CSV


def test_columns_fill_the_fields_that_they_are_named_after(env, load):
    assert load("cms_post", "title,body,expired,priority,date\nA,Hello,yes,3,2026-03-01T10:00:00+01:00\nB,World,,,2026-03-01\n") == []

    first, second = rows(env, "cms_post")
    assert (first.title, first.body, first.expired, first.priority, str(first.date)) == ("A", "Hello", True, 3, "2026-03-01 09:00:00")
    # what is empty is not given
    assert (second.title, second.expired, second.priority) == ("B", False, 1)


def test_dates_may_be_relative_to_the_import(env, load, app):
    load("cms_post", "body,date\nA,-30D\nB,NOW\n")
    load("pr_person", "first_name,last_name,date_of_birth\nEve,Evans,-1Y\n")

    assert [row.date for row in rows(env, "cms_post")] == [app.clock.now - dt.timedelta(days=30), app.clock.now]
    assert [row.date_of_birth for row in rows(env, "pr_person") if row.first_name == "Eve"] == [dt.date(2025, 3, 2)]


def test_references_are_found_by_selectors(env, load):
    load("gis_location", "name,level,parent$name\nUtopia,L0,\nNorth,L1,Utopia\nSouth,L1,Utopia\nMill,L3,North\nMill,L3,South\n")

    assert load("cms_post", "body,location_id$name,location_id$L1\nA,Mill,South\nB,North,\n") == []

    south = next(row for row in rows(env, "gis_location") if row.name == "Mill" and row.L1 == "South")
    north = next(row for row in rows(env, "gis_location") if row.name == "North")
    assert [row.location_id for row in rows(env, "cms_post")] == [south.id, north.id]


def test_rows_of_the_file_refer_to_one_another_in_any_order(env, load):
    assert load("gis_location", "uuid,name,level,parent$uuid\nm,Mill,L3,n\nn,North,L1,u\nu,Utopia,L0,\n") == []

    mill = next(row for row in rows(env, "gis_location") if row.name == "Mill")
    assert (mill.L0, mill.L1, mill.uuid) == ("Utopia", "North", "m")


def test_components_and_links(env, load):
    load("cms_tag", "name\nwater\nfood\n")

    assert load("cms_post", "body,comment.body,tag.name\nA,Yes,water|food\nB,,food\n") == []
    assert load("pr_person", "first_name,last_name,email.value,phone.value\nEve,Evans,eve@example.org,+44123456\n") == []

    a, b = rows(env, "cms_post")
    names = {row.id: row.name for row in rows(env, "cms_tag")}
    assert [(row.post_id, row.body) for row in rows(env, "cms_comment")] == [(a.id, "Yes")]
    assert [(row.post_id, names[row.tag_id]) for row in rows(env, "cms_tag_post")] == [(a.id, "water"), (a.id, "food"), (b.id, "food")]
    contacts = {(row.contact_method, row.value) for row in rows(env, "pr_contact")}
    assert {("EMAIL", "eve@example.org"), ("SMS", "+44123456")} <= contacts


def test_super_entity_is_found_by_its_instance(env, load):
    load("pr_person", "pe_label,first_name,last_name\nE1,Eve,Evans\n")
    columns = "contact_method,value,pe_id$pr_person.pe_label"

    assert load("pr_contact", f"{columns}\nEMAIL,eve@example.org,E1\n") == []

    eve = next(row for row in rows(env, "pr_person") if row.pe_label == "E1")
    assert [row.pe_id for row in rows(env, "pr_contact") if row.value == "eve@example.org"] == [eve.pe_id]


def test_importing_again_adds_what_is_missing_and_changes_nothing(env, load):
    table = "body,comment.body\nA,Yes\nB,No\n"
    load("cms_post", table)
    load("cms_series", "name,comments\nNews,old\n")
    env.db(env.s3db.cms_series).update(comments="edited")

    assert load("cms_post", table + "C,Perhaps\n") == []
    assert load("cms_series", "name,comments\nnews,new\nMore,new\n") == []

    assert [row.body for row in rows(env, "cms_post")] == ["A", "B", "C"]
    assert [row.body for row in rows(env, "cms_comment")] == ["Yes", "No", "Perhaps"]
    assert [(row.name, row.comments) for row in rows(env, "cms_series")] == [("News", "edited"), ("More", "new")]


def test_records_are_changed_where_the_task_says_so(env, load):
    load("cms_series", "name,comments\nNews,old\n")

    assert load("cms_series", "name,comments\nNews,new\n", update=True) == []

    assert [(row.name, row.comments) for row in rows(env, "cms_series")] == [("News", "new")]


def test_equal_rows_are_different_records(env, load):
    assert load("cms_post", "body\nA\nA\n") == []

    assert len({row.uuid for row in rows(env, "cms_post")}) == 2


@pytest.mark.parametrize(
    ("tablename", "content", "problem"),
    [
        ("cms_post", "body,colour\nA,blue\n", "file.csv, line 1, column 'colour': cms_post has no field 'colour'"),
        ("cms_post", "body,titel\nA,T\n", "column 'titel': cms_post has no field 'titel'; did you mean title?"),
        ("cms_post", "body,series_id\nA,News\n", "column 'series_id': series_id is a reference; say how to find the record"),
        ("cms_post", "body,title$name\nA,News\n", "column 'title$name': title is no reference"),
        ("cms_post", "body,colour.name\nA,News\n", "column 'colour.name': cms_post has no component 'colour'"),
        ("cms_post", "body,comment.colour\nA,News\n", "column 'comment.colour': cms_comment has no field 'colour'"),
        ("cms_post", "body,series_id$name\nA,\nB,News\n",
         "file.csv, line 3, column 'series_id$name': there is no cms_series with name 'News'"),
        ("cms_post", "body,series_id$colour\nA,blue\n", "file.csv, line 2, column 'series_id$colour': "),
        ("cms_post", "body,date\nA,\nB,someday\n", "file.csv, line 3, column 'date': must be a date and time"),
        ("cms_post", "body,expired\nA,perhaps\n", "file.csv, line 2, column 'expired': must be true or false"),
        ("cms_post", "title,body\nA,x\nB,\n", "file.csv, line 3, column 'body': "),
        ("cms_post", "body,comment.body\nA,\"\x07\"\n", "file.csv, line 2, column 'comment.body': must be text without control characters"),
        ("cms_post", "body,created_by\nA,1\n", "column 'created_by': created_by is a reference"),
        ("cms_post", "body,id\nA,1\n", "file.csv, line 2, column 'id': is set by the system"),
        ("cms_post", "uuid,body\n1,A\n1,B\n", "file.csv, line 3: cms_post 1: 1 stands in the document twice"),
        ("gis_location", "name,level,parent$name\nA,L0,\nA,L0,\nB,L1,A\n",
         "line 4, column 'parent$name': lines 2, 3 of this file are meant by it"),
        ("gis_location", "name,level\nA,L9\n", "file.csv, line 2, column 'level': "),
        ("pr_person", "first_name,last_name,email.value\nA,B,no address\n", "file.csv, line 2, column 'email.value': "),
        ("no_table", "name\nA\n", "there is no table 'no_table'"),
        ("cms_post", "body\n\"A\n", "file.csv, line 2: "),
    ],
)  # fmt: skip
def test_fault_is_told_with_file_line_and_column_and_nothing_is_stored(env, load, tablename, content, problem):
    before = [rows(env, name) for name in ("cms_post", "cms_comment", "gis_location", "pr_person", "pr_contact")]

    problems = load(tablename, content)

    assert problem in problems[0]
    assert [rows(env, name) for name in ("cms_post", "cms_comment", "gis_location", "pr_person", "pr_contact")] == before


def test_every_fault_of_a_file_is_told(env, load):
    problems = load("cms_post", "body,date\nA,x\nB,y\n,NOW\n")

    assert [problem.split(":")[0] for problem in problems] == [
        "file.csv, line 2, column 'date'", "file.csv, line 3, column 'date'", "file.csv, line 4, column 'body'",
    ]  # fmt: skip


def test_documents_are_imported_too(env, load):
    xml = '<s3xml><resource name="cms_post" uuid="1"><data field="body">A</data></resource></s3xml>'

    assert load("cms_post", xml, name="posts.xml") == []
    assert load("cms_post", '{"$_cms_post": [{"@uuid": "2", "body": "B"}]}', name="posts.s3json") == []
    (problem,) = load("cms_post", xml.replace("body", "colour"), name="posts.xml")

    assert [row.uuid for row in rows(env, "cms_post")] == ["1", "2"]
    assert problem.startswith("posts.xml, line 1, column 'colour': cms_post 1: there is no such field")


# Roles


def role_rules(current, uid):
    table, group = current.auth.table("s3_permission"), current.auth.find_role_id(uid)
    query = (table.group_id == group) & (table.deleted == False)
    return {
        (row.controller, row.function, row.tablename): (row.uacl, row.oacl, row.unrestricted, row.entity)
        for row in current.db(query).select()
    }


def test_roles_come_with_their_rules(env, tmp_path):
    env.auth.override = True
    organisation = env.s3db.resource("org_organisation").insert(name="Red Cross")
    pe_id = env.s3db.org_organisation[organisation].pe_id
    path = tmp_path / "auth_roles.csv"
    path.write_text(
        "uid,role,description,controller,function,table,entity,uacl,oacl,hidden,system,protected,# notes\n"
        "CLERK,Clerk,Works,cms,,,,READ|CREATE,READ|CREATE|UPDATE,,,1,x\n"
        ",Clerk,,cms,post,,any,READ,,,,,\n"
        ",Clerk,,gis,location,cms_post,Red Cross,ALL,,,,,\n"
        ",Guest,,,,,,,,true,,,\n"
        ",Guest,,cms,,,org_organisation.name=Red Cross,NONE,READ,,,,\n"
    )

    assert import_roles(path) == []

    assert role_rules(env, "CLERK") == {
        ("cms", None, None): (3, 7, False, None),
        ("cms", "post", None): (2, 2, True, None),
        (None, None, "cms_post"): (127, 127, False, pe_id),
    }  # fmt: skip
    table = env.auth.table("auth_group")
    clerk, guest = (env.db(table.role == role).select().first() for role in ("Clerk", "Guest"))
    assert (clerk.description, clerk.protected, bool(clerk.hidden), guest.hidden) == ("Works", True, False, True)
    assert role_rules(env, guest.uuid) == {("cms", None, None): (0, 2, False, pe_id)}


def test_roles_are_completed_and_not_doubled(env, tmp_path):
    path = tmp_path / "auth_roles.csv"
    for _ in range(2):
        path.write_text("role,controller,uacl\nGuest,cms,READ\n")
        assert import_roles(path) == []
    path.write_text("role,controller,uacl\nGuest,cms,READ|CREATE\n")
    import_roles(path)

    (guest,) = env.db(env.auth.table("auth_group").role == "Guest").select()
    assert role_rules(env, guest.uuid) == {("cms", None, None): (3, 3, False, None)}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("Guest,cms,,READ|EAT,,", "line 2, column 'uacl': 'EAT' is no permission"),
        ("Guest,cms,,READ,x,", "line 2, column 'hidden': must be true or false"),
        ("Guest,,,READ,,", "line 2, column 'uacl': the rule has neither"),
        ("Guest,cms,,READ,,Nobody", "line 2, column 'entity': there is no org_organisation with name 'Nobody'"),
        ("Guest,cms,,READ,,auth_user.email=x", "line 2, column 'entity': 'auth_user.email' is no field of a person entity"),
        (",cms,,READ,,", "line 2, column 'role': enter the name of a role"),
    ],
)
def test_wrong_rule_is_told_with_its_line_and_column(env, tmp_path, row, problem):
    path = tmp_path / "auth_roles.csv"
    path.write_text(f"role,controller,function,uacl,hidden,entity\n{row}\n")

    (told,) = import_roles(path)

    assert told.startswith(f"auth_roles.csv, {problem}")
    assert env.db(env.auth.table("auth_group").role == "Guest").isempty()


# Accounts


def test_accounts_are_made_once(env, tmp_path):
    env.s3db.resource("org_organisation").insert(name="Red Cross")
    path = tmp_path / "users.csv"
    header = "First Name,Last Name,Email,Password,Role,Organisation"
    path.write_text(f"{header}\nEve,Evans,eve@example.org,secret-word,READER|WRITER,Red Cross\n")

    for _ in range(2):
        assert import_users(path) == []

    (user,) = env.db(env.db.auth_user.email == "eve@example.org").select()
    assert (user.first_name, user.organisation_id) == ("Eve", rows(env, "org_organisation")[0].id)
    roles = {env.auth.find_role_id(uid) for uid in ("AUTHENTICATED", "READER", "WRITER")}
    assert set(env.auth.s3_get_roles(user.id)) == roles
    assert "secret-word" not in user.password


@pytest.mark.parametrize(
    ("header", "row", "problem"),
    [
        ("email,colour", "a@example.org,blue", "users.csv, line 1, column 'colour'"),
        ("first_name", "Eve", "users.csv, line 1, there is no column 'email'"),
        ("email", "no address", "users.csv, line 2, column 'email'"),
        ("email,roles", "a@example.org,NOBODY", "users.csv, line 2, column 'roles': there is no role 'NOBODY'"),
        ("email,organisation", "a@example.org,Nobody", "users.csv, line 2, column 'organisation': there is no organisation 'Nobody'"),
    ],
)
def test_wrong_account_is_told_with_its_line_and_column(env, tmp_path, header, row, problem):
    path = tmp_path / "users.csv"
    path.write_text(f"{header}\n{row}\n")

    assert import_users(path)[0].startswith(problem)


# tasks.cfg


@pytest.fixture
def template(env, tmp_path, monkeypatch):
    """A folder among the templates; gives a function that writes its files and does its tasks."""
    import templates

    monkeypatch.setattr(templates, "__path__", [*templates.__path__, str(tmp_path)])

    def run(tasks, name="Relief", **files):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "tasks.cfg").write_text(tasks)
        for filename, content in files.items():
            (folder / filename.replace("_csv", ".csv").replace("_xml", ".xml")).write_text(content)
        env.deployment_settings.base.prepopulate = [name]
        prepopulate()

    return run


def test_tasks_are_done_in_their_order(env, template):
    template(
        "# first data\n\n*,import_role,roles.csv\n*, import_user, users.csv\ncms,series,series.csv\ncms,post,posts.csv\n",
        roles_csv="uid,role\nCLERK,Clerk\n",
        users_csv="email,roles\neve@example.org,CLERK\n",
        series_csv="name\nNews\n",
        posts_csv="body,series_id$name\nHello,News\n",
    )

    assert rows(env, "cms_post")[0].series_id == rows(env, "cms_series")[0].id
    assert not env.db(env.db.auth_user.email == "eve@example.org").isempty()


def test_tasks_change_records_only_if_they_say_so(env, template):
    template("cms,series,a.csv\ncms,series,b.csv\ncms,series,c.csv,update\n", a_csv="name,comments\nNews,a\n",
             b_csv="name,comments\nNews,b\n", c_csv="name,comments\nNews,c\nMore,c\n")

    assert [(row.name, row.comments) for row in rows(env, "cms_series")] == [("News", "c"), ("More", "c")]


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ("cms,series,missing.csv", "missing.csv: there is no such file"),
        ("cms,series,../../etc/passwd", "there is no such file"),
        ("cms,series", "write <prefix>,<name>,<file>"),
        ("cms,series,a.csv,series.xsl", "series.xsl: stylesheets are not used; name the columns of a.csv"),
        ("cms,series,a.csv,often", "'often' is no option, only 'update'"),
        ("cms,nothing,a.csv", "there is no table 'cms_nothing'"),
        ("*,import_nothing,a.csv", "there is no function 'import_nothing', only import_role, import_user"),
        ("*,import_role", "write *,import_role,<file>"),
        ("cms,series,b.csv", "b.csv, line 2, column 'name': "),
    ],
)
def test_wrong_task_is_told_with_its_place(env, template, task, problem):
    with pytest.raises(S3ConfigError) as caught:
        template(f"cms,series,a.csv\n{task}\n", a_csv="name\nNews\n", b_csv="name,comments\n,x\n")

    assert str(caught.value).startswith("The first data cannot be imported (Relief/tasks.cfg, line 2): ")
    assert problem in str(caught.value)


def test_folder_that_does_not_exist_is_told(env):
    env.deployment_settings.base.prepopulate = ["Nowhere"]

    with pytest.raises(S3ConfigError, match="'Nowhere', which has no tasks.cfg"):
        prepopulate()


def test_nothing_is_imported_if_the_setting_says_so(env):
    env.deployment_settings.base.prepopulate = False
    env.deployment_settings.base.template = "DRMP"

    prepopulate()

    assert rows(env, "cms_series") == []


def test_hooks_of_the_template_apply(env, template):
    seen = []

    def hook(r, tablename):
        seen.append((r.tablename, tablename))
        env.s3db.configure(tablename, onaccept=lambda form: seen.append(form.vars.name))

    env.deployment_settings.customise_cms_series_resource = hook
    template("cms,series,a.csv\n", a_csv="name\nNews\n")

    assert seen[0] == ("cms_series", "cms_series")
    assert seen[-1] == "News"
