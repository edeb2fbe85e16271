# SPDX-License-Identifier: Apache-2.0
"""What was sent and not acknowledged comes again, once, in order, under its old identifier."""

import time

import pytest

from support import wire
from support.marks import both, every, versions

from test_010_sessions import kept


def absent_subscriber(client, unique, version, qos=2, **more):
    topic = unique()
    one = client(version, "me", **kept(version))
    one.subscribe(topic, qos=qos, **more)
    return one, client(version), topic


@every
@pytest.mark.parametrize("qos", [1, 2])
def test_messages_wait(client, unique, version, qos):
    """[MQTT-3.1.2-5] [MQTT-4.5.0-1] [MQTT-4.6.0-6] all of them, in order"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    one.vanish()
    for i in range(50):
        publisher.publish(topic, b"%d" % i, qos)
    again = client(version, "me", **kept(version))
    got = again.messages(50, qos=qos)
    assert [int(m.payload) for m in got] == list(range(50))
    assert not any(m.dup for m in got)
    again.expect_nothing()


@both
@pytest.mark.parametrize("qos", [1, 2])
def test_unacknowledged_comes_again(client, unique, version, qos):
    """[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-2.3.1-3] with DUP and the same identifier"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    for i in range(5):
        publisher.publish(topic, b"%d" % i, qos)
    first = [one.message(acknowledge=False) for _ in range(5)]
    assert not any(m.dup for m in first)
    one.drop()
    again = client(version, "me", **kept(version))
    second = [again.message(acknowledge=False) for _ in range(5)]
    assert all(m.dup for m in second)
    assert [(m.packet_id, m.payload, m.qos) for m in first] == [
        (m.packet_id, m.payload, m.qos) for m in second]
    for m in second:
        again.acknowledge(m)
    again.expect_nothing()


@both
def test_nothing_comes_again_while_connected(client, unique, version):
    """[MQTT-4.4.0-1] A silent receiver is left alone."""
    one, publisher, topic = absent_subscriber(client, unique, version)
    publisher.publish(topic, b"x", qos=1)
    one.message(acknowledge=False)
    time.sleep(0.5)
    one.expect_nothing()


@both
def test_acknowledged_does_not_come_again(client, unique, version):
    """[MQTT-4.3.2-1] [MQTT-4.3.3-1]"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    for i in range(4):
        publisher.publish(topic, b"%d" % i, qos=1)
    got = [one.message(acknowledge=False) for _ in range(4)]
    one.acknowledge(got[0])
    one.acknowledge(got[2])
    one.expect_nothing()
    one.drop()
    again = client(version, "me", **kept(version))
    assert [m.payload for m in again.messages(2)] == [b"1", b"3"]
    again.expect_nothing()


@both
def test_pubrel_comes_again(client, unique, version):
    """[MQTT-4.4.0-1] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.3.3-1] After PUBREC it is PUBREL that
    is repeated, never PUBLISH."""
    one, publisher, topic = absent_subscriber(client, unique, version)
    publisher.publish(topic, b"x", qos=2)
    got = one.message(acknowledge=False)
    one.send(wire.ack(version, wire.PUBREC, got.packet_id))
    one.expect(wire.PUBREL, packet_id=got.packet_id)
    one.drop()
    again = client(version, "me", **kept(version))
    again.expect(wire.PUBREL, packet_id=got.packet_id, reason=0)
    again.send(wire.ack(version, wire.PUBCOMP, got.packet_id))
    again.expect_nothing()
    again.drop()
    client(version, "me", **kept(version)).expect_nothing()


@both
def test_resend_keeps_the_order_with_what_is_new(client, unique, version):
    """[MQTT-4.6.0-1] [MQTT-4.6.0-5] [MQTT-4.6.0-6]"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    for i in range(3):
        publisher.publish(topic, b"%d" % i, qos=1)
    for _ in range(3):
        one.message(acknowledge=False)
    one.drop()
    for i in range(3, 6):
        publisher.publish(topic, b"%d" % i, qos=1)
    again = client(version, "me", **kept(version))
    got = again.messages(6)
    assert [int(m.payload) for m in got] == list(range(6))
    # What came while the lost connection was not yet noticed may have been sent there, too.
    assert all(m.dup for m in got[:3])


