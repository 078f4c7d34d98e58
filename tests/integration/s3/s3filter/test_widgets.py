"""Filter widgets one by one: their controls, what can be chosen, and what URLs they show."""
from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from bare import counted_queries


@pytest.fixture
def items(depot):
    """``insert(**values)`` an item, in the series of this name."""
    db = depot.db

    def insert(series=None, **values):
        if series:
            row = db(db.depot_series.name == series).select().first()
            values["series_id"] = row.id if row else db.depot_series.insert(name=series)
        return db.depot_item.insert(**values)

    return insert


def draw(current, widget, get_vars=None, tablename="depot_item"):
    """The row of a widget as the form of a list has it."""
    from s3.s3filter import S3FilterForm

    rows = S3FilterForm([widget]).fields(current.s3db.resource(tablename, vars=get_vars), get_vars or {})
    return "".join(str(row) for row in rows)


def inputs(markup):
    """[{attribute: value}] of the inputs."""
    found = [re.findall(r'([\w-]+)="([^"]*)"', text) for text in re.findall(r"<input ([^>]*)>", markup)]
    return [{name: unescape(value) for name, value in attributes} for attributes in found]


def choices(markup):
    """[(value, label, whether it is chosen)] of boxes to tick, or of a list."""
    boxes = [(box["value"], box["id"], "checked" in box) for box in inputs(markup) if box["type"] == "checkbox"]
    labels = {key: unescape(text) for key, text in re.findall(r'<label for="([^"]*)">(.*?)</label>', markup)}
    ticked = [(value, labels[box_id], chosen) for value, box_id, chosen in boxes]
    options = re.findall(r'<option (selected="selected" )?value="([^"]*)">(.*?)</option>', markup)
    return ticked or [(unescape(value), unescape(text), bool(chosen)) for chosen, value, text in options]


def select(current, get_vars):
    """Names of the items that a URL selects."""
    from s3.s3filter import translate_controls

    rows = current.s3db.resource("depot_item", vars=translate_controls(get_vars)).select(["name"], orderby="name").rows
    return [row["depot_item.name"] for row in rows]


# texts
def test_every_word_must_be_in_one_of_the_fields(depot, items):
    from s3.s3filter import S3TextFilter

    items(name="red", text="hot water")
    items(name="blue", text="hot air")
    (field,) = inputs(draw(depot, S3TextFilter(["name", "text"], label="Words")))

    assert field["name"] == "~.name|~.text__like[words]"
    assert select(depot, {field["name"]: "RED water"}) == ["red"]
    assert select(depot, {field["name"]: '"hot a"'}) == ["blue"]
    assert select(depot, {field["name"]: "h?t  a*"}) == []
    assert select(depot, {field["name"]: "hot*"}) == ["blue", "red"]
    assert select(depot, {field["name"]: "   "}) == ["blue", "red"]


def test_one_word_is_enough_where_any_may_match(depot, items):
    from s3.s3filter import S3TextFilter

    items(name="red")
    items(name="blue, green")
    widget = S3TextFilter("name", match_any=True)

    (field,) = inputs(draw(depot, widget, {"~.name__like": "*red*,*blue*"}))

    assert field["value"] == "red blue"
    assert select(depot, {field["name"]: "red blue"}) == ["blue, green", "red"]
    assert select(depot, {field["name"]: '"blue, g"'}) == ["blue, green"]


@pytest.mark.parametrize("value, shown", [
    ("*red*", "red"),
    ("*hot water*", '"hot water"'),
    ("red*", "red*"),
    ("*r?d*", "*r?d*"),
    (["*red*", "*hot water*"], 'red "hot water"'),
    # no words of the form say exactly this
    ("red", ""),
    ("*a\"b c*", ""),
])  # fmt: skip
def test_words_are_shown_as_they_are_written(depot, value, shown):
    from s3.s3filter import S3TextFilter

    (field,) = inputs(draw(depot, S3TextFilter("name"), {"~.name__like": value}))

    assert field["value"] == shown


def test_control_of_a_text_is_escaped(depot):
    from s3.s3filter import S3TextFilter

    markup = draw(depot, S3TextFilter("name", label="<b>", comment="<i>"), {"~.name__like": '*"><script>*'})

    assert "<b>" not in markup and "<i>" not in markup and "<script>" not in markup


@pytest.mark.parametrize("kind, field, tag", [("Text", "name", "input"), ("NotEmpty", "name", "input"), ("Options", "flag", "fieldset"),
                                              ("Range", "number", "fieldset"), ("Date", "day", "fieldset")])
