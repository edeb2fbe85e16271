# SPDX-License-Identifier: Apache-2.0
"""Promises A1 and A3 in small: hostile peers of every kind at once, and honest devices that notice
nothing. The whole siege is `bench/run siege`, whose small form this is."""

import json
import os
import subprocess

import pytest

from support.broker import FOREIGN, ROOT, TACIT, TACITD
from support.marks import no_instruments
from support.patience import SLOWNESS, patience

pytestmark = [
    pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit"),
    pytest.mark.skipif(os.cpu_count() < 2, reason="the broker and the load have a core each"),
]
DELIVERY_MS, CONNECT_MS = 500 * SLOWNESS, 1000 * SLOWNESS


@pytest.fixture(scope="module")
def report():
    done = subprocess.run(
        [ROOT / "bench" / "run", "siege", "--short", "--alone"], capture_output=True, text=True,
        env={**os.environ, "TACITD": str(TACITD), "TACIT": str(TACIT)}, timeout=patience(300),
        check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_no_honest_message_is_lost(report):
    assert report["honest_lost"] == 0
    assert report["honest_twice"] == 0
    assert report["honest_dropped"] == 0


def test_every_attack_takes_place(report):
    for kind, row in report["siege"]["kinds"].items():
        assert row["connections"] >= row["peers"] // 2, kind
    assert report["siege"]["standing_peak"] >= report["hostile"] // 4


@no_instruments
def test_memory_stays_within_the_stated_bound(report):
    assert report["rss_peak_bytes"] <= report["rss_bound_bytes"]


def test_messages_arrive_meanwhile(report):
    assert report["siege_delivery_ms_p99"] < DELIVERY_MS


def test_a_new_honest_device_gets_in_meanwhile(report):
    assert report["connect_ms_p99"] < CONNECT_MS
    assert report["siege_probes_failed"] == 0
