import bare
import pytest
from gluon import current
from gluon.html import SPAN, A
from gluon.sqlhtml import represent as web2py_represent
from gluon.storage import Storage

from s3.s3fields import DelegatedRepresent, S3Represent, UserRepresent
from s3dal import Field

OPTIONS = {1: "One", 2: "Two"}


@pytest.fixture
def series(models):
    """Ids of News <b>, Alerts with an acronym, and one without a name."""
    table = models.s3db.define_table("test_series", Field("name"), Field("acronym"), Field("code", "integer"))
    ids = [table.insert(name="News <b>", code=10), table.insert(name="Alerts", acronym="AL", code=20), table.insert(acronym="X")]
    return [int(record_id) for record_id in ids]


def test_options_are_looked_up_without_conversion(models):
    r = S3Represent(options=OPTIONS)

    assert [r(1), r(3), r("1"), r(None)] == ["One", "Unknown", "Unknown", "-"]


def test_several_options_are_joined(models):
    r = S3Represent(options=OPTIONS)

    assert r.multiple([1, 3, None]) == "One, Unknown, -"
    assert r.multiple([]) == "-"
    assert r.multiple(None) == "-"


def test_options_in_bulk(models):
    r = S3Represent(options=OPTIONS)

    assert r.bulk([1, 3, None]) == {1: "One", 3: "Unknown", None: "-"}
    assert r.bulk([]) == {None: "-"}


def test_texts_for_unknown_and_none_can_be_chosen(models):
    r = S3Represent(options=OPTIONS, default="?", none="")

    assert [r(3), r(None), r.multiple([])] == ["?", "", ""]


def test_the_deployment_names_unknown_and_none(models):
    models.messages = Storage(UNKNOWN_OPT="Unbekannt", NONE="--")

    assert [S3Represent(options=OPTIONS)(value) for value in (3, None)] == ["Unbekannt", "--"]


def test_a_reference_is_shown_by_the_name_of_its_record(series):
    r = S3Represent(lookup="test_series")

    assert [r(series[1]), r(999), r(None)] == ["Alerts", "Unknown", "-"]


def test_labels_are_plain_text_not_html(series):
    label = S3Represent(lookup="test_series")(series[0])

    assert label == "News <b>"
    assert type(label) is str


def test_any_number_of_values_takes_one_query(models, series):
    r = S3Represent(lookup="test_series")

    with bare.counted_queries(models.db) as sent:
        labels = r.bulk([*series, 999, None] * 100)

    assert labels == {series[0]: "News <b>", series[1]: "Alerts", series[2]: "-", 999: "Unknown", None: "-"}
    assert len(sent) == r.queries == 1


def test_known_values_are_not_looked_up_again(models, series):
    r = S3Represent(lookup="test_series")
    r.bulk(series)

    with bare.counted_queries(models.db) as sent:
        r.bulk(series)
        r(series[0])
        r.multiple(series)

    assert sent == []


def test_unknown_values_are_not_remembered(models, series):
    r = S3Represent(lookup="test_series")
    next_id = max(series) + 1
    assert r(next_id) == "Unknown"

    models.db.test_series.insert(id=next_id, name="Late")

    assert r(next_id) == "Late"


def test_an_instance_keeps_what_it_has_seen(models, series):
    r = S3Represent(lookup="test_series")
    assert r(series[1]) == "Alerts"

    models.db(models.db.test_series.id == series[1]).update(name="Renamed")

    assert r(series[1]) == "Alerts"
    assert S3Represent(lookup="test_series")(series[1]) == "Renamed"


def test_record_ids_given_as_text_are_found_but_keep_their_form(series):
    r = S3Represent(lookup="test_series")
    text = str(series[1])

    assert r.bulk([text]) == {text: "Alerts", None: "-"}
    assert r(text) == "Alerts"


@pytest.mark.parametrize("value", ["abc", "", "1.5", object])
def test_a_value_that_can_be_no_record_id_is_unknown(models, series, value):
    r = S3Represent(lookup="test_series")

    with bare.counted_queries(models.db) as sent:
        assert r(value) == "Unknown"

    assert sent == []


