# SPDX-License-Identifier: Apache-2.0
"""Promise I6: the ratchet under power cuts. Broker and device are killed at random moments of a connect,
each on its own and both together; afterwards there was no alarm, and a copy is noticed all the same.

TACIT_RATCHET_CUTS says how many cuts; the default is for every day, fewer where all is slow."""

import os
import random
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.enrolled import Enrolled, house_for_devices
from support.patience import patience, times

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CUTS = int(os.environ.get("TACIT_RATCHET_CUTS", times(60)))
SEED = int(os.environ.get("TACIT_RATCHET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def clones(house):
    return house.lines(r"has a clone")


def measure(device):
    """How long a connect takes here: cuts are spread over twice that."""
    began = time.monotonic()
    device.connect()
    return time.monotonic() - began


def cut(house, device, version, moment, victim):
    """The device connects; at that moment one of the two, or both, are no more."""
    with device.popen(*device.words(version)) as process:
        time.sleep(moment)  # the cut is to come at any point, and nothing is waited for
        if victim != "device":
            house.broker.kill()
        process.kill()
        process.communicate(timeout=patience(20.0))
    if victim != "device":
        house.broker.start()


def test_cuts_are_no_copies_and_copies_are_noticed(tmp_path):
    dice = random.Random(SEED)
    with house_for_devices() as house:
        device = Enrolled.make(house, tmp_path / "original", "lamp-x")
        span = 2 * measure(device)
        for number in range(CUTS):
            cut(house, device, dice.choice((5, 4)), dice.uniform(0, span),
                dice.choice(("device", "device", "both")))
            assert not clones(house), f"cut {number} of seed {SEED}"
        device.connect()
        assert not clones(house), f"after the cuts of seed {SEED}"
        copy = device.copy(tmp_path / "copy")
        device.connect()
        with copy.start(client_id="lamp-x-copy") as process:
            house.wait(r"has a clone", 1, patience(10.0))
            process.kill()
        print(f"{CUTS} power cuts of seed {SEED}: {device.counter()} turns, 0 false alarms")
