# SPDX-License-Identifier: Apache-2.0
"""Receive Maximum and Maximum Packet Size, both ways, and the limits of a queue."""

import pytest

from support import wire
from support.client import Closed
from support.marks import both, only_tacit, versions

from test_010_sessions import kept


@versions(5)
@pytest.mark.parametrize("window", [1, 2, 7])
@pytest.mark.parametrize("qos", [1, 2])
def test_window_of_the_client(client, unique, version, window, qos):
    """[MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] [MQTT-4.3.3-3]"""
    topic = unique()
    reader = client(version, props=[("receive_maximum", window)])
    reader.subscribe(topic, qos=qos)
    sender = client(version)
    for i in range(10):
        sender.publish(topic, b"%d" % i, qos)
    seen = []
    while len(seen) < 10:
        batch = [reader.message(acknowledge=False)
                 for _ in range(min(window, 10 - len(seen)))]
        reader.expect_nothing()
        seen += [int(m.payload) for m in batch]
        for m in batch:
            kind = wire.PUBACK if qos == 1 else wire.PUBREC
            reader.send(wire.ack(version, kind, m.packet_id))
        if qos == 2:
            for m in batch:
                reader.expect(wire.PUBREL, packet_id=m.packet_id)
            reader.expect_nothing()
            reader.send(*[wire.ack(version, wire.PUBCOMP, m.packet_id) for m in batch])
    assert seen == list(range(10))


@versions(5)
def test_qos0_passes_a_closed_window(client, unique, version):
    """[MQTT-4.9.0-3] [MQTT-3.3.4-10]"""
    topic = unique()
    reader = client(version, props=[("receive_maximum", 1)])
    reader.subscribe(topic, qos=1)
    sender = client(version)
    sender.publish(topic, b"a", qos=1)
    sender.publish(topic, b"b", qos=1)
    held = reader.message(payload=b"a", acknowledge=False)
    sender.publish(topic, b"zero", qos=0)
    reader.message(payload=b"zero", qos=0)
    other = unique("other")
    reader.subscribe(other)
    reader.unsubscribe(other)
    reader.acknowledge(held)
    reader.message(payload=b"b")


@versions(5)
def test_error_in_pubrec_opens_the_window(client, unique, version):
    """[MQTT-4.9.0-2]"""
    topic = unique()
    reader = client(version, props=[("receive_maximum", 1)])
    reader.subscribe(topic, qos=2)
    sender = client(version)
    for text in (b"a", b"b"):
        sender.publish(topic, text, qos=2)
    first = reader.message(payload=b"a", acknowledge=False)
    reader.send(wire.ack(version, wire.PUBREC, first.packet_id, 0x80))
    reader.message(payload=b"b")


@versions(5)
def test_window_is_the_connections_own(client, unique, version):
    """A narrower window after a reconnection holds for what is resent, too."""
    topic = unique()
    reader = client(version, "me", clean=False, props=[("session_expiry", 60)])
    reader.subscribe(topic, qos=1)
    sender = client(version)
    for i in range(6):
        sender.publish(topic, b"%d" % i, qos=1)
    for _ in range(6):
        reader.message(acknowledge=False)
    reader.drop()
    again = client(version, "me", clean=False,
                   props=[("session_expiry", 60), ("receive_maximum", 2)])
    seen = []
    for _ in range(3):
        batch = [again.message(acknowledge=False) for _ in range(2)]
        again.expect_nothing()
        seen += batch
        for m in batch:
            again.acknowledge(m)
    assert [int(m.payload) for m in seen] == list(range(6))
    assert all(m.dup for m in seen)


@only_tacit
@versions(5)
def test_window_of_the_server(variant, clients, unique, version):
    """[MQTT-3.3.4-7] What the server announced is what it enforces: 0x93 beyond it."""
    one = clients(variant(limits={"receive-maximum": 20})).open(unique("me"))
    window = one.connack.get("receive_maximum")
    assert window == 20
    one.send(*[wire.publish(version, unique(), b"x", 2, i) for i in range(1, window + 2)])
    for i in range(1, window + 1):
        one.expect(wire.PUBREC, packet_id=i)
    one.expect_refusal(0x93)


