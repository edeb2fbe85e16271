# SPDX-License-Identifier: Apache-2.0
"""What bench/run sense-live measures, small: a live broker that has learned a fleet tells of attacks that
nobody can overlook, of whom and why, and does nothing to the others. A role is learned in seconds, so that
only what is far from everything it did is tried here."""
import importlib
import sys

import pytest
from support.broker import FOREIGN, ROOT, TACIT
from support.marks import seen_elsewhere

pytestmark = [pytest.mark.one_shard, seen_elsewhere,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

SOURCES = ("R1", "R16")  # that are told by their address: nothing may be left of other ones
TRIES = 3  # a busy machine that holds all of a role up is told of as that, and hides who is one of them


@pytest.fixture(scope="module", name="live")
def fixture_live():
    """The modules of bench/live, for as long as they are looked for."""
    before = list(sys.path)
    sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "live")]
    one = importlib.import_module("sense_live")
    importlib.import_module("live_trial").AFTER_S = 1.0
    yield one
    sys.path[:] = before


@pytest.fixture(scope="module", name="site")
def fixture_site(live):
    with live.learned_site(is_short=True) as one:
        yield one


def replay(live, kind, intensity):
    return next(one for one in live.chosen(kind, True) if one.intensity == intensity)


def played(live, site, kind, intensity):
    """The row of the first trial that found it, or of the last one."""
    for turn in range(TRIES):
        if turn > 0 or kind in SOURCES:
            site.again()  # nobody is suspected any more
        row = live.play(site, replay(live, kind, intensity))
        assert row["quarantined_others"] == 0, row
        if row["found"]:
            return row
    return row


@pytest.mark.parametrize("kind, intensity, by", [
    ("R1", "5/s", "sense-source"), ("R6", "x100", "sense"), ("R9", "#", "subscribe-refused"),
    ("R10", "subscribe, 10/s", "sense"), ("R11", "once", "clone"), ("R16", "victim", "sense-source")])
def test_a_replay_is_found(live, site, kind, intensity, by):
    row = played(live, site, kind, intensity)
    assert row["found"] and row["by"] == by, row
    if by.startswith("sense"):
        assert row["verdict_right"] and row["top3"], row
    assert row.get("victim_lost_its_connection", 0) == 0, row


def test_rules_are_told_at_once(live, site):
    """Each time; how soon is measured by the bench, on a machine that has nothing else to do."""
    for row in live.layer_0(site, 4):
        assert row["found"] == row["trials"], row