def test_hint_belongs_to_the_control_for_screen_readers(depot, kind, field, tag):
    import s3.s3filter

    markup = draw(depot, getattr(s3.s3filter, f"S3{kind}Filter")(field, comment="Only the best"))

    (hint_id,) = re.findall(r'<small class="hint" id="([^"]*)">Only the best</small>', markup)
    assert re.search(rf'<{tag} [^>]*aria-describedby="{hint_id}"', markup)


# values that are there or not
def test_box_for_a_value_selects_records_with_one(depot, items):
    from s3.s3filter import S3EmptyFilter, S3NotEmptyFilter

    items(name="with", number=1)
    items(name="without")

    widgets = ((S3NotEmptyFilter("number"), "~.number__ne", ["with"]), (S3EmptyFilter("number"), "~.number__eq", ["without"]))
    for widget, name, found in widgets:
        (box,) = inputs(draw(depot, widget))
        (ticked,) = inputs(draw(depot, widget, {name: "NONE"}))
        assert (box["type"], box["name"], box["value"], "checked" in box, "checked" in ticked) == ("checkbox", name, "NONE", False, True)
        assert select(depot, {name: "NONE"}) == found
    # written without operator it is the same
    assert "checked" in inputs(draw(depot, S3EmptyFilter("number"), {"~.number": "NONE"}))[0]


# ranges
def test_either_end_of_a_range_may_be_left_out(depot, items):
    from s3.s3filter import S3RangeFilter

    for number in (1, 2, 3):
        items(name=str(number), number=number, amount=number / 2)
    low, high = inputs(draw(depot, S3RangeFilter("number"), {"~.number__ge": "2"}))

    assert (low["name"], low["value"], low["step"]) == ("~.number__ge[integer]", "2", "1")
    assert (high["name"], high["value"]) == ("~.number__le[integer]", "")
    assert select(depot, {low["name"]: "2", high["name"]: ""}) == ["2", "3"]
    assert select(depot, {low["name"]: " 2 ", high["name"]: "2"}) == ["2"]
    assert inputs(draw(depot, S3RangeFilter("amount")))[0]["step"] == "any"
    assert S3RangeFilter("number").ajax_options(place(depot)) == {"item-number-range-filter": {"min": 1, "max": 3}}


def place(current):
    from s3.s3filter.widgets import Place

    return Place(current.s3db.resource("depot_item"))


@pytest.mark.parametrize("field, sent, sentence", [
    ("number", "1.5", '"1.5" is no whole number'),
    ("number", "1_0", '"1_0" is no whole number'),
    ("amount", "1,5", '"1,5" is no number'),
    ("amount", "nan", '"nan" is no number'),
    ("amount", '"><script>', '""><script>" is no number'),
])  # fmt: skip
def test_what_is_no_number_is_said_at_its_end_of_the_range(depot, field, sent, sentence):
    from s3.s3filter import S3RangeFilter, translate_controls

    widget = S3RangeFilter(field)
    name = inputs(draw(depot, widget))[0]["name"]
    markup = draw(depot, widget, {name: sent})
    low = inputs(markup)[0]

    assert (low["value"], low["aria-invalid"], low["type"]) == (sent, "true", "text")
    assert f'id="{low["aria-describedby"]}">' in markup and sentence in unescape(markup)
    assert "<script>" not in markup
    # under this name it is no filter that could be passed over
    assert translate_controls({name: sent}) == {name: sent}


# dates
@pytest.mark.parametrize("options, given, kind, shown", [
    ({}, "2026-03-01T22:59:30Z", "datetime-local", "2026-03-01T23:59:30"),
    ({"hide_time": True}, "2026-03-01T23:00:00Z", "date", "2026-03-02"),
    ({}, "-7D", "text", "-7D"),
    ({"hide_time": True}, "-7D", "text", "-7D"),
    # a time that is not the beginning of a day
    ({"hide_time": True}, "2026-03-01T22:00:00Z", "date", ""),
])  # fmt: skip
def test_beginning_is_shown_in_the_time_of_the_reader(depot, options, given, kind, shown, monkeypatch):
    from s3.s3filter import S3DateFilter

    monkeypatch.setattr("s3.s3datetime.s3_get_tzinfo", lambda: dt.timezone(dt.timedelta(hours=1)))

    low, _ = inputs(draw(depot, S3DateFilter("at", **options), {"~.at__ge": given}))

    assert (low["type"], low["value"]) == (kind, shown)