@versions(5)
def test_largest_packet_of_the_client(client, unique, version):
    """[MQTT-3.1.2-24] [MQTT-3.1.2-25] Too large is as good as sent: it is dropped, not queued."""
    topic = unique()
    reader = client(version, "me", clean=False,
                    props=[("maximum_packet_size", 200), ("session_expiry", 60)])
    reader.subscribe(topic, qos=2)
    sender = client(version)
    for qos in (0, 1, 2):
        sender.publish(topic, b"x" * 300, qos)
        sender.publish(topic, b"small", qos)
    got = reader.messages(3)
    assert all(m.payload == b"small" and m.size <= 200 for m in got)
    reader.expect_nothing()
    reader.drop()
    again = client(version, "me", clean=False, props=[("session_expiry", 60)])
    again.expect_nothing()


@versions(5)
def test_exactly_the_largest_packet(client, unique, version):
    """[MQTT-3.1.2-24]"""
    topic = unique()
    limit = 120
    reader = client(version, props=[("maximum_packet_size", limit)])
    reader.subscribe(topic)
    sender = client(version)
    room = limit - 2 - 2 - len(topic) - 1
    sender.publish(topic, b"x" * (room + 1))
    sender.publish(topic, b"y" * room)
    assert reader.message(payload=b"y" * room).size == limit


@versions(5)
def test_too_large_in_a_shared_subscription_goes_to_nobody_or_another(client, unique, version):
    """[MQTT-3.1.2-25] The small client is never sent it."""
    topic, share = unique(), unique("g")
    small = client(version, props=[("maximum_packet_size", 100)])
    small.subscribe(f"$share/{share}/{topic}", qos=1)
    sender = client(version)
    sender.publish(topic, b"x" * 200, qos=1)
    sender.publish(topic, b"ok", qos=1)
    small.message(payload=b"ok")


@only_tacit
@versions(5)
def test_too_large_for_the_server(variant, clients, unique, version):
    """[MQTT-3.2.2-15] An announced limit is enforced, from the fixed header: 0x95."""
    broker = variant(limits={"packet-bytes": 2000})
    one = clients(broker).open(unique())
    limit = one.connack.get("maximum_packet_size")
    assert limit == 2000
    topic = unique()
    room = limit - 3 - 2 - len(topic) - 1
    one.subscribe(topic)
    one.publish(topic, b"x" * room)
    assert one.message().size == limit
    one.send(bytes([wire.PUBLISH << 4]) + wire.varint(limit))
    one.expect_refusal(0x95)
    old = clients(broker, 4).open(unique("old"))
    old.send(bytes([wire.PUBLISH << 4]) + wire.varint(limit)).expect_closed()


@only_tacit
@both
def test_queue_of_an_absent_client_has_a_bound(variant, clients, unique, version):
    """Beyond the bound messages are not kept, and their publisher is not told that they are: in
    MQTT 5 by a reason, before by a connection that ends without an acknowledgement."""
    broker = variant(limits={"session-queue-messages": 20})
    topic = unique()
    one = clients(broker, version).open(unique("me"), **kept(version))
    one.subscribe(topic, qos=1)
    one.drop()
    taken = []
    for i in range(30):
        sender = clients(broker, version).open(unique("s"))
        try:
            answer = sender.publish(topic, b"%d" % i, qos=1, reason=(0, 0x97))
        except Closed:
            assert version == 4
            continue
        assert version == 5 or answer.reason == 0
        if answer.reason == 0:
            taken.append(i)
    assert taken == list(range(20))
    again = clients(broker, version).open(unique("me"), **kept(version))
    got = [int(again.message().payload) for _ in taken]
    assert got == taken, "what was acknowledged, in order"
    again.expect_nothing()


@versions(5)
def test_window_of_the_server_is_not_announced_unless_configured(client, version):
    assert client(version).connack.get("receive_maximum") in (None, 20)


@both
def test_reader_that_does_not_read(client, unique, version):
    """A client that stops reading costs the broker a bounded queue and hurts nobody else."""
    topic = unique()
    stuck, awake, sender = client(version), client(version), client(version)
    stuck.subscribe(topic)
    awake.subscribe(topic)
    for i in range(40):
        sender.send(*[wire.publish(version, topic, b"%d" % i + b"x" * 60000)] * 4)
        for _ in range(4):
            awake.message()
    sender.expect_nothing()
