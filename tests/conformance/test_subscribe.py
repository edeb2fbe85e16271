# SPDX-License-Identifier: Apache-2.0
"""SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK and the matching of filters."""

import itertools

import pytest

from support import wire
from support.broker import FOREIGN
from support.client import Closed
from support.marks import both, every, versions

from test_connect import bad_utf8

NO_LOCAL, AS_PUBLISHED = 0x04, 0x08


@every
def test_suback_answers_each_filter_in_order(client, unique, version):
    """[MQTT-3.8.4-1] [MQTT-3.8.4-2] [MQTT-3.8.4-4] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7]
    [MQTT-3.9.3-1] [MQTT-3.9.3-2] [MQTT-2.3.1-7] [MQTT-2.2.1-6]"""
    one = client(version)
    name = unique()
    one.send(wire.subscribe(version, 65535, (f"{name}/a", 2), (f"{name}/b", 0), (f"{name}/c", 1)))
    one.expect(wire.SUBACK, packet_id=65535, reasons=[2, 0, 1])


@every
def test_unsuback(client, unique, version):
    """[MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] also
    where nothing was subscribed."""
    one = client(version)
    name = unique()
    one.subscribe(f"{name}/a", f"{name}/b")
    one.unsubscribe(f"{name}/a", f"{name}/none", f"{name}/b", reasons=[0, 0x11, 0])
    one.unsubscribe(f"{name}/a", reasons=[0x11])


@both
def test_unsubscribe_compares_character_by_character(client, unique, version):
    """[MQTT-3.10.4-1]"""
    one = client(version)
    name = unique()
    one.subscribe(f"{name}/a", f"{name}/+")
    one.unsubscribe(f"{name}/A", f"{name}/#", f"{name}/a/", reasons=[0x11] * 3)
    one.publish(f"{name}/a", b"still", qos=1)
    one.message(payload=b"still")


@both
def test_unsubscribe_stops_the_flow(client, unique, version):
    """[MQTT-3.10.4-2]"""
    one, topic = client(version), unique()
    one.subscribe(topic, qos=1)
    one.unsubscribe(topic)
    one.publish(topic, b"x", qos=1)
    one.expect_nothing()


@both
def test_unsubscribe_lets_what_is_under_way_end(client, unique, version):
    """[MQTT-3.10.4-3]"""
    subscriber, publisher, topic = client(version), client(version), unique()
    subscriber.subscribe(topic, qos=2)
    publisher.publish(topic, b"one", qos=2)
    got = subscriber.message(acknowledge=False)
    subscriber.unsubscribe(topic)
    subscriber.acknowledge(got)
    subscriber.expect_nothing()


@both
@pytest.mark.parametrize("packet_id", [0])
def test_packet_id_zero(client, unique, version, packet_id):
    """[MQTT-2.3.1-1] [MQTT-2.2.1-3]"""
    one = client(version).send(wire.subscribe(version, packet_id, (unique(), 0)))
    one.expect_refusal(0x81, 0x82)
    two = client(version).send(wire.unsubscribe(version, packet_id, unique()))
    two.expect_refusal(0x81, 0x82)


@both
def test_no_filter_at_all(client, version):
    """[MQTT-3.8.3-3] [MQTT-3.8.3-2] [MQTT-3.10.3-2]"""
    client(version).send(wire.subscribe(version, 1)).expect_refusal(0x82, 0x81)
    client(version).send(wire.unsubscribe(version, 1)).expect_refusal(0x82, 0x81)


@versions(3, 4)
@pytest.mark.parametrize("options", [3, 4, 8, 0x10, 0x40, 0x80, 0xFF])
def test_reserved_bits_of_the_requested_qos(client, unique, version, options):
    """[MQTT-3.8.3-4]"""
    if version == 3 and options != 3:
        pytest.skip("3.1 does not ask a server to look at these bits")
    client(version).send(wire.subscribe(version, 1, (unique(), options))).expect_closed()


OPTIONS = {0x03: (0x82, 0x81), 0x07: (0x82, 0x81), 0x30: (0x82, 0x81), 0x31: (0x82, 0x81),
           0x40: (0x81,), 0x80: (0x81,), 0xC0: (0x81,), 0x41: (0x81,)}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: f"{o:08b}")
def test_subscription_options_refused(client, unique, options):
    """[MQTT-3.8.3-5] reserved bits; QoS 3 and retain handling 3"""
    one = client(5).send(wire.subscribe(5, 1, (unique(), options)))
    one.expect_refusal(*OPTIONS[options])