def test_rows_that_are_given_are_not_looked_up(models, series):
    r = S3Represent(lookup="test_series")
    rows = models.db(models.db.test_series.id > 0).select()

    with bare.counted_queries(models.db) as sent:
        labels = r.bulk(series, rows=rows)
        assert r(None, row=rows[1]) == "Alerts"

    assert labels[series[0]] == "News <b>"
    assert sent == []


@pytest.mark.parametrize(
    ("attr", "labels"),
    [
        ({"fields": ("name", "acronym")}, ["News <b>", "Alerts AL", "X"]),
        ({"fields": ("name", "acronym"), "field_sep": ": "}, ["News <b>", "Alerts: AL", "X"]),
        ({"fields": ("name", "acronym"), "labels": "%(name)s [%(acronym)s]"}, ["News <b> [-]", "Alerts [AL]", "- [X]"]),
        ({"labels": lambda row: (row.name or "?").upper()}, ["NEWS <B>", "ALERTS", "?"]),
        ({"fields": ("code",)}, ["10", "20", "-"]),
    ],
)
def test_labels_are_made_of_the_chosen_fields(series, attr, labels):
    r = S3Represent(lookup="test_series", **attr)

    assert [r(record_id) for record_id in series] == labels


def test_a_label_template_with_an_unknown_field_raises(series):
    with pytest.raises(KeyError):
        S3Represent(lookup="test_series", labels="%(nothing)s")(series[0])


def test_fields_that_do_not_exist_raise(series):
    with pytest.raises((AttributeError, KeyError)):
        S3Represent(lookup="test_series", fields=("nothing",))(series[0])


def test_another_key_than_the_record_id(series):
    r = S3Represent(lookup="test_series", key="code")

    assert r.bulk([10, 20, 30]) == {10: "News <b>", 20: "Alerts", 30: "Unknown", None: "-"}


def test_a_table_without_name_is_represented_by_its_key(models):
    table = models.s3db.define_table("test_nameless", Field("code"))
    record_id = int(table.insert(code="C"))

    assert S3Represent(lookup="test_nameless")(record_id) == str(record_id)


def test_options_go_before_the_table(series):
    r = S3Represent(lookup="test_series", options={0: "Nobody"})

    assert r.bulk([0, series[1]]) == {0: "Nobody", series[1]: "Alerts", None: "-"}


def test_options_are_left_as_they_were(models, series):
    options = {0: "Nobody"}

    S3Represent(lookup="test_series", options=options)(series[0])

    assert options == {0: "Nobody"}


def test_a_missing_table_shows_everything_as_unknown(models):
    r = S3Represent(lookup="missing_table", show_link=True)

    assert r.bulk([1, None]) == {1: "Unknown", None: "-"}
    assert r.multiple([1, 2], show_link=False) == "Unknown, Unknown"


def test_list_types_are_represented_by_their_members(series):
    r = S3Represent(lookup="test_series", multiple=True)
    a, b, _ = series

    assert r([b, a]) == "Alerts, News <b>"
    assert [r([]), r(None)] == ["-", "-"]
    assert r.multiple([[a, b], [b], None, []]) == "News <b>, Alerts"
    assert r.bulk([[a, b], [999], None]) == {a: "News <b>", b: "Alerts", 999: "Unknown", None: "-"}


def test_lists_are_expected_of_list_types(series):
    with pytest.raises(ValueError, match="list of lists"):
        S3Represent(lookup="test_series", multiple=True).multiple([1, 2])


def test_a_list_is_rendered_from_labels_that_are_known(models, series):
    r = S3Represent(lookup="test_series", multiple=True)
    labels = r.bulk([series])

    with bare.counted_queries(models.db) as sent:
        assert r.render_list(series[:2], labels) == "News <b>, Alerts"
        assert r.render_list([series[0], 999], labels) == "News <b>, Unknown"
        assert r.render_list(None, labels) == r.render_list([], labels) == "-"

    assert sent == []


def test_labels_are_links_only_if_both_sides_want_them(series):
    r = S3Represent(lookup="test_series", show_link=True, linkto="/app/test/series/[id]")

    link = r(series[0])

    assert isinstance(link, A)
    assert str(link) == f'<a href="/app/test/series/{series[0]}">News &lt;b&gt;</a>'
    assert r(series[0], show_link=False) == "News <b>"
    assert S3Represent(lookup="test_series", linkto="/x/[id]")(series[0]) == "News <b>"


