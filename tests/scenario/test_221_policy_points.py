# SPDX-License-Identifier: Apache-2.0
"""W4, point by point: what is on its way, retained, live or willed when a right ends."""

import contextlib
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.place import WITHIN_S, house, join, lamp, place  # noqa: F401

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
BOTH = pytest.mark.parametrize("version", [4, 5], ids=["v311", "v5"])
EACH_QOS = pytest.mark.parametrize("qos", [0, 1, 2])
ACKNOWLEDGED = pytest.mark.parametrize("qos", [1, 2])

SCOPE = """wildcards { prefix = "area/" depth = any most-topics = 100 expires = never
    owner = "olga" reason = "the fair" }"""
ROLES = """
role "device" { publish = { "own/%{device}" } }
role "exact"  { subscribe = { "area/x", "area/y" } }
role "wild"   { subscribe = { "area/#" } shared = on SCOPE }
role "carver" { subscribe = { "area/#" } denials = carve SCOPE }
role "keeper" { publish = { "area/#", "will/#" } subscribe = { "area/#", "will/x" }
  shared = on retain = on SCOPE }
role "willer" { publish = { "will/x" } }
""".replace("SCOPE", SCOPE)
DEVICES = [(role, role) for role in ("exact", "wild", "carver", "keeper", "willer")]

# All but the keeper lose area/x and keep area/y.
CHANGED = (ROLES.replace('"area/x", "area/y"', '"area/y"')
           .replace('role "wild"   { subscribe = { "area/#" }', 'role "wild" { subscribe = { "area/y" }')
           .replace("denials = carve", 'denials = carve deny-subscribe = { "area/x" }'))
WITHOUT_WILL = ROLES.replace('role "willer" { publish = { "will/x" } }',
                             'role "willer" { publish = { "will/other" } }')


def persistent(version):
    return {"clean": False, "props": [("session_expiry", 600)] if version == 5 else ()}


def refused(version):
    return 0x87 if version == 5 else 0x80


@pytest.fixture
def name(request, place):  # noqa: F811
    """A client identifier that no other test uses."""
    names = (f"{next(place.names)}-{n}" for n in range(1000))
    return lambda: next(names)


# -- in flight and queued -----------------------------------------------------------------------


@BOTH
@ACKNOWLEDGED
def test_what_was_in_flight_is_not_sent_again(place, join, name, version, qos):  # noqa: F811
    """[MQTT-4.4.0-1] does not outweigh the policy: neither now nor when the grant is back."""
    me, keeper = name(), join("keeper")
    one = join("exact", version, me, **persistent(version))
    one.subscribe("area/x", "area/y", qos=qos)
    keeper.publish("area/x", b"lost", qos=qos)
    keeper.publish("area/y", b"kept", qos=qos)
    sent = [one.message(acknowledge=False) for _ in range(2)]
    assert [p.payload for p in sent] == [b"lost", b"kept"]
    one.drop()
    place.reload(CHANGED)
    again = join("exact", version, me, **persistent(version))
    assert again.connack.session_present
    again.message(payload=b"kept", dup=True, qos=qos)
    again.expect_nothing()
    again.drop()
    place.reload(ROLES)
    last = join("exact", version, me, **persistent(version))
    last.expect_nothing()
    keeper.publish("area/y", b"more", qos=qos)
    last.message(payload=b"more")


@BOTH
def test_after_pubrec_only_pubrel_goes_on(place, join, name, version):  # noqa: F811
    """[MQTT-4.3.3-7] The message is the client's already; its exchange is seen to its end."""
    me, keeper = name(), join("keeper")
    one = join("exact", version, me, **persistent(version))
    one.subscribe("area/x", qos=2)
    keeper.publish("area/x", b"had", qos=2)
    keeper.publish("area/x", b"lost", qos=2)
    had, _ = [one.message(acknowledge=False) for _ in range(2)]
    one.send(wire.ack(version, wire.PUBREC, had.packet_id))
    one.expect(wire.PUBREL, packet_id=had.packet_id)
    one.drop()
    place.reload(CHANGED)
    again = join("exact", version, me, **persistent(version))
    again.expect(wire.PUBREL, packet_id=had.packet_id)
    again.send(wire.ack(version, wire.PUBCOMP, had.packet_id))
    again.expect_nothing()


