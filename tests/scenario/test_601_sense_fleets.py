# SPDX-License-Identifier: Apache-2.0
"""The detector over a few simulated fleets, attacked and left alone: what `bench/run sense` measures at
length (bench/sense/README.md), small enough for each change. Personas and seed are of those that thresholds
are tuned on: this keeps what was reached, and proves nothing beyond."""

import sys

import pytest

from support.broker import ROOT, TACITD

sys.path.append(str(ROOT / "bench" / "sense"))

import grid  # noqa: E402

FOLDER = TACITD.parent
EACH = 6
PERSONAS = {1: "thermometer", 4: "meter", 10: "valve"}
# Seconds from the first packet, for each of them.
ATTACKS = {("R1", "5/s"): 3, ("R1", "1/min"): 600, ("R2", "200"): 10, ("R3", "100/s"): 2,
           ("R4", "20"): 2, ("R7", "512KiB"): 60, ("R8", "1/s"): 10, ("R9", "hash"): 1,
           ("R9", "plus"): 1, ("R9", "sys"): 1, ("R9", "share"): 1, ("R9", "permitted"): 1,
           ("R10", "subscribe-10/s"): 5, ("R10", "publish-10/s"): 5, ("R11", "pingpong"): 60,
           ("R13", "25%"): 120, ("R16", "victim"): 10}

pytestmark = pytest.mark.skipif(
    not all((FOLDER / name).exists() for name in ("sense-replay", "bench/bench-fleet")),
    reason=f"no sense-replay or bench-fleet in {FOLDER}")


@pytest.fixture(scope="module", params=PERSONAS)
def told(request, tmp_path_factory):
    """{trace: (alarms, the truth)} of one persona: all attacks, and a day without any."""
    tools = grid.Tools(FOLDER, ROOT / "bench" / "sense", tmp_path_factory.mktemp("fleet"), EACH)
    cell = grid.Cell(request.param, PERSONAS[request.param], 1, grid.STARTS_H[0])
    traces = {str(turn): grid.attack_trace(cell, *one) for turn, one in enumerate(ATTACKS)}
    return tools.test(cell, traces | {"clean": grid.clean_trace(1)})["sense"]


def test_loud_attacks_are_found_explained_and_judged_right(told):
    wrong = {}
    for turn, (one, within) in enumerate(ATTACKS.items()):
        seen = grid.judge(*told[str(turn)])
        if seen is None:
            continue
        if not (seen["found"] and seen["after_s"] <= within and seen["top3"] and seen["verdict"]):
            wrong[one] = seen
    assert not wrong


def test_nothing_is_told_of_a_day_without_attacks(told):
    false, days = grid.clean(*told["clean"])
    assert days > 5 and not [one["text"] for one in false]
