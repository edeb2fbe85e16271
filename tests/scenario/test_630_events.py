# SPDX-License-Identifier: Apache-2.0
"""Alarms reach whoever is granted them, by MQTT, from whichever shard: as JSON with a sentence; nobody
else reads them, and nobody but the broker writes there."""

import json

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

BAIT = "devices/lamp/state"
EVENTS = "$tacit/events/#"


@pytest.fixture(scope="module", params=[1, 2], ids=["one-shard", "two-shards"])
def house(request):
    with House(shards=request.param) as one:
        one.add("lamp", "device")
        with one.changing():
            one.tacit("canary", "add", "bait", "--topic", BAIT, "--state", one.state)
        yield one


def join(house, name):
    client = house.connect(name)
    client.send(wire.connect(5, name, True))
    client.expect(wire.CONNACK, reason=0)
    return client


def fall_for_it(lamp):
    lamp.send(wire.publish(5, BAIT, b"on", 0))


def as_admin(house):
    ca, certificate, key = house.files("admin")
    return ["--host", "localhost", "--port", house.broker.port, "--cafile", ca, "--cert",
            certificate, "--key", key, "--id", "admin"]


def test_the_administrator_is_told(house):
    """With nothing configured: the identity that the first start has made, with the tool."""
    process = house.popen("sub", *as_admin(house), "--count", 1, "--verbose", EVENTS)
    lamp = join(house, "lamp")
    try:
        house.wait(r'client "admin" uses a wildcard grant for', 1, patience(20.0))
        fall_for_it(lamp)
        out, err = process.communicate(timeout=patience(20.0))
    finally:
        process.kill()
        lamp.close()
    assert process.returncode == 0, err
    topic, payload = out.strip().split(" ", 1)
    event = json.loads(payload)
    assert topic == "$tacit/events/canary/bait"
    assert (event["kind"], event["canary"], event["device"]) == ("canary", "bait", "lamp")
    assert event["topic"] == BAIT
    assert event["sentence"].startswith("CANARY bait: somebody publishes to")
    assert "on" not in event.get("payload", "")


def test_whoever_is_not_granted_is_told_why(house):
    profile = ["--as", "lamp"]
    done = house.tacit("sub", *profile, EVENTS, code=3)
    assert "'$'" in done.stderr or "wildcard" in done.stderr
    done = house.tacit("sub", *profile, "$tacit/events/canary/bait", code=3)
    assert "topics that start with '$' need a grant that names them" in done.stderr


def test_nobody_publishes_there(house):
    admin = join(house, "admin")
    admin.send(wire.publish(5, "$tacit/events/canary/x", b"{}", 1, packet_id=7))
    assert admin.expect(wire.PUBACK).reason == 0x87
    admin.close()
    done = house.tacit("pub", "--as", "lamp", "--qos", 1, "-t", "$tacit/events/x", "-m", "{}",
                       code=3)
    assert "the broker's own" in done.stderr


def test_wildcards_of_others_do_not_match_and_nothing_is_retained(house):
    admin, lamp = join(house, "admin"), join(house, "lamp")
    admin.subscribe("devices/#")
    fall_for_it(lamp)
    assert admin.expect(wire.PUBLISH).topic == BAIT
    admin.subscribe(EVENTS)  # what was told before is not told again
    fall_for_it(lamp)
    topics = {admin.expect(wire.PUBLISH).topic for _ in range(2)}
    assert topics == {BAIT, "$tacit/events/canary/bait"}
    for client in (admin, lamp):
        client.close()
