# SPDX-License-Identifier: Apache-2.0
"""W2 and the registry: wildcard grants, what CONNACK says of them, and rights that come and go by
grants, groups and time."""

import re
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.place import WITHIN_S, house, join, lamp, place  # noqa: F401

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
BOTH = pytest.mark.parametrize("version", [4, 5], ids=["v311", "v5"])

SCOPE = """wildcards { prefix = "area/" depth = %s most-topics = %s expires = never
    owner = "olga" reason = "the fair" }"""
ROLES = """
role "device" {
  publish   = { "devices/%{device}/state" }
  subscribe = { "devices/%{device}/set", "area/#" }
}
role "plain"  { publish = { "area/#" } subscribe = { "area/#", "$SYS/#" } maximum-qos = 1 }
role "shares" { publish = { "area/#" } subscribe = { "area/#" } shared = on retain = on }
role "wild"   { publish = { "area/#" } subscribe = { "area/#" } DEEP }
role "wide"   { publish = { "area/#" } subscribe = { "area/#" } shared = on retain = on FEW }
role "reads"  { subscribe = { "area/#" } maximum-qos = 0 }
role "extra"  { subscribe = { "extra/x" } }
role "teller" { publish = { "area/#", "extra/#", "devices/#" } }
""".replace("DEEP", SCOPE % (2, 100)).replace("FEW", SCOPE % ("any", 3))
DEVICES = [(role, role) for role in ("plain", "shares", "wild", "wide", "reads", "teller")]


def refusal(version, reason):
    return reason if version == 5 else 0x80


@pytest.fixture
def name(place):  # noqa: F811
    names = (f"{next(place.names)}-{n}" for n in range(1000))
    return lambda: next(names)


# -- CONNACK says what is then granted ------------------------------------------------------------

#           role     wildcard shared retain qos
ANNOUNCED = [("plain", False, False, False, 1), ("shares", False, True, True, 2),
             ("wild", True, False, False, 2), ("wide", True, True, True, 2),
             ("reads", False, False, False, 0)]


@pytest.mark.parametrize("role, wildcard, shared, retain, qos", ANNOUNCED)
def test_connack_tells_the_truth(join, name, role, wildcard, shared, retain, qos):  # noqa: F811
    """[MQTT-3.2.2-9] [MQTT-3.2.2-14]"""
    one = join(role, 5, name())
    said = one.connack
    assert said.get("wildcard_available", 1) == wildcard
    assert said.get("shared_available", 1) == shared
    assert said.get("subscription_id_available", 1) == 1
    assert said.get("retain_available", 1) == retain
    assert said.get("maximum_qos", 2) == qos
    one.subscribe("area/x", reasons=[0], props=[("subscription_id", 7)])
    one.subscribe("area/+", reasons=[0 if wildcard else 0xA2])
    one.subscribe("$share/g/area/x", reasons=[0 if shared else 0x9E])
    one.subscribe(("area/y", 2), reasons=[qos])
    if role == "reads":
        return
    one.unsubscribe("area/+", "$share/g/area/x", reasons=[0 if wildcard else 0x11,
                                                          0 if shared else 0x11])
    one.publish("area/z", b"", qos=qos)
    if retain:
        one.publish("area/z", b"", qos=qos, retain=True)
        return
    one.send(wire.publish(5, "area/z", b"", 0, retain=True))
    one.expect_refusal(0x9A)


@pytest.mark.parametrize("role, wildcard, shared, retain, qos", ANNOUNCED)
def test_old_clients_are_granted_the_same(join, name, role, wildcard, shared,  # noqa: F811
                                          retain, qos):
    one = join(role, 4, name())
    one.subscribe("area/x", "area/+", "$share/g/area/x", ("area/y", 2),
                  reasons=[0, 0 if wildcard else 0x80, 0 if shared else 0x80, qos])


@pytest.mark.parametrize("qos", [1, 2])
def test_a_qos_that_was_not_announced(join, name, qos):  # noqa: F811
    """[MQTT-3.2.2-11] The client was told, and is let go for it."""
    one = join("plain", 5, name())
    if qos == 1:
        one.publish("area/x", b"", qos=1)
        return
    one.send(wire.publish(5, "area/x", b"", 2, 9))
    one.expect_refusal(0x9B)


