# SPDX-License-Identifier: Apache-2.0
"""Messages with a lifetime."""

import time

import pytest

from support import wire
from support.marks import versions

from test_010_sessions import kept


def absent(client, unique, **more):
    topic = unique()
    one = client(5, "me", **kept(5), **more)
    one.subscribe(topic, qos=2)
    one.drop()
    return topic


@versions(5)
def test_at_once_it_is_what_it_was(client, unique, version):
    """[MQTT-3.3.2-6]"""
    topic, reader = unique(), client(version)
    reader.subscribe(topic)
    for seconds in (5, 100, 0xFFFFFFFF):
        client(version).publish(topic, b"x", props=[("message_expiry", seconds)])
        assert seconds - 1 <= reader.message().get("message_expiry") <= seconds


@versions(5)
def test_waiting_counts(client, unique, version):
    """[MQTT-3.3.2-5] [MQTT-3.3.2-6] Two seconds in the queue are two seconds less; what ran out
    is gone; what has no lifetime stays."""
    topic = absent(client, unique)
    sender = client(version)
    for text, seconds in ((b"short", 1), (b"long", 10), (b"two", 2)):
        sender.publish(topic, text, qos=1, props=[("message_expiry", seconds)])
    sender.publish(topic, b"for ever", qos=1)
    time.sleep(2.1)
    again = client(version, "me", **kept(5))
    got = again.messages(2)
    assert [m.payload for m in got] == [b"long", b"for ever"]
    assert got[0].get("message_expiry") in (7, 8)
    assert got[1].get("message_expiry") is None
    again.expect_nothing()


@versions(5)
def test_waiting_behind_a_window_counts(client, unique, version):
    """[MQTT-3.3.2-5] also for a client that is connected and slow"""
    topic = unique()
    reader = client(version, props=[("receive_maximum", 1)])
    reader.subscribe(topic, qos=1)
    sender = client(version)
    for text, seconds in ((b"first", 1), (b"second", 1), (b"third", 30)):
        sender.publish(topic, text, qos=1, props=[("message_expiry", seconds)])
    first = reader.message(payload=b"first", acknowledge=False)
    time.sleep(1.2)
    reader.acknowledge(first)
    reader.message(payload=b"third")


@versions(5)
@pytest.mark.parametrize("qos", [1, 2])
def test_what_was_sent_is_resent_whatever_its_age(client, unique, version, qos):
    """[MQTT-4.3.3-7] [MQTT-4.3.3-13] [MQTT-4.4.0-1]"""
    topic = unique()
    one = client(version, "me", **kept(5))
    one.subscribe(topic, qos=2)
    client(version).publish(topic, b"x", qos, props=[("message_expiry", 1)])
    first = one.message(acknowledge=False)
    one.drop()
    time.sleep(1.2)
    again = client(version, "me", **kept(5))
    second = again.message(payload=b"x", acknowledge=False)
    assert second.dup and second.packet_id == first.packet_id
    again.acknowledge(second)


@versions(5)
def test_exchange_ends_after_the_message_expired(client, unique, version):
    """[MQTT-4.3.3-13] The sender's exchange is completed although the message is stale."""
    topic = absent(client, unique)
    sender = client(version)
    sender.send(wire.publish(5, topic, b"x", 2, 9, props=[("message_expiry", 1)]))
    assert sender.expect(wire.PUBREC, packet_id=9).reason in (0, 0x10)
    time.sleep(1.2)
    sender.send(wire.ack(5, wire.PUBREL, 9))
    sender.expect(wire.PUBCOMP, packet_id=9, reason=0)
    client(version, "me", **kept(5)).expect_nothing()
