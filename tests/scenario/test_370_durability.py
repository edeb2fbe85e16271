# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after kill -9, and what need not be kept costs no disk."""

import time

import pytest

from support import wire
from support.broker import FOREIGN
from support.marks import both, versions
from support.shim import shimmed  # noqa: F401

from test_010_sessions import kept

shards = pytest.mark.parametrize("shards", [1, 3], ids="shards{}".format)
pytestmark = pytest.mark.skipif(FOREIGN, reason="about a promise of tacitd")


def sleeper(broker, clients, name, version, topic, qos=1):
    """A session that is subscribed and away."""
    one = clients(broker, version).open(name, **kept(version, 3600))
    one.subscribe(topic, qos=qos)
    one.vanish()


def publish_many(sender, topic, payloads, qos=1):
    """All of them at once; returns when all are acknowledged."""
    answer = wire.PUBACK if qos == 1 else wire.PUBREC
    for i, payload in enumerate(payloads, 1):
        sender.send(wire.publish(sender.version, topic, payload, qos, i))
    for i in range(1, len(payloads) + 1):
        assert sender.expect(answer).packet_id == i


# ---- D1 ----

@shards
@both
@pytest.mark.parametrize("qos", [1, 2])
def test_200_acknowledged_messages_survive(variant, clients, unique, version, qos, shards):
    """D1: 200 acknowledged, kill -9 at once, restart: 200 delivered, in order."""
    broker = variant(shards=shards)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic, qos)
    payloads = [b"%d" % i for i in range(200)]
    publish_many(clients(broker, version).open(unique("s")), topic, payloads, qos)
    broker.crash()
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert again.connack.session_present
    assert [m.payload for m in again.messages(200, qos=qos)] == payloads
    again.expect_nothing()


@shards
@both
def test_subscriptions_survive_and_so_do_their_ends(variant, clients, unique, version, shards):
    """SUBACK and UNSUBACK mean the same."""
    broker = variant(shards=shards)
    name, topics = unique("me"), [unique(f"t{i}") for i in range(10)]
    one = clients(broker, version).open(name, **kept(version))
    one.subscribe(*((topic, 1) for topic in topics))
    one.unsubscribe(*topics[::2])
    broker.crash()
    sender = clients(broker, version).open(unique("s"))
    for topic in topics:
        sender.publish(topic, topic.encode(), qos=1)
    again = clients(broker, version).open(name, **kept(version))
    assert again.connack.session_present
    got = sorted(m.topic for m in again.messages(5))
    assert got == sorted(topics[1::2])
    again.expect_nothing()


@shards
@both
def test_retained_messages_survive(variant, clients, unique, version, shards):
    broker = variant(shards=shards)
    name = unique("t")
    one = clients(broker, version).open(unique("a"))
    for i in range(10):
        one.publish(f"{name}/{i}", b"%d" % i, qos=1, retain=True)
    one.publish(f"{name}/3", b"", qos=1, retain=True)
    one.publish(f"{name}/4", b"newer", qos=2, retain=True)
    broker.crash()
    two = clients(broker, version).open(unique("b"))
    two.subscribe(f"{name}/#", qos=1)
    got = {m.topic: m.payload for m in two.messages(9)}
    assert got == {f"{name}/{i}": b"newer" if i == 4 else b"%d" % i for i in range(10) if i != 3}
    two.expect_nothing()


@shards
@both
def test_clean_start_is_for_good(variant, clients, unique, version, shards):
    """A session that was ended, and its messages, do not come back."""
    broker = variant(shards=shards)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic)
    clients(broker, version).open(unique("s")).publish(topic, b"old", qos=1)
    clean = clients(broker, version).open(name, clean=True)
    assert not clean.connack.session_present
    clean.fence()
    broker.crash()
    again = clients(broker, version).open(name, **kept(version))
    assert not again.connack.session_present
    again.expect_nothing()


@shards
@both
def test_qos_2_is_once_across_a_crash(variant, clients, unique, version, shards):
    """The identifiers of both sides survive: a PUBLISH that is sent again is not taken again, one
    that was received is not sent anew, and after PUBCOMP an identifier is free."""
    broker = variant(shards=shards)
    topic, name, source = unique("t"), unique("me"), unique("s")
    one = clients(broker, version).open(name, **kept(version))
    one.subscribe(topic, qos=2)
    sender = clients(broker, version).open(source, **kept(version))
    sender.send(wire.publish(version, topic, b"first", 2, 7))
    sender.expect(wire.PUBREC, packet_id=7)
    first = one.message(payload=b"first", acknowledge=False)
    one.send(wire.ack(version, wire.PUBREC, first.packet_id))
    one.expect(wire.PUBREL, packet_id=first.packet_id)
    broker.crash()
    sender = clients(broker, version).open(source, **kept(version))
    sender.send(wire.publish(version, topic, b"first", 2, 7, dup=True))
    sender.expect(wire.PUBREC, packet_id=7)
    sender.send(wire.ack(version, wire.PUBREL, 7))
    sender.expect(wire.PUBCOMP, packet_id=7)
    one = clients(broker, version).open(name, **kept(version))
    one.expect(wire.PUBREL, packet_id=first.packet_id)
    one.send(wire.ack(version, wire.PUBCOMP, first.packet_id))
    one.subscribe(unique("other"), qos=1)  # its SUBACK says that the PUBCOMP is kept, too
    broker.crash()
    sender = clients(broker, version).open(source, **kept(version))
    sender.send(wire.publish(version, topic, b"second", 2, 7))
    sender.expect(wire.PUBREC, packet_id=7)
    one = clients(broker, version).open(name, **kept(version))
    one.message(payload=b"second", qos=2)
    one.expect_nothing()