# -- refusals ---------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("role, pattern, reason, words", [
    ("plain", "#", 0xA2, ["no grant can begin with a wildcard"]),
    ("plain", "+/#", 0xA2, ["no grant can begin with a wildcard"]),
    ("plain", "area/+", 0xA2, ["plain", 'wildcards { prefix = "area/"']),
    ("plain", "area/x/#", 0xA2, ["plain", 'wildcards { prefix = "area/x/"']),
    ("plain", "$SYS/#", 0xA2, ["plain", 'wildcards { prefix = "$SYS/"']),
    ("plain", "secret", 0x87, ["plain", 'subscribe = { "secret" }']),
    ("plain", "$share/g/area/x", 0x9E, ["shared"]),
    ("plain", "$share/g/#", 0x9E, ["shared"]),
    ("shares", "$share/g/#", 0xA2, ["no grant can begin with a wildcard"]),
    ("shares", "$share/g/area/+", 0xA2, ["shares", 'wildcards { prefix = "area/"']),
    ("wild", "#", 0xA2, ["no grant can begin with a wildcard"]),
    ("wild", "+/x", 0xA2, ["no grant can begin with a wildcard"]),
    ("wild", "area/+/+/+", 0xA2, ["wild", "depth = 3"]),
    ("wild", "area/#", 0xA2, ["wild", "depth = any"]),
    ("wild", "other/+", 0xA2, ["wild", 'wildcards { prefix = "other/"']),
    ("wild", "area", 0, []),
    ("wild", "area/+/+", 0, []),
    ("wide", "area/+/+/+/#", 0, []),
    ("wide", "$SYS/#", 0xA2, ["wide", 'wildcards { prefix = "$SYS/"']),
])
def test_wildcards(place, join, name, version, role, pattern, reason, words):  # noqa: F811
    me = name()
    one = join(role, version, me)
    one.send(wire.subscribe(version, 7, (pattern, 0)))
    answer = one.expect(wire.SUBACK)
    if reason == 0:
        assert answer.reasons == [0], answer
        return
    assert answer.reasons == [refusal(version, reason)], answer
    for word in words if version == 5 else []:
        assert word in answer.get("reason_string"), answer
    line = rf'client "{me}" may not subscribe to "{re.escape(pattern)}".*'
    deadline = time.monotonic() + 4
    while not place.lines(line):  # the log has so many of them in a second and no more
        assert time.monotonic() < deadline, place.broker.log()[-2000:]
        time.sleep(0.05)
        one.subscribe(pattern, reasons=answer.reasons)
    assert all(word in place.lines(line)[0] for word in words), place.lines(line)


@BOTH
def test_each_use_of_a_wildcard_grant_is_one_line(place, join, name, version):  # noqa: F811
    me = name()
    one = join("wild", version, me)
    one.subscribe("area/x", "area/+", "area/+/y")
    one.subscribe("area/+")
    used = place.lines(rf'client "{me}" uses a wildcard grant for "([^"]*)".*owner = "olga" '
                       r'reason = "the fair" \}, expires never, .*tacit\.conf:\d+')
    assert used == ["area/+", "area/+/y", "area/+"]


@BOTH
def test_the_most_topics_of_a_wildcard_grant(place, join, name, version):  # noqa: F811
    """Those that came first are served on; one line tells of the rest."""
    me, group = name(), name()
    one, teller = join("wide", version, me), join("teller")
    one.subscribe(f"area/{group}/#", qos=1)
    topics = [f"area/{group}/{n}" for n in range(6)]
    for topic in topics * 2:
        teller.publish(topic, b"", qos=1)
    assert [one.message().topic for _ in range(6)] == topics[:3] * 2
    one.expect_nothing()
    full = rf'client "{me}" has the most different topics of its wildcard grant'
    assert len(place.lines(full)) == 1
    other = join("wide", version, name())
    other.subscribe(f"area/{group}/#", qos=1)
    teller.publish(topics[5], b"", qos=1)
    other.message(topic=topics[5])
    one.expect_nothing()


