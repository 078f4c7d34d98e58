"""No message ever shows what its reader could not open at that moment: a random world, changed at random, for each policy.

``PROOF_SEED`` and ``PROOF_MESSAGES`` (messages per policy) ask for other worlds and longer runs; the seed is printed.
"""
from __future__ import annotations

import copy
import os
import random

import pytest
from proof_trial import Trial
from proof_world import CONFIG, build_world
from snapshot import Snapshot

SEED = int(os.environ.get("PROOF_SEED", "20260302"))
MESSAGES = int(os.environ.get("PROOF_MESSAGES", "24"))

#: the page of a look-up shows everything, whoever asks
LEAKING = """
def _leak(**attr):
    if current.auth.permission.format == "msg":
        current.auth.override = True
    return attr
for _name in ("org_organisation", "gis_location", "cms_series", "org_office", "event_event", "event_incident", "cms_post"):
    settings["customise_%s_controller" % _name] = _leak
"""

#: ... or not everything
SILENT = """
def _silence(**attr):
    from s3 import FS
    if current.auth.permission.format == "msg":
        current.response.s3.filter = FS("comments").like("*1*")
    return attr
for _name in ("org_organisation", "gis_location", "cms_series", "org_office", "event_event", "event_incident", "cms_post"):
    settings["customise_%s_controller" % _name] = _silence
"""


@pytest.fixture(scope="module")
def stages():
    """The worlds that were built, by kind of database: (pickled numbers, snapshot of the database)."""
    return {}


@pytest.fixture
def trial_of(app, stages):
    if app.kind not in stages:
        with app.configured(CONFIG), app.env() as current:
            world = build_world(current, SEED)
            current.db.commit()
            stages[app.kind] = world, Snapshot(app.kind, current.db._uri, getattr(current.db._adapter, "dbpath", None))
    world, snapshot = stages[app.kind]
    snapshot.restore()
    with app.serving() as url:
        yield lambda seed: Trial(app, copy.deepcopy(world), random.Random(seed), url)


def configuration(policy: int, more: str = "") -> str:
    return f"{CONFIG}\nsettings.security.policy = {policy}\n{more}"


@pytest.mark.parametrize("policy", range(1, 8))
def test_no_message_shows_what_its_reader_cannot_open(app, trial_of, policy):
    trial = trial_of(SEED + policy)
    with app.configured(configuration(policy)):
        trial.run(MESSAGES)

    print(f"{app.kind}, policy {policy}, seed {SEED}: {trial.world.canaries} canaries, {dict(trial.counts)}")
    assert trial.counts["canaries compared"] > trial.counts["messages"] >= MESSAGES
    assert trial.counts["records kept from readers"] > 0
    # policies 1 and 2 let everybody read: there only approval keeps records from readers, and accounts are refused
    assert trial.counts["refused"] > 0 or policy < 3
    assert trial.counts["sent"] > 0


@pytest.mark.parametrize(("fault", "verdict"), [(LEAKING, "LEAK|told what cannot be opened"), (SILENT, "LOST")], ids=["leak", "loss"])
def test_the_proof_finds_a_fault_when_there_is_one(app, trial_of, fault, verdict):
    trial = trial_of(SEED)

    with app.configured(configuration(6, fault)), pytest.raises(AssertionError, match=verdict):
        trial.run(50)