def test_days_of_a_date_are_those_days(depot, items):
    from s3.s3filter import S3DateFilter

    for day in (1, 2, 3):
        items(name=str(day), day=dt.date(2026, 3, day))
    low, high = inputs(draw(depot, S3DateFilter("day"), {"~.day__ge": "2026-03-02"}))

    assert (low["type"], low["value"], low["name"]) == ("date", "2026-03-02", "~.day__ge[date]")
    assert select(depot, {low["name"]: "2026-03-02", high["name"]: "2026-03-02"}) == ["2"]


def test_beginning_and_end_can_be_compared_with_different_fields(depot):
    from s3.s3filter import S3DateFilter

    low, high = inputs(draw(depot, S3DateFilter(["day", "at"], fieldtype="date")))

    assert (low["name"], high["name"]) == ("~.day__ge[date]", "~.at__le[date]")


# options
def test_options_are_values_that_occur_with_the_labels_of_records_that_may_be_read(depot, items):
    from s3.s3filter import S3OptionsFilter

    secret = items(series="Secret", name="x")
    items(series="Open <1>", name="a")
    depot.db.depot_series.insert(name="Unused")
    secret_id = depot.db.depot_item[secret].series_id
    depot.auth.readable["depot_series"] = lambda table: table.name != "Secret"
    widget = S3OptionsFilter("series_id", represent="%(name)s")

    found = choices(draw(depot, widget))
    asked = choices(draw(depot, widget, {"~.series_id__belongs": f"{secret_id},NONE,99"}))

    assert [(label, chosen) for _, label, chosen in found] == [("Open <1>", False)]
    # what a URL has is shown, but not named
    assert [(label, chosen) for _, label, chosen in asked] == [("Open <1>", False), (str(secret_id), True), ("99", True), ("NONE", True)]
    assert f"select * from depot_series {secret_id}" not in draw(depot, widget)


def test_options_of_records_that_code_hides_are_not_offered(depot, items):
    from s3.s3filter import S3FilterForm, S3OptionsFilter
    from s3.s3query import FS

    items(status="open", name="a")
    items(status="hidden", name="b")
    resource = depot.s3db.resource("depot_item", vars={"~.name": "nobody"})
    resource.add_filter(FS("status") != "hidden")

    markup = "".join(str(row) for row in S3FilterForm([S3OptionsFilter("status")]).fields(resource, {}))

    # the filter of the URL does not count, that of the page does
    assert choices(markup) == [("open", "open", False)]


def test_chosen_options_are_alternatives_and_texts_with_commas_stay_whole(depot, items):
    from s3.s3filter import S3OptionsFilter

    for status in ("open", "closed, done", 'say "so"'):
        items(status=status, name=status)
    widget = S3OptionsFilter("status")
    found = choices(draw(depot, widget, {"~.status__belongs": '"closed, done",open'}))

    assert [label for _, label, chosen in found if chosen] == ["closed, done", "open"]
    for value, label, _ in found:
        assert select(depot, {"~.status__belongs[]": value}) == [label]
    assert select(depot, {"~.status__belongs[]": [value for value, _, _ in found]}) == sorted(label for _, label, _ in found)


def test_no_value_can_be_an_option(depot, items):
    from s3.s3filter import S3OptionsFilter

    items(status="open", name="a")
    items(name="b")
    found = choices(draw(depot, S3OptionsFilter("status", none="Nothing")))

    assert found == [("open", "open", False), ("NONE", "Nothing", False)]
    assert select(depot, {"~.status__belongs[]": ["NONE", "open"]}) == ["a", "b"]


def test_options_are_told_to_scripts(depot, items):
    from s3.s3filter import S3OptionsFilter

    items(status='"', name="a")

    found = S3OptionsFilter("status", none=True).ajax_options(place(depot))
    nothing = S3OptionsFilter("tags", no_opts="Nothing there").ajax_options(place(depot))

    assert found == {"item-status-options-filter": [['\\"', '"'], ["NONE", "None"]]}
    assert nothing == {"item-tags-options-filter": {"empty": "Nothing there"}}


@pytest.mark.parametrize("options, found", [
    ({"b": "Beta", "a": "alpha"}, [("a", "alpha", False), ("b", "Beta", False)]),
    ([("b", "Beta"), ("a", "alpha")], [("b", "Beta", False), ("a", "alpha", False)]),
    (lambda: {1: "One"}, [("1", "One", False)]),
    ({}, []),
])  # fmt: skip
def test_options_can_be_given(depot, options, found):
    from s3.s3filter import S3OptionsFilter

    assert choices(draw(depot, S3OptionsFilter("status", options=options))) == found