@ACKNOWLEDGED
def test_what_waits_behind_the_receive_maximum_is_dropped(place, join, name, qos):  # noqa: F811
    """[MQTT-3.3.4-9] The window opens, and what may not be sent any more is passed over."""
    one, keeper = join("exact", 5, name(), props=[("receive_maximum", 1)]), join("keeper")
    one.subscribe("area/x", "area/y", qos=qos)
    for topic, payload in (("area/x", b"x1"), ("area/x", b"x2"), ("area/y", b"y1"),
                           ("area/x", b"x3"), ("area/y", b"y2")):
        keeper.publish(topic, payload, qos=qos)
    first = one.message(payload=b"x1", acknowledge=False)
    place.reload(CHANGED)
    one.expect_nothing()
    one.acknowledge(first)
    one.message(payload=b"y1")
    one.message(payload=b"y2")
    one.expect_nothing()


@BOTH
@ACKNOWLEDGED
def test_a_queue_survives_what_concerns_others(place, join, name, version, qos):  # noqa: F811
    """Of what waits for one who is away only that is dropped to which the right has ended."""
    me, keeper = name(), join("keeper")
    one = join("wild", version, me, **persistent(version))
    one.subscribe("area/#", qos=qos)
    one.drop()
    for number in range(10):
        keeper.publish("area/" + "xy"[number % 2], str(number).encode(), qos=qos)
    place.reload(CHANGED)
    again = join("wild", version, me, **persistent(version))
    assert again.connack.session_present
    assert [p.payload for p in again.messages(5)] == [b"1", b"3", b"5", b"7", b"9"]
    again.expect_nothing()
    keeper.publish("area/y", b"its subscription has ended", qos=qos)
    again.expect_nothing()


@BOTH
def test_a_lower_qos_counts_for_what_comes(place, join, name, version):  # noqa: F811
    me, keeper = name(), join("keeper")
    one = join("exact", version, me, **persistent(version))
    one.subscribe("area/x", qos=2)
    keeper.publish("area/x", b"two", qos=2)
    one.message(payload=b"two", qos=2)
    for most in (1, 0):
        place.reload(ROLES.replace('role "exact"  {', f'role "exact" {{ maximum-qos = {most}'))
        keeper.publish("area/x", b"lower", qos=2)
        one.message(payload=b"lower", qos=most)
    place.reload(ROLES)
    keeper.publish("area/x", b"as it was lowered", qos=2)
    one.message(payload=b"as it was lowered", qos=0)
    one.subscribe("area/x", qos=2)
    keeper.publish("area/x", b"asked again", qos=2)
    one.message(payload=b"asked again", qos=2)


@BOTH
@pytest.mark.parametrize("restarts", [False, True], ids=["", "restart"])
@pytest.mark.parametrize("most", [0, 1])
def test_a_lower_qos_counts_for_what_is_queued(place, join, name, version, most,  # noqa: F811
                                               restarts):
    me, keeper = name(), join("keeper")
    one = join("exact", version, me, **persistent(version))
    one.subscribe("area/x", qos=2)
    one.drop()
    for payload in (b"a", b"b", b"c"):
        keeper.publish("area/x", payload, qos=2)
    place.reload(ROLES.replace('role "exact"  {', f'role "exact" {{ maximum-qos = {most}'))
    if restarts:
        place.broker.restart()
    again = join("exact", version, me, **persistent(version))
    for payload in (b"a", b"b", b"c"):
        again.message(payload=payload, qos=most)
    again.expect_nothing()