@both
@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledgements_keep_their_order(variant, clients, unique, version, qos):
    """[MQTT-4.6.0-2] [MQTT-4.6.0-3] Whatever they have to wait for: a disk, another shard, nothing.
    Else a client would send again what is older than what it knows to be there."""
    broker = variant(shards=3)
    busy, idle = unique("busy"), unique("idle")
    for i in range(6):
        sleeper(broker, clients, unique(f"me{i}"), version, busy, qos)
    sender = clients(broker, version).open(unique("s"))
    for i in range(1, 201):
        sender.send(wire.publish(version, busy if i % 3 else idle, b"x", qos, i))
    kind = wire.PUBACK if qos == 1 else wire.PUBREC
    assert [sender.expect(kind).packet_id for _ in range(200)] == list(range(1, 201))


@versions(5)
def test_details_survive(variant, clients, unique, version):
    """Properties, options of subscriptions and their identifiers, expiry times."""
    broker = variant(shards=2)
    topic = unique("t")
    one = clients(broker).open(unique("me"), **kept(5))
    one.subscribe((topic, 1 | 0x04 | 0x08), props=[("subscription_id", 300)], reasons=[1])
    one.vanish()
    users = [("b", "1"), ("a", "2")]
    sender = clients(broker).open(unique("s"))
    sender.publish(topic, b"x", qos=1, retain=True, props=[
        ("message_expiry", 100), ("user_property", users[0]), ("user_property", users[1])])
    sender.publish(topic, b"short", qos=1, props=[("message_expiry", 1)])
    broker.kill()
    time.sleep(1.1)
    broker.start()
    again = clients(broker).open(unique("me"), **kept(5))
    got = again.message(payload=b"x", retain=True)
    assert got.all("user_property") == users and got.all("subscription_id") == [300]
    assert 90 <= got.get("message_expiry") < 100
    again.publish(topic, b"mine", qos=1)  # No Local
    again.expect_nothing()


@versions(5)
def test_wills_of_sessions_survive(variant, clients, unique, version):
    """The will of a connection that a crash has ended is published afterwards, once, unless the
    client resumes its session in time. [MQTT-3.1.3-9]"""
    broker = variant(shards=2)
    topic, names = unique("t"), [unique("gone"), unique("back")]
    sleeper(broker, clients, unique("me"), version, topic)
    for name in names:
        will = wire.Will(topic, name.encode(), qos=1, props=[("will_delay", 1)])
        clients(broker).open(name, will=will, **kept(5))
    broker.crash()
    clients(broker).open(names[1], **kept(5))
    me = clients(broker).open(unique("me"), **kept(5, 3600))
    me.message(payload=names[0].encode())
    time.sleep(0.5)
    me.expect_nothing()


@versions(5)
def test_sessions_expire_over_a_crash(variant, clients, unique, version):
    """[MQTT-4.1.0-2] Also those whose clients were connected when it happened."""
    broker = variant()
    clients(broker).open(unique("short"), **kept(5, 1))
    clients(broker).open(unique("long"), **kept(5, 60))
    broker.crash()
    time.sleep(1.5)
    broker.crash()
    time.sleep(0.2)
    assert clients(broker).open(unique("long"), **kept(5, 60)).connack.session_present
    assert not clients(broker).open(unique("short"), **kept(5, 1)).connack.session_present


# ---- levels ----

ROLES = """
listener "durable" {
  address        = "127.0.0.1"
  port           = 1883
  tls            = off
  anonymous-role = "everything"
  client-ids     = any
%s}
role "everything" {
  unrestricted = on
  shared       = on
  retain       = on
  maximum-qos  = 2
%s}
log {
  level = warning
}
"""


def of_level(level, where):
    row = f"  durability = {level}\n"
    return ROLES % (row if where == "listener" else "", row if where == "role" else "")


def user_properties(client):
    return client.connack.all("user_property")


levels_everywhere = pytest.mark.parametrize("where", ["role", "listener"])


@levels_everywhere
@pytest.mark.parametrize("level", ["durable", "relaxed", "memory"])
def test_connack_says_how_safe_it_is(variant, clients, unique, where, level):
    """Who gets less than the default is told so; who gets the default hears nothing."""
    broker = variant(config=of_level(level, where))
    said = user_properties(clients(broker).open(unique("me"), **kept(5)))
    assert said == ([] if level == "durable" else [("durability", level)])


