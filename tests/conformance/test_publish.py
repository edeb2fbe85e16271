# SPDX-License-Identifier: Apache-2.0
"""PUBLISH and its acknowledgements, both ways."""

import pytest

from support import wire
from support.client import Closed
from support.marks import both, every, versions

from test_connect import bad_utf8


def pair(client, unique, version, qos=2):
    """A subscriber, a publisher and a topic between them."""
    topic = unique()
    subscriber = client(version)
    subscriber.subscribe(topic, qos=qos)
    return subscriber, client(version), topic


@every
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_each_qos_is_answered_as_it_must(client, unique, version, qos):
    """[MQTT-3.3.4-1] [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-4.3.2-3] [MQTT-4.3.2-4]
    [MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-3] [MQTT-4.3.3-4] [MQTT-4.3.3-8] [MQTT-4.3.3-11]
    [MQTT-2.3.1-6] [MQTT-2.2.1-5]"""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", qos)
    got = subscriber.message(payload=b"x", topic=topic, qos=qos)
    assert not got.dup and not got.retain
    subscriber.expect_nothing()
    publisher.expect_nothing()


@both
@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("granted", [0, 1, 2])
def test_delivered_qos_is_the_lesser(client, unique, version, published, granted):
    """[MQTT-3.8.4-6] in 3.1.1, [MQTT-3.8.4-8] in 5.0"""
    subscriber, publisher, topic = pair(client, unique, version, granted)
    publisher.publish(topic, b"x", published)
    subscriber.message(qos=min(published, granted))


@both
def test_server_packet_ids(client, unique, version):
    """[MQTT-2.3.1-1] [MQTT-2.3.1-4] [MQTT-2.2.1-4] not zero, not in use; [MQTT-2.3.1-5]
    [MQTT-2.2.1-2] none with QoS 0"""
    subscriber, publisher, topic = pair(client, unique, version)
    for i in range(15):
        publisher.publish(topic, b"%d" % i, qos=i % 3)
    got = [subscriber.message(acknowledge=False) for _ in range(15)]
    ids = [p.packet_id for p in got if p.qos]
    assert len(set(ids)) == 10 and all(ids)
    assert all(p.packet_id is None for p in got if not p.qos)


@both
def test_packet_ids_of_the_two_directions_are_apart(client, unique, version):
    """[MQTT-2.3.1-2] [MQTT-2.2.1-3] A client may use the identifier the server is using."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", qos=1)
    got = subscriber.message(acknowledge=False)
    subscriber.send(wire.publish(version, unique("other"), b"y", 1, got.packet_id))
    subscriber.expect(wire.PUBACK, packet_id=got.packet_id)
    subscriber.acknowledge(got)
    subscriber.expect_nothing()


@both
@pytest.mark.parametrize("qos", [1, 2])
def test_packet_id_zero(client, unique, version, qos):
    """[MQTT-2.3.1-1] [MQTT-2.2.1-3]"""
    one = client(version).send(wire.publish(version, unique(), b"x", qos, 0))
    one.expect_refusal(0x81, 0x82)


@both
def test_packet_id_65535(client, unique, version):
    one = client(version)
    one.send(wire.publish(version, unique(), b"x", 1, 65535))
    one.expect(wire.PUBACK, packet_id=65535)


@both
@pytest.mark.parametrize("qos", [1, 2])
def test_packet_id_is_free_after_the_exchange(client, unique, version, qos):
    """[MQTT-4.3.2-2] [MQTT-4.3.2-5] [MQTT-4.3.3-12] The same identifier is a new message."""
    subscriber, publisher, topic = pair(client, unique, version)
    for i in range(3):
        publisher.next_id = 76
        publisher.publish(topic, b"%d" % i, qos)
        subscriber.message(payload=b"%d" % i)


@both
def test_qos1_dup_is_delivered(client, unique, version):
    """[MQTT-4.3.2-2] [MQTT-3.3.1-3] DUP of what comes in does not travel on."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", qos=1, dup=True)
    assert not subscriber.message(payload=b"x").dup


