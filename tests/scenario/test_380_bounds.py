# SPDX-License-Identifier: Apache-2.0
"""What one identity may use up after it has come in: it waits, or is refused, and nobody else is."""

import time

import pytest

from support import wire
from support.broker import ROOT
from support.marks import both, only_tacit, versions
from support.patience import patience

from test_010_sessions import kept

pytestmark = only_tacit


@both
@pytest.mark.parametrize("shards", [1, 3], ids="shards{}".format)
def test_messages_wait_and_are_not_lost(variant, clients, unique, version, shards):
    """Sixty at 20/s: twenty at once, the rest evenly; somebody else is served meanwhile."""
    broker = variant(shards=shards, limits={"messages-per-s": 20})
    topic = unique()
    reader = clients(broker, version).open(unique("reader"))
    reader.subscribe(topic, qos=1)
    sender = clients(broker, version).open(unique("sender"), keepalive=1)
    began = time.monotonic()
    sender.send(*(wire.publish(version, topic, b"%d" % i, 1, i + 1) for i in range(60)))
    other = clients(broker, version).open(unique("other"))
    other.publish(unique("elsewhere"), b"x", qos=1)
    assert time.monotonic() - began < patience(1.5)
    for i in range(60):
        assert int(reader.message().payload) == i
    took = time.monotonic() - began
    assert took >= 1.9, f"faster than it may: {took:.3f} s"
    for i in range(60):
        sender.expect(wire.PUBACK, packet_id=i + 1)


@versions(5)
def test_bytes_wait(variant, clients, unique, version):
    broker = variant(limits={"bytes-per-s": "64KiB"})
    topic = unique()
    sender = clients(broker, version).open(unique("sender"))
    began = time.monotonic()
    for _ in range(5):
        sender.publish(topic, b"x" * 32000, qos=1)
    assert time.monotonic() - began >= 0.9, "one second's worth at once, then as it comes"


@both
def test_connects_are_refused(variant, clients, unique, version):
    """Whoever comes too often; another one comes in."""
    broker = variant(limits={"connects-per-minute": 5})
    name = unique()
    for _ in range(5):
        clients(broker, version).open(name).leave()
    refused = clients(broker, version)
    refused.open(name, reason=0x9F if version == 5 else 3)
    refused.expect_closed()
    clients(broker, version).open(unique("other"))


@both
def test_subscribes_are_refused(variant, clients, unique, version):
    broker = variant(limits={"subscribes-per-s": 3})
    client = clients(broker, version).open(unique())
    began = time.monotonic()
    names = [unique(f"t{i}") for i in range(8)]
    suback = client.subscribe(*names, reasons=[0, 0, 0] + [0x97 if version == 5 else 0x80] * 5)
    assert suback
    while time.monotonic() - began < patience(20.0):  # one comes back in a third of a second
        packet_id = client.packet_id()
        client.send(wire.subscribe(version, packet_id, (names[7], 0)))
        if client.take(wire.SUBACK).reasons == [0]:
            break
    else:
        raise AssertionError("no filter was taken any more")


@versions(5)
def test_retained_bytes_of_one_identity(variant, clients, unique, version):
    """The message that is one too many is delivered and not kept; another identity may."""
    broker = variant(limits={"identity-retained-bytes": 1000})
    topic = unique()
    reader = clients(broker, version).open(unique("reader"))
    reader.subscribe(f"{topic}/#")
    writer = clients(broker, version).open(unique("writer"))
    writer.publish(f"{topic}/a", b"x" * 600, qos=1, retain=True)
    writer.publish(f"{topic}/b", b"x" * 600, qos=1, retain=True, reason=0x97)
    clients(broker, version).open(unique("other")).publish(f"{topic}/c", b"x" * 600, qos=1,
                                                           retain=True)
    assert [m.topic[-1] for m in reader.messages(3)] == ["a", "b", "c"]
    late = clients(broker, version).open(unique("late"))
    late.subscribe(f"{topic}/#")
    assert sorted(m.topic[-1] for m in late.messages(2)) == ["a", "c"]
    late.expect_nothing()