@BOTH
def test_more_topics_count_at_once(place, join, name, version):  # noqa: F811
    group = name()
    one, teller = join("wide", version, name()), join("teller")
    one.subscribe(f"area/{group}/#", qos=1)
    topics = [f"area/{group}/{n}" for n in range(4)]
    for topic in topics:
        teller.publish(topic, b"", qos=1)
    assert [one.message().topic for _ in range(3)] == topics[:3]
    one.expect_nothing()
    place.reload(ROLES.replace("most-topics = 3", "most-topics = 4"))
    teller.publish(topics[3], b"", qos=1)
    one.message(topic=topics[3])


# -- the registry ---------------------------------------------------------------------------------

GRANT = ("INSERT INTO grants (subject_kind, subject, action, denies, pattern, expires, created)"
         " VALUES (?, ?, ?, ?, ?, ?, 0)")


@BOTH
@pytest.mark.parametrize("kind", ["device", "role", "group"])
def test_a_grant_of_the_registry_comes_and_goes(place, join, lamp, version, kind):  # noqa: F811
    one, teller = join(lamp, version), join("teller")
    subject = {"device": lamp, "role": "device", "group": f"g-{lamp}"}[kind]
    if kind == "group":
        place.sql("INSERT INTO membership VALUES (?, ?)", subject, lamp)
    one.subscribe("extra/x", reasons=[refusal(version, 0x87)])
    with place.changing():
        place.sql(GRANT, kind, subject, "subscribe", 0, "extra/x", 0)
    one.subscribe("extra/x", qos=1)
    teller.publish("extra/x", b"granted", qos=1)
    one.message(payload=b"granted")
    with place.changing():
        place.sql("DELETE FROM grants WHERE subject = ?", subject)
    teller.publish("extra/x", b"too late", qos=1)
    one.expect_nothing()
    assert place.lines(rf'client "{lamp}" loses its subscription to "extra/x"')
    one.subscribe("extra/x", reasons=[refusal(version, 0x87)])


@BOTH
def test_a_denial_of_the_registry_counts_at_once(place, join, lamp, version):  # noqa: F811
    props = [("session_expiry", 600)] if version == 5 else ()
    one, teller = join(lamp, version, clean=False, props=props), join("teller")
    topic = f"devices/{lamp}/set"
    one.subscribe(topic, qos=1)
    one.drop()
    teller.publish(topic, b"queued", qos=1)
    with place.changing():
        place.sql(GRANT, "device", lamp, "subscribe", 1, topic, 0)
    again = join(lamp, version, clean=False, props=props)
    again.expect_nothing()
    teller.publish(topic, b"live", qos=1)
    again.expect_nothing()
    again.subscribe(topic, reasons=[refusal(version, 0x87)])


@BOTH
@pytest.mark.parametrize("how", ["member", "role"])
def test_groups_come_and_go(place, join, lamp, version, how):  # noqa: F811
    one, teller, group = join(lamp, version), join("teller"), f"g-{lamp}"
    rows = {"member": ("membership", "device", lamp), "role": ("group_role", "role", "extra")}
    for key in rows:
        if key != how:
            place.sql(f"INSERT INTO {rows[key][0]} VALUES (?, ?)", group, rows[key][2])
    table, column, value = rows[how]
    with place.changing():
        place.sql(f"INSERT INTO {table} VALUES (?, ?)", group, value)
    one.subscribe("extra/x", qos=1)
    teller.publish("extra/x", b"a member", qos=1)
    one.message(payload=b"a member")
    with place.changing():
        place.sql(f"DELETE FROM {table} WHERE grp = ? AND {column} = ?", group, value)
    teller.publish("extra/x", b"no more", qos=1)
    one.expect_nothing()
    one.subscribe("extra/x", reasons=[refusal(version, 0x87)])


@BOTH
def test_what_awaits_a_device_counts_when_it_comes(place, join, version):  # noqa: F811
    """A denial may be written before the device is added."""
    late, teller = next(place.names), join("teller")
    topic = f"devices/{late}/set"
    with place.changing():
        place.sql(GRANT, "device", late, "subscribe", 1, topic, 0)
    with place.changing():
        place.add(late, "device")
    one = join(late, version)
    one.subscribe(topic, reasons=[refusal(version, 0x87)])
    teller.publish(topic, b"secret", qos=1)
    one.expect_nothing()