def test_truth_values_are_yes_and_no(depot, items):
    from s3.s3filter import S3OptionsFilter

    items(name="a", flag=True)
    items(name="b", flag=False)
    found = choices(draw(depot, S3OptionsFilter("flag")))

    assert [(value, label) for value, label, _ in found] == [("False", "No"), ("True", "Yes")]
    assert select(depot, {"~.flag__belongs[]": "True"}) == ["a"]


def test_lists_are_asked_for_all_or_any_of_the_options(depot, items):
    from s3.s3filter import S3OptionsFilter

    items(name="both", tags=["x", "y"])
    items(name="one", tags=["x"])
    markup = draw(depot, S3OptionsFilter("tags"), {"~.tags__anyof": "x,y"})
    radios = [field for field in inputs(markup) if field["type"] == "radio"]

    assert [(field["name"], field["value"], "checked" in field) for field in radios] == [
        ("~.tags__contains[op]", "contains", False), ("~.tags__contains[op]", "anyof", True)]
    assert [(value, chosen) for value, _, chosen in choices(markup)] == [("x", True), ("y", True)]
    assert select(depot, {"~.tags__contains[]": ["x", "y"], "~.tags__contains[op]": "contains"}) == ["both"]
    assert select(depot, {"~.tags__contains[]": ["x", "y"], "~.tags__contains[op]": "anyof"}) == ["both", "one"]
    # an operator that the form does not offer
    assert select(depot, {"~.tags__contains[]": ["x", "y"], "~.tags__contains[op]": "ne"}) == ["both"]


def test_many_options_are_a_list_and_one_choice_has_an_empty_first_line(depot, items):
    from s3.s3filter import S3OptionsFilter

    for number in range(13):
        items(status=f"s{number:02}", name=str(number))

    many = draw(depot, S3OptionsFilter("status"), {"~.status__belongs": "s01"})
    single = draw(depot, S3OptionsFilter("status", multiple=False))
    boxes = draw(depot, S3OptionsFilter("status", cols=2))

    assert '<select aria-label="Status"' in many and 'multiple="multiple"' in many
    assert [value for value, _, chosen in choices(many) if chosen] == ["s01"]
    assert choices(single)[0] == ("", "All", False) and 'multiple="multiple"' not in single
    assert len([field for field in inputs(boxes) if field["type"] == "checkbox"]) == 13
    assert select(depot, {"~.status__belongs[]": ""}) == sorted(map(str, range(13)))


def test_field_that_nobody_is_shown_has_no_widget(depot, items):
    from s3.s3filter import S3OptionsFilter

    items(status="secret", name="a")
    depot.db.depot_item.status.readable = False
    try:
        assert draw(depot, S3OptionsFilter("status")) == ""
        assert draw(depot, S3OptionsFilter("nonsense")) == ""
    finally:
        depot.db.depot_item.status.readable = True


def test_values_of_a_component_of_which_code_hides_records_are_not_offered(depot, items):
    from s3.s3filter import S3FilterForm, S3OptionsFilter
    from s3.s3query import FS

    item = items(name="a")
    for kind in ("small", "secret"):
        depot.db.depot_comp.insert(item_id=item, kind=kind)
    resource = depot.s3db.resource("depot_item")
    widgets = [S3OptionsFilter("comp.kind")]

    before = S3FilterForm(widgets).fields(resource)
    resource.add_component_filter("comp", FS("kind") != "secret")
    after = S3FilterForm(widgets).fields(resource)

    assert [value for value, _, _ in choices(str(before[0]))] == ["secret", "small"]
    assert after == []


def test_options_take_three_queries_at_most(depot, items):
    from s3.s3fields import S3Represent
    from s3.s3filter import S3OptionsFilter

    for number in range(20):
        items(series=f"S{number}", name=str(number))

    with counted_queries(depot.db) as sent:
        draw(depot, S3OptionsFilter("series_id", represent=S3Represent(lookup="depot_series")))

    assert len(sent) == 3


# hierarchies
@pytest.fixture
def tree(depot, items):
    """{name: id}: Land (North (Hill), South)."""
    depot.s3db.configure("depot_item", hierarchy="parent_id")
    ids = {"Land": items(name="Land")}
    for name, above in (("North", "Land"), ("South", "Land"), ("Hill", "North")):
        ids[name] = items(name=name, parent_id=ids[above])
    return ids


