# SPDX-License-Identifier: Apache-2.0
"""CONNECT and CONNACK: flags, identifiers, wills as fields, properties, refusals."""

import random
import time

import pytest

from support import wire
from support.marks import both, every, old, versions

BAD_UTF8 = {
    "surrogate": b"\xed\xa0\x80", "surrogate-end": b"\xed\xbf\xbf", "overlong": b"\xc0\xaf",
    "overlong-3": b"\xe0\x80\xaf", "overlong-null": b"\xc0\x80", "beyond": b"\xf4\x90\x80\x80",
    "lone": b"a\x80", "cut": b"a\xe2\x82", "five-bytes": b"\xf8\x88\x80\x80\x80", "fe": b"\xfe",
    "null": b"a\x00b",
}
bad_utf8 = pytest.mark.parametrize("bad", BAD_UTF8.values(), ids=BAD_UTF8)


def refused(client, *reasons):
    """5.0: CONNACK with one of the reasons and the end, or only the end. Before: only the end."""
    answers = client.drain()
    if client.version == 5 and answers:
        assert len(answers) == 1 and answers[0].kind == wire.CONNACK, answers
        wanted = ", ".join(f"0x{r:02x}" for r in reasons)
        assert answers[0].reason in reasons, f"expected CONNACK {wanted}, got {answers[0]}"
        assert not answers[0].session_present
    else:
        assert not answers, answers


def refused_with(client, *reasons):
    """Refused by a CONNACK that says why."""
    answer = client.expect(wire.CONNACK)
    assert answer.reason in reasons, answer
    assert not answer.session_present
    client.expect_closed()


@every
def test_accepted(raw, unique, version):
    """[MQTT-3.1.4-4] [MQTT-3.1.4-5] [MQTT-3.2.0-1] CONNACK with code 0 comes first."""
    one = raw(version).send(wire.connect(version, unique()))
    answer = one.expect(wire.CONNACK, reason=0)
    assert not answer.session_present
    one.expect_nothing()


@every
def test_connack_comes_before_what_the_session_holds(client, unique, version):
    """[MQTT-3.2.0-1] also where messages wait."""
    props = {"props": [("session_expiry", 60)]} if version == 5 else {}
    one = client(version, "kept", clean=False, **props)
    topic = unique()
    one.subscribe(topic, qos=1)
    one.drop()
    client(version).publish(topic, b"waiting", qos=1)
    again = client(version, "kept", clean=False, **props)
    assert again.connack.kind == wire.CONNACK
    again.message(payload=b"waiting")


@every
@pytest.mark.parametrize("name", ["", "MQT", "mqtt", "MQTT ", "MQIsdP", "AMQP", "MQTTMQTT"])
def test_wrong_protocol_name(raw, unique, version, name):
    """[MQTT-3.1.2-1]"""
    one = raw(version).send(wire.connect(version, unique(), name=name))
    refused(one, 0x84, 0x81, 0x82)


@pytest.mark.parametrize("level", [6, 7, 127, 255])
def test_unknown_level(raw, unique, level):
    """[MQTT-3.1.2-2] An unknown version is told so, in the form of the newest or the oldest."""
    one = raw(5).send(wire.connect(5, unique(), level=level))
    one.need(4, time.monotonic() + 3)
    assert one.buffer[0] == wire.CONNACK << 4 and one.buffer[2] == 0
    assert one.buffer[3] in (0x84, 0x01), one.buffer
    one.buffer = b""
    assert one.drain() == []


@pytest.mark.parametrize("level", [0, 1, 2])
def test_level_too_old(raw, unique, level):
    """[MQTT-3.1.2-2]"""
    one = raw(4).send(wire.connect(4, unique(), level=level))
    answers = one.drain()
    assert all(a.reason in (0x01, 0x84) for a in answers), answers


@both
def test_reserved_connect_flag(raw, unique, version):
    """[MQTT-3.1.2-3]"""
    refused(raw(version).send(wire.connect(version, unique(), flags=0x03)), 0x81)


@both
def test_will_qos_three(raw, unique, version):
    """[MQTT-3.1.2-14] in 3.1.1, [MQTT-3.1.2-12] in 5.0"""
    will = wire.Will(unique("w"), b"x")
    refused(raw(version).send(wire.connect(version, unique(), will=will, flags=0x02 | 0x04 | 0x18)),
            0x81)


@both
@pytest.mark.parametrize("flags", [0x08, 0x10, 0x18, 0x20, 0x28])
def test_will_bits_without_a_will(raw, unique, version, flags):
    """[MQTT-3.1.2-11] [MQTT-3.1.2-13] [MQTT-3.1.2-15]"""
    refused(raw(version).send(wire.connect(version, unique(), flags=0x02 | flags)), 0x81)


