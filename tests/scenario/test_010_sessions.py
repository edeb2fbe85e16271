# SPDX-License-Identifier: Apache-2.0
"""Who has a session, how long it lives, and who may take it over."""

import time

import pytest

from support import wire
from support.client import Closed
from support.marks import both, every, old, versions


def kept(version, seconds=60):
    """What asks for a session that outlives the connection."""
    props = {"props": [("session_expiry", seconds)]} if version == 5 else {}
    return {"clean": False, **props}


@every
def test_clean_start_has_nothing(client, version):
    """[MQTT-3.2.2-1] in 3.1.1, [MQTT-3.2.2-2] in 5.0; [MQTT-3.1.2-6]"""
    assert not client(version, "me").connack.session_present
    assert not client(version, "me").connack.session_present


@both
def test_session_is_present_after_a_pause(client, version):
    """[MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-3.1.2-5] [MQTT-3.1.2-23]"""
    assert not client(version, "me", **kept(version)).connack.session_present
    client(version, "me", **kept(version)).leave()
    assert client(version, "me", **kept(version)).connack.session_present


@every
def test_subscriptions_survive(client, unique, version):
    """[MQTT-4.1.0-1] [MQTT-4.1.0-2] [MQTT-3.1.2-4] [MQTT-3.1.2-5] and so do messages"""
    topic = unique()
    client(version, "me", **kept(version)).subscribe(topic, qos=1)
    publisher = client(version)
    publisher.publish(topic, b"online or not", qos=1)
    again = client(version, "me", **kept(version))
    assert again.message().payload == b"online or not"
    publisher.publish(topic, b"live", qos=1)
    again.message(payload=b"live")


@every
def test_clean_start_discards(client, unique, version):
    """[MQTT-3.1.2-6] in 3.1.1, [MQTT-3.1.2-4] in 5.0, [MQTT-3.1.4-3] [MQTT-3.1.4-4]"""
    topic = unique()
    one = client(version, "me", **kept(version))
    one.subscribe(topic, qos=1)
    one.drop()
    publisher = client(version)
    publisher.publish(topic, b"old", qos=1)
    client(version, "me", clean=True).leave()
    again = client(version, "me", **kept(version))
    assert not again.connack.session_present
    publisher.publish(topic, b"old", qos=1)
    again.expect_nothing()


@old
def test_clean_session_ends_with_the_connection(client, unique, version):
    """[MQTT-3.1.2-6]"""
    one = client(version, "me", clean=True)
    one.subscribe(unique(), qos=1)
    one.leave()
    assert not client(version, "me", clean=False).connack.session_present


@versions(5)
def test_expiry_of_zero_or_none_ends_with_the_connection(client, version):
    """[MQTT-4.1.0-2]"""
    for props in ([], [("session_expiry", 0)]):
        client(version, "me", clean=False, props=props).leave()
        assert not client(version, "me", clean=False, props=props).connack.session_present


@versions(5)
def test_expiry_is_counted_from_the_disconnection(client, version):
    """[MQTT-4.1.0-2] [MQTT-3.1.2-23]"""
    one = client(version, "me", **kept(5, 1))
    time.sleep(1.2)
    one.expect_nothing()
    one.drop()
    again = client(version, "me", **kept(5, 1))
    assert again.connack.session_present
    again.leave()
    time.sleep(1.6)
    assert not client(version, "me", **kept(5, 1)).connack.session_present


@versions(5)
def test_expiry_may_be_changed_when_leaving(client, version):
    client(version, "longer", **kept(5, 1)).leave(0, [("session_expiry", 60)])
    client(version, "shorter", **kept(5, 60)).leave(0, [("session_expiry", 0)])
    assert not client(version, "shorter", **kept(5, 60)).connack.session_present
    time.sleep(1.5)
    assert client(version, "longer", **kept(5, 60)).connack.session_present


@versions(5)
def test_expiry_never(client, version):
    client(version, "me", **kept(5, 0xFFFFFFFF)).leave()
    assert client(version, "me", clean=False).connack.session_present


@versions(5)
def test_session_of_311_is_open_to_5_and_back(client, unique, version):
    """The version is the connection's, the session is the client's."""
    topic = unique()
    client(4, "me", clean=False).subscribe(topic, qos=1)
    again = client(5, "me", **kept(5))
    assert again.connack.session_present
    again.leave()
    client(5).publish(topic, b"x", qos=1)
    third = client(4, "me", clean=False)
    assert third.connack.session_present
    third.message(payload=b"x")


@every
def test_takeover(client, version):
    """[MQTT-3.1.4-2] in 3.1.1, [MQTT-3.1.4-3] in 5.0"""
    first = client(version, "me")
    second = client(version, "me")
    first.expect_refusal(0x8E)
    second.expect_nothing()


@both
@pytest.mark.parametrize("round_", range(3))
def test_takeover_between_versions(client, version, round_):
    first = client(version, "me")
    second = client(9 - version, "me")
    first.expect_refusal(0x8E)
    second.expect_nothing()


@both
def test_takeover_keeps_the_session(client, unique, version):
    topic = unique()
    first = client(version, "me", **kept(version))
    first.subscribe(topic, qos=1)
    second = client(version, "me", **kept(version))
    assert second.connack.session_present
    first.expect_refusal(0x8E)
    client(version).publish(topic, b"x", qos=1)
    second.message(payload=b"x")
    second.expect_nothing()


@both
def test_takeover_moves_what_is_under_way(client, unique, version):
    """[MQTT-4.4.0-1]"""
    topic = unique()
    first = client(version, "me", **kept(version))
    first.subscribe(topic, qos=1)
    client(version).publish(topic, b"x", qos=1)
    got = first.message(acknowledge=False)
    second = client(version, "me", **kept(version))
    again = second.message(payload=b"x")
    assert again.packet_id == got.packet_id and again.dup


@both
def test_many_takeovers(raw, unique, version):
    """Twenty rivals for one identifier: one is left, and it is served."""
    name = unique()
    rivals = [raw(version).send(wire.connect(version, name)) for _ in range(20)]
    alive = []
    for one in rivals:
        try:
            one.expect(wire.CONNACK, reason=0)
            one.fence()
            alive.append(one)
        except (AssertionError, Closed):
            pass
    assert alive
    survivors = []
    for one in alive:
        try:
            if not any(p.kind == wire.DISCONNECT for p in one.fence()):
                survivors.append(one)
        except Closed:
            pass
    assert len(survivors) == 1


@both
def test_identifiers_differ_in_every_byte(client, unique, version):
    """[MQTT-3.1.3-2] Case and accents are part of the identifier."""
    names = [unique("a"), unique("A"), unique("\u00e9"), unique("e\u0301"), unique("a ")]
    everyone = [client(version, n) for n in ("a", "A", "\u00e9", "e\u0301", "a ")]
    assert len(set(names)) == 5
    for one in everyone:
        one.expect_nothing()


@both
def test_retained_messages_are_nobodys_session(client, unique, version):
    """[MQTT-3.1.2-7] in 3.1.1"""
    topic = unique()
    one = client(version, "me", **kept(version))
    one.publish(topic, b"kept", qos=1, retain=True)
    one.leave()
    client(version, "me", clean=True).leave()
    reader = client(version)
    reader.subscribe(topic)
    reader.message(payload=b"kept", retain=True)
    reader.publish(topic, b"", retain=True)