@both
def test_durable_waits_for_the_disk(shimmed, clients, unique, version):  # noqa: F811
    """No PUBACK, no SUBACK before fdatasync has returned; then both."""
    broker = shimmed()
    topic = unique("t")
    sleeper(broker, clients, unique("me"), version, topic)
    sender = clients(broker, version).open(unique("s"))
    broker.quiet()
    with broker.held("sync"):
        sender.send(wire.publish(version, topic, b"x", 1, 5))
        with pytest.raises(TimeoutError):
            sender.receive(timeout=0.5)
        assert broker.shim.sync.waiting == 1
    sender.expect(wire.PUBACK, packet_id=5)


@both
def test_what_is_asked_again_waits_as_well(shimmed, clients, unique, version):  # noqa: F811
    """A second SUBSCRIBE for what the first one has made changes nothing, and yet its SUBACK may
    not come before that is kept."""
    broker = shimmed()
    topic, name = unique("t"), unique("me")
    one = clients(broker, version).open(name, **kept(version))
    broker.quiet()
    with broker.held("sync"):
        one.send(wire.subscribe(version, 1, (topic, 1)))
        two = clients(broker, version)
        two.send(wire.connect(version, name, **kept(version)),
                 wire.subscribe(version, 1, (topic, 1)))
        early = []
        try:
            while True:
                early.append(two.receive(timeout=0.5).kind)
        except TimeoutError:
            pass
        assert wire.SUBACK not in early
    assert two.take(wire.SUBACK).packet_id == 1
    broker.crash()
    clients(broker, version).open(unique("s")).publish(topic, b"x", qos=1)
    clients(broker, version).open(name, **kept(version)).message(payload=b"x")


@levels_everywhere
@both
def test_relaxed_is_acknowledged_when_it_is_written(shimmed, clients, unique, version, where):
    broker = shimmed(config=of_level("relaxed", where))
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic)
    sender = clients(broker, version).open(unique("s"))
    broker.quiet()
    with broker.held("sync"):
        sender.publish(topic, b"written", qos=1)
        broker.kill()
    broker.start()
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert again.connack.session_present
    again.message(payload=b"written")
    again.expect_nothing()


@levels_everywhere
@both
def test_memory_never_touches_the_disk(shimmed, clients, unique, version, where):
    broker = shimmed(config=of_level("memory", where))
    topic, name = unique("t"), unique("me")
    before = broker.quiet()
    sleeper(broker, clients, name, version, topic, qos=2)
    sender = clients(broker, version).open(unique("s"))
    for i in range(30):
        sender.publish(topic, b"%d" % i, qos=1 + i % 2)
        sender.publish(f"{topic}/kept", b"%d" % i, qos=1, retain=True)
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert again.connack.session_present and len(again.messages(30)) == 30
    assert broker.quiet()[:2] == before[:2]
    broker.crash()
    assert not clients(broker, version).open(name, **kept(version)).connack.session_present


@both
def test_qos_0_and_clean_sessions_never_touch_the_disk(shimmed, clients, unique, version):
    broker = shimmed(shards=2)
    topic = unique("t")
    sleeper(broker, clients, unique("persistent"), version, topic, qos=1)
    before = broker.quiet()
    one = clients(broker, version).open(unique("a"))
    one.subscribe(topic, f"{topic}/other", qos=2)
    two = clients(broker, version).open(unique("b"))
    for i in range(50):
        two.publish(f"{topic}/other", b"%d" % i, qos=i % 3)
        one.message(payload=b"%d" % i)
        two.publish(topic, b"%d" % i, qos=0)
        one.message(payload=b"%d" % i)
    one.leave()
    two.drop()
    assert broker.quiet()[:2] == before[:2]


@both
def test_a_limit_does_not_weaken_what_is_kept(variant, clients, unique, version):
    """A dead subscriber with a full queue: what was acknowledged for it is there after a crash, what
    was refused is not, and others do not wait for it."""
    broker = variant(limits={"session-queue-messages": 50})
    topic, name = unique("t"), unique("dead")
    sleeper(broker, clients, name, version, topic)
    sender = clients(broker).open(unique("s"))
    taken = []
    for i in range(100):
        answer = sender.publish(topic, b"%d" % i, qos=1, reason=(0, 0x97))
        if answer.reason == 0:
            taken.append(b"%d" % i)
    assert len(taken) == 50
    alive = clients(broker, version).open(unique("alive"), **kept(version))
    alive.subscribe(topic, qos=1)
    began = time.monotonic()
    for i in range(200):
        sender.publish(topic, b"live %d" % i, qos=1)
        alive.message(payload=b"live %d" % i)
    assert time.monotonic() - began < 10
    broker.crash()
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert [m.payload for m in again.messages(50)] == taken
    again.expect_nothing()
