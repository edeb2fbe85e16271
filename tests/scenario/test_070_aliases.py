# SPDX-License-Identifier: Apache-2.0
"""Topic aliases, both ways."""

import pytest

from support import wire
from support.marks import only_tacit, versions


def alias(number):
    return [("topic_alias", number)]


@pytest.fixture
def sender(client):
    """A client and the Topic Alias Maximum it was granted."""
    one = client(5, "sender")
    if not one.connack.get("topic_alias_maximum", 0):
        pytest.skip("this configuration takes no aliases")
    return one


def test_client_saves_the_topic(client, sender, unique):
    """[MQTT-3.3.2-12] [MQTT-3.3.2-7]"""
    topic, reader = unique(), client(5)
    reader.subscribe(topic)
    sender.publish(topic, b"1", props=alias(1))
    sender.publish("", b"2", props=alias(1))
    sender.publish("", b"3", qos=1, props=alias(1))
    for text in (b"1", b"2", b"3"):
        got = reader.message(topic=topic, payload=text)
        assert got.get("topic_alias") is None, "an alias belongs to one connection"


def test_every_granted_alias(client, sender, unique):
    """[MQTT-3.3.2-12] All values up to the maximum, and each on its own."""
    count = min(sender.connack.get("topic_alias_maximum"), 100)
    name, reader = unique(), client(5)
    reader.subscribe(f"{name}/+")
    for i in range(1, count + 1):
        sender.publish(f"{name}/{i}", b"", props=alias(i))
    for i in range(count, 0, -1):
        sender.publish("", b"again", props=alias(i))
    got = reader.messages(2 * count)
    wanted = list(range(1, count + 1)) + list(range(count, 0, -1))
    assert [int(m.topic.split("/")[1]) for m in got] == wanted


def test_alias_may_change_its_topic(client, sender, unique):
    """[MQTT-3.3.2-12]"""
    name, reader = unique(), client(5)
    reader.subscribe(f"{name}/+")
    for leaf in ("a", "b"):
        sender.publish(f"{name}/{leaf}", b"", props=alias(1))
        sender.publish("", b"", props=alias(1))
    assert [m.topic[-1] for m in reader.messages(4)] == ["a", "a", "b", "b"]


def test_alias_beyond_the_maximum(sender, unique):
    """[MQTT-3.2.2-17] [MQTT-3.3.2-9]"""
    beyond = sender.connack.get("topic_alias_maximum") + 1
    if beyond > 0xFFFF:
        pytest.skip("every value is granted")
    sender.publish(unique(), b"x", props=alias(beyond))
    sender.expect_refusal(0x94)


def test_alias_nobody_set(sender):
    sender.publish("", b"x", props=alias(1))
    sender.expect_refusal(0x82, 0x94)


def test_aliases_end_with_the_connection(client, sender, unique):
    """[MQTT-3.3.2-7] also where the session goes on"""
    topic = unique()
    one = client(5, "again", clean=False, props=[("session_expiry", 60)])
    one.publish(topic, b"x", qos=1, props=alias(1))
    one.leave()
    again = client(5, "again", clean=False, props=[("session_expiry", 60)])
    assert again.connack.session_present
    again.publish("", b"x", props=alias(1))
    again.expect_refusal(0x82, 0x94)


def test_alias_of_a_refused_topic(sender):
    """A topic that may not be published is not kept behind an alias either."""
    sender.send(wire.publish(5, "a/#", b"x", props=alias(1)), wire.publish(5, "", props=alias(1)))
    sender.expect_refusal(0x90, 0x81, 0x82)


def test_server_stays_silent_without_leave(client, unique):
    """[MQTT-3.1.2-26] [MQTT-3.1.2-27] No maximum, or zero: no alias."""
    topic = unique()
    for props in ([], [("topic_alias_maximum", 0)]):
        reader = client(5, props=props)
        reader.subscribe(topic)
        for _ in range(5):
            reader.publish(topic, b"x")
            assert reader.message(topic=topic).get("topic_alias") is None


@only_tacit
def test_server_assigns(client, unique):
    """[MQTT-3.1.2-26] [MQTT-3.3.2-11] [MQTT-3.3.2-10] A repeated topic travels once."""
    name = unique()
    reader = client(5, props=[("topic_alias_maximum", 3)])
    reader.subscribe(f"{name}/#")
    sender = client(5)
    known, saved = {}, 0
    for round_ in range(4):
        for leaf in range(6):
            sender.publish(f"{name}/{leaf}", b"%d" % leaf)
    for _ in range(24):
        got = reader.message()
        number = got.get("topic_alias")
        if number is not None:
            assert 1 <= number <= 3
            if got.topic:
                known[number] = got.topic
            else:
                saved += 1
        topic = got.topic or known[number]
        assert topic == f"{name}/{int(got.payload)}"
    assert saved >= 3, "no topic was saved"


@only_tacit
def test_server_assigns_anew_after_a_reconnection(client, unique):
    """[MQTT-3.3.2-7]"""
    topic = unique()
    props = [("topic_alias_maximum", 5), ("session_expiry", 60)]
    for round_ in range(2):
        reader = client(5, "reader", clean=False, props=props)
        if round_ == 0:
            reader.subscribe(topic, qos=1)
        sender = client(5)
        for _ in range(3):
            sender.publish(topic, b"x", qos=1)
        got = reader.messages(3)
        assert got[0].topic == topic
        assert [m.topic for m in got if not m.topic], "no topic was saved"
        reader.leave()


@only_tacit
def test_resend_carries_the_topic(client, unique):
    """[MQTT-3.3.2-7] [MQTT-4.4.0-1] What went out as an alias is resent with its topic."""
    topic = unique()
    props = [("topic_alias_maximum", 5), ("session_expiry", 60)]
    reader = client(5, "reader", clean=False, props=props)
    reader.subscribe(topic, qos=1)
    sender = client(5)
    for i in range(4):
        sender.publish(topic, b"%d" % i, qos=1)
    for _ in range(4):
        reader.message(acknowledge=False)
    reader.drop()
    again = client(5, "reader", clean=False, props=[("session_expiry", 60)])
    got = again.messages(4)
    assert [(m.topic, m.payload) for m in got] == [(topic, b"%d" % i) for i in range(4)]
    assert all(m.get("topic_alias") is None for m in got)


@only_tacit
def test_alias_on_a_retained_replay(client, unique):
    """[MQTT-3.3.2-11]"""
    name, sender = unique(), client(5)
    for i in range(4):
        sender.publish(f"{name}/{i}", b"%d" % i, qos=1, retain=True)
    reader = client(5, props=[("topic_alias_maximum", 2)])
    known = {}
    for _ in range(2):
        reader.subscribe(f"{name}/#")
        for _ in range(4):
            got = reader.message()
            number = got.get("topic_alias")
            if got.topic and number:
                known[number] = got.topic
            assert (got.topic or known[number]) == f"{name}/{int(got.payload)}"
    for i in range(4):
        sender.publish(f"{name}/{i}", b"", qos=1, retain=True)


@versions(5)
def test_aliases_of_two_clients_are_apart(client, unique, version, sender):
    """[MQTT-3.3.2-7]"""
    name, reader, other = unique(), client(version), client(version)
    reader.subscribe(f"{name}/+", qos=1)
    sender.publish(f"{name}/a", b"", qos=1, props=alias(1))
    other.publish(f"{name}/b", b"", qos=1, props=alias(1))
    sender.publish("", b"", qos=1, props=alias(1))
    other.publish("", b"", qos=1, props=alias(1))
    assert sorted(m.topic[-1] for m in reader.messages(4)) == ["a", "a", "b", "b"]