@pytest.mark.parametrize("linkto", ["/app/[id]/read", "/app/%5Bid%5D/read"])
def test_the_placeholder_of_a_link_may_be_quoted(series, linkto):
    r = S3Represent(lookup="test_series", show_link=True, linkto=linkto)

    assert r(series[1]).attributes["_href"] == f"/app/{series[1]}/read"


def test_the_default_link_is_the_page_of_the_record(series):
    r = S3Represent(lookup="test_series", show_link=True)

    assert r(series[1]).attributes["_href"] == f"/eden/test/series/{series[1]}"


def test_several_links_are_elements(series):
    r = S3Represent(lookup="test_series", show_link=True, linkto="/[id]")
    a, b, _ = series

    assert str(r.multiple([a, 999, b])) == f'<a href="/{a}">News &lt;b&gt;</a>, Unknown, <a href="/{b}">Alerts</a>'
    assert str(r.bulk([a])[a]) == f'<a href="/{a}">News &lt;b&gt;</a>'


def test_a_class_may_look_up_in_its_own_way(models, series):
    class Shouting(S3Represent):
        def lookup_rows(self, key, values, fields):
            return super().lookup_rows(key, values, [*fields, self.table.acronym])

        def represent_row(self, row, prefix=None):
            return f"{row.name}!{row.acronym or ''}"

    r = Shouting(lookup="test_series")
    rows = models.db(models.db.test_series.id > 0).select(models.db.test_series.id)

    assert r.bulk(series[:2], rows=rows) == {series[0]: "News <b>!", series[1]: "Alerts!AL", None: "-"}
    assert r.queries == 1


def test_a_class_may_join_tables(models, series):
    class Joining(S3Represent):
        def lookup_rows(self, key, values, fields):
            other = self.table.with_alias("other")
            return current.db(key.belongs(values)).select(key, *fields, other.name, left=other.on(other.id == self.table.id))

        def represent_row(self, row, prefix=None):
            return f"{row.test_series.name}/{row.other.name}"

    assert Joining(lookup="test_series")(series[1]) == "Alerts/Alerts"


class Translator:
    """Marks what it translates."""

    def __call__(self, text):
        return f"T({text})"


def test_labels_are_translated_if_wanted(models, series):
    models.T = Translator()

    assert S3Represent(options=OPTIONS, translate=True)(1) == "T(One)"
    assert S3Represent(options=OPTIONS)(1) == "One"
    assert S3Represent(lookup="test_series", translate=True)(series[1]) == "T(Alerts)"
    assert S3Represent(lookup="test_series", fields=("name", "acronym"), translate=True)(series[1]) == "T(Alerts) T(AL)"


def test_web2py_calls_it_with_the_value(models, series):
    table = models.s3db.define_table("test_ref", Field("series_id", "reference test_series", represent=S3Represent(lookup="test_series")))

    assert web2py_represent(table.series_id, series[1], Storage()) == "Alerts"


def test_a_user_is_shown_by_address_or_by_name(models):
    user_id = int(models.db.auth_user.insert(email="anna@example.com", first_name="Anna", last_name="Abel"))

    assert UserRepresent()(user_id) == "anna@example.com"
    assert UserRepresent().bulk([user_id, 0, None]) == {user_id: "anna@example.com", 0: "Unknown", None: "-"}

    models.deployment_settings.ui.auth_user_represent = "name"
    assert UserRepresent()(user_id) == "Anna Abel"


def test_a_delegated_represent_loads_its_model_when_it_is_used(models, series):
    r = DelegatedRepresent("test_represent")
    models.response.s3.test_represent = S3Represent(lookup="test_series")

    assert r(series[1]) == "Alerts"
    assert r.bulk([series[1], None]) == {series[1]: "Alerts", None: "-"}
    assert r.multiple(series[:2]) == "News <b>, Alerts"


def test_a_delegated_represent_of_a_missing_model_knows_nothing(models):
    assert DelegatedRepresent("missing_represent").bulk([1, None]) == {1: "Unknown", None: "-"}