@both
def test_one_bad_filter_refuses_the_packet(client, unique, version):
    """[MQTT-4.8.0-1] [MQTT-4.13.1-1] Nothing of a malformed SUBSCRIBE takes effect."""
    one = client(version)
    one.send(wire.subscribe(version, 1, (unique("good"), 0), (unique("bad"), 0xC3)))
    one.expect_refusal(0x81, 0x82)


@both
@bad_utf8
def test_filter_that_is_not_utf8(client, version, bad):
    """[MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-4.7.3-2]"""
    client(version).send(wire.subscribe(version, 1, (bad, 0))).expect_refusal(0x81)
    client(version).send(wire.unsubscribe(version, 1, bad)).expect_refusal(0x81)


BAD_FILTERS = ["", "a/#/b", "#/a", "a#", "a/b#", "a+", "+a", "a/+b/c", "a/b+", "##", "++", "a/#/"]


@both
@pytest.mark.parametrize("bad", BAD_FILTERS)
def test_filter_with_a_wildcard_out_of_place(client, version, bad):
    """[MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] Refused by reason code or by
    the end of the connection; never granted."""
    one = client(version).send(wire.subscribe(version, 1, (bad, 0)))
    try:
        answer = one.receive()
    except Closed:
        assert version != 5, "5.0 has reason codes for this"
        return
    if version == 5:
        assert answer.reasons == [0x8F] or answer.reason in (0x81, 0x82, 0x8F), answer
    else:
        assert answer.reasons == [0x80], answer


BAD_SHARES = ["$share/", "$share//t", "$share/g", "$share/g/", "$share/g+/t",
              "$share/#/t", "$share/+/t", "$share/g#/t"]


@pytest.mark.parametrize("bad", BAD_SHARES)
def test_share_without_name_or_filter(client, bad):
    """[MQTT-4.8.2-1] [MQTT-4.8.2-2]"""
    answer = client(5).send(wire.subscribe(5, 1, (bad, 0))).receive()
    assert answer.reasons == [0x8F] or answer.reason in (0x81, 0x82, 0x8F), answer


def test_no_local_on_a_shared_subscription(client, unique):
    """[MQTT-3.8.3-4] of 5.0"""
    one = client(5).send(wire.subscribe(5, 1, (f"$share/g/{unique()}", NO_LOCAL)))
    one.expect_refusal(0x82)


SUBSCRIBE_PROPERTIES = {
    "subscription-id-0": ([("subscription_id", 0)], (0x82,)),
    "subscription-id-twice": ([("subscription_id", 1), ("subscription_id", 2)], (0x82,)),
    "subscription-id-too-long": (b"\x0b\x80\x80\x80\x80\x01", (0x81,)),
    "subscription-id-not-shortest": (b"\x0b\x81\x00", (0x81,)),
    "reason-string": ([("reason_string", "x")], (0x81, 0x82)),
    "topic-alias": ([("topic_alias", 1)], (0x81, 0x82)),
    "unknown": (b"\x7f\x00", (0x81,)),
    "user-property-cut": (b"\x26\x00\x01k", (0x81,)),
}


@pytest.mark.parametrize("case", SUBSCRIBE_PROPERTIES)
def test_subscribe_properties_refused(client, unique, case):
    """[MQTT-1.5.5-1] [MQTT-1.5.7-1]"""
    props, reasons = SUBSCRIBE_PROPERTIES[case]
    one = client(5).send(wire.subscribe(5, 1, (unique(), 0), props=props))
    one.expect_refusal(*reasons)


@pytest.mark.parametrize("case", ["unknown", "user-property-cut", "reason-string"])
def test_unsubscribe_properties_refused(client, unique, case):
    props, reasons = SUBSCRIBE_PROPERTIES[case]
    one = client(5).send(wire.unsubscribe(5, 1, unique(), props=props))
    one.expect_refusal(*reasons)


def test_user_properties_in_subscribe_and_unsubscribe(client, unique):
    one = client(5)
    props = [("user_property", ("a", "b"))] * 3
    one.send(wire.subscribe(5, 4, (unique(), 1), props=props))
    one.expect(wire.SUBACK, packet_id=4, reasons=[1])
    one.send(wire.unsubscribe(5, 5, unique(), props=props))
    one.expect(wire.UNSUBACK, packet_id=5, reasons=[0])


def matches(pattern, topic):
    """The rules of 4.7 for one filter and one topic name."""
    if topic.startswith("$") != pattern.startswith("$") and pattern[:1] in "+#":
        return False
    wanted, levels = pattern.split("/"), topic.split("/")
    for i, want in enumerate(wanted):
        if want == "#":
            return True
        if i >= len(levels) or want not in ("+", levels[i]):
            return False
    return len(wanted) == len(levels)