def test_tree_of_records_is_drawn_with_boxes_at_its_ends(depot, tree):
    from s3.s3filter import S3HierarchyFilter

    markup = draw(depot, S3HierarchyFilter("id", lookup="depot_item"), {"~.id__belongs": str(tree["South"])})

    assert choices(markup) == [(str(tree["Hill"]), "Hill", False), (str(tree["South"]), "South", True)]
    assert re.findall(r"<span>(.*?)</span>", markup) == ["Land", "North"]
    assert markup.count("<ul") == 3


def test_records_above_others_can_be_chosen_alone_or_with_what_is_below(depot, tree):
    from s3.s3filter import S3HierarchyFilter

    alone = draw(depot, S3HierarchyFilter("parent_id", leafonly=False), {"~.parent_id__belongs": str(tree["Land"])})
    within = draw(depot, S3HierarchyFilter("parent_id", leafonly=False, cascade=True), {"~.parent_id__typeof": str(tree["Land"])})

    assert [(label, chosen) for _, label, chosen in choices(alone)] == [("Land", True), ("North", False)]
    assert [(label, chosen) for _, label, chosen in choices(within)] == [("Land", True), ("North", False)]
    assert select(depot, {"~.parent_id__belongs[]": str(tree["Land"])}) == ["North", "South"]
    assert select(depot, {inputs(within)[0]["name"]: str(tree["Land"])}) == ["Hill", "North", "South"]


def test_filter_for_what_is_below_a_record_ticks_each_of_them(depot, tree):
    from s3.s3filter import S3HierarchyFilter

    markup = draw(depot, S3HierarchyFilter("parent_id", leafonly=False), {"~.parent_id__typeof": str(tree["Land"])})

    assert [(label, chosen) for _, label, chosen in choices(markup)] == [("Land", True), ("North", True), ("Hill", True), ("South", True)]


def test_large_tree_is_drawn_in_part_with_what_is_chosen_and_what_is_above_it(depot, tree, items):
    from s3.s3filter import S3HierarchyFilter

    for number in range(300):
        items(name=f"Area {number:03}", parent_id=tree["Land"])
    deep = items(name="Zone", parent_id=tree["Hill"])

    markup = draw(depot, S3HierarchyFilter("id", lookup="depot_item"), {"~.id__belongs": str(deep)})

    assert (str(deep), "Zone", True) in choices(markup)
    assert re.findall(r"<span>(.*?)</span>", markup) == ["Land", "North", "Hill"]
    assert "of 305 are listed here." in markup
    assert len(markup) < 20_000


def test_of_many_options_the_first_are_listed_with_those_that_are_chosen(depot, items):
    from s3.s3filter import S3OptionsFilter

    for number in range(300):
        items(name=f"Item {number:03}")

    markup = draw(depot, S3OptionsFilter("name"), {"~.name__belongs": "Item 299"})

    listed = choices(markup)
    assert [label for _, label, _ in listed] == [*(f"Item {number:03}" for number in range(len(listed) - 1)), "Item 299"]
    assert [label for _, label, chosen in listed if chosen] == ["Item 299"]
    assert f"{len(listed)} of 300 are listed here." in markup
    assert len(markup) < 8_000


def test_records_above_that_may_not_be_read_are_not_named(depot, tree):
    from s3.s3filter import S3HierarchyFilter

    depot.auth.readable["depot_item"] = lambda table: table.name != "Land"

    markup = draw(depot, S3HierarchyFilter("parent_id", leafonly=False))

    assert [label for _, label, _ in choices(markup)] == ["North"]
    assert "Land" not in markup


# what is stored
def resend(current, widget, stored):
    """What a browser sends of a form that shows a stored filter, as it is to be stored again."""
    from s3.s3filter import S3FilterForm

    form, resource = S3FilterForm([widget]), current.s3db.resource("depot_item")
    markup = "".join(str(row) for row in form.fields(resource, form.values_of(stored)))
    sent = {}
    for field in inputs(markup):
        if field["type"] not in ("checkbox", "radio") or "checked" in field:
            sent.setdefault(field["name"], []).append(field["value"])
    for name, options in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', markup, re.S):
        sent[name] = [unescape(value) for value in re.findall(r'<option selected="selected" value="([^"]*)"', options)]
    return [list(pair) for pair in form.pairs_of(sent, stored, resource) if pair[1] is not None]