@both
def test_qos2_repeated_publish_is_one_message(client, unique, version):
    """[MQTT-4.3.3-2] [MQTT-4.3.3-10] Until PUBREL the identifier stands for the same message."""
    subscriber, publisher, topic = pair(client, unique, version)
    for dup in (False, True, True):
        publisher.send(wire.publish(version, topic, b"once", 2, 5, dup=dup))
        assert publisher.expect(wire.PUBREC, packet_id=5).reason in (0, 0x10)
    publisher.send(wire.ack(version, wire.PUBREL, 5))
    publisher.expect(wire.PUBCOMP, packet_id=5, reason=0)
    subscriber.message(payload=b"once", qos=2)
    publisher.publish(topic, b"marker", qos=2)
    subscriber.message(payload=b"marker")


@both
def test_qos2_repeated_pubrel(client, unique, version):
    """[MQTT-4.3.3-11] Each PUBREL gets its PUBCOMP; in 5.0 the second says 0x92."""
    publisher = client(version)
    publisher.publish(unique(), b"x", qos=2)
    publisher.send(wire.ack(version, wire.PUBREL, publisher.next_id))
    again = publisher.expect(wire.PUBCOMP, packet_id=publisher.next_id)
    assert again.reason == (0x92 if version == 5 else 0)


@both
def test_qos2_two_exchanges_interleaved(client, unique, version):
    """[MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4] Answers in the order of the questions."""
    one = client(version)
    topic = unique()
    one.send(*[wire.publish(version, topic, b"x", 2, i) for i in (4, 2, 9)],
             *[wire.publish(version, topic, b"x", 1, i) for i in (8, 3)])
    answers = [one.receive() for _ in range(5)]
    assert [a.packet_id for a in answers if a.kind == wire.PUBREC] == [4, 2, 9]
    assert [a.packet_id for a in answers if a.kind == wire.PUBACK] == [8, 3]
    one.send(*[wire.ack(version, wire.PUBREL, i) for i in (9, 4, 2)])
    assert [one.expect(wire.PUBCOMP).packet_id for _ in range(3)] == [9, 4, 2]


@both
@pytest.mark.parametrize("kind,answer", [(wire.PUBACK, None), (wire.PUBREC, wire.PUBREL),
                                         (wire.PUBREL, wire.PUBCOMP), (wire.PUBCOMP, None)],
                         ids=["puback", "pubrec", "pubrel", "pubcomp"])
def test_acknowledgement_of_nothing(client, version, kind, answer):
    """[MQTT-3.6.2-1] [MQTT-3.7.2-1] An unknown identifier is answered with 0x92 or overlooked."""
    one = client(version).send(wire.ack(version, kind, 4242))
    if answer is None:
        one.expect_nothing()
        return
    packets = one.fence()
    assert len(packets) == 1 and packets[0].kind == answer and packets[0].packet_id == 4242, packets
    assert packets[0].reason == (0x92 if version == 5 else 0)


@both
def test_wrong_acknowledgement_for_the_qos(client, unique, version):
    """A PUBACK for QoS 2 or a PUBCOMP before PUBREL does not end the exchange."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", qos=2)
    got = subscriber.message(acknowledge=False)
    try:
        subscriber.send(wire.ack(version, wire.PUBACK, got.packet_id))
        rest = subscriber.fence()
    except Closed:
        return
    assert all(p.kind == wire.DISCONNECT for p in rest), rest
    if not rest:
        subscriber.acknowledge(got)


@versions(5)
@pytest.mark.parametrize("kind,reason", [(wire.PUBACK, 0x01), (wire.PUBREC, 0x92),
                                         (wire.PUBREL, 0x10), (wire.PUBCOMP, 0x80),
                                         (wire.PUBACK, 0xFF)])
def test_reason_codes_that_do_not_belong(client, version, kind, reason):
    """[MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] Refused or overlooked."""
    one = client(version).send(wire.ack(version, kind, 7, reason), wire.pingreq())
    answer = one.receive()
    if answer.kind == wire.DISCONNECT:
        assert answer.reason in (0x81, 0x82)
        one.expect_closed()


@versions(5)
def test_error_in_pubrec_ends_the_exchange(client, unique, version):
    """[MQTT-4.4.0-2] [MQTT-4.3.3-4] [MQTT-4.3.3-9] No PUBREL follows, and the window is free."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", qos=2)
    got = subscriber.message(acknowledge=False)
    subscriber.send(wire.ack(version, wire.PUBREC, got.packet_id, 0x83))
    subscriber.expect_nothing()