# -- retained -----------------------------------------------------------------------------------


@pytest.fixture
def retained(join):  # noqa: F811
    keeper = join("keeper")
    for topic in ("area/x", "area/y"):
        keeper.publish(topic, topic.encode(), qos=1, retain=True)
    yield
    again = join("keeper")
    for topic in ("area/x", "area/y"):
        again.publish(topic, b"", qos=1, retain=True)


@BOTH
@pytest.mark.parametrize("role, pattern, before, after", [
    ("exact", "area/x", "x", ""), ("exact", "area/y", "y", "y"), ("wild", "area/#", "xy", ""),
    ("wild", "area/x", "x", ""), ("carver", "area/#", "xy", "y"), ("carver", "area/+", "xy", "y"),
    ("carver", "area/x", "x", ""), ("keeper", "area/+", "xy", "xy")])
def test_retained_replay(place, join, name, retained, version, role, pattern,  # noqa: F811
                         before, after):
    """What was kept under the old policy is replayed by the new one, also to who asks again."""
    one, late = (join(role, version, name()) for _ in range(2))

    def replayed(client, topics):
        client.send(wire.subscribe(version, 7, (pattern, 1)))
        reason = client.expect(wire.SUBACK).reasons[0]
        assert (reason >= 0x80) == (topics == ""), f"0x{reason:02x}"
        got = sorted(client.message(retain=True, qos=1).topic for _ in topics)
        assert got == [f"area/{letter}" for letter in topics]
        client.expect_nothing()

    replayed(one, before)
    place.reload(CHANGED)
    replayed(one, after)
    replayed(late, after)


def test_retain_handling(place, join, name, retained):  # noqa: F811
    """[MQTT-3.3.1-10] [MQTT-3.3.1-11] as far as the policy lets through."""
    place.reload(CHANGED)
    one = join("carver", 5, name())
    one.subscribe("area/#", options=2 << 4)
    one.expect_nothing()
    one.subscribe("area/#", options=1 << 4)
    one.expect_nothing()
    one.unsubscribe("area/#")
    one.subscribe("area/#", options=1 << 4)
    one.message(topic="area/y")
    one.expect_nothing()


def test_a_retained_message_outlives_the_right_to_publish_it(place, join, name):  # noqa: F811
    """It was allowed when it was published; who may read it may still read it."""
    keeper = join("keeper")
    keeper.publish("area/x", b"then", qos=1, retain=True)
    place.reload(ROLES.replace('publish = { "area/#", "will/#" }', 'publish = { "will/#" }'))
    keeper.publish("area/x", b"now", qos=1, retain=True, reason=0x87)
    one = join("exact", 5, name())
    one.subscribe("area/x")
    one.message(payload=b"then", retain=True)
    place.reload(ROLES)
    keeper.publish("area/x", b"", qos=1, retain=True)


# -- live ---------------------------------------------------------------------------------------


def collect(client):
    """What has come, acknowledged to the end, as numbers."""
    packets, numbers = client.fence(), []
    while packets:
        for packet in packets:
            if packet.kind == wire.PUBLISH:
                numbers.append(int(packet.payload))
                if packet.qos:
                    kind = wire.PUBACK if packet.qos == 1 else wire.PUBREC
                    client.send(wire.ack(client.version, kind, packet.packet_id))
            elif packet.kind == wire.PUBREL:
                client.send(wire.ack(client.version, wire.PUBCOMP, packet.packet_id))
        packets = client.fence()
    return numbers


