# SPDX-License-Identifier: Apache-2.0
"""The fixed header, packets in the wrong state, and packets cut short."""

import pytest

from support import wire
from support.marks import both, versions
from support.wire import WireError

PACKET_ID = 9
MALFORMED, PROTOCOL_ERROR = 0x81, 0x82


def samples(version, unique):
    """name: (a valid packet for a connected client, lengths at which a cut body is still valid)"""
    name = unique("t").encode()
    head = 2 + len(name)
    props = [("user_property", ("k", "v")), ("payload_format", 1)]
    user = [("user_property", ("k", "v"))]
    five = version == 5
    publish0 = wire.publish(version, name, b"pay", props=props if five else ())
    start = head + (len(wire.properties(props)) if five else 0)
    publish1 = wire.publish(version, name, b"pay", 1, PACKET_ID, props=props if five else ())
    one = len(wire.text(name)) + 1
    sub_head = 2 + (len(wire.properties(user)) if five else 0)
    two = wire.subscribe(version, PACKET_ID, (name, 1), (name, 0), props=user)
    unsub = wire.unsubscribe(version, PACKET_ID, name, name, props=user)
    reason = [("reason_string", "why")]
    table = {
        "publish-qos0": (publish0, range(start, start + 3)),
        "publish-qos1": (publish1, range(start + 2, start + 5)),
        "subscribe": (two, [sub_head + one]),
        "unsubscribe": (unsub, [sub_head + one - 1]),
        "disconnect": (wire.disconnect(version, 0, reason if five else None), [0, 1]),
    }
    for kind in (wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP):
        table[wire.NAMES[kind].lower()] = (
            wire.ack(version, kind, PACKET_ID, 0, reason if five else None), [2, 3])
    return table


SAMPLES = ["publish-qos0", "publish-qos1", "subscribe", "unsubscribe", "disconnect", "puback",
           "pubrec", "pubrel", "pubcomp"]


def body_of(packet):
    at = 1
    while packet[at] & 0x80:
        at += 1
    return packet[at + 1:]


def expect_malformed(client, *reasons):
    """Refused with one of these reasons in 5.0, closed in the others."""
    client.expect_refusal(*(reasons or (MALFORMED,)))


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_body_cut_short(client, unique, version, name):
    """Each proper prefix of a valid body, framed as if it were whole, is malformed."""
    packet, valid = samples(version, unique)[name]
    body = body_of(packet)
    wrong = (MALFORMED, PROTOCOL_ERROR) if "subscribe" in name else (MALFORMED,)
    for length in range(len(body)):
        if length not in valid:
            one = client(version).send(wire.packet(packet[0] >> 4, body[:length], packet[0] & 15))
            try:
                expect_malformed(one, *wrong)
            except (AssertionError, WireError) as failure:
                raise AssertionError(f"{name} cut to {length} of {len(body)}: {failure}") from None
            one.close()


@both
@pytest.mark.parametrize("name", SAMPLES)
def test_stream_cut_short(client, unique, version, name):
    """A peer that goes away in the middle of a packet has sent nothing."""
    packet, _ = samples(version, unique)[name]
    for length in range(1, len(packet)):
        client(version).send(packet[:length]).drop()


@both
@pytest.mark.parametrize("name", SAMPLES[2:3] + SAMPLES[5:])
def test_bytes_after_the_last_field(client, unique, version, name):
    packet, _ = samples(version, unique)[name]
    kind, flags = packet[0] >> 4, packet[0] & 15
    one = client(version).send(wire.packet(kind, body_of(packet) + b"\x00", flags))
    expect_malformed(one, MALFORMED, PROTOCOL_ERROR)


def connect_samples(version):
    will = wire.Will("w", b"bye", 1, props=[("will_delay", 5)] if version == 5 else ())
    more = {"props": [("session_expiry", 0), ("receive_maximum", 9)]} if version == 5 else {}
    return wire.connect(version, "cut", True, 5, will, "name", b"secret", **more)


@both
def test_connect_cut_short(raw, version):
    """[MQTT-3.1.4-1] A CONNECT that does not hold together is refused; nothing is served."""
    packet = connect_samples(version)
    body = body_of(packet)
    for length in range(len(body)):
        one = raw(version).send(wire.packet(wire.CONNECT, body[:length]), wire.pingreq())
        answers = one.drain()
        good = not answers or (version == 5 and len(answers) == 1
                               and answers[0].kind == wire.CONNACK and answers[0].reason == 0x81)
        assert good, f"CONNECT cut to {length} of {len(body)}: {answers}"
        one.close()


@versions(3, 4, 5)
def test_connect_stream_cut_short(raw, version):
    packet = connect_samples(version)
    for length in range(len(packet)):
        raw(version).send(packet[:length]).drop()