# -- topics -----------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("topic", ["#", "+", "a/#", "a/+/b", "a+", "a#b"])
def test_wildcard_in_a_topic_name(client, unique, version, topic):
    """[MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.0-1]"""
    one = client(version).send(wire.publish(version, topic, b"x"))
    one.expect_refusal(0x90, 0x81, 0x82)


@both
@bad_utf8
def test_topic_that_is_not_utf8(client, version, bad):
    """[MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.3.2-1]
    [MQTT-4.7.3-2]"""
    client(version).send(wire.publish(version, bad, b"x")).expect_refusal(0x81)


@both
def test_empty_topic(client, version):
    """[MQTT-4.7.3-1] In 5.0 an empty topic needs an alias."""
    client(version).send(wire.publish(version, "", b"x")).expect_refusal(0x82, 0x81, 0x90)


@both
@pytest.mark.parametrize("topic", ["{}/", "/{}", "{}//b", "{}/é/\U0001f680", "{} with spaces ",
                                   "{}/\ufeffbom", "{}/A"],
                         ids=["end", "start", "middle", "unicode", "spaces", "bom", "case"])
def test_topics_travel_as_they_are(client, unique, version, topic):
    """[MQTT-4.7.3-4] [MQTT-1.5.3-3] [MQTT-1.5.4-3] No normalisation, nothing stripped."""
    topic = topic.format(unique())
    subscriber, publisher = client(version), client(version)
    subscriber.subscribe(topic)
    for other in (topic + "/", topic.upper(), topic.replace("\ufeff", ""), topic.strip() + "x"):
        if other != topic:
            publisher.publish(other, b"not this")
    publisher.publish(topic, b"this", qos=1)
    subscriber.message(topic=topic, payload=b"this")
    subscriber.expect_nothing()


@both
def test_composed_and_decomposed_letters_differ(client, unique, version):
    """[MQTT-4.7.3-4]"""
    composed, decomposed = unique() + "/\u00e9", unique() + "/e\u0301"
    subscriber, publisher = client(version), client(version)
    subscriber.subscribe(composed)
    publisher.publish(decomposed, b"no", qos=1)
    publisher.publish(composed, b"yes", qos=1)
    subscriber.message(topic=composed, payload=b"yes")


@both
def test_longest_topic(client, unique, version):
    """[MQTT-4.7.3-3] A topic of 65,535 bytes is carried, or refused with a reason; no harm."""
    one = client(version)
    topic = (unique() + "/" + "x" * 65535)[:65535]
    one.send(wire.subscribe(version, 1, (topic, 0)), wire.publish(version, topic, b"x"),
             wire.pingreq())
    try:
        answers = [one.receive()]
        while answers[-1].kind not in (wire.PINGRESP, wire.DISCONNECT):
            answers.append(one.receive())
    except Closed:
        return
    if answers[0].kind == wire.SUBACK and answers[0].reasons == [0]:
        assert answers[1].topic == topic


@both
@pytest.mark.parametrize("levels", [2, 50, 200, 1000, 30000])
def test_many_levels(client, unique, version, levels):
    """Depth is carried or refused; it never harms."""
    one = client(version)
    topic = unique() + "/" * levels
    one.send(wire.publish(version, topic, b"x"), wire.subscribe(version, 2, (topic, 0)),
             wire.pingreq())
    try:
        while one.receive().kind not in (wire.PINGRESP, wire.DISCONNECT):
            pass
    except Closed:
        pass


