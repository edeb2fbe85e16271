# SPDX-License-Identifier: Apache-2.0
"""Behaviour is learned and told of by a live broker, which does nothing about it: a flood with its
reasons, guessing by its address, and nobody whose role says that he is not looked at."""

import contextlib
import itertools
import json
import ssl
import time

import pytest

from support import wire
from support.audit import AuditLog
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.fleet import FLEET, PERIOD_S, Fleet, reasons_of
from support.patience import patience
from support.secure import House

pytestmark = [pytest.mark.one_shard,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

# A window of a twentieth of a second: an hour of one device, which each phase takes at least, is
# over in seconds when ten of them talk.
CONFIG = """
shards = 1
sense {{ mode = {mode} learn = 1s shape = 1s prove = 1s }}
limits {{ sense-window-ms = 50 sense-save-s = 1 }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
}}
role "loud" {{
  publish   = {{ "devices/%{{device}}/#" }}
  sense     = off
}}
listener "mqtts" {{
  port = 8883
  client-certificates = required
}}
"""
THIEF = "127.0.0.2"
LEARNED = "behaviour of role device is learned"


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(CONFIG.format(mode="observe"))
        one.broker.start()
        yield one


@pytest.fixture(scope="module")
def fleet(house):
    """One that is watched."""
    one = Fleet(house)
    one.join("horn", "loud")
    one.learn()
    yield one
    one.close()


def flood(house, fleet):
    """One after the other floods, until one of them is told of it, with its record. Whoever was told
    of with others a moment before, as on a busy machine that held all of them up, is not told of
    again until that is over."""
    audit = AuditLog(house.state)
    before = len(audit.records("sense"))
    last = time.monotonic() + patience(40.0)
    for name in itertools.cycle(reversed(FLEET)):
        fleet.say(name, 400)
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            for record in audit.records("sense")[before:]:
                if record.get("device") == name and record["verdict"] == "attacking" and any(
                        reason.startswith("publishes: ") for reason in reasons_of(record)[:3]):
                    return name, record
            for other in fleet.clients:
                fleet.say(other)
            time.sleep(PERIOD_S)
        assert time.monotonic() < last, f"nobody was told of:\n{house.broker.log()[-4000:]}"


def test_a_flood_is_told_with_its_reasons(house, fleet):
    audit = AuditLog(house.state)
    fleet.say("horn", 400)
    name, record = flood(house, fleet)
    assert record["role"] == "device"
    assert float(record["evidence_bits"]) >= (20.72 if record["of"] == "device" else 8)
    # The one who reads the log reads a sentence.
    assert house.lines(rf"{name}[,:].* attacking for \d+ s: .*messages")
    # Nothing is done about it, and whose role says so is not looked at.
    fleet.say(name)
    assert audit.records("sense", device="horn") == []


def test_guessing_is_told_by_the_address_it_comes_from(house, fleet):
    del fleet
    audit = AuditLog(house.state)
    for _ in range(40):
        with contextlib.suppress(ssl.SSLError, Closed, OSError):
            stranger = house.connect(None, context=house.context(), source=THIEF)
            stranger.send(wire.connect(5, FLEET[0], True))
            stranger.receive(patience(2.0))
    record = audit.wait("sense-source", of="source", verdict="attacking")
    assert record["address"].startswith(THIEF)
    # Whoever was named by it is not suspected for it.
    assert audit.records("sense", device=FLEET[0], verdict="attacking") == []


def test_the_tool_tells_what_was_found(house, fleet):
    del fleet
    events = ["sense", "events", "--state", house.state]
    found = [json.loads(line) for line in house.tacit(*events, "--json").stdout.splitlines()]
    assert {record["kind"] for record in found} == {"sense", "sense-source"}
    name = next(record["device"] for record in found if record["verdict"] == "attacking"
                and "device" in record)
    mine = house.tacit(*events, "--device", name).stdout
    assert "attacking" in mine
    assert "sense-source" not in mine


def test_a_damaged_file_is_learned_anew(house):
    status = ["sense", "status", "--state", house.state]
    house.broker.stop()
    file = house.state / "learning/behaviour.0"
    whole = file.read_bytes()
    file.write_bytes(whole[:5000] + b"x" + whole[5001:])
    assert "damaged" in house.tacit(*status, code=1).stderr
    house.broker.start()
    assert house.lines(r"behaviour.0: damaged, or of another version; what is missing is learned")
    house.broker.stop()
    file.write_bytes(whole)
    assert "role device, shard 0: watch" in house.tacit(*status).stdout
    house.broker.start()


def test_what_was_learned_outlives_the_process(house, fleet):
    learned = len(house.lines(LEARNED))
    house.broker.stop()
    assert [file.name for file in (house.state / "learning").glob("behaviour*")] == ["behaviour.0"]
    done = json.loads(house.tacit("sense", "status", "--state", house.state, "--json").stdout)
    known = {role["role"]: role for role in done["roles"]}
    assert (done["shards"], done["unreadable"]) == (1, 0)
    assert (known["device"]["phase"], known["device"]["devices"]) == ("watch", len(FLEET))
    assert "loud" not in known
    house.broker.start()
    fleet.return_all()
    flood(house, fleet)
    assert len(house.lines(LEARNED)) == learned


def test_what_was_learned_outlives_a_kill(house, fleet):
    file = house.state / "learning/behaviour.0"
    before = file.stat().st_mtime_ns
    fleet.report_until(lambda: file.stat().st_mtime_ns > before, 20.0, "nothing is written")
    learned = len(house.lines(LEARNED))
    house.broker.kill()
    house.broker.start()
    fleet.return_all()
    flood(house, fleet)
    assert len(house.lines(LEARNED)) == learned


def test_turned_off_nothing_is_told(house, fleet):
    audit = AuditLog(house.state)
    (house.state / "tacit.conf").write_text(CONFIG.format(mode="off"))
    with house.changing():
        house.broker.reload()
    fleet.join("early")
    audit.wait("connected", device="early")  # and what was found before is written
    before = len(audit.records("sense"))
    for name in FLEET:
        fleet.say(name, 400)
    fleet.join("late")
    audit.wait("connected", device="late")
    assert len(audit.records("sense")) == before