@pytest.fixture
def tree(models):
    """Ids of World > Land > Town <1>; Moon stands alone."""
    table = models.s3db.define_table("test_place", Field("name"), Field("code"), Field("parent", "reference test_place"))
    models.s3db.configure("test_place", hierarchy="parent")
    ids = {"World": int(table.insert(name="World", code="W"))}
    ids["Land"] = int(table.insert(name="Land", code="L", parent=ids["World"]))
    ids["Town"] = int(table.insert(name="Town <1>", parent=ids["Land"]))
    ids["Moon"] = int(table.insert(name="Moon"))
    return ids


def test_a_record_in_a_hierarchy_is_shown_with_all_above_it(models, tree):
    r = S3Represent(lookup="test_place", hierarchy=True)

    with bare.counted_queries(models.db) as sent:
        labels = r.bulk([*tree.values(), 999, None] * 100)

    assert labels == {
        tree["World"]: "World", tree["Land"]: "World > Land", tree["Town"]: "World > Land > Town <1>", tree["Moon"]: "Moon",
        999: "Unknown", None: "-",
    }  # fmt: skip
    assert len(sent) == 2
    assert r(tree["Town"]) == "World > Land > Town <1>"


@pytest.mark.parametrize(
    ("attr", "label"),
    [
        ({"hierarchy": "%s / %s"}, "World / Land / Town <1>"),
        ({"hierarchy": True, "fields": ("code", "name")}, "W World > L Land > Town <1>"),
        ({"hierarchy": True, "labels": "%(name)s!"}, "World! > Land! > Town <1>!"),
        ({"hierarchy": True, "labels": lambda row: row.name[0]}, "W > L > T"),
        ({"hierarchy": False}, "Town <1>"),
    ],
)
def test_the_labels_of_a_hierarchy_are_made_like_others(tree, attr, label):
    assert S3Represent(lookup="test_place", **attr)(tree["Town"]) == label


def test_records_of_a_hierarchy_that_are_given_are_not_looked_up_again(models, tree):
    r = S3Represent(lookup="test_place", hierarchy=True)
    rows = models.db(models.db.test_place.id == tree["Town"]).select()

    assert r(None, row=rows.first()) == "World > Land > Town <1>"
    with bare.counted_queries(models.db) as sent:
        assert r(tree["Land"]) == "World > Land"
    assert sent == []


def test_a_link_in_a_hierarchy_leads_to_the_record_itself(tree):
    r = S3Represent(lookup="test_place", hierarchy=True, show_link=True, linkto="/[id]")

    assert str(r(tree["Town"])) == f'<a href="/{tree["Town"]}">World &gt; Land &gt; Town &lt;1&gt;</a>'


def test_a_list_of_records_in_a_hierarchy(tree):
    r = S3Represent(lookup="test_place", hierarchy=True, multiple=True)

    assert r([tree["Moon"], tree["Land"]]) == "Moon, World > Land"


def test_a_table_without_hierarchy_is_represented_as_ever(series):
    assert S3Represent(lookup="test_series", hierarchy=True).bulk(series[:2]) == {series[0]: "News <b>", series[1]: "Alerts", None: "-"}


def test_a_circle_of_parents_ends(models, tree):
    models.db(models.db.test_place.id == tree["World"]).update(parent=tree["Town"])

    assert S3Represent(lookup="test_place", hierarchy=True)(tree["Town"]).count(">") == 3


def test_markup_comes_out_as_markup_only_from_elements(models, series):
    """Labels are text, whoever made them; what escapes text leaves elements as they are."""
    text, element = S3Represent(lookup="test_series"), S3Represent(lookup="test_series", show_link=True, linkto="/[id]")

    assert str(SPAN(text(series[0]))) == "<span>News &lt;b&gt;</span>"
    assert str(SPAN(text.multiple(series[:2]))) == "<span>News &lt;b&gt;, Alerts</span>"
    assert str(SPAN(element(series[0]))) == f'<span><a href="/{series[0]}">News &lt;b&gt;</a></span>'
    assert str(SPAN(element.multiple([series[0], 999]))) == f'<span><a href="/{series[0]}">News &lt;b&gt;</a>, Unknown</span>'