@both
def test_delivered_topic_matches_the_filter(client, unique, version):
    """[MQTT-3.3.2-3]"""
    subscriber, publisher = client(version), client(version)
    name = unique()
    subscriber.subscribe(f"{name}/+/c")
    publisher.publish(f"{name}/b/d", b"no", qos=1)
    publisher.publish(f"{name}/b/c", b"yes", qos=1)
    subscriber.message(topic=f"{name}/b/c")


@both
def test_client_publishing_below_dollar_sys(client, version):
    """[MQTT-3.3.5-2] A PUBLISH into $SYS is refused or dropped; the exchange is completed or
    the connection closed."""
    one = client(version)
    one.send(wire.publish(version, "$SYS/mine", b"x", 1, 3))
    try:
        answer = one.receive()
    except Closed:
        return
    assert answer.kind in (wire.PUBACK, wire.DISCONNECT), answer


# -- payload and properties -------------------------------------------------------------------


@both
def test_payload_of_any_bytes(client, unique, version):
    subscriber, publisher, topic = pair(client, unique, version)
    for payload in (b"", bytes(range(256)), b"\xff" * 3000):
        publisher.publish(topic, payload, qos=1)
        subscriber.message(payload=payload)


PUBLISH_PROPERTIES = {
    "alias-0": ([("topic_alias", 0)], (0x94,)),
    "alias-65535": ([("topic_alias", 65535)], (0x94,)),
    "subscription-id": ([("subscription_id", 1)], (0x82,)),
    "payload-format-2": ([("payload_format", 2)], (0x81, 0x82)),
    "response-topic-wildcard": ([("response_topic", "a/+")], (0x82, 0x81, 0x90)),
    "response-topic-not-utf8": ([("response_topic", b"\xff")], (0x81,)),
    "content-type-not-utf8": ([("content_type", b"\xff")], (0x81,)),
    "user-name-not-utf8": ([("user_property", (b"\xff", "v"))], (0x81,)),
    "user-value-null": ([("user_property", ("k", "a\0b"))], (0x81,)),
    "unknown": (b"\x7e\x00", (0x81,)),
    "cut": (b"\x02\x00\x00", (0x81,)),
    "identifier-too-long": (b"\x81\x00\x01", (0x81,)),
}
for _name, _value in [("payload_format", 1), ("message_expiry", 9), ("content_type", "x"),
                      ("response_topic", "x"), ("correlation_data", b"x"), ("topic_alias", 1)]:
    PUBLISH_PROPERTIES[f"twice-{_name}"] = ([(_name, _value)] * 2, (0x82, 0x81, 0x94))
for _name, _value in [("session_expiry", 1), ("assigned_client_id", "x"), ("server_keep_alive", 1),
                      ("auth_method", "x"), ("request_problem_info", 1), ("will_delay", 1),
                      ("request_response_info", 1), ("response_info", "x"),
                      ("server_reference", "x"), ("reason_string", "x"), ("receive_maximum", 1),
                      ("topic_alias_maximum", 1), ("maximum_qos", 1), ("retain_available", 1),
                      ("maximum_packet_size", 100), ("wildcard_available", 1),
                      ("subscription_id_available", 1), ("shared_available", 1)]:
    PUBLISH_PROPERTIES[f"misplaced-{_name}"] = ([(_name, _value)], (0x81, 0x82))


@pytest.mark.parametrize("case", PUBLISH_PROPERTIES)
def test_publish_properties_refused(client, unique, case):
    """[MQTT-3.3.2-8] [MQTT-3.3.2-13] [MQTT-3.3.2-14] [MQTT-3.3.2-19] [MQTT-3.3.4-6]
    [MQTT-1.5.7-1] [MQTT-4.13.1-1] [MQTT-4.13.2-1] [MQTT-3.14.2-1]"""
    props, reasons = PUBLISH_PROPERTIES[case]
    one = client(5).send(wire.publish(5, unique(), b"x", props=props))
    one.expect_refusal(*reasons)


