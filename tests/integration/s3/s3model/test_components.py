import pytest
from depot import Warden

from s3.s3error import S3ModelError
from s3.s3query import FS
from s3dal import Field


@pytest.fixture
def s3db(models):
    """A master with a component and a link table."""
    s3db = models.s3db
    s3db.define_table("test_master", Field("name"), Field("code"), Field("parent_id", "reference test_master"))
    s3db.define_table("test_part", Field("master_id", "reference test_master"), Field("kind"))
    s3db.define_table("test_tag", Field("name"))
    s3db.define_table("test_master_tag", Field("master_id", "reference test_master"), Field("tag_id", "reference test_tag"))
    return s3db


def test_a_field_name_declares_a_component_by_the_name_of_its_table(s3db):
    s3db.add_components("test_master", test_part="master_id")

    part = s3db.get_component("test_master", "part")

    assert (part.tablename, part.prefix, part.name, part.alias) == ("test_part", "test", "part", "part")
    assert (part.pkey, part.fkey, part.multiple, part.linktable) == ("id", "master_id", True, None)
    assert part.table is s3db.test_part
    assert part.defaults == {}


def test_a_component_may_be_reached_through_a_link_table(s3db):
    spec = {"link": "test_master_tag", "joinby": "master_id", "key": "tag_id", "multiple": False, "autodelete": True}
    s3db.add_components("test_master", test_tag=spec)

    tag = s3db.get_component("test_master", "tag")

    assert tag.linktable is s3db.test_master_tag
    assert (tag.pkey, tag.lkey, tag.rkey, tag.fkey) == ("id", "master_id", "tag_id", "id")
    assert (tag.actuate, tag.autodelete, tag.multiple) == ("link", True, False)


def test_one_table_may_be_several_components(s3db):
    s3db.add_components(
        "test_master",
        test_part=(
            {"name": "any", "joinby": "master_id"},
            {"name": "wheel", "joinby": "master_id", "filterby": {"kind": "WHEEL"}, "multiple": False},
            {"name": "forced", "joinby": "master_id", "filterby": False},
        ),
    )

    components = s3db.get_components("test_master")

    assert {alias: component.table._tablename for alias, component in components.items()} == {
        "any": "test_part",
        "wheel": "test_wheel_part",
        "forced": "test_forced_part",
    }
    assert components["wheel"].filterby == {"kind": "WHEEL"}


def test_a_component_in_the_master_table_gets_an_alias(s3db):
    s3db.add_components("test_master", test_master={"name": "child", "joinby": "parent_id"})

    assert s3db.get_component("test_master", "child").table._tablename == "test_child_master"


def test_a_later_declaration_replaces_an_earlier_one_of_the_same_alias(s3db):
    s3db.add_components("test_master", test_part={"name": "part", "joinby": "master_id", "multiple": False})
    s3db.add_components("test_master", test_part="master_id")

    assert s3db.get_component("test_master", "part").multiple is True


def test_components_of_tables_that_are_not_available_are_left_out(s3db):
    s3db.add_components(
        "test_master",
        missing_table="master_id",
        test_tag={"link": "missing_link", "joinby": "master_id", "key": "tag_id"},
        test_part="master_id",
    )

    assert list(s3db.get_components("test_master")) == ["part"]


def test_names_select_components(s3db):
    s3db.add_components("test_master", test_part="master_id", test_tag={"link": "test_master_tag", "joinby": "master_id", "key": "tag_id"})

    assert list(s3db.get_components("test_master", names=["tag", "other"])) == ["tag"]
    assert s3db.get_component("test_master", "other") is None
    assert s3db.has_components("test_master")
    assert not s3db.has_components("test_part")


@pytest.mark.parametrize(
    ("tablename", "spec", "key"),
    [
        ("test_part", {"joinby": "master_id", "alias": "x"}, "alias"),
        ("test_part", {"name": "x"}, "joinby"),
        ("test_tag", {"joinby": "master_id", "link": "test_master_tag"}, "key"),
        ("test_part", 5, "test_part"),
        ("part", "master_id", "part"),
    ],
)
def test_a_wrong_declaration_names_the_table_and_the_key(s3db, tablename, spec, key):
    with pytest.raises(S3ModelError, match=f"test_master: component {tablename}: .*expected") as raised:
        s3db.add_components("test_master", **{tablename: spec})

    assert raised.value.key == key


@pytest.mark.parametrize(
    "spec",
    [
        {"test_part": "nokey"},
        {"test_part": {"joinby": "master_id", "pkey": "nokey"}},
        {"test_tag": {"link": "test_master_tag", "joinby": "master_id", "key": "nokey"}},
        {"test_tag": {"link": "test_master_tag", "joinby": "nokey", "key": "tag_id"}},
        {"test_tag": {"link": "test_master_tag", "joinby": "master_id", "key": "tag_id", "fkey": "nokey"}},
    ],
)
def test_a_key_that_does_not_exist_is_named(s3db, spec):
    s3db.add_components("test_master", **spec)

    with pytest.raises(S3ModelError, match="test_master: component .*'nokey'"):
        s3db.get_components("test_master")


