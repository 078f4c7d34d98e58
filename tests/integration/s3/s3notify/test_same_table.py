"""Saved filters by records of the subscribed table itself: fine, unless the page hides records of it."""
from __future__ import annotations

import pytest

RULE = """
def _customise(**attr):
    current.response.s3.filter = current.s3db.gis_location.name != "Hidden"
    return attr
settings.customise_gis_location_controller = _customise
"""


@pytest.mark.parametrize(("config", "expected"), [("", 1), (RULE, 0)])
def test_filter_by_the_place_above(app, world, config, expected):
    above = world.create("gis_location", name="Hidden")
    world.subscribe("anna", resource="gis_location", url="gis/location", filters=[["~.parent$name", "Hidden"]])
    app.clock.advance(minutes=1)
    world.create("gis_location", name="Below", parent=above)

    with app.configured(config):
        world.tick()

    assert len(world.mails) == expected
    assert all("Below" in world.text(index) for index in range(expected))