@versions(5)
def test_properties_travel_unaltered(client, unique, version):
    """[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18]
    [MQTT-3.3.2-20]"""
    subscriber, publisher, topic = pair(client, unique, version)
    users = [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("é", "\U0001f680")]
    props = [("payload_format", 1), ("content_type", "text/plain; é"), ("response_topic", "r/t"),
             ("correlation_data", b"\x00\xff\x01")] + [("user_property", u) for u in users]
    publisher.publish(topic, "grün".encode(), qos=1, props=props)
    got = subscriber.message()
    assert got.all("user_property") == users
    for name, value in props[:4]:
        assert got.all(name) == [value]
    assert got.get("topic_alias") is None, "the client announced no Topic Alias Maximum"


@versions(5)
def test_empty_properties_travel(client, unique, version):
    """[MQTT-3.3.2-16] [MQTT-3.3.2-20] Present with no bytes is not the same as absent."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"x", props=[("correlation_data", b""), ("content_type", "")])
    got = subscriber.message()
    assert got.all("correlation_data") == [b""] and got.all("content_type") == [""]


@versions(5)
def test_payload_format_is_bytes_for_zero(client, unique, version):
    """[MQTT-3.3.2-4] Zero, or absence, says nothing about the payload."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.publish(topic, b"\xff\xfe", props=[("payload_format", 0)])
    assert subscriber.message(payload=b"\xff\xfe").get("payload_format", 0) == 0


@versions(5)
@pytest.mark.parametrize("qos", [1, 2])
def test_payload_that_is_not_the_format_it_says(client, unique, version, qos):
    """0x99 in the acknowledgement or a DISCONNECT, or carried: the standard leaves it open."""
    subscriber, publisher, topic = pair(client, unique, version)
    publisher.send(wire.publish(version, topic, b"\xff\xfe", qos, 3, props=[("payload_format", 1)]))
    answer = publisher.receive()
    assert answer.reason in (0, 0x10, 0x99), answer


@versions(5)
def test_old_and_new_clients_meet(client, unique, version):
    """A 3.1.1 subscriber gets what a 5.0 client publishes, and the other way round."""
    topic = unique()
    old, new = client(4), client(5)
    old.subscribe(topic, qos=1)
    new.subscribe(topic, qos=1)
    new.publish(topic, b"a", qos=1, props=[("user_property", ("k", "v")), ("message_expiry", 60)])
    old.publish(topic, b"b", qos=1)
    assert {m.payload for m in old.messages(2)} == {b"a", b"b"}
    got = {m.payload: m for m in new.messages(2)}
    assert got[b"a"].get("user_property") == ("k", "v") and got[b"b"].props == []


@versions(5)
def test_no_matching_subscribers(client, unique, version):
    """[MQTT-3.4.2-1] [MQTT-3.5.2-1] 0x10 or 0x00, nothing else."""
    one = client(version)
    assert one.publish(unique(), b"x", qos=1).reason in (0, 0x10)
    assert one.publish(unique(), b"x", qos=2).reason in (0, 0x10)


@versions(5)
@pytest.mark.parametrize("body", [b"\x05", b"\x80\x00\xff", b"\x01", b"\x00\x05"])
def test_disconnect_that_makes_no_sense(client, version, body):
    """[MQTT-3.14.2-1]"""
    client(version).send(wire.packet(wire.DISCONNECT, body)).expect_refusal(0x81, 0x82)


@versions(5)
def test_disconnect_may_not_bring_a_session_to_life(client, version):
    """Session Expiry 0 in CONNECT cannot become more in DISCONNECT."""
    one = client(version).send(wire.disconnect(5, 0, [("session_expiry", 60)]))
    one.expect_refusal(0x82)


@versions(5)
@pytest.mark.parametrize("kind", [wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP])
def test_acknowledgement_properties(client, version, kind):
    one = client(version)
    good = [("reason_string", "why"), ("user_property", ("a", "b")), ("user_property", ("a", "b"))]
    one.send(wire.ack(version, kind, 5, 0x00, good))
    assert all(p.kind in (wire.PUBREL, wire.PUBCOMP) for p in one.fence())
    one.send(wire.ack(version, kind, 5, 0x00, [("topic_alias", 1)])).expect_refusal(0x81, 0x82)
