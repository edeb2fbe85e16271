# SPDX-License-Identifier: Apache-2.0
"""Subscription identifiers, overlapping filters, no local."""

import pytest

from support import wire
from support.marks import both, only_tacit, versions

from test_010_sessions import kept

NO_LOCAL = 0x04


def identifier(number):
    return [("subscription_id", number)]


@versions(5)
@pytest.mark.parametrize("number", [1, 127, 128, 16384, 268435455])
def test_identifier_comes_with_the_message(client, unique, version, number):
    """[MQTT-3.3.4-3]"""
    topic, reader = unique(), client(version)
    reader.subscribe(topic, qos=1, props=identifier(number))
    client(version).publish(topic, b"x", qos=1)
    assert reader.message().all("subscription_id") == [number]


@versions(5)
def test_identifier_is_replaced_with_the_subscription(client, unique, version):
    """[MQTT-3.8.4-3]"""
    topic, reader = unique(), client(version)
    for props, wanted in ((identifier(5), [5]), (identifier(6), [6]), ([], [])):
        reader.subscribe(topic, props=props)
        reader.publish(topic, b"x")
        assert reader.message().all("subscription_id") == wanted


@versions(5)
def test_identifier_survives_with_the_session(client, unique, version):
    topic = unique()
    reader = client(version, "me", **kept(5))
    reader.subscribe(topic, qos=1, props=identifier(9))
    reader.drop()
    client(version).publish(topic, b"x", qos=1)
    again = client(version, "me", **kept(5))
    assert again.message().all("subscription_id") == [9]


@versions(5)
def test_identifier_on_a_retained_replay(client, unique, version):
    topic, reader = unique(), client(version)
    reader.publish(topic, b"kept", qos=1, retain=True)
    reader.subscribe(topic, props=identifier(3))
    assert reader.message(retain=True).all("subscription_id") == [3]
    reader.publish(topic, b"", qos=1, retain=True)


@versions(5)
def test_overlap_names_all_identifiers(client, unique, version):
    """[MQTT-3.3.4-3] [MQTT-3.3.4-4] [MQTT-3.3.4-5]"""
    name, reader = unique(), client(version)
    reader.subscribe(f"{name}/a", qos=1, props=identifier(1))
    reader.subscribe(f"{name}/+", qos=1, props=identifier(2))
    reader.subscribe(f"{name}/#", qos=1)
    reader.publish(f"{name}/a", b"x", qos=1)
    reader.publish(f"{name}/b/c", b"marker", qos=1)
    copies = []
    while not copies or copies[-1].payload != b"marker":
        copies.append(reader.message())
    assert {n for m in copies for n in m.all("subscription_id")} == {1, 2}


@only_tacit
@both
def test_overlap_is_one_copy_at_the_highest_qos(client, unique, version):
    """[MQTT-3.3.5-1] [MQTT-3.3.4-2] [MQTT-3.3.4-4]"""
    name, reader = unique(), client(version)
    for i, (pattern, qos) in enumerate((("a", 1), ("+", 2), ("#", 0)), 1):
        props = identifier(i) if version == 5 else ()
        reader.subscribe(f"{name}/{pattern}", qos=qos, props=props)
    sender = client(version)
    for qos in (0, 1, 2):
        sender.publish(f"{name}/a", b"x", qos)
        got = reader.message(qos=qos)
        assert sorted(got.all("subscription_id")) == ([1, 2, 3] if version == 5 else [])
    reader.expect_nothing()


@versions(5)
def test_no_local(client, unique, version):
    """[MQTT-3.8.3-3]"""
    topic, one, other = unique(), client(version), client(version)
    one.subscribe(topic, qos=1, options=NO_LOCAL)
    other.subscribe(topic, qos=1)
    one.publish(topic, b"mine", qos=1)
    other.message(payload=b"mine")
    other.publish(topic, b"yours", qos=1)
    one.message(payload=b"yours")
    one.expect_nothing()


@versions(5)
def test_no_local_does_not_hide_another_subscription(client, unique, version):
    """[MQTT-3.8.3-3] Each subscription has options of its own."""
    name, one = unique(), client(version)
    one.subscribe(f"{name}/+", options=NO_LOCAL, props=identifier(1))
    one.subscribe(f"{name}/a", props=identifier(2))
    one.publish(f"{name}/a", b"x")
    assert one.message().all("subscription_id") == [2]
    one.expect_nothing()


@versions(5)
def test_no_local_after_a_reconnection(client, unique, version):
    """[MQTT-3.8.3-3] It is the client identifier that counts, not the connection."""
    topic = unique()
    one = client(version, "me", **kept(5))
    one.subscribe(topic, qos=1, options=NO_LOCAL)
    one.leave()
    again = client(version, "me", **kept(5))
    again.publish(topic, b"mine", qos=1)
    again.expect_nothing()


@versions(5)
def test_options_are_per_filter(client, unique, version):
    name, one = unique(), client(version)
    one.subscribe((f"{name}/a", NO_LOCAL), (f"{name}/b", 1), reasons=[0, 1])
    one.publish(f"{name}/a", b"a", qos=1)
    one.publish(f"{name}/b", b"b", qos=1)
    one.message(payload=b"b", qos=1)


@both
def test_own_messages_come_back_by_default(client, unique, version):
    topic, one = unique(), client(version)
    one.subscribe(topic)
    one.publish(topic, b"mine", qos=1)
    one.message(payload=b"mine")


@both
def test_thousands_of_subscriptions(client, unique, version):
    name, one = unique(), client(version)
    for start in range(0, 3000, 500):
        one.subscribe(*[(f"{name}/{i}", 0) for i in range(start, start + 500)])
    sender = client(version)
    for i in (0, 1499, 2999):
        sender.publish(f"{name}/{i}", b"x", qos=1)
        one.message(topic=f"{name}/{i}")
    one.send(wire.disconnect(version))
    one.expect_closed()
