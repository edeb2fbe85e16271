# SPDX-License-Identifier: Apache-2.0
"""SIGTERM, then start again: what was promised is still there."""

import time

import pytest

from support import wire
from support.broker import FOREIGN
from support.marks import both, only_tacit, versions

from test_010_sessions import kept

shards = pytest.mark.parametrize("shards", [1] if FOREIGN else [1, 3], ids="shards{}".format)


@shards
@both
def test_sessions_come_back(variant, clients, unique, version, shards):
    """[MQTT-4.1.0-1] in both numberings: subscriptions, queued and in-flight messages."""
    broker = variant(shards=shards)
    topic = unique("t")
    one = clients(broker, version).open(unique("me"), **kept(version))
    one.subscribe((f"{topic}/+", 2))
    sender = clients(broker, version).open(unique("s"))
    sender.publish(f"{topic}/flying", b"1", qos=1)
    flying = one.message(payload=b"1", acknowledge=False)
    sender.publish(f"{topic}/released", b"2", qos=2)
    released = one.message(payload=b"2", acknowledge=False)
    one.send(wire.ack(version, wire.PUBREC, released.packet_id))
    one.expect(wire.PUBREL)
    one.drop()
    for i in range(20):
        sender.publish(f"{topic}/{i}", b"%d" % i, qos=1 + i % 2)
    broker.restart()
    again = clients(broker, version).open(unique("me"), **kept(version))
    assert again.connack.session_present
    packets = [again.receive() for _ in range(2)]
    assert {(p.kind, p.packet_id) for p in packets} == {
        (wire.PUBLISH, flying.packet_id), (wire.PUBREL, released.packet_id)}
    assert all(p.dup for p in packets if p.kind == wire.PUBLISH)
    again.send(wire.ack(version, wire.PUBACK, flying.packet_id),
               wire.ack(version, wire.PUBCOMP, released.packet_id))
    got = again.messages(20)
    assert [int(m.payload) for m in got] == list(range(20))
    assert [m.qos for m in got] == [1 + i % 2 for i in range(20)]
    sender = clients(broker, version).open(unique("s"))
    sender.publish(f"{topic}/live", b"live", qos=1)
    again.message(payload=b"live")


@shards
@both
def test_retained_messages_come_back(variant, clients, unique, version, shards):
    broker = variant(shards=shards)
    name = unique("t")
    one = clients(broker, version).open(unique("a"))
    for i in range(10):
        one.publish(f"{name}/{i}", b"%d" % i, qos=1, retain=True)
    one.publish(f"{name}/3", b"", qos=1, retain=True)
    one.publish(f"{name}/4", b"newer", qos=1, retain=True)
    broker.restart()
    two = clients(broker, version).open(unique("b"))
    two.subscribe(f"{name}/#", qos=1)
    got = {m.topic: m.payload for m in two.messages(9)}
    wanted = {f"{name}/{i}": b"%d" % i for i in range(10) if i != 3}
    wanted[f"{name}/4"] = b"newer"
    assert got == wanted
    two.expect_nothing()


@only_tacit
@versions(5)
def test_details_come_back(variant, clients, unique, version):
    """Properties, subscription options and identifiers, lifetimes, an unfinished QoS 2 of the
    client."""
    broker = variant()
    topic = unique("t")
    one = clients(broker).open(unique("me"), **kept(5))
    one.subscribe((topic, 1 | 0x04 | 0x08), props=[("subscription_id", 300)], reasons=[1])
    one.send(wire.publish(5, unique("q2"), b"x", 2, 500))
    one.expect(wire.PUBREC, packet_id=500)
    one.drop()
    sender = clients(broker).open(unique("s"))
    users = [("b", "1"), ("a", "2")]
    sender.publish(topic, b"x", qos=1, retain=True, props=[
        ("message_expiry", 100), ("user_property", users[0]), ("user_property", users[1])])
    sender.publish(topic, b"short", qos=1, props=[("message_expiry", 1)])
    broker.stop()
    time.sleep(1.1)
    broker.start()
    again = clients(broker).open(unique("me"), **kept(5))
    got = again.message(payload=b"x", retain=True)
    assert got.all("user_property") == users and got.all("subscription_id") == [300]
    assert 90 <= got.get("message_expiry") < 100
    again.publish(topic, b"mine", qos=1)
    again.send(wire.ack(5, wire.PUBREL, 500))
    again.expect(wire.PUBCOMP, packet_id=500, reason=0)
    again.expect_nothing()
    late = clients(broker).open(unique("late"))
    late.subscribe(topic)
    assert late.message(payload=b"x", retain=True).get("message_expiry") < 100