def test_a_wrong_name_is_answered_with_the_nearest_right_one(s3db):
    with pytest.raises(S3ModelError, match="unknown key 'joinbuy'; did you mean 'joinby'"):
        s3db.add_components("test_master", test_part={"joinbuy": "master_id"})

    s3db.add_components("test_master", test_part="master")
    with pytest.raises(S3ModelError, match="'master', which test_part does not have; did you mean 'master_id'"):
        s3db.get_components("test_master")


@pytest.mark.parametrize(
    "spec", [{"zoo_keepers": "master_id"}, {"test_tag": {"link": "zoo_keepers", "joinby": "master_id", "key": "tag_id"}}]
)
def test_a_table_that_its_module_does_not_have_is_named(s3db, spec):
    s3db.add_components("test_master", **spec)

    with pytest.raises(S3ModelError, match="test_master: component .*: there is no table 'zoo_keepers'; did you mean 'zoo_keeper'"):
        s3db.get_components("test_master")


def test_components_of_a_disabled_module_are_left_out(models, s3db):
    del models.deployment_settings.modules["zoo"]
    s3db.add_components("test_master", zoo_keeper="master_id", zoo_keepers="master_id")

    assert s3db.get_components("test_master") == {}


def matching(s3db, filterby):
    """Names of the parts that a component with this filter has, joined to their masters."""
    s3db.add_components("test_master", test_part={"name": "some", "joinby": "master_id", "filterby": filterby})
    resource = s3db.resource("test_master", components=["some"])
    data = resource.select(["name", "some.kind"], orderby="test_master.id")
    colname = next(rfield.colname for rfield in data.rfields if rfield.fname == "kind")
    return [row[colname] for row in data.rows]


@pytest.mark.parametrize(
    ("filterby", "kinds"),
    [
        ({"kind": "WHEEL"}, ["WHEEL", None]),
        ({"kind": ["WHEEL"]}, ["WHEEL", None]),
        ({"kind": ("AXLE", "WHEEL")}, [["WHEEL", "AXLE"], "AXLE"]),
        ({"kind": []}, [["WHEEL", "AXLE"], "AXLE"]),
        ({"kind": FS("code")}, ["WHEEL", "AXLE"]),
        ({"kind": FS("~.code")}, ["WHEEL", "AXLE"]),
        (lambda table: table.kind != "WHEEL", ["AXLE", "AXLE"]),
        (False, [["WHEEL", "AXLE"], "AXLE"]),
    ],
)
def test_every_form_of_filter_restricts_the_records_of_a_component(models, s3db, filterby, kinds):
    models.auth = Warden()
    one, two = s3db.test_master.insert(name="one", code="WHEEL"), s3db.test_master.insert(name="two", code="AXLE")
    for master, kind in ((one, "WHEEL"), (one, "AXLE"), (two, "AXLE")):
        s3db.test_part.insert(master_id=master, kind=kind)

    assert matching(s3db, filterby) == kinds


def test_the_alias_behind_a_link_table_is_found_by_either_name(s3db):
    s3db.add_components("test_master", test_tag={"name": "label", "link": "test_master_tag", "joinby": "master_id", "key": "tag_id"})

    assert s3db.get_alias("test_master", "label__link") == "label"
    assert s3db.get_alias("test_master", "master_tag") == "label"
    assert s3db.get_alias("test_master", "other__link") is None
    assert s3db.get_alias("test_master", "other") is None


def test_components_of_super_entities_are_inherited_and_joined_by_the_super_key(s3db):
    s3db.super_entity("test_entity", "entity_id", {})
    s3db.define_table("test_note", s3db.super_link("entity_id", "test_entity"), Field("text"))
    s3db.define_table("test_instance", s3db.super_link("entity_id", "test_entity"), Field("name"))
    s3db.configure("test_instance", super_entity="test_entity")
    s3db.add_components("test_entity", test_note="entity_id", test_part={"name": "note2", "joinby": "master_id"})
    s3db.add_components("test_instance", test_part={"name": "note2", "joinby": "master_id"})

    components = s3db.get_components("test_instance")

    assert (components["note"].pkey, components["note"].fkey) == ("entity_id", "entity_id")
    assert components["note2"].pkey == "id", "the table's own declaration comes first"
    assert list(s3db.get_components("test_instance", names=["note"])) == ["note"]


@pytest.mark.parametrize(
    ("config", "alias"),
    [
        ({}, None),
        ({"hierarchy": "parent_id"}, None),
        ({"hierarchy": "tag__link.master_id"}, "tag"),
        ({"hierarchy": ("tag__link.master_id", "kind")}, "tag"),
        ({"hierarchy": "tag__link.master_id", "hierarchy_link": "other"}, "other"),
    ],
)
def test_the_parent_of_a_linked_hierarchy(s3db, config, alias):
    s3db.add_components("test_master", test_tag={"link": "test_master_tag", "joinby": "master_id", "key": "tag_id"})
    s3db.configure("test_master", **config)

    assert s3db.hierarchy_link("test_master") == alias


def test_declaring_components_loads_no_model(models):
    models.s3db.add_components("zoo_keeper", zoo_animal="keeper_id")

    assert not {"zoo_keeper", "zoo_animal"} & set(models.db.tables)