@both
def test_will_flag_without_its_fields(raw, unique, version):
    """[MQTT-3.1.2-9]"""
    refused(raw(version).send(wire.connect(version, unique(), flags=0x06)), 0x81)


@both
def test_will_fields_without_the_flag(raw, unique, version):
    """[MQTT-3.1.2-11] What is not announced is left over, and that is malformed."""
    will = wire.Will(unique("w"), b"x")
    refused(raw(version).send(wire.connect(version, unique(), will=will, flags=0x02)), 0x81)


@old
def test_password_without_user_name(raw, unique, version):
    """[MQTT-3.1.2-22]"""
    answers = raw(version).send(wire.connect(version, unique(), password=b"x")).drain()
    assert all(a.reason != 0 for a in answers), answers


@versions(5)
def test_password_without_user_name_is_allowed(raw, unique, version):
    raw(version).open(unique(), password=b"x")


@both
@pytest.mark.parametrize("flags,fields", [(0x82, {}), (0x02, {"username": "u"}),
                                          (0xC2, {"username": "u"}),
                                          (0x82, {"username": "u", "password": b"p"})],
                         ids=["name-missing", "name-too-many", "password-missing",
                              "password-too-many"])
def test_user_name_and_password_flags(raw, unique, version, flags, fields):
    """[MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-18] [MQTT-3.1.2-19] [MQTT-3.1.2-20]
    [MQTT-3.1.2-21]"""
    refused(raw(version).send(wire.connect(version, unique(), flags=flags, **fields)), 0x81)


@every
def test_user_name_and_password_are_taken(raw, unique, version):
    raw(version).open(unique(), username="user", password=b"\x00\xff secret")


@both
def test_bytes_after_the_payload(raw, unique, version):
    """[MQTT-3.1.3-1]"""
    body = wire.connect(version, unique())[2:]
    refused(raw(version).send(wire.packet(wire.CONNECT, body + b"\0")), 0x81)


@both
@bad_utf8
@pytest.mark.parametrize("field", ["client_id", "username", "will"])
def test_strings_that_are_not_utf8(raw, unique, version, field, bad):
    """[MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.1.3-4]
    [MQTT-3.1.3-10] [MQTT-3.1.3-11] [MQTT-3.1.3-12]"""
    value = wire.Will(bad, b"x") if field == "will" else bad
    fields = {"client_id": unique(), field: value}
    refused(raw(version).send(wire.connect(version, **fields)), 0x81)


@both
@pytest.mark.parametrize("topic", [b"", b"a/#", b"+", b"a/+/b"])
def test_will_topic_that_is_no_topic_name(raw, unique, version, topic):
    """[MQTT-3.1.4-1] [MQTT-4.7.3-1] [MQTT-4.7.1-1]"""
    will = wire.Will(topic, b"x")
    refused(raw(version).send(wire.connect(version, unique(), will=will)), 0x81, 0x82, 0x90)


@both
def test_client_id_of_23_letters_and_digits(raw, version):
    """[MQTT-3.1.3-5]"""
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for part in (letters[:23], letters[20:43], letters[39:62]):
        end = "".join(random.choice(letters) for _ in range(8))
        raw(version).open(part[:15] + end)


@both
def test_client_id_of_one_byte(raw, version):
    """[MQTT-3.1.3-5]"""
    raw(version).open("Z").leave()


@both
def test_client_id_of_other_characters(raw, unique, version):
    raw(version).open(unique("é/+#$\U0001f600" + "x" * 100))


@versions(4)
def test_empty_client_id_with_clean_session(raw, version):
    """[MQTT-3.1.3-6] Two clients without an identifier do not meet."""
    first, second = raw(version).open(""), raw(version).open("")
    first.expect_nothing()
    second.expect_nothing()


@versions(4)
def test_empty_client_id_without_clean_session(raw, version):
    """[MQTT-3.1.3-7] [MQTT-3.1.3-8] [MQTT-3.1.3-9]"""
    refused_with(raw(version).send(wire.connect(version, "", clean=False)), 0x02)


@versions(3)
def test_empty_client_id_in_3_1(raw, version):
    answers = raw(version).send(wire.connect(version, "")).drain()
    assert all(a.reason == 0x02 for a in answers), answers


@versions(5)
@pytest.mark.parametrize("clean", [False, True])
def test_client_id_is_assigned(raw, unique, version, clean):
    """[MQTT-3.1.3-6] [MQTT-3.1.3-7] [MQTT-3.2.2-16]"""
    props = [("session_expiry", 30)]
    one, two = (raw(version).open("", clean, props=props) for _ in range(2))
    names = {c.connack.get("assigned_client_id") for c in (one, two)}
    assert len(names) == 2 and all(names)
    name = one.connack.get("assigned_client_id")
    one.drop()
    again = raw(version).open(name, clean=False, props=props)
    assert again.connack.session_present and again.connack.get("assigned_client_id") is None