LEVELS = ["a", "b", ""]
FILTERS = sorted({"/".join(f) for n in (1, 2, 3) for f in itertools.product(
    ["a", "b", "", "+", "#"], repeat=n) if "#" not in f[:-1]})
TOPICS = sorted({"/".join(t) for n in (1, 2, 3)
                 for t in itertools.product(LEVELS, repeat=n)} - {""})


@both
@pytest.mark.parametrize("part", range(4))
def test_matching_by_exhaustion(client, unique, version, part):
    """[MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.2-1] [MQTT-3.3.2-3] Every filter to depth three
    over {a, b, empty, +, #} against every topic name below one prefix."""
    prefix = unique() + "/"
    publisher = client(version)
    mine = [prefix + f for f in FILTERS[part::4]]
    readers = []
    for pattern in mine:
        one = client(version)
        one.subscribe(pattern)
        readers.append((pattern, one))
    topics = [prefix + t for t in TOPICS]
    for topic in topics:
        publisher.send(wire.publish(version, topic, topic.encode()))
    publisher.expect_nothing()
    for pattern, one in readers:
        got = [p.topic for p in one.fence()]
        wanted = [t for t in topics if matches(pattern, t)]
        assert got == wanted, f"{pattern}: {set(got) ^ set(wanted)}"


@both
def test_wildcards_do_not_reach_below_dollar(client, unique, version):
    """[MQTT-4.7.2-1]"""
    own, name = "$own" if FOREIGN else "$SYS", unique()
    all_of_it, plus, exact = client(version), client(version), client(version)
    all_of_it.subscribe("#")
    plus.subscribe(f"+/{name}")
    exact.subscribe(f"{own}/{name}")
    publisher = client(version)
    publisher.publish(f"{own}/{name}", b"hidden", qos=1)
    publisher.publish(f"x/{name}", b"seen", qos=1)
    topics = [all_of_it.take(wire.PUBLISH).topic]
    while topics[-1] != f"x/{name}":
        topics.append(all_of_it.take(wire.PUBLISH).topic)
    assert not any(t.startswith("$") for t in topics)
    plus.message(topic=f"x/{name}")
    plus.expect_nothing()
    exact.message(topic=f"{own}/{name}")
    all_of_it.close()


@both
def test_same_filter_again_replaces(client, unique, version):
    """[MQTT-3.8.4-3] One copy, at the new QoS, and retained messages once more."""
    subscriber, publisher, topic = client(version), client(version), unique()
    publisher.publish(topic, b"kept", qos=1, retain=True)
    subscriber.subscribe(topic, qos=0)
    subscriber.message(payload=b"kept", qos=0, retain=True)
    subscriber.subscribe(topic, qos=1)
    subscriber.message(payload=b"kept", qos=1, retain=True)
    publisher.publish(topic, b"live", qos=1)
    subscriber.message(payload=b"live", qos=1, retain=False)
    subscriber.expect_nothing()
    publisher.publish(topic, b"", qos=1, retain=True)


@both
def test_overlapping_subscriptions(client, unique, version):
    """[MQTT-3.3.5-1] [MQTT-3.3.4-2] The highest QoS of those that match is respected."""
    subscriber, publisher, name = client(version), client(version), unique()
    subscriber.subscribe((f"{name}/#", 0), (f"{name}/+", 2), (f"{name}/a", 1))
    publisher.publish(f"{name}/a", b"x", qos=2)
    publisher.publish(f"{name}/end/marker", b"end", qos=0)
    publisher.publish(f"{name}/end", b"end", qos=2)
    got = []
    while not got or got[-1].topic != f"{name}/end":
        got.append(subscriber.message())
    assert max(m.qos for m in got if m.topic == f"{name}/a") == 2


@both
def test_many_filters_in_one_packet(client, unique, version):
    """[MQTT-3.8.4-4] [MQTT-3.8.4-5]"""
    one, name = client(version), unique()
    rows = [(f"{name}/{i}", i % 3) for i in range(300)]
    one.subscribe(*rows)
    one.publish(f"{name}/299", b"x", qos=2)
    one.message(topic=f"{name}/299", qos=2)
    one.unsubscribe(*[row[0] for row in rows])


@both
def test_publish_may_come_before_suback(client, unique, version):
    """[MQTT-3.8.4-1] Whatever the order, both come."""
    one, topic = client(version), unique()
    one.publish(topic, b"kept", qos=1, retain=True)
    one.send(wire.subscribe(version, 8, (topic, 1)))
    kinds = {one.receive().kind, one.receive().kind}
    assert kinds == {wire.SUBACK, wire.PUBLISH}
    one.publish(topic, b"", qos=1, retain=True)
