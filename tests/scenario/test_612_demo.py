# SPDX-License-Identifier: Apache-2.0
"""`tacit demo botnet`: a newcomer sees a broker notice three bots, quarantine them, and let one go."""

import json
import os
import signal
import subprocess
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.marks import no_instruments
from support.patience import patience

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")


def demo(tmp_path, *words):
    return subprocess.Popen([str(TACIT), "demo", *words], stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": str(tmp_path)})


@no_instruments
def test_three_bots_are_caught_and_one_is_forgiven(tmp_path):
    """On a machine that stands still for a while, other sensors are held up; that they may be told of, as
    attacked, is no fault of the demonstration. A bot that is told of among them is no quarantine."""
    began = time.monotonic()
    done = demo(tmp_path, "botnet", "--json")
    out, err = done.communicate(timeout=patience(120.0))
    assert time.monotonic() - began < patience(120.0)
    shown = json.loads(out)
    assert (shown["devices"], shown["recruited"]) == (50, 3)
    assert shown["quarantined"] >= 1 and shown["undone"], err
    assert done.returncode == (0 if shown["quarantined"] == 3 and shown["others_touched"] == 0 else 1)
    held = [event for event in shown["events"] if event.get("action") == "quarantine"]
    for event in held:
        assert event["undo"] == f"tacit sense undo {event['device']}" and event["until"]
        assert "was refused subscriptions" in event["text"] and event["undo"] in event["text"]
    assert not list(tmp_path.iterdir())


def test_it_ends_when_told_and_leaves_nothing(tmp_path):
    done = demo(tmp_path, "botnet")
    deadline = time.monotonic() + patience(20.0)
    while "sensors were added" not in (line := done.stdout.readline()):
        assert line and time.monotonic() < deadline
    done.send_signal(signal.SIGINT)
    assert "ended before its time" in done.communicate(timeout=patience(20.0))[1]
    assert done.returncode == 1
    assert not list(tmp_path.iterdir())


def test_usage(tmp_path):
    assert "botnet" in demo(tmp_path, "--help").communicate(timeout=patience(10.0))[0]
    wrong = demo(tmp_path, "thieves")
    wrong.communicate(timeout=patience(10.0))
    assert wrong.returncode == 2