@versions(5)
def test_no_assigned_client_id_where_one_was_given(client, version):
    assert client(version).connack.get("assigned_client_id") is None


@versions(5)
def test_connack_properties(client, version):
    """[MQTT-3.2.2-9] Limits announced are ones the standard lets a server announce."""
    answer = client(version).connack
    for name in ("retain_available", "wildcard_available", "shared_available",
                 "subscription_id_available"):
        assert answer.get(name, 1) == 1
    assert answer.get("maximum_qos", 2) in (0, 1, 2)
    assert answer.get("receive_maximum", 1) > 0
    assert answer.get("maximum_packet_size", 1) > 0
    assert answer.get("server_keep_alive") is None, "keep alive 0 was asked for and is granted"


PROTOCOL, MALFORMED = (0x82,), (0x81,)
EITHER = (0x81, 0x82)
CONNECT_PROPERTIES = {
    "receive-maximum-0": ([("receive_maximum", 0)], PROTOCOL),
    "maximum-packet-size-0": ([("maximum_packet_size", 0)], PROTOCOL),
    "problem-info-2": ([("request_problem_info", 2)], PROTOCOL),
    "response-info-2": ([("request_response_info", 2)], PROTOCOL),
    "auth-data-alone": ([("auth_data", b"x")], PROTOCOL),
    "unknown-property": (b"\x7f\x00", MALFORMED),
    "unknown-property-0": (b"\x00\x00", MALFORMED),
    "unknown-two-bytes": (b"\x80\x01\x00", MALFORMED),
    "value-missing": (b"\x11\x00\x00", MALFORMED),
    "identifier-only": (b"\x21", MALFORMED),
    "text-too-long": (b"\x15\x00\x09abc", MALFORMED),
    "pair-without-value": (b"\x26\x00\x01k", MALFORMED),
    "user-property-not-utf8": (b"\x26\x00\x01\xff\x00\x01v", MALFORMED),
    "user-value-not-utf8": (b"\x26\x00\x01k\x00\x01\xff", MALFORMED),
}
for _name, _value in [("session_expiry", 1), ("receive_maximum", 5), ("maximum_packet_size", 500),
                      ("topic_alias_maximum", 5), ("request_response_info", 1),
                      ("request_problem_info", 1), ("auth_method", "m"), ("auth_data", b"x")]:
    _pairs = [("auth_method", "m")] if _name == "auth_data" else []
    CONNECT_PROPERTIES[f"twice-{_name}"] = (_pairs + [(_name, _value)] * 2, PROTOCOL)
for _name, _value in [("payload_format", 1), ("message_expiry", 1), ("content_type", "t"),
                      ("response_topic", "t"), ("correlation_data", b"x"), ("subscription_id", 1),
                      ("assigned_client_id", "x"), ("server_keep_alive", 1), ("will_delay", 1),
                      ("response_info", "x"), ("server_reference", "x"), ("reason_string", "x"),
                      ("topic_alias", 1), ("maximum_qos", 1), ("retain_available", 1),
                      ("wildcard_available", 1), ("subscription_id_available", 1),
                      ("shared_available", 1)]:
    CONNECT_PROPERTIES[f"misplaced-{_name}"] = ([(_name, _value)], EITHER)


@pytest.mark.parametrize("case", CONNECT_PROPERTIES)
def test_connect_properties_refused(raw, unique, case):
    """[MQTT-3.1.4-1] [MQTT-3.1.4-2] [MQTT-1.5.7-1] [MQTT-3.2.2-7] [MQTT-3.2.2-8]"""
    props, reasons = CONNECT_PROPERTIES[case]
    refused(raw(5).send(wire.connect(5, unique(), props=props)), *reasons)


WILL_PROPERTIES = {
    "twice-will_delay": ([("will_delay", 1)] * 2, PROTOCOL),
    "twice-payload_format": ([("payload_format", 1)] * 2, PROTOCOL),
    "twice-message_expiry": ([("message_expiry", 1)] * 2, PROTOCOL),
    "twice-content_type": ([("content_type", "x")] * 2, PROTOCOL),
    "twice-response_topic": ([("response_topic", "x")] * 2, PROTOCOL),
    "twice-correlation_data": ([("correlation_data", b"x")] * 2, PROTOCOL),
    "payload-format-2": ([("payload_format", 2)], EITHER),
    "response-topic-wildcard": ([("response_topic", "a/#")], EITHER + (0x90,)),
    "response-topic-empty": ([("response_topic", "")], EITHER + (0x90,)),
    "misplaced-topic_alias": ([("topic_alias", 1)], EITHER),
    "misplaced-session_expiry": ([("session_expiry", 1)], EITHER),
    "misplaced-subscription_id": ([("subscription_id", 1)], EITHER),
    "unknown": (b"\x7f\x00", MALFORMED),
    "cut": (b"\x18\x00\x00", MALFORMED),
    "content-type-not-utf8": (b"\x03\x00\x01\xff", MALFORMED),
}


