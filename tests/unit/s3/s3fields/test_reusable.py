import pytest
from gluon.html import DIV
from gluon.validators import IS_EMPTY_OR, IS_IN_SET, IS_LENGTH

from s3.s3fields import S3ReusableField


def test_a_template_makes_a_new_field_each_time():
    template = S3ReusableField("person_id", "reference pr_person", label="Person", ondelete="RESTRICT")

    first, second = template(), template("other_id", label="Other", readable=False)

    assert (first.name, first.type, first.label) == ("person_id", "reference pr_person", "Person")
    assert (first.ondelete, first.readable) == ("RESTRICT", True)
    assert (second.name, second.type, second.label, second.readable) == ("other_id", "reference pr_person", "Other", False)
    assert template() is not first


@pytest.mark.parametrize(
    ("requires", "expected"),
    [
        (IS_EMPTY_OR(IS_IN_SET(["a"])), IS_IN_SET),
        (IS_IN_SET(["a"]), IS_IN_SET),
        ([IS_EMPTY_OR(IS_IN_SET(["a"])), IS_LENGTH(5)], [IS_IN_SET, IS_LENGTH]),
        (None, list),
    ],
)
def test_a_mandatory_field_loses_the_permission_to_be_empty(requires, expected):
    field = S3ReusableField("kind", requires=requires)(empty=False)

    if isinstance(expected, list):
        assert [type(validator) for validator in field.requires] == expected
    else:
        assert type(field.requires) is expected


def test_an_optional_field_keeps_its_validators():
    requires = IS_EMPTY_OR(IS_IN_SET(["a"]))

    assert S3ReusableField("kind", requires=requires)(empty=True).requires is requires


def test_a_widget_is_selected_by_name():
    template = S3ReusableField("kind", widgets={"wide": "WIDE", "narrow": "NARROW"})

    assert template(widget="wide").widget == "WIDE"
    assert template().widget is None
    with pytest.raises(NameError, match="kind: undefined widget 'other'"):
        template(widget="other")


def test_a_script_follows_the_comment():
    template = S3ReusableField("kind", comment=DIV("hint"))

    assert str(template(script=DIV("script")).comment) == "<div>hint</div><div>script</div>"
    assert str(template().comment) == "<div>hint</div>"


def test_a_dummy_is_hidden():
    field = S3ReusableField.dummy("keeper_id")("other_id", label="ignored")

    assert (field.name, field.type, field.readable, field.writable) == ("other_id", "integer", False, False)