class Stream:
    """Publishes numbers without a pause, before, while and after the policy changes."""

    def __init__(self, place, publisher, topic, qos):  # noqa: F811
        self.place, self.publisher, self.topic, self.qos = place, publisher, topic, qos
        self.count = 0
        self.refused = []

    def publish(self, number=1):
        for _ in range(number):
            self.count += 1
            answer = self.publisher.publish(self.topic, str(self.count).encode(), qos=self.qos,
                                            reason=(0, 0x10, 0x87))
            if answer is not None and answer.reason == 0x87:
                self.refused.append(self.count)

    def through(self, roles):
        """The number of the last message before the change was in force everywhere."""
        self.publish(20)
        before, began = self.place.force(), time.monotonic()
        self.place.signal(roles)
        while self.place.force() < before + self.place.shards:
            self.publish()
            assert time.monotonic() - began < WITHIN_S, "not in force within a second"
        in_force = self.count
        self.publish(20)
        self.publisher.fence()
        return in_force


@BOTH
@EACH_QOS
def test_live_delivery_ends_in_mid_stream(place, join, name, version, qos):  # noqa: F811
    """Exact, wildcard, shared and carved; the client identifiers lie on all shards."""
    rows = [("exact", "area/x"), ("wild", "area/#"), ("wild", "area/+"), ("carver", "area/#"),
            ("wild", "$share/{}/area/x"), ("wild", "$share/{}/area/#")]
    losers, keepers = [], []
    for role, pattern in rows * 3:
        losers.append(join(role, version, name()))
        losers[-1].subscribe(pattern.format(name()), qos=qos)
    for _ in range(4):
        keepers.append(join("keeper", version, name()))
        keepers[-1].subscribe("area/x", qos=qos)
    stream = Stream(place, join("keeper", 5, name()), "area/x", qos)
    in_force = stream.through(CHANGED)
    for one in losers:
        got = collect(one)
        assert got == list(range(1, len(got) + 1)), "a gap, or something after the end"
        assert 20 <= len(got) <= in_force, f"{len(got)} came, in force after {in_force}"
    for one in keepers:
        assert collect(one) == list(range(1, stream.count + 1))


@BOTH
@ACKNOWLEDGED
def test_a_group_goes_on_without_those_who_lost(place, join, name, version, qos):  # noqa: F811
    """[MQTT-4.8.2-5] What a member may no longer have goes to one that may; none is lost."""
    group = f"$share/{name()}/area/x"
    members = [join(role, version, name()) for role in ("wild", "keeper") * 3]
    for one in members:
        one.subscribe(group, qos=qos)
    stream = Stream(place, join("keeper", 5, name()), "area/x", qos)
    in_force = stream.through(CHANGED)
    got = [collect(one) for one in members]
    lost = [number for numbers in got[0::2] for number in numbers]
    assert lost and max(lost) <= in_force
    assert sorted(number for numbers in got for number in numbers) == list(
        range(1, stream.count + 1))


@EACH_QOS
def test_publishing_ends_in_mid_stream(place, join, name, qos):  # noqa: F811
    readers = [join("exact", 5, name()) for _ in range(6)]
    for one in readers:
        one.subscribe("area/x", qos=qos)
    stream = Stream(place, join("keeper", 5, name()), "area/x", qos)
    in_force = stream.through(ROLES.replace('publish = { "area/#", ', 'publish = { "area/y", '))
    if qos:
        assert stream.refused, "nothing was refused"
        assert stream.refused == list(range(stream.refused[0], stream.count + 1))
        assert stream.refused[0] <= in_force + 1
    for one in readers:
        got = collect(one)
        assert got == list(range(1, len(got) + 1)) and 20 <= len(got) <= in_force


@BOTH
def test_a_grant_that_comes_back_needs_a_new_subscription(place, join, name, version):  # noqa: F811
    """What has ended does not begin again by itself; what was only carved does."""
    exact, carved, keeper = (join(role, version, name()) for role in ("exact", "carver", "keeper"))
    exact.subscribe("area/x", qos=1)
    carved.subscribe("area/#", qos=1)
    place.reload(CHANGED)
    keeper.publish("area/x", b"in between", qos=1)
    place.reload(ROLES)
    keeper.publish("area/x", b"back", qos=1)
    exact.expect_nothing()
    carved.message(payload=b"back")
    carved.expect_nothing()
    exact.subscribe("area/x", qos=1)
    keeper.publish("area/x", b"anew", qos=1)
    exact.message(payload=b"anew")


