# SPDX-License-Identifier: Apache-2.0
"""What the store does at its edges: queues that are full, files that are damaged, figures in $SYS."""

import json
import re
import time

import pytest

from support.client import Closed
from support.marks import both, only_tacit, versions
from support.patience import patience

from test_010_sessions import kept

pytestmark = only_tacit
BOUND = 20


def absent(clients, broker, name, topic, version=5, qos=1):
    one = clients(broker, version).open(name, **kept(version))
    one.subscribe(topic, qos=qos)
    one.drop()


def publish_some(clients, broker, name, version, topic, count):
    """Which of them were acknowledged as taken. Before MQTT 5 a refusal ends the connection."""
    taken, sender = [], None
    for i in range(count):
        sender = sender or clients(broker, version).open(name)
        try:
            answer = sender.publish(topic, b"%d" % i, qos=1, reason=(0, 0x97))
        except Closed:
            assert version == 4
            sender = None
            continue
        if answer.reason == 0:
            taken.append(i)
    return taken


@both
@pytest.mark.parametrize("shards", [1, 3], ids="shards{}".format)
def test_a_full_queue_is_refused_wherever_it_is(variant, clients, unique, version, shards):
    """What was acknowledged for it is there after a kill, what was refused is not; whichever shard
    the one who is away belongs to. Before MQTT 5 nobody is told of a refusal: the connection ends,
    and as with any that does, what was sent last may have been taken or not."""
    broker = variant(shards=shards, limits={"session-queue-messages": BOUND})
    names = [unique(f"away-{i}") for i in range(6)]
    for name in names:
        absent(clients, broker, name, name, version)
        assert publish_some(clients, broker, unique("s"), version, name, BOUND + 5) \
            == list(range(BOUND))
    broker.crash()
    for name in names:
        back = clients(broker, version).open(name, **kept(version))
        assert back.connack.session_present
        assert [int(back.message().payload) for _ in range(BOUND)] == list(range(BOUND))
        more = [int(packet.payload) for packet in back.fence()]
        assert not more or (version == 4 and min(more) >= BOUND), more


@both
@pytest.mark.parametrize("shards", [1, 3], ids="shards{}".format)
def test_a_full_queue_hurts_nobody_else(variant, clients, unique, version, shards):
    """Who is there gets everything at once, and its publisher is acknowledged; who is away keeps
    what fitted. The last message may have been on its way to another shard when the broker was
    killed: it was acknowledged, so a start delivers it whatever the bound says."""
    broker = variant(shards=shards, limits={"session-queue-messages": BOUND})
    topic = unique()
    names = [unique(f"away-{i}") for i in range(3)]
    for name in names:
        absent(clients, broker, name, topic)
    here = clients(broker, version).open(unique("here"), **kept(version))
    here.subscribe(topic, qos=1)
    sender = clients(broker, version).open(unique("s"))
    began = time.monotonic()
    for i in range(3 * BOUND):
        sender.publish(topic, b"%d" % i, qos=1)
        assert int(here.message().payload) == i
    assert time.monotonic() - began < patience(5.0)
    broker.crash()
    for name in names:
        back = clients(broker).open(name, **kept(5))
        assert [int(back.message().payload) for _ in range(BOUND)] == list(range(BOUND))
        more = [int(packet.payload) for packet in back.fence()]
        assert not more or (shards > 1 and more == [3 * BOUND - 1]), more


@versions(5)
def test_a_damaged_file_is_isolated(variant, clients, unique, version):
    """It is named with the place, the rest is served, and it goes on. Each message nearly fills the
    block that it is synced in, so that there is nothing to compact, and the damage hits two."""
    broker = variant(limits={"store-segment-bytes": 65536})
    names = [unique(f"away-{i}") for i in range(4)]
    for name in names:
        absent(clients, broker, name, name)
    sender = clients(broker).open(unique("s"))
    for i in range(60):
        for name in names:
            sender.publish(name, b"%03d" % i + b"x" * 3500, qos=1)
    sender.drop()
    broker.stop()
    segments = sorted((broker.state / "store").glob("log-*"))
    assert len(segments) >= 10
    spoilt = segments[len(segments) // 2]  # messages; the sessions were written long before
    with spoilt.open("r+b") as file:
        file.seek(20000)
        file.write(b"\xff" * 3000)
    broker.start()
    got = {}
    for name in names:
        back = clients(broker).open(name, **kept(5))
        assert back.connack.session_present
        sender = clients(broker).open(unique("s"))
        sender.publish(name, b"after", qos=1)
        got[name] = []
        while not got[name] or got[name][-1] != b"after":
            got[name].append(back.message().payload)
    told = re.search(rf"{spoilt.name} is damaged at byte (\d+)", broker.log())
    assert told and 16000 < int(told.group(1)) <= 23000, broker.log()
    for name in names:
        numbers = [int(m[:3]) for m in got[name][:-1]]
        assert numbers == sorted(set(numbers)), "in order, once"
    there = sum(len(m) - 1 for m in got.values())
    assert 4 * 60 - 4 < there < 4 * 60, "few are lost"


@versions(5)
def test_sys_tells_of_the_store(variant, clients, unique, version):
    broker = variant(limits={"sys-interval-s": 1})
    absent(clients, broker, unique("away"), "t")
    sender = clients(broker).open(unique("s"))
    for i in range(50):
        sender.publish("t", b"x" * 100, qos=1)
    time.sleep(1.2)
    look = clients(broker).open(unique("look"))
    look.subscribe("$SYS/broker/store/#")
    seen = {}
    wanted = {"state", "segments", "bytes", "bytes/living", "things", "syncs", "frames",
              "living-ratio", "latency", "latency/p50-us", "latency/p99-us", "bytes/waiting"}
    deadline = time.monotonic() + patience(10.0)
    while not (wanted <= set(seen) and int(seen["things"]) >= 100):
        assert time.monotonic() < deadline, seen
        message = look.message()
        seen[message.topic.removeprefix("$SYS/broker/store/")] = message.payload.decode()
    assert seen["state"] == "open"
    assert int(seen["bytes/living"]) > 50 * 100
    assert int(seen["bytes"]) >= int(seen["segments"]) * 65536
    assert 0 < float(seen["living-ratio"]) < 1
    histogram = json.loads(seen["latency"])
    assert histogram["unit"] == "us"
    assert sum(histogram["below"].values()) + histogram["above"] == histogram["count"] >= 50
    assert int(seen["latency/p50-us"]) <= int(seen["latency/p99-us"])