@versions(5)
def test_retained_bytes_count_after_a_restart(variant, clients, unique, version):
    """Who had used up what it may retain has so after a restart and after a crash, too; and so have all
    of its role together."""
    broker = variant(config=with_terms("  max-retained = 1000 max-retained-all = 1500"))
    topic, name = unique(), unique("writer")
    clients(broker, version).open(name).publish(f"{topic}/a", b"x" * 900, qos=1, retain=True)
    for again in (broker.crash, lambda: (broker.stop(), broker.start())):
        again()
        writer = clients(broker, version).open(name)
        writer.publish(f"{topic}/b", b"x" * 200, qos=1, retain=True, reason=0x97)
        other = clients(broker, version).open(unique("other"))
        other.publish(f"{topic}/c", b"x" * 700, qos=1, retain=True, reason=0x97)
        other.publish(f"{topic}/c", b"x" * 400, qos=1, retain=True)
        writer.close(), other.close()
    late = clients(broker, version).open(unique("late"))
    late.subscribe(f"{topic}/#")
    assert sorted(m.topic[-1] for m in late.messages(2)) == ["a", "c"]


def with_terms(terms, level="info"):
    """The open configuration, with these terms in its role."""
    text = (ROOT / "bench/open.conf").read_text()
    text = text.replace("unrestricted = on\n", f"unrestricted = on\n{terms}\n")
    return text.replace("level = warning", f"level = {level}")


@versions(5)
def test_a_role_says_otherwise_and_a_reload_counts(variant, clients, unique, version):
    """The one who is connected waits by the new terms from then on, and no longer by others."""
    broker = variant(config=with_terms('  max-connects = "4/h"'), limits={"messages-per-s": 1})
    name = unique()
    sender = clients(broker).open(name)
    began = time.monotonic()
    for _ in range(3):
        sender.publish(name, b"x", qos=1)
    assert time.monotonic() - began >= 1.9
    text = broker.config_file.read_text()
    broker.config_file.write_text(text.replace('max-connects = "4/h"', "max-messages = unlimited"))
    broker.reload()
    deadline = time.monotonic() + patience(20.0)
    took = 9.0
    while took > 1.0:
        assert time.monotonic() < deadline, broker.log()
        began = time.monotonic()
        for _ in range(10):
            sender.publish(name, b"x", qos=1)
        took = time.monotonic() - began


@versions(5)
@pytest.mark.parametrize("shards", [1, 2])
def test_all_of_a_role_share_a_bound(variant, clients, unique, version, shards):
    """Four of them, each within its own bound, wait for each other; a filter or a CONNECT too many is
    refused."""
    terms = '  max-messages-all = "4/s"\n  max-subscribes-all = "2/h"\n  max-connects-all = "6/h"'
    broker = variant(config=with_terms(terms), shards=shards)
    senders = [clients(broker).open(unique(f"s{i}")) for i in range(4)]
    began = time.monotonic()
    for number in range(4):
        for one in senders:
            one.publish(unique(), b"%d" % number, qos=1)
    assert time.monotonic() - began >= 2.0, "16 messages, 4 at once, then 4 a second"
    assert senders[0].subscribe("a") and senders[1].subscribe("b")
    assert senders[2].subscribe("c", reasons=[0x97])
    assert senders[0].subscribe("d", reasons=[0x97])
    for _ in range(2):
        clients(broker).open(unique("more"))
    clients(broker).open(unique("one"), reason=0x9f)


@both
def test_a_slow_reader_is_closed_and_its_session_kept(variant, clients, unique, version):
    """It reads nothing of some megabytes; who reads is not touched, and what was for it is there
    when it comes back."""
    broker = variant(config=with_terms(""), limits={"slow-reader-timeout-s": 1})
    topic, name = unique(), unique("slow")
    slow = clients(broker, version).open(name, **kept(version))
    slow.subscribe(topic, qos=1)
    reader = clients(broker, version).open(unique("reader"))
    reader.subscribe(topic, qos=1)
    sender = clients(broker, version).open(unique("sender"))
    count = 400
    for i in range(count):
        sender.publish(topic, b"%06d" % i + b"x" * 50000, qos=1)
        assert int(reader.message().payload[:6]) == i
    deadline = time.monotonic() + patience(20.0)
    while f"{name}" not in "".join(line for line in broker.log().splitlines()
                                   if "took nothing" in line):
        assert time.monotonic() < deadline, broker.log()
        time.sleep(0.05)
    reader.expect_nothing()
    back = clients(broker, version).open(name, **kept(version))
    assert back.connack.session_present
    got = {int(back.message().payload[:6]) for _ in range(count)}
    assert got == set(range(count))