@BOTH
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "persistent"])
def test_a_grant_of_the_registry_ends_on_the_second(place, join, lamp, version,  # noqa: F811
                                                    clean):
    """For who is there, and for who is away with something waiting."""
    props = [("session_expiry", 600)] if version == 5 and not clean else ()
    teller, ends = join("teller"), int(time.time()) + 3
    with place.changing():
        place.sql(GRANT, "device", lamp, "subscribe", 0, "extra/x", ends)
        place.sql(GRANT, "device", lamp, "publish", 0, "extra/y", ends)
    one = join(lamp, version, clean=clean, props=props)
    one.subscribe("extra/x", qos=1)
    one.publish("extra/y", b"", qos=1)
    teller.publish("extra/x", b"in time", qos=1)
    one.message(payload=b"in time")
    if not clean:
        one.drop()
        teller.publish("extra/x", b"waits too long", qos=1)
    place.wait(rf'client "{lamp}" loses its subscription to "extra/x"', 1,
               ends - time.time() + WITHIN_S)
    assert ends <= time.time() < ends + WITHIN_S
    if not clean:
        one = join(lamp, version, clean=False, props=props)
        assert one.connack.session_present
    teller.publish("extra/x", b"too late", qos=1)
    one.expect_nothing()
    one.subscribe("extra/x", reasons=[refusal(version, 0x87)])
    if version == 5:
        one.publish("extra/y", b"", qos=1, reason=0x87)


@BOTH
def test_a_wildcard_grant_of_the_registry(place, join, lamp, version):  # noqa: F811
    one, teller = join(lamp, version), join("teller")
    one.subscribe("area/+", reasons=[refusal(version, 0xA2)])
    with place.changing():
        place.sql("INSERT INTO grants (subject_kind, subject, action, pattern, depth, most_topics,"
                  " owner, reason, created) VALUES ('device', ?, 'subscribe', 'area/+', 1, 5,"
                  " 'olga', 'the fair', 0)", lamp)
    one.subscribe("area/+", qos=1)
    assert place.lines(rf'client "{lamp}" uses a wildcard grant for "area/\+".*, registry:\d+')
    teller.publish("area/1", b"", qos=1)
    one.message(topic="area/1")
    with place.changing():
        place.sql("DELETE FROM grants WHERE subject = ?", lamp)
    teller.publish("area/1", b"", qos=1)
    one.expect_nothing()
    one.subscribe("area/1", qos=1)


@BOTH
@pytest.mark.parametrize("what", ["revoke", "retire"])
def test_who_is_revoked_gets_nothing_more(place, join, lamp, version, what):  # noqa: F811
    """Neither now nor what waits, nor the session when the device tries again."""
    props = [("session_expiry", 600)] if version == 5 else ()
    topic, teller = f"devices/{lamp}/set", join("teller")
    one = join(lamp, version, clean=False, props=props)
    one.subscribe(topic, qos=1)
    teller.publish(topic, b"before", qos=1)
    one.message(payload=b"before")
    place.tacit("device", what, lamp, "--state", place.state)
    one.expect_refusal(0x98, timeout=WITHIN_S)
    teller.publish(topic, b"after", qos=1)
    refused = place.connect(lamp, version)
    refused.open(lamp, clean=False, reason=0x87 if version == 5 else 5)
    refused.expect_closed()
    refused.close()


@BOTH
def test_a_tenant_takes_nothing_along(place, join, lamp, version):  # noqa: F811
    """What waits lies in the topic space that the device has left."""
    props = [("session_expiry", 600)] if version == 5 else ()
    topic, teller = f"devices/{lamp}/set", join("teller")
    one = join(lamp, version, clean=False, props=props)
    one.subscribe(topic, qos=1)
    one.drop()
    teller.publish(topic, b"of the common space", qos=1)
    with place.changing():
        place.sql("UPDATE identity SET tenant = 'acme' WHERE name = ?", lamp)
    again = join(lamp, version, clean=False, props=props)
    assert not again.connack.session_present
    again.subscribe(topic, qos=1)
    teller.publish(topic, b"of the common space", qos=1)
    again.expect_nothing()
