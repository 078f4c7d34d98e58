"""What permissions cost in queries, for every table of the random world and every policy; in time, `manage.py bench` says."""
from __future__ import annotations

import random

import pytest
from proof_world import CONFIG, KINDS, build_world
from realms import statements, use_policy

from s3.s3aaa import S3Permission


@pytest.fixture
def current(app):
    with app.configured(CONFIG), app.env() as current:
        current.world = build_world(current, 20260302)
        current.auth.override = False
        yield current


def test_permissions_add_at_most_two_queries_to_a_select(current):
    """Rules and entities are read once per request; roles and realms with the user, see test_realm.py."""
    auth, rng, costs = current.auth, random.Random(1), {}

    for policy in range(1, 8):
        use_policy(current, policy)
        auth.s3_impersonate(rng.choice(current.world.users).user_id)
        for tablename, kind in KINDS.items():
            auth.permission.controller, auth.permission.function = kind.url.split("/")
            fields = [*kind.cells, *kind.joined]
            auth.override = True
            free = statements(current, lambda: current.s3db.resource(tablename).select(fields, limit=20))  # noqa: B023
            auth.override = False
            # as if it were the first one of the request
            auth.permission = S3Permission(auth)
            auth.permission.controller, auth.permission.function = kind.url.split("/")
            checked = statements(current, lambda: current.s3db.resource(tablename).select(fields, limit=20))  # noqa: B023
            costs[policy, tablename] = len(checked) - len(free)

    assert {key: cost for key, cost in costs.items() if cost > 2} == {}
    assert max(costs.values()) > 0
