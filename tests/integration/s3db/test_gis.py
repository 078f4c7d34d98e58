"""The tree of locations, and how places are called."""
from __future__ import annotations

from typing import Any

import pytest
from harness import App

LEVELS = ("L0", "L1", "L2", "L3")


def insert(current: Any, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource("gis_location").insert(**values))


def make_tree(current: Any) -> dict[str, int]:
    """Utopia > North > Town > Clinic; South beside North."""
    ids = {"Utopia": insert(current, name="Utopia", level="L0", lat=10.0, lon=20.0)}
    ids["North"] = insert(current, name="North", level="L1", parent=ids["Utopia"])
    ids["South"] = insert(current, name="South", level="L1", parent=ids["Utopia"])
    ids["Town"] = insert(current, name="Town", level="L2", parent=ids["North"], lat=11.0, lon=21.0)
    ids["Clinic"] = insert(current, name="Clinic", parent=ids["Town"])
    return ids


def stored(current: Any, record_id: int) -> Any:
    return current.db.gis_location[record_id]


def test_path_and_names_of_the_higher_places_stand_in_every_location(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)

        clinic = stored(current, ids["Clinic"])

        assert clinic.path == "/".join(str(ids[name]) for name in ("Utopia", "North", "Town", "Clinic"))
        assert [clinic[level] for level in LEVELS] == ["Utopia", "North", "Town", None]
        assert stored(current, ids["Utopia"]).path == str(ids["Utopia"])
        assert [stored(current, ids["Town"])[level] for level in LEVELS] == ["Utopia", "North", "Town", None]


def test_coordinates_are_inherited_until_a_location_has_its_own(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)

        assert [(stored(current, ids[name]).lat, stored(current, ids[name]).inherited) for name in ("North", "Town", "Clinic")] == [
            (10.0, True), (11.0, False), (11.0, True)]


def test_new_name_reaches_everything_within(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)
        current.db(current.db.gis_location.id == ids["North"]).update(name="Far North")

        current.s3db.onaccept("gis_location", {"id": ids["North"]}, method="update")

        # Town has coordinates of its own: the original would leave it as it was
        assert [stored(current, ids[name]).L1 for name in ("North", "Town", "Clinic", "South")] == ["Far North"] * 3 + ["South"]


def test_moving_a_location_takes_along_what_is_within(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)
        current.db(current.db.gis_location.id == ids["Town"]).update(parent=ids["South"])

        current.s3db.onaccept("gis_location", {"id": ids["Town"]}, method="update")

        assert stored(current, ids["Clinic"]).L1 == "South"
        assert stored(current, ids["Clinic"]).path.split("/")[1] == str(ids["South"])


def test_nothing_is_written_when_nothing_differs(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)
        before = {name: stored(current, key).modified_on for name, key in ids.items()}
        app.clock.advance(hours=1)

        current.s3db.gis_update_location_tree(ids["Utopia"])

        assert {name: stored(current, key).modified_on for name, key in ids.items()} == before


@pytest.mark.parametrize("name, values, is_refused", [
    ("North", {"parent": "Clinic", "level": "L1"}, True),
    ("North", {"parent": "North", "level": "L1"}, True),
    ("Town", {"parent": "South", "level": "L1"}, True),
    ("Town", {"parent": "South", "level": "L2"}, False),
    ("Clinic", {"parent": "Utopia"}, False),
])
def test_location_lies_in_a_higher_place_that_is_not_itself(app: App, name: str, values: dict[str, Any], is_refused: bool) -> None:
    with app.env() as current:
        ids = make_tree(current)
        record = {"id": ids[name], **values, "parent": ids[values["parent"]]}

        errors = current.s3db.onvalidation("gis_location", record, method="update")

        assert list(errors) == (["parent"] if is_refused else [])


def test_places_are_represented_with_level_and_the_next_higher_place(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)
        represent = current.s3db.gis_location_represent

        labels = represent.bulk(list(ids.values()))

        assert {name: str(labels[key]) for name, key in ids.items()} == {
            "Utopia": "Utopia (Country)",
            "North": "North (State / Province), Utopia",
            "South": "South (State / Province), Utopia",
            "Town": "Town (County / District), North",
            "Clinic": "Clinic, Town",
        }
        assert represent.queries == 1


def test_specific_place_is_represented_by_its_address(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)
        surgery = insert(current, name="Surgery", parent=ids["Town"], addr_street="1 High St\nback door", addr_postcode="AB1")

        assert str(current.s3db.gis_location_represent(surgery)) == "1 High St, AB1, Town"


def test_all_higher_places_are_listed_on_demand(app: App) -> None:
    with app.env() as current:
        from s3db.gis import gis_LocationRepresent

        ids = make_tree(current)

        assert str(gis_LocationRepresent(sep=" | ")(ids["Town"])) == "Town | North | Utopia"
        current.deployment_settings.gis.countries = ["UT"]
        assert str(gis_LocationRepresent(sep=" | ")(ids["Town"])) == "Town | North"


def test_coordinates_are_there_as_text_and_bounds(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)

        town, clinic = (stored(current, ids[name]) for name in ("Town", "Clinic"))

        assert town.wkt == clinic.wkt == "POINT (21.0 11.0)"
        assert (town.lat_min, town.lat_max, town.lon_min, town.lon_max) == (11.0, 11.0, 21.0, 21.0)
        nowhere = stored(current, insert(current, name="Nowhere"))
        assert (nowhere.wkt, nowhere.lat_min) == (None, None)


def test_what_lies_within_a_place_and_around_it(app: App) -> None:
    with app.env() as current:
        ids, s3db = make_tree(current), current.s3db

        assert [row.name for row in s3db.gis_get_children(ids["North"])] == ["Town", "Clinic"]
        assert [row.name for row in s3db.gis_get_children(ids["Utopia"], level="L1")] == ["North", "South"]
        assert s3db.gis_get_parents(ids["Clinic"], ids_only=True) == [ids["Town"], ids["North"], ids["Utopia"]]
        assert [row.name for row in s3db.gis_get_parents(ids["Clinic"])] == ["Town", "North", "Utopia"]
        assert s3db.gis_get_parents(ids["Utopia"]) == s3db.gis_get_parents(999999) == []


def test_a_country_is_chosen_among_countries(app: App) -> None:
    with app.env() as current:
        ids = make_tree(current)

        field = current.s3db.gis_country_id(empty=False)

        assert field.requires.options(zero=False) == [(str(ids["Utopia"]), "Utopia")]
        assert field.validate(ids["North"])[1] is not None
