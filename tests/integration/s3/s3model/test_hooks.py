import pytest
from gluon.storage import Storage

from s3.s3error import S3ModelError


def action(r, **attr):
    return "done"


def test_a_method_is_bound_to_one_resource(models):
    models.s3db.set_method("cms", "post", method="publish", action=action)

    assert models.s3db.get_method("cms", "post", method="publish") is action
    assert models.s3db.get_method("cms", "series", method="publish") is None
    assert models.s3db.get_method("cms", "post", method="other") is None


def test_a_method_of_a_component_is_not_one_of_the_master(models):
    models.s3db.set_method("cms", "series", component_name="post", method="publish", action=action)

    assert models.s3db.get_method("cms", "series", component_name="post", method="publish") is action
    assert models.s3db.get_method("cms", "series", method="publish") is None


def test_a_method_needs_a_name(models):
    with pytest.raises(S3ModelError, match="cms_post"):
        models.s3db.set_method("cms", "post", action=action)
    with pytest.raises(S3ModelError, match="cms_post"):
        models.s3db.get_method("cms", "post")


def test_crud_strings_come_from_the_table_then_the_deployment_then_the_framework(models):
    models.response.s3.crud_strings = Storage(title_list="Everything", cms_post=Storage(title_list="Posts"))

    assert models.s3db.get_crud_string("cms_post", "title_list") == "Posts"
    assert models.s3db.get_crud_string("cms_series", "title_list") == "Everything"
    assert models.s3db.get_crud_string(None, "title_list") == "Everything"
    assert str(models.s3db.get_crud_string("cms_post", "msg_record_deleted")) == "Record deleted"


def test_sentences_of_all_tables_stand_beside_those_of_each(models):
    crud_strings = models.response.s3.crud_strings
    crud_strings["cms_post"] = Storage(title_list="Posts")
    crud_strings.title_update = "Change it"

    assert str(crud_strings.title_list) == str(crud_strings["title_list"]) == "Records"
    assert str(crud_strings.get("msg_no_match")) == "No Matching Records"
    assert crud_strings.title_update == models.s3db.get_crud_string("cms_post", "title_update") == "Change it"
    assert crud_strings.cms_post.title_list == "Posts"
    assert crud_strings.cms_series is None
    assert "title_list" not in crud_strings