@both
def test_one_byte_at_a_time(raw, unique, version):
    """Framing does not depend on how the bytes arrive. [MQTT-4.2-1] [MQTT-7.1.1-1]"""
    one = raw(version)
    topic = unique()
    stream = wire.connect(version, unique("c")) + wire.subscribe(version, 1, (topic, 0))
    for byte in stream:
        one.send(bytes([byte]))
    one.expect(wire.CONNACK, reason=0)
    one.expect(wire.SUBACK, reasons=[0])
    for byte in wire.publish(version, topic, b"x"):
        one.send(bytes([byte]))
    one.expect(wire.PUBLISH, topic=topic, payload=b"x")


@both
def test_many_packets_in_one_write(raw, unique, version):
    one = raw(version)
    topic = unique()
    one.send(wire.connect(version, unique("c")), wire.subscribe(version, 1, (topic, 0)),
             *[wire.publish(version, topic, b"%d" % i) for i in range(200)], wire.pingreq())
    one.expect(wire.CONNACK, reason=0)
    one.expect(wire.SUBACK, packet_id=1)
    for i in range(200):
        one.expect(wire.PUBLISH, payload=b"%d" % i)
    one.expect(wire.PINGRESP)


@both
@pytest.mark.parametrize("size", [0, 127 - 10, 128, 16383, 16384, 70000])
def test_remaining_length_of_every_width(client, unique, version, size):
    one = client(version)
    topic = unique()
    one.subscribe(topic)
    one.publish(topic, b"z" * size)
    one.expect(wire.PUBLISH, payload=b"z" * size)


@both
@pytest.mark.parametrize("header", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x80\x80\x80\x80\x01",
                                    b"\xc0\x80\x80\x80\x80\x00"])
def test_remaining_length_of_five_bytes(client, version, header):
    expect_malformed(client(version).send(header))


@versions(5)
@pytest.mark.parametrize("length", [b"\x80\x00", b"\x80\x80\x00", b"\x80\x80\x80\x00"])
def test_remaining_length_longer_than_needed(client, version, length):
    """[MQTT-1.5.5-1]"""
    expect_malformed(client(version).send(bytes([wire.PINGREQ << 4]) + length))


@versions(5)
def test_property_length_longer_than_needed(client, unique, version):
    """[MQTT-1.5.5-1]"""
    body = wire.text(unique()) + b"\x80\x00" + b"x"
    expect_malformed(client(version).send(wire.packet(wire.PUBLISH, body)))


RESERVED = [(kind, flags) for kind in (wire.PUBACK, wire.PUBREC, wire.PUBCOMP, wire.PINGREQ,
                                       wire.DISCONNECT) for flags in (1, 2, 8, 15)]
RESERVED += [(kind, flags) for kind in (wire.PUBREL, wire.SUBSCRIBE, wire.UNSUBSCRIBE)
             for flags in (0, 1, 3, 10, 15)]


@both
@pytest.mark.parametrize("kind,flags", RESERVED,
                         ids=[f"{wire.NAMES[k].lower()}-{f:04b}" for k, f in RESERVED])
def test_reserved_flags(client, unique, version, kind, flags):
    """[MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1]
    [MQTT-3.10.1-1] [MQTT-3.14.1-1]"""
    packets = {
        wire.SUBSCRIBE: wire.subscribe(version, PACKET_ID, (unique(), 0)),
        wire.UNSUBSCRIBE: wire.unsubscribe(version, PACKET_ID, unique()),
        wire.PINGREQ: wire.pingreq(),
        wire.DISCONNECT: wire.disconnect(version),
    }
    packet = packets.get(kind) or wire.ack(version, kind, PACKET_ID)
    expect_malformed(client(version).send(bytes([kind << 4 | flags]) + packet[1:]))


@both
@pytest.mark.parametrize("flags", [1, 2, 4, 8, 15])
def test_reserved_flags_of_connect(raw, unique, version, flags):
    packet = wire.connect(version, unique())
    answers = raw(version).send(bytes([packet[0] | flags]) + packet[1:]).drain()
    assert all(a.kind == wire.CONNACK and a.reason == 0x81 for a in answers), answers


@versions(5)
def test_reserved_flags_of_auth(client, version):
    """[MQTT-3.15.1-1]"""
    props = [("auth_method", "m")]
    packet = wire.auth(0x19, props)
    expect_malformed(client(version).send(bytes([packet[0] | 1]) + packet[1:]))


@both
@pytest.mark.parametrize("dup", [False, True], ids=["", "dup"])
def test_both_qos_bits(client, unique, version, dup):
    """[MQTT-3.3.1-4]"""
    body = wire.publish(version, unique(), b"x", 1, PACKET_ID)[1:]
    expect_malformed(client(version).send(bytes([0x36 | (8 if dup else 0)]) + body))


@versions(5)
def test_dup_without_qos(client, unique, version):
    """[MQTT-3.3.1-2] A QoS 0 PUBLISH marked DUP is malformed, or taken without harm."""
    one = client(version).send(wire.publish(version, unique(), b"x", dup=True), wire.pingreq())
    answer = one.receive()
    assert answer.kind == wire.PINGRESP or answer.reason in (MALFORMED, PROTOCOL_ERROR), answer


