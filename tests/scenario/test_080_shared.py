# SPDX-License-Identifier: Apache-2.0
"""Shared subscriptions: one copy a group, and nothing lost when a member goes."""

import time

from support import wire
from support.client import Closed
from support.marks import only_tacit, versions
from support.patience import patience

from test_010_sessions import kept


def group_of(client, unique, count, topic, qos=1, share="g", **more):
    members = [client(5, f"m{share}{i}", **more) for i in range(count)]
    for one in members:
        one.subscribe(f"$share/{unique(share)}/{topic}", qos=qos)
    return members


def collect(members, count):
    """Messages of all members together, until there are as many as expected."""
    got, deadline = [], time.monotonic() + patience(10)
    while sum(map(len, got)) < count and time.monotonic() < deadline:
        got = got or [[] for _ in members]
        for one, mine in zip(members, got):
            for packet in one.fence():
                assert packet.kind == wire.PUBLISH, packet
                one.acknowledge(packet)
                mine.append(packet)
    return got


@versions(5)
def test_one_copy_for_the_group(client, unique, version):
    """[MQTT-4.8.2-3] and every member gets work"""
    topic = unique()
    members = group_of(client, unique, 3, topic)
    sender = client(version)
    for i in range(60):
        sender.publish(topic, b"%d" % i, qos=1)
    got = collect(members, 60)
    everything = sorted(int(m.payload) for mine in got for m in mine)
    assert everything == list(range(60))
    assert all(mine for mine in got), [len(mine) for mine in got]
    assert all(m.qos == 1 for mine in got for m in mine)


@versions(5)
def test_each_group_has_its_copy(client, unique, version):
    topic = unique()
    plain = client(version, "plain")
    plain.subscribe(topic, qos=1)
    members = group_of(client, unique, 2, topic) + group_of(client, unique, 1, topic, share="h")
    client(version).publish(topic, b"x", qos=1)
    got = collect(members, 2)
    assert len(got[0]) + len(got[1]) == 1 and len(got[2]) == 1
    plain.message(payload=b"x")
    plain.expect_nothing()


@versions(5)
def test_granted_qos_is_respected(client, unique, version):
    """[MQTT-4.8.2-3]"""
    topic = unique()
    members = group_of(client, unique, 2, topic, qos=0)
    client(version).publish(topic, b"x", qos=2)
    got = collect(members, 1)
    assert [m.qos for mine in got for m in mine] == [0]


@versions(5)
def test_wildcards_in_a_shared_filter(client, unique, version):
    name = unique()
    members = group_of(client, unique, 2, f"{name}/+/t")
    sender = client(version)
    for i in range(10):
        sender.publish(f"{name}/{i}/t", b"%d" % i, qos=1)
        sender.publish(f"{name}/{i}/u", b"no", qos=1)
    got = collect(members, 10)
    assert sorted(int(m.payload) for mine in got for m in mine) == list(range(10))


@only_tacit
@versions(5)
def test_work_goes_to_those_who_are_there(client, unique, version):
    """A member that left gets nothing while another is connected."""
    topic = unique()
    away, here = group_of(client, unique, 2, topic, **kept(5))
    away.leave()
    sender = client(version)
    time.sleep(0.05)
    for i in range(10):
        sender.publish(topic, b"%d" % i, qos=1)
    got = collect([here], 10)
    assert len(got[0]) == 10


@only_tacit
@versions(5)
def test_work_of_a_member_whose_session_ends_goes_on(client, unique, version):
    """What was queued for a member, and QoS 1 under way to it, is given to another."""
    topic = unique()
    gone, here = group_of(client, unique, 2, topic, clean=True)
    sender = client(version)
    for i in range(10):
        sender.publish(topic, b"%d" % i, qos=1)
    first = [p for p in here.fence()]
    for packet in first:
        here.acknowledge(packet)
    gone.drop()
    rest = collect([here], 10 - len(first))
    everything = {int(p.payload) for p in first} | {int(p.payload) for p in rest[0]}
    assert everything == set(range(10))


@versions(5)
def test_qos2_under_way_stays_with_its_member(client, unique, version):
    """[MQTT-4.8.2-4] It is completed when that member returns."""
    topic = unique()
    members = group_of(client, unique, 2, topic, qos=2, **kept(5))
    client(version).publish(topic, b"x", qos=2)
    holder, got = None, None
    deadline = time.monotonic() + patience(10)
    while holder is None and time.monotonic() < deadline:
        for i, one in enumerate(members):
            packets = one.fence()
            if packets:
                holder, got = i, packets[0]
    members[holder].drop()
    other = members[1 - holder]
    time.sleep(0.1)
    other.expect_nothing()
    again = client(version, f"mg{holder}", **kept(5))
    second = again.message(payload=b"x", acknowledge=False)
    assert second.dup and second.packet_id == got.packet_id
    again.acknowledge(second)
    other.expect_nothing()


@versions(5)
def test_qos2_under_way_ends_with_its_member(client, unique, version):
    """[MQTT-4.8.2-5] A session that ends takes it along."""
    topic = unique()
    members = group_of(client, unique, 2, topic, qos=2, clean=True)
    client(version).publish(topic, b"x", qos=2)
    deadline, holder = time.monotonic() + patience(10), None
    while holder is None and time.monotonic() < deadline:
        for one in members:
            if one.fence():
                holder = one
    holder.drop()
    time.sleep(0.1)
    other = members[1 - members.index(holder)]
    other.expect_nothing()


@versions(5)
def test_refused_message_goes_to_nobody_else(client, unique, version):
    """[MQTT-4.8.2-6]"""
    topic = unique()
    members = group_of(client, unique, 3, topic)
    client(version).publish(topic, b"x", qos=1)
    deadline, seen = time.monotonic() + patience(10), 0
    while not seen and time.monotonic() < deadline:
        for one in members:
            for packet in one.fence():
                one.send(wire.ack(5, wire.PUBACK, packet.packet_id, 0x80))
                seen += 1
    time.sleep(0.1)
    for one in members:
        one.expect_nothing()
    assert seen == 1


@versions(5)
def test_subscription_id_and_no_local_of_others(client, unique, version):
    """[MQTT-3.3.4-3] A shared copy carries the identifier of the member it goes to."""
    topic = unique()
    one = client(version)
    one.subscribe(f"$share/{unique('g')}/{topic}", props=[("subscription_id", 77)])
    client(version).publish(topic, b"x")
    assert one.message().all("subscription_id") == [77]


@versions(5)
def test_unsubscribe_needs_the_whole_name(client, unique, version):
    topic = unique()
    one, = group_of(client, unique, 1, topic)
    one.unsubscribe(topic, reasons=[0x11])
    one.unsubscribe(f"$share/{unique('g')}/{topic}")
    client(version).publish(topic, b"x", qos=1)
    one.expect_nothing()


@versions(5)
def test_members_come_and_go(client, unique, version):
    """Nothing is lost or doubled while members change."""
    topic = unique()
    steady, = group_of(client, unique, 1, topic)
    sender = client(version)
    seen = []
    for round_ in range(5):
        guest = client(version, f"guest{round_}")
        guest.subscribe(f"$share/{unique('g')}/{topic}", qos=1)
        for i in range(10):
            sender.publish(topic, b"%d" % (round_ * 10 + i), qos=1)
        got = collect([steady, guest], 10)
        seen += [int(m.payload) for mine in got for m in mine]
        try:
            guest.leave()
        except Closed:
            pass
    assert sorted(seen) == list(range(50))
