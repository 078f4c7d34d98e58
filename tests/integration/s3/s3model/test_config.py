import pytest

from s3.s3error import S3ModelError


@pytest.fixture
def s3db(models):
    return models.s3db


def test_the_default_is_for_absent_keys_only(s3db):
    s3db.configure("test_master", insertable=False, orderby=None)

    assert s3db.get_config("test_master", "insertable", True) is False
    assert s3db.get_config("test_master", "orderby", "name") is None
    assert s3db.get_config("test_master", "editable", True) is True
    assert s3db.get_config("test_other", "editable", "default") == "default"


def test_keys_are_cleared_one_by_one_or_all_at_once(s3db):
    s3db.configure("test_master", a=1, b=2, c=3)

    s3db.clear_config("test_master", "a", "unknown")
    assert [s3db.get_config("test_master", key) for key in "abc"] == [None, 2, 3]

    s3db.clear_config("test_master")
    assert [s3db.get_config("test_master", key) for key in "abc"] == [None, None, None]


def test_configuration_is_absent_before_the_table_is_defined(s3db):
    assert s3db.get_config("zoo_keeper", "list_fields") is None


def call_log(name, log):
    def callback(form):
        log.append((name, form.vars.get("id")))

    return callback


def test_a_generic_callback_is_added_to_existing_specific_ones(s3db):
    log = []
    own, added = call_log("create", log), call_log("added", log)
    s3db.configure("test_master", create_onaccept=own)

    s3db.add_custom_callback("test_master", "onaccept", added)

    assert s3db.get_config("test_master", "onaccept") == [added]
    assert s3db.get_config("test_master", "create_onaccept") == [own, added]
    assert s3db.get_config("test_master", "update_onaccept") is None


def test_a_specific_callback_takes_the_generic_ones_along(s3db):
    log = []
    generic, added = call_log("generic", log), call_log("added", log)
    s3db.configure("test_master", onaccept=generic)

    s3db.add_custom_callback("test_master", "onaccept", added, method="create")

    assert s3db.get_config("test_master", "onaccept") is generic
    assert s3db.get_config("test_master", "create_onaccept") == [generic, added]


def test_a_callback_is_never_added_twice(s3db):
    added = call_log("added", [])

    s3db.add_custom_callback("test_master", "onvalidation", added)
    s3db.add_custom_callback("test_master", "onvalidation", added)

    assert s3db.get_config("test_master", "onvalidation") == [added]


@pytest.mark.parametrize(("hook", "method"), [("onsave", None), ("onaccept", "delete")])
def test_an_unknown_hook_or_method_is_refused(s3db, hook, method):
    with pytest.raises(S3ModelError, match="test_master"):
        s3db.add_custom_callback("test_master", hook, call_log("added", []), method=method)


def test_a_specific_callback_replaces_the_generic_one(s3db):
    log = []
    s3db.configure("test_master", onaccept=call_log("generic", log), create_onaccept=[call_log("first", log), call_log("second", log)])

    s3db.onaccept("test_master", {"id": 1}, method="create")
    s3db.onaccept("test_master", {"id": 2}, method="update")

    assert log == [("first", 1), ("second", 1), ("generic", 2)]


def test_onvalidation_returns_the_errors_of_the_form(s3db):
    def refuse(form):
        form.errors.name = "too short"

    s3db.configure("test_master", onvalidation=refuse)

    assert s3db.onvalidation("test_master", {"name": "x"}) == {"name": "too short"}
    assert s3db.onvalidation("test_other", {"name": "x"}) == {}
