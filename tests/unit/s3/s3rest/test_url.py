"""Where a REST URL leads when parts of it are replaced."""
from __future__ import annotations

import pytest

from s3.s3rest.url import Address, _move

ON_COMPONENT = Address("1", "contact", "2", "method")
ON_RECORD = Address("1", None, None, "method")


@pytest.mark.parametrize(
    ("now", "moves", "args"),
    [
        (ON_COMPONENT, {}, ["1", "contact", "2", "method"]),
        (ON_COMPONENT, {"method": ""}, ["1", "contact"]),
        (ON_COMPONENT, {"id": 5}, ["5", "contact"]),
        (ON_COMPONENT, {"id": 1}, ["1", "contact", "2", "method"]),
        (ON_COMPONENT, {"component": ""}, ["1"]),
        (ON_COMPONENT, {"component_id": 0}, ["1", "contact"]),
        (ON_COMPONENT, {"component_id": 5}, ["1", "contact", "5", "method"]),
        (ON_COMPONENT, {"target": 5}, ["1", "contact", "5", "method"]),
        (ON_COMPONENT, {"id": ""}, ["contact", "2", "method"]),
        (ON_COMPONENT, {"id": "[id]", "method": "review"}, ["[id]", "contact", "review"]),
        (ON_COMPONENT, {"id": "*", "method": "review"}, ["[id]", "contact", "review"]),
        (ON_COMPONENT, {"method": "deduplicate", "target": 0}, ["1", "contact", "deduplicate"]),
        (ON_COMPONENT, {"method": "update"}, ["1", "contact", "2", "update"]),
        (ON_RECORD, {"method": ""}, []),
        (ON_RECORD, {"target": 0}, []),
        (ON_RECORD, {"target": 5}, ["5", "method"]),
        (ON_RECORD, {"id": 5}, ["5"]),
        (ON_RECORD, {"id": 0}, []),
        (ON_RECORD, {"component": "contact"}, ["1", "contact"]),
        (ON_RECORD, {"method": "update"}, ["1", "update"]),
    ],
)
def test_parts_are_replaced_and_what_belongs_to_the_old_ones_goes(now, moves, args):
    assert _move(now, **moves).args() == args