@only_tacit
@versions(5)
def test_session_expires_across_a_restart(variant, clients, unique, version):
    """[MQTT-4.1.0-2] The clock goes on while the broker is away."""
    broker = variant()
    clients(broker).open(unique("short"), **kept(5, 1)).drop()
    clients(broker).open(unique("long"), **kept(5, 60)).drop()
    broker.stop()
    time.sleep(1.5)
    broker.start()
    assert not clients(broker).open(unique("short"), **kept(5, 1)).connack.session_present
    assert clients(broker).open(unique("long"), **kept(5, 60)).connack.session_present


@only_tacit
@versions(5)
def test_state_fits_another_number_of_shards(variant, clients, unique, version):
    """What three shards stored, one reads, and the other way round."""
    broker = variant(shards=3)
    topic = unique("t")
    for i in range(12):
        clients(broker).open(unique(f"m{i}"), **kept(5)).subscribe(f"{topic}/{i}", qos=1)
    sender = clients(broker).open(unique("s"))
    broker_clients = [unique(f"m{i}") for i in range(12)]
    for shard_count in (1, 3):
        broker.stop()
        broker.shards = shard_count
        broker.start()
        sender = clients(broker).open(unique("s"))
        for i, name in enumerate(broker_clients):
            sender.publish(f"{topic}/{i}", b"x", qos=1)
            one = clients(broker).open(name, **kept(5))
            assert one.connack.session_present
            one.message(topic=f"{topic}/{i}", payload=b"x")
            one.close()


@both
def test_goodbye_of_the_server(variant, clients, unique, version):
    """[MQTT-3.14.0-1] 5.0 clients are told 0x8B; all are closed; exit code 0 within 5 s."""
    broker = variant()
    here = [clients(broker, version).open(unique(f"c{i}")) for i in range(10)]
    waiting = clients(broker, version)
    broker.stop()
    if not FOREIGN:
        for one in here:
            one.expect_refusal(0x8B)
    assert waiting.drain() == []


@both
def test_clean_sessions_do_not_come_back(variant, clients, unique, version):
    broker = variant()
    clients(broker, version).open(unique("me")).subscribe(unique("t"), qos=1)
    broker.restart()
    again = clients(broker, version).open(unique("me"), clean=False)
    assert not again.connack.session_present


@only_tacit
def test_reload_drops_nothing(variant, clients, unique):
    """SIGHUP with an unchanged, a changed and a broken configuration: clients stay."""
    broker = variant(shards=2)
    one = clients(broker).open(unique("a"))
    topic = unique("t")
    one.subscribe(topic, qos=1)
    good = broker.config_file.read_text()
    for text in (good, good + "\n", "this is { no configuration", good):
        broker.config_file.write_text(text)
        broker.reload()
        for i in range(20):
            one.publish(topic, b"%d" % i, qos=1)
            one.message(payload=b"%d" % i)
    clients(broker).open(unique("b")).expect_nothing()


@shards
@both
def test_messages_wait_for_those_who_are_not_back_yet(variant, clients, unique, version, shards):
    """[MQTT-4.5.0-1] [MQTT-3.1.2-5] After a restart, too, a session gets what is published before
    its client returns."""
    broker = variant(shards=shards)
    name = unique("t")
    filters = {f"{name}/exact": f"{name}/exact", f"{name}/wild": f"{name}/wild/#"}
    for topic, pattern in filters.items():
        one = clients(broker, version).open(topic, **kept(version))
        one.subscribe(pattern, qos=1)
        one.drop()
    broker.restart()
    sender = clients(broker, version).open(unique("s"))
    for topic in filters:
        sender.publish(topic, topic.encode(), qos=1)
    for topic in filters:
        again = clients(broker, version).open(topic, **kept(version))
        again.message(topic=topic, payload=topic.encode())
        again.expect_nothing()