@both
def test_qos2_of_the_client_survives_the_connection(client, unique, version):
    """[MQTT-4.3.3-10] [MQTT-4.3.3-2] A PUBLISH repeated after a reconnection is the same one."""
    reader, topic = client(version), unique()
    reader.subscribe(topic, qos=2)
    one = client(version, "sender", **kept(version))
    one.send(wire.publish(version, topic, b"once", 2, 11))
    one.expect(wire.PUBREC, packet_id=11)
    one.drop()
    again = client(version, "sender", **kept(version))
    assert again.connack.session_present
    again.send(wire.publish(version, topic, b"once", 2, 11, dup=True))
    again.expect(wire.PUBREC, packet_id=11)
    again.send(wire.ack(version, wire.PUBREL, 11))
    again.expect(wire.PUBCOMP, packet_id=11, reason=0)
    reader.message(payload=b"once")
    again.publish(topic, b"marker", qos=2)
    reader.message(payload=b"marker")
    reader.expect_nothing()


@both
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_order_of_a_burst(client, unique, version, qos):
    """[MQTT-4.6.0-5] [MQTT-4.6.0-6] A thousand messages arrive as they left."""
    reader, sender, topic = client(version), client(version), unique()
    reader.subscribe(topic, qos=qos)
    sent = 0
    for _ in range(50):
        sender.send(*[wire.publish(version, topic, b"%d" % (sent + i), qos,
                                   sent + i + 1 if qos else None) for i in range(20)])
        sent += 20
        if qos:
            ids = [sender.receive().packet_id for _ in range(20)]
            assert ids == list(range(sent - 19, sent + 1))
        if qos == 2:
            sender.send(*[wire.ack(version, wire.PUBREL, i) for i in ids])
            assert [sender.expect(wire.PUBCOMP).packet_id for _ in ids] == ids
    got = reader.messages(1000)
    assert [int(m.payload) for m in got] == list(range(1000))


@both
def test_acknowledgements_out_of_order(client, unique, version):
    """[MQTT-4.6.0-1] A receiver that answers in another order loses nothing."""
    one, publisher, topic = absent_subscriber(client, unique, version)
    for i in range(6):
        publisher.publish(topic, b"%d" % i, qos=1)
    got = [one.message(acknowledge=False) for _ in range(6)]
    for i in (5, 0, 3):
        one.acknowledge(got[i])
    one.expect_nothing()
    one.drop()
    again = client(version, "me", **kept(version))
    assert [int(m.payload) for m in again.messages(3)] == [1, 2, 4]


@both
def test_qos0_is_not_repeated(client, unique, version):
    """[MQTT-4.3.1-1] [MQTT-3.3.1-2]"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    publisher.publish(topic, b"x", qos=0)
    one.message(qos=0, dup=False)
    one.drop()
    client(version, "me", **kept(version)).expect_nothing()


@versions(5)
def test_error_in_puback_ends_it(client, unique, version):
    """[MQTT-4.4.0-2]"""
    one, publisher, topic = absent_subscriber(client, unique, version)
    for qos in (1, 2):
        publisher.publish(topic, b"x", qos)
        got = one.message(acknowledge=False)
        kind = wire.PUBACK if qos == 1 else wire.PUBREC
        one.send(wire.ack(version, kind, got.packet_id, 0x80, [("reason_string", "no")]))
    one.expect_nothing()
    one.drop()
    client(version, "me", **kept(version)).expect_nothing()


@both
def test_fan_out(client, unique, version):
    """[MQTT-4.5.0-1] Thirty readers, one copy each."""
    topic = unique()
    readers = [client(version) for _ in range(30)]
    for one in readers:
        one.subscribe(topic, qos=1)
    sender = client(version)
    for i in range(10):
        sender.publish(topic, b"%d" % i, qos=1)
    for one in readers:
        assert [int(m.payload) for m in one.messages(10)] == list(range(10))
        one.expect_nothing()