@pytest.mark.parametrize("kind, options, stored", [
    ("Text", {}, ["like", "*red*"]), ("Text", {}, ["like", "red"]), ("Text", {}, ["like", "*a*,*b*"]), ("Text", {}, ["like!", "*red*"]),
    ("Text", {"match_any": True}, ["like", "*a*,*b c*"]), ("Text", {"match_any": True}, ["like", '*a\\"*']),
    ("Options", {}, ["belongs", 'b,"x, y"']), ("Options", {}, ["belongs", "NONE"]), ("Options", {}, ["belongs", ""]),
    ("Options", {}, ["belongs", "b,"]), ("Options", {}, ["ne", "a"]), ("Options", {"options": {"a": "A"}}, ["belongs", "other"]),
    ("Options", {"multiple": False}, ["belongs", "a,b"]), ("Options", {"multiple": False}, ["belongs", "b"]),
])  # fmt: skip
def test_what_is_stored_for_a_text_is_kept_when_it_is_sent_as_it_is_shown(depot, items, kind, options, stored):
    import s3.s3filter

    items(name="b")
    pair = [f"~.name__{stored[0]}", stored[1]]
    widget = getattr(s3.s3filter, f"S3{kind}Filter")("name", **options)

    assert resend(depot, widget, [pair]) == [pair]


@pytest.mark.parametrize("leafonly, cascade", [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("operator", ["belongs", "typeof", "belongs!"])
@pytest.mark.parametrize("value", ["Land", "Hill", "Secret", "NONE", "x", "", "99", "Land,Hill"])
def test_what_is_stored_for_a_tree_is_kept_when_it_is_sent_as_it_is_shown(depot, tree, items, leafonly, cascade, operator, value):
    from s3.s3filter import S3HierarchyFilter

    ids = {**tree, "Secret": items(name="Secret", parent_id=tree["Hill"])}
    depot.auth.readable["depot_item"] = lambda table: table.name != "Secret"
    value = ",".join(str(ids.get(name, name)) for name in value.split(","))
    stored = [[f"~.parent_id__{operator}", value]]

    sent = resend(depot, S3HierarchyFilter("parent_id", leafonly=leafonly, cascade=cascade), stored)

    if operator == "typeof" and not cascade and sent != stored:
        # said as each of the records below
        ((key, ticked),) = sent
        assert key == "~.parent_id__belongs"
        assert {int(item) for item in ticked.split(",") if item.isdigit()} == below(depot, value)
    else:
        assert sent == stored


def below(current, value):
    from s3 import find_descendants

    return find_descendants("depot_item", [int(item) for item in value.split(",") if item.isdigit()])


# defaults
def test_list_that_is_opened_without_filters_has_those_of_its_widgets(depot, items):
    from gluon.storage import Storage

    from s3.s3filter import S3FilterForm, S3OptionsFilter, S3RangeFilter, s3_set_default_filter

    items(name="a", status="open", number=5)
    items(name="b", status="open", number=1)
    items(name="c", status="closed", number=5)
    s3_set_default_filter("number", {"ge": 2}, "depot_item")
    form = S3FilterForm([S3OptionsFilter("status", default=["open", "new"]), S3RangeFilter("number")])

    def opened(**get_vars):
        r = Storage(get_vars=Storage({key.replace("_at_", "~."): value for key, value in get_vars.items()}))
        resource = depot.s3db.resource("depot_item", vars=r.get_vars)
        used = form.apply_filter_defaults(r, resource)
        assert all(r.get_vars[key] == value for key, value in used.items())
        return dict(used), [row["depot_item.name"] for row in resource.select(["name"], orderby="name").rows]

    assert opened() == ({"~.status__belongs": "open,new", "~.number__ge": "2"}, ["a"])
    assert opened(_at_status__belongs="closed") == ({"~.number__ge": "2"}, ["c"])
    assert opened(default_filters="0") == ({}, ["a", "b", "c"])
    page = str(form.html(depot.s3db.resource("depot_item"), {}, url="/list"))
    assert '<input name="default_filters" type="hidden" value="0" />' in page


def test_all_readable_records_can_be_the_options(depot, items):
    from s3.s3filter import s3_get_filter_opts

    items(series="B")
    items(series="A")
    depot.auth.readable["depot_series"] = lambda table: table.name != "B"

    options = s3_get_filter_opts("depot_series", none="Nothing")

    assert list(options.values()) == ["A", "Nothing"] and None in options
