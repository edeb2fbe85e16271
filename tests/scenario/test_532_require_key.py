# SPDX-License-Identifier: Apache-2.0
"""I7: a policy that asks for better keys ends the sessions of those that have not got one, and the
tools say so before."""

import json

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.device import Machine, enrol
from support.patience import WITHIN_S
from support.place import house, join, lamp, place  # noqa: F401

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

GRANTS = 'publish = { "devices/%{device}" }\n  subscribe = { "devices/%{device}" }\n'
ROLES = f'role "device" {{\n  {GRANTS}}}\n'
DEVICES = []


def asking(key):
    return f'role "device" {{\n  require-key = {key}\n  {GRANTS}}}\n'


# As if it had enrolled so, with a new key, which is what moves the policy.
KEEP = "UPDATE identity SET protection = ?, key_sha256 = key_sha256 WHERE name = ?"


def keep(place, name, level):
    with place.changing():
        place.sql(KEEP, level, name)


def explain(place, name, code):
    return json.loads(place.tacit("policy", "explain", "--device", name, "--publish",
                                  f"devices/{name}", "--json", "--state", place.state,
                                  code=code).stdout)


LEVELS = ["unknown", "plain", "sealed", "pkcs11", "tpm"]


def test_a_policy_that_asks_for_more_ends_sessions(place, join):
    """Step by step: each time those that are not good enough any more, in both versions."""
    there = [(level, version, next(place.names)) for level in LEVELS for version in (4, 5)]
    for _, _, name in there:
        place.add(name, "device")
    with place.changing():
        place.commit(*((KEEP, level, name) for level, _, name in there))
    clients = {name: join(name, version) for _, version, name in there}
    for name, one in clients.items():
        one.subscribe(f"devices/{name}")
    for least in ("sealed", "pkcs11", "tpm"):
        place.reload(asking(least))
        for level, _, name in there:
            if name not in clients:
                continue
            if LEVELS.index(level) >= LEVELS.index(least):
                clients[name].publish(f"devices/{name}", b"still here", qos=1)
                clients[name].message(payload=b"still here")
            else:
                clients.pop(name).expect_refusal(0x98, timeout=WITHIN_S)
                with pytest.raises((Closed, AssertionError)):
                    join(name)
    place.reload(ROLES)
    for _, version, name in there[:4]:
        join(name, version)


def test_a_session_that_waits_is_not_waited_for(place, join, lamp):
    """It is kept, and nobody gets in to it until the key is better, or the policy."""
    one = join(lamp, clean=False, props=[("session_expiry", 600)])
    one.subscribe(f"devices/{lamp}", qos=1)
    one.drop()
    place.reload(asking("tpm"))
    refused = place.connect(lamp)
    refused.send(wire.connect(5, lamp, False))
    answer = refused.receive()
    assert answer.kind == wire.CONNACK and answer.reason == 0x87, answer
    refused.close()
    place.reload(ROLES)
    join(lamp, clean=False, props=[("session_expiry", 600)]).expect_nothing()


def test_a_better_key_comes_in(place, join, lamp):
    place.reload(asking("sealed"))
    with pytest.raises((Closed, AssertionError)):
        join(lamp)
    keep(place, lamp, "tpm")
    join(lamp).publish(f"devices/{lamp}", b"1", qos=1)


def test_a_key_that_falls_behind_ends_the_session(place, join, lamp):
    keep(place, lamp, "tpm")
    place.reload(asking("tpm"))
    one = join(lamp)
    keep(place, lamp, "sealed")
    one.expect_refusal(0x98, timeout=WITHIN_S)


def test_the_tools_say_it(place, lamp):
    assert explain(place, lamp, 0)["subject"]["require_key"] == "any"
    place.reload(asking("tpm"))
    told = explain(place, lamp, 3)
    assert not told["allowed"] and "a key in a TPM" in told["barred"]
    assert told["subject"]["require_key"] == "tpm" and told["subject"]["protection"] == "plain"
    text = place.tacit("policy", "explain", "--device", lamp, "--publish", f"devices/{lamp}",
                       "--state", place.state, code=3).stdout
    assert "tpm is asked for; the registry has plain (declared)" in text
    keep(place, lamp, "tpm")
    assert explain(place, lamp, 0)["allowed"]
    shown = place.tacit("device", "show", lamp, "--state", place.state).stdout
    assert "protection tpm (declared)" in shown
    shown = json.loads(place.tacit("device", "show", lamp, "--json", "--state",
                                   place.state).stdout)
    assert shown["protection"] == "tpm" and shown["attested"] is False
    made_up = place.tacit("policy", "explain", "--role", "device", "--publish", "devices/x",
                          "--state", place.state, code=None).stdout
    assert "whether it has one is not known" in made_up


def test_a_key_that_is_sealed_comes_in_at_once(place, tmp_path):
    """The same key: nothing changes in the registry but what is known of it."""
    machine, name = Machine(tmp_path / "m"), next(place.names)
    enrol(place, machine, name, "file", role="device")
    words = ("pub", "--as", name, "-q", "1", "-t", f"devices/{name}", "-m", "1")
    machine.tacit(*words)
    place.reload(asking("sealed"))
    assert "asks for a key that is sealed" in machine.tacit(*words, code=None).stderr
    with place.changing():
        machine.tacit("keys", "migrate", "--as", name, "--to", "sealed")
    machine.tacit(*words)