# -- what a publication may be ------------------------------------------------------------------


@pytest.mark.parametrize("terms, topic, payload, retain, reason", [
    ("retain = off", "area/x", b"", True, 0x87),
    ("retain = on max-payload = 4", "area/x", b"12345", False, 0x87),
    ("retain = on maximum-qos = 0", "area/x", b"", False, 0x87),
])
def test_terms_count_at_once(place, join, name, terms, topic, payload, retain,  # noqa: F811
                             reason):
    new, old = join("keeper"), join("keeper", 4, name())
    reader = join("exact", 5, name())
    reader.subscribe(topic, qos=2)
    for one in (new, old):
        one.publish(topic, payload, qos=1, retain=retain)
        reader.message(payload=payload, qos=1)
    place.reload(ROLES.replace("retain = on", terms))
    assert new.publish(topic, payload, qos=1, retain=retain, reason=reason).get("reason_string")
    old.send(wire.publish(4, topic, payload, 1, 9, retain))
    old.fence_or_end()
    reader.expect_nothing()


def test_a_rate_counts_at_once(place, join, name):  # noqa: F811
    keeper, reader = join("keeper"), join("exact", 5, name())
    reader.subscribe("area/x", qos=1)
    for _ in range(5):
        keeper.publish("area/x", b"free", qos=1)
    place.reload(ROLES.replace("retain = on", "retain = on rate = 3/h"))
    reasons = [keeper.publish("area/x", b"bound", qos=1, reason=(0, 0x97)).reason
               for _ in range(5)]
    assert reasons == [0, 0, 0, 0x97, 0x97]
    assert [p.payload for p in reader.messages(8)] == [b"free"] * 5 + [b"bound"] * 3
    reader.expect_nothing()


# -- wills --------------------------------------------------------------------------------------


@contextlib.contextmanager
def without_right(place, how):  # noqa: F811
    if how == "file":
        place.reload(WITHOUT_WILL)
        yield
        return
    with place.changing():
        place.sql("UPDATE identity SET role = 'device' WHERE name = 'willer'")
    yield
    with place.changing():
        place.sql("UPDATE identity SET role = 'willer' WHERE name = 'willer'")


@BOTH
@pytest.mark.parametrize("how", ["file", "registry"])
def test_a_will_is_checked_when_it_fires(place, join, name, version, how):  # noqa: F811
    keeper, me = join("keeper"), name()
    keeper.subscribe("will/x", qos=1)
    will = wire.Will("will/x", b"allowed", 1)
    join("willer", version, name(), will=will).drop()
    keeper.message(payload=b"allowed")
    one = join("willer", version, me, will=wire.Will("will/x", b"evil", 1))
    with without_right(place, how):
        one.drop()
        join("willer", version, me)  # who takes its place finds it gone, and the will decided
        keeper.publish("will/x", b"the next", qos=1)
        keeper.message(payload=b"the next")
        keeper.expect_nothing()


@pytest.mark.parametrize("how", ["file", "registry"])
def test_a_delayed_will_is_checked_when_it_fires(place, join, name, how):  # noqa: F811
    """The right was there when the connection was lost; one that has it fires after it."""
    keeper = join("keeper")
    keeper.subscribe("will/x", qos=1)
    rows = [("willer", b"evil"), ("keeper", b"good")]
    for device, payload in rows:
        will = wire.Will("will/x", payload, 1, props=[("will_delay", 1)])
        one = join(device, 5, name(), clean=False, will=will, props=[("session_expiry", 60)])
        one.drop()
    with without_right(place, how):
        keeper.message(payload=b"good", timeout=5)
        keeper.expect_nothing()