@pytest.mark.parametrize("case", WILL_PROPERTIES)
def test_will_properties_refused(raw, unique, case):
    """[MQTT-3.1.4-1] [MQTT-3.3.2-13] [MQTT-3.3.2-14] [MQTT-3.3.2-19]"""
    props, reasons = WILL_PROPERTIES[case]
    will = wire.Will(unique("w"), b"x", props=props)
    refused(raw(5).send(wire.connect(5, unique(), will=will)), *reasons)


def test_property_length_beyond_the_packet(raw, unique):
    body = wire.text("MQTT") + b"\x05\x02\x00\x00" + b"\x40" + wire.text(unique())
    refused(raw(5).send(wire.packet(wire.CONNECT, body)), 0x81)


def test_nothing_is_processed_after_a_refusal(raw, client, unique):
    """[MQTT-3.1.4-6] and [MQTT-3.1.4-5] of 3.1.1"""
    topic = unique()
    watch = client(5)
    watch.subscribe(topic, qos=1)
    for version in (4, 5):
        bad = wire.connect(version, unique("bad"), flags=0x03)
        raw(version).send(bad, wire.publish(version, topic, b"no")).drain()
    watch.publish(topic, b"marker", qos=1)
    watch.message(payload=b"marker")


def test_refusal_has_no_session_present(raw, client, unique):
    """[MQTT-3.2.2-4] [MQTT-3.2.2-5] [MQTT-3.2.2-6] even where a session exists."""
    client(5, "kept", clean=False, props=[("session_expiry", 60)]).drop()
    one = raw(5).send(wire.connect(5, unique("kept"), False, props=[("receive_maximum", 0)]))
    refused(one, 0x82)
    assert client(5, "kept", clean=False).connack.session_present


@versions(5)
def test_unknown_authentication_method(raw, unique, version):
    """[MQTT-4.12.0-1]"""
    one = raw(version).send(wire.connect(version, unique(), props=[("auth_method", "NO-SUCH")]))
    refused(one, 0x8C, 0x87)


@versions(5)
def test_no_authentication_without_method(client, version):
    """[MQTT-4.12.0-6]"""
    answer = client(version).connack
    assert answer.get("auth_method") is None and answer.get("auth_data") is None


@versions(5)
@pytest.mark.parametrize("reason", [0x00, 0x18, 0x19])
def test_auth_without_a_method(client, version, reason):
    """[MQTT-4.12.0-7] It is a protocol error for the client to send AUTH now."""
    client(version).send(wire.auth(reason, [("auth_method", "m")])).expect_refusal(0x82)


@versions(5)
@pytest.mark.parametrize("body", [b"\x05\x00", b"\x18\x00", b"\x00\x00", b"\x19", b"\xff\x00"])
def test_auth_that_makes_no_sense(client, version, body):
    """[MQTT-3.15.2-1]"""
    client(version).send(wire.packet(wire.AUTH, body)).expect_refusal(0x81, 0x82)


@versions(5)
def test_response_information_only_on_request(client, version):
    """[MQTT-3.1.2-28]"""
    assert client(version).connack.get("response_info") is None
    zero = client(version, props=[("request_response_info", 0)])
    assert zero.connack.get("response_info") is None
    client(version, props=[("request_response_info", 1)])


@versions(5)
def test_server_keep_alive_is_absent_where_the_clients_is_used(client, version):
    """[MQTT-3.2.2-22]"""
    assert client(version, keepalive=10).connack.get("server_keep_alive") is None


@both
def test_keep_alive_of_zero_never_ends(client, version):
    one = client(version, keepalive=0)
    one.expect_nothing()


@both
def test_keep_alive_is_enforced(raw, unique, version):
    """[MQTT-3.1.2-24] in 3.1.1, [MQTT-3.1.2-22] in 5.0: the end comes at one and a half times."""
    one = raw(version).open(unique(), keepalive=1)
    start = time.monotonic()
    answers = one.drain(timeout=4)
    took = time.monotonic() - start
    assert 1.4 <= took <= 2.6, took
    assert all(a.kind == wire.DISCONNECT and a.reason == 0x8D for a in answers), answers
    assert len(answers) == (version == 5)
