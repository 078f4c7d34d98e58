import bare
import pytest
from gluon.storage import Storage
from gluon.validators import IS_EMPTY_OR

from s3.s3fields import S3Represent
from s3.s3validators import IS_ONE_OF
from s3dal import Field


@pytest.fixture
def parts(models):
    """Ids by name; "broken" is archived, "odd" has no kind."""
    table = models.s3db.define_table(
        "test_part",
        Field("name"),
        Field("kind"),
        Field("instance_type"),
        Field("realm_entity", "integer"),
        Field("deleted", "boolean", notnull=True, default=False),
    )
    rows = (
        {"name": "wheel", "kind": "ROUND", "instance_type": "a", "realm_entity": 1},
        {"name": "Axle", "kind": "LONG", "instance_type": "b", "realm_entity": 2},
        {"name": "odd", "instance_type": "b"},
        {"name": "broken", "kind": "ROUND", "deleted": True},
    )
    return {row["name"]: int(table.insert(**row)) for row in rows}


def one_of(models, **attr):
    return IS_ONE_OF(models.db, "test_part.id", **attr)


def labels(validator):
    return [label for _, label in validator.options(zero=False)]


def test_an_existing_record_is_accepted_as_a_number(models, parts):
    validator = one_of(models)

    assert validator(parts["wheel"]) == (parts["wheel"], None)
    assert validator(str(parts["wheel"])) == (parts["wheel"], None)


@pytest.mark.parametrize("value", ["999", "abc", "", None, "1 OR 1=1"])
def test_what_is_no_record_is_refused(models, parts, value):
    assert one_of(models)(value)[1] == "Invalid Record ID!"


def test_an_archived_record_is_refused(models, parts):
    assert one_of(models)(parts["broken"])[1] is not None


def test_the_message_can_be_chosen(models, parts):
    assert one_of(models, error_message="Choose a part")(999)[1] == "Choose a part"


def test_nothing_is_asked_before_a_value_is_validated(models, parts):
    with bare.counted_queries(models.db) as sent:
        validator = IS_EMPTY_OR(one_of(models, label=S3Represent(lookup="test_part"), sort=True))
        assert sent == []
        validator(parts["wheel"])

    assert len(sent) == 1


def test_the_table_need_not_exist_before_a_value_is_validated(models):
    validator = IS_ONE_OF(models.db, "missing_table.id")

    assert validator(1)[1] == "Invalid Record ID!"


@pytest.mark.parametrize(
    ("attr", "accepted"),
    [
        ({"filterby": "kind", "filter_opts": ["ROUND"]}, ["wheel"]),
        ({"filterby": "kind", "filter_opts": ["ROUND", None]}, ["wheel", "odd"]),
        ({"filterby": "kind", "filter_opts": []}, []),
        ({"not_filterby": "kind", "not_filter_opts": ["ROUND"]}, ["Axle", "odd"]),
        ({"not_filterby": "kind", "not_filter_opts": ["ROUND", None]}, ["Axle"]),
        ({"instance_types": ["b"]}, ["Axle", "odd"]),
        ({"realms": [1]}, ["wheel"]),
        ({"realms": [2, None]}, ["Axle", "odd"]),
    ],
)
def test_filters_restrict_values_and_options_alike(models, parts, attr, accepted):
    validator = one_of(models, sort=True, **attr)

    assert [name for name in parts if validator(parts[name])[1] is None] == accepted
    assert sorted(labels(validator)) == sorted(accepted)


def test_filters_can_be_changed(models, parts):
    validator = one_of(models)
    validator.set_filter(filterby="kind", filter_opts=["LONG"])
    assert labels(validator) == ["Axle"]

    validator.set_filter(filter_opts=["ROUND"])
    assert labels(validator) == ["wheel"]


def test_only_what_the_user_may_update_if_asked_for(models, parts):
    models.auth = Storage(s3_accessible_query=lambda method, table: table.name == {"update": "wheel"}[method])

    assert labels(one_of(models, updateable=True)) == ["wheel"]


def test_a_set_of_records_restricts_as_well(models, parts):
    validator = IS_ONE_OF(models.db(models.db.test_part.kind == "LONG"), "test_part.id")

    assert validator(parts["wheel"])[1] is not None
    assert validator(parts["Axle"])[1] is None


def test_several_values_are_checked_with_one_query(models, parts):
    validator = one_of(models, multiple=True)
    wheel, axle = parts["wheel"], parts["Axle"]

    with bare.counted_queries(models.db) as sent:
        assert validator([str(wheel), axle]) == ([wheel, axle], None)
    assert len(sent) == 1
    assert validator(f"|{wheel}|{axle}|") == ([wheel, axle], None)
    assert validator(f"{wheel},{axle}") == ([wheel, axle], None)
    assert validator([]) == ([], None)
    assert validator([wheel, 999])[1] is not None


@pytest.mark.parametrize(
    ("attr", "expected"),
    [
        ({}, ["Axle", "odd", "wheel"]),
        ({"sort": True}, ["Axle", "odd", "wheel"]),
        ({"label": "%(kind)s %(name)s", "sort": True}, ["LONG Axle", "None odd", "ROUND wheel"]),
        ({"label": S3Represent(lookup="test_part", fields=("name", "kind")), "sort": True}, ["Axle LONG", "odd", "wheel ROUND"]),
        ({"orderby": "test_part.kind DESC", "filterby": "kind", "filter_opts": ["ROUND", "LONG"]}, ["wheel", "Axle"]),
    ],
)
def test_options_have_labels_and_an_order(models, parts, attr, expected):
    got = labels(one_of(models, **attr))

    assert (sorted(got, key=str.casefold) if not attr else got) == expected


def test_options_begin_with_the_empty_one_unless_it_makes_no_sense(models, parts):
    assert one_of(models, zero="Choose").options()[0] == ("", "Choose")
    assert ("", "") not in one_of(models, zero=None).options()
    assert ("", "") not in one_of(models, multiple=True).options()
    assert ("", "") not in one_of(models).options(zero=False)


def test_labels_of_options_take_no_query_per_record(models, parts):
    validator = one_of(models, label=S3Represent(lookup="test_part"), sort=True)

    with bare.counted_queries(models.db) as sent:
        validator.options()

    assert len(sent) <= 2


def test_keys_that_are_text(models, parts):
    validator = IS_ONE_OF(models.db, "test_part.name")

    assert validator("wheel") == ("wheel", None)
    assert validator("cog")[1] is not None