@both
def test_packet_type_zero(client, version):
    expect_malformed(client(version).send(b"\x00\x00"), MALFORMED, PROTOCOL_ERROR)


@versions(3, 4)
def test_packet_type_fifteen_before_5(client, version):
    client(version).send(b"\xf0\x00").expect_closed()


ANY_STATE = {
    "connack": lambda v: wire.packet(wire.CONNACK, b"\0\0" + (b"\0" if v == 5 else b"")),
    "publish": lambda v: wire.publish(v, "early", b"x"),
    "publish1": lambda v: wire.publish(v, "early", b"x", 1, 1),
    "puback": lambda v: wire.ack(v, wire.PUBACK, 1),
    "pubrec": lambda v: wire.ack(v, wire.PUBREC, 1),
    "pubrel": lambda v: wire.ack(v, wire.PUBREL, 1),
    "pubcomp": lambda v: wire.ack(v, wire.PUBCOMP, 1),
    "subscribe": lambda v: wire.subscribe(v, 1, ("early", 0)),
    "suback": lambda v: wire.packet(wire.SUBACK, b"\0\1" + (b"\0" if v == 5 else b"") + b"\0"),
    "unsubscribe": lambda v: wire.unsubscribe(v, 1, "early"),
    "unsuback": lambda v: wire.packet(wire.UNSUBACK, b"\0\1" + (b"\0\0" if v == 5 else b"")),
    "pingreq": lambda v: wire.pingreq(),
    "pingresp": lambda v: wire.packet(wire.PINGRESP),
    "disconnect": lambda v: wire.disconnect(v),
    "auth": lambda v: wire.auth(0x19, [("auth_method", "m")]),
    "zero": lambda v: b"\x00\x00",
}


@both
@pytest.mark.parametrize("name", ANY_STATE)
def test_anything_before_connect(raw, version, name):
    """[MQTT-3.1.0-1] The first packet is CONNECT; anything else is met with silence and the end.
    [MQTT-3.14.0-1] No DISCONNECT comes before CONNACK."""
    raw(version).send(ANY_STATE[name](version)).expect_closed()


@both
@pytest.mark.parametrize("name", ["connack", "suback", "unsuback", "pingresp"])
def test_packets_only_a_server_sends(client, version, name):
    expect_malformed(client(version).send(ANY_STATE[name](version)), PROTOCOL_ERROR, MALFORMED)


@both
def test_second_connect(client, unique, version):
    """[MQTT-3.1.0-2]"""
    one = client(version)
    one.send(wire.connect(version, unique("again")))
    expect_malformed(one, PROTOCOL_ERROR)


@both
def test_second_connect_in_the_same_write(raw, unique, version):
    """[MQTT-3.2.0-2] Never a second CONNACK."""
    one = raw(version).send(wire.connect(version, unique("c")), wire.connect(version, unique("c")))
    one.expect(wire.CONNACK, reason=0)
    expect_malformed(one, PROTOCOL_ERROR)


@both
def test_nothing_is_processed_after_disconnect(client, unique, version):
    """[MQTT-3.14.4-1] [MQTT-3.14.4-2]"""
    other = client(version)
    topic = unique()
    other.subscribe(topic, qos=1)
    one = client(version)
    one.send(wire.disconnect(version), wire.publish(version, topic, b"late"))
    one.expect_closed()
    other.publish(topic, b"marker", qos=1)
    other.message(payload=b"marker")


@both
def test_nothing_is_processed_after_an_error(client, unique, version):
    """[MQTT-4.8.0-1] [MQTT-4.13.1-1]"""
    other = client(version)
    topic = unique()
    other.subscribe(topic, qos=1)
    one = client(version)
    one.send(wire.packet(wire.PINGREQ, flags=1), wire.publish(version, topic, b"late"))
    expect_malformed(one)
    other.publish(topic, b"marker", qos=1)
    other.message(payload=b"marker")


@both
def test_what_came_before_an_error_counts(client, unique, version):
    """[MQTT-4.8.0-1] [MQTT-4.13.1-1]"""
    other = client(version)
    topic = unique()
    other.subscribe(topic, qos=1)
    one = client(version)
    one.send(wire.publish(version, topic, b"good"), wire.packet(wire.PINGREQ, flags=1))
    expect_malformed(one)
    other.message(payload=b"good")


@versions(3, 4, 5)
def test_ping(client, version):
    """[MQTT-3.12.4-1]"""
    one = client(version)
    for _ in range(3):
        one.send(wire.pingreq())
        one.expect(wire.PINGRESP)


@both
@pytest.mark.parametrize("kind", [wire.PINGREQ])
def test_body_where_there_is_none(client, version, kind):
    expect_malformed(client(version).send(wire.packet(kind, b"\x00")), MALFORMED, PROTOCOL_ERROR)


@versions(3, 4)
def test_disconnect_with_a_body_before_5(client, version):
    client(version).send(wire.packet(wire.DISCONNECT, b"\x00")).expect_closed()
