# SPDX-License-Identifier: Apache-2.0
"""Retained messages: kept, replaced, cleared, replayed as the subscription asks."""

import time

import pytest

from support import wire
from support.marks import both, every, versions

from test_010_sessions import kept

RAP = 0x08
ONLY_IF_NEW, NEVER = 0x10, 0x20


@pytest.fixture
def kept_topic(client, unique):
    """A topic whose retained message is gone after the test."""
    topic = unique("kept")
    yield topic
    client(5, "cleaner").publish(topic, b"", qos=1, retain=True)


@every
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_kept_for_those_who_come_later(client, kept_topic, version, qos):
    """[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8] [MQTT-3.3.1-9] [MQTT-3.3.1-7]"""
    client(version).publish(kept_topic, b"kept", qos, retain=True)
    if qos == 0:
        settle(client, kept_topic)
    reader = client(version)
    reader.subscribe(kept_topic, qos=2)
    reader.message(payload=b"kept", retain=True, dup=False, qos=qos)
    reader.expect_nothing()


def settle(client, topic):
    """Wait until a retained message can be seen: QoS 0 has no acknowledgement to wait for."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        one = client(5)
        one.subscribe(topic)
        if one.fence():
            return
    raise AssertionError("the retained message never appeared")


@every
def test_live_copies_are_not_marked(client, kept_topic, version):
    """[MQTT-3.3.1-9] in 3.1.1, [MQTT-3.3.1-12] in 5.0"""
    reader = client(version)
    reader.subscribe(kept_topic, qos=1)
    client(version).publish(kept_topic, b"x", qos=1, retain=True)
    reader.message(payload=b"x", retain=False)


@both
def test_newest_replaces(client, kept_topic, version):
    """[MQTT-3.3.1-5]"""
    sender = client(version)
    for text in (b"1", b"2", b"3"):
        sender.publish(kept_topic, text, qos=1, retain=True)
    reader = client(version)
    reader.subscribe(kept_topic)
    reader.message(payload=b"3")
    reader.expect_nothing()


@both
def test_empty_payload_clears(client, kept_topic, version):
    """[MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.3.1-6] [MQTT-3.3.1-7] Readers see the empty one."""
    sender, live = client(version), client(version)
    sender.publish(kept_topic, b"x", qos=1, retain=True)
    live.subscribe(kept_topic)
    live.message(payload=b"x")
    sender.publish(kept_topic, b"", qos=1, retain=True)
    live.message(payload=b"", retain=False)
    late = client(version)
    late.subscribe(kept_topic)
    late.expect_nothing()


@both
def test_not_retained_changes_nothing(client, kept_topic, version):
    """[MQTT-3.3.1-12] in 3.1.1, [MQTT-3.3.1-8] in 5.0"""
    sender = client(version)
    sender.publish(kept_topic, b"kept", qos=1, retain=True)
    sender.publish(kept_topic, b"other", qos=1)
    sender.publish(kept_topic, b"", qos=1)
    reader = client(version)
    reader.subscribe(kept_topic)
    reader.message(payload=b"kept")


@both
def test_wildcards_replay_all_that_match(client, unique, version):
    """[MQTT-3.3.1-6] [MQTT-3.3.1-9]"""
    name, sender = unique(), client(version)
    for leaf in ("a", "b", "c/d"):
        sender.publish(f"{name}/{leaf}", leaf.encode(), qos=1, retain=True)
    for pattern, wanted in ((f"{name}/#", {b"a", b"b", b"c/d"}), (f"{name}/+", {b"a", b"b"}),
                            (f"{name}/+/d", {b"c/d"}), (f"+/a/{name}", set())):
        reader = client(version)
        reader.subscribe(pattern, qos=1)
        got = reader.messages(len(wanted))
        assert {m.payload for m in got} == wanted and all(m.retain for m in got)
        reader.expect_nothing()
    for leaf in ("a", "b", "c/d"):
        sender.publish(f"{name}/{leaf}", b"", qos=1, retain=True)


@versions(5)
def test_retain_handling(client, kept_topic, version):
    """[MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11] [MQTT-3.8.4-4]"""
    client(version).publish(kept_topic, b"kept", qos=1, retain=True)
    one = client(version)
    one.subscribe(kept_topic, options=NEVER)
    one.expect_nothing()
    one.subscribe(kept_topic, options=ONLY_IF_NEW)
    one.expect_nothing()
    one.subscribe(kept_topic)
    one.message(payload=b"kept")
    one.unsubscribe(kept_topic)
    one.subscribe(kept_topic, options=ONLY_IF_NEW)
    one.message(payload=b"kept")


@versions(5)
def test_retain_handling_of_a_session_that_comes_back(client, kept_topic, version):
    """[MQTT-3.3.1-10] The subscription exists already when the session is resumed."""
    client(version).publish(kept_topic, b"kept", qos=1, retain=True)
    one = client(version, "me", **kept(version))
    one.subscribe(kept_topic, options=ONLY_IF_NEW)
    one.message(payload=b"kept")
    one.leave()
    again = client(version, "me", **kept(version))
    again.subscribe(kept_topic, options=ONLY_IF_NEW)
    again.expect_nothing()


@versions(5)
def test_retain_as_published(client, kept_topic, version):
    """[MQTT-3.3.1-12] [MQTT-3.3.1-13]"""
    plain, faithful, sender = client(version), client(version), client(version)
    plain.subscribe(kept_topic, qos=1)
    faithful.subscribe(kept_topic, qos=1, options=RAP)
    sender.publish(kept_topic, b"a", qos=1, retain=True)
    sender.publish(kept_topic, b"b", qos=1, retain=False)
    assert [m.retain for m in plain.messages(2)] == [False, False]
    assert [m.retain for m in faithful.messages(2)] == [True, False]


@versions(5)
def test_properties_are_kept(client, kept_topic, version):
    """[MQTT-3.3.2-17] [MQTT-3.3.2-18]"""
    props = [("payload_format", 1), ("content_type", "c"), ("response_topic", "r"),
             ("correlation_data", b"d"), ("user_property", ("k", "1")),
             ("user_property", ("k", "2"))]
    client(version).publish(kept_topic, b"x", qos=1, retain=True, props=props)
    reader = client(version)
    reader.subscribe(kept_topic)
    assert sorted(map(repr, reader.message().props)) == sorted(map(repr, props))


@versions(5)
def test_expires(client, kept_topic, version):
    """[MQTT-3.3.2-5] [MQTT-3.3.2-6]"""
    client(version).publish(kept_topic, b"x", qos=1, retain=True, props=[("message_expiry", 2)])
    time.sleep(1.1)
    early = client(version)
    early.subscribe(kept_topic)
    assert early.message(payload=b"x").get("message_expiry") == 1
    time.sleep(1.3)
    late = client(version)
    late.subscribe(kept_topic)
    late.expect_nothing()


@versions(5)
def test_not_replayed_to_shared_subscriptions(client, kept_topic, unique, version):
    """[MQTT-3.3.1-9] does not reach shared subscriptions (4.8.2)."""
    client(version).publish(kept_topic, b"kept", qos=1, retain=True)
    reader = client(version)
    reader.subscribe(f"$share/{unique('g')}/{kept_topic}")
    reader.expect_nothing()


@both
def test_qos_of_the_replay_is_the_lesser(client, kept_topic, version):
    client(version).publish(kept_topic, b"x", qos=2, retain=True)
    for qos in (0, 1, 2):
        reader = client(version)
        reader.subscribe(kept_topic, qos=qos)
        reader.message(qos=qos)


@both
def test_large_retained_message(client, kept_topic, version):
    client(version).publish(kept_topic, b"L" * 50000, qos=1, retain=True)
    reader = client(version)
    reader.subscribe(kept_topic, qos=1)
    reader.message(payload=b"L" * 50000, retain=True)
