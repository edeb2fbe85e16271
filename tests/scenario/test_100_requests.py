# SPDX-License-Identifier: Apache-2.0
"""Request and response, what the server says about itself, and how it says no."""

import time

from support import wire
from support.client import Closed
from support.marks import both, only_tacit, versions
from support.patience import patience

from test_010_sessions import kept


@versions(5)
def test_request_and_response(client, unique, version):
    """[MQTT-3.3.2-15] [MQTT-3.3.2-16] The properties a responder needs arrive."""
    asker, answerer = client(version), client(version)
    asker.subscribe(unique("answers"), qos=1)
    answerer.subscribe(unique("questions"), qos=1)
    for i in range(3):
        asker.publish(unique("questions"), b"%d" % i, qos=1, props=[
            ("response_topic", unique("answers")), ("correlation_data", b"id%d" % i)])
        got = answerer.message()
        answerer.publish(got.get("response_topic"), got.payload * 2, qos=1,
                         props=[("correlation_data", got.get("correlation_data"))])
        back = asker.message(payload=b"%d%d" % (i, i))
        assert back.get("correlation_data") == b"id%d" % i


@only_tacit
@versions(5)
def test_response_information_may_be_used(client, version):
    """[MQTT-3.1.2-28] Where it is given, it is a topic the asker may subscribe to."""
    one = client(version, props=[("request_response_info", 1)])
    prefix = one.connack.get("response_info")
    if prefix is not None:
        one.subscribe(prefix.rstrip("/") + "/answers", qos=1)


def refusals(client, version, unique, asked):
    """Packets by which the server explains itself, with Request Problem Information `asked`."""
    props = [] if asked is None else [("request_problem_info", asked)]
    one = client(version, props=props)
    one.send(wire.subscribe(5, 3, ("a/#/b", 0)))
    yield one.receive()
    two = client(version, props=props)
    two.unsubscribe(unique(), reasons=[0x11])
    two.send(wire.ack(5, wire.PUBREL, 77))
    yield two.expect(wire.PUBCOMP, reason=0x92)


@versions(5)
def test_problem_information_is_kept_back(client, unique, version):
    """[MQTT-3.1.2-29] With 0: no Reason String and no User Property but where they are allowed."""
    for packet in refusals(client, version, unique, 0):
        if packet.kind != wire.DISCONNECT:
            assert not packet.all("reason_string") and not packet.all("user_property"), packet


@versions(5)
def test_problem_information_by_default(client, unique, version):
    """[MQTT-3.1.2-29] Without the property, or with 1, the server may explain itself."""
    for asked in (None, 1):
        for packet in refusals(client, version, unique, asked):
            assert packet.kind in (wire.SUBACK, wire.PUBCOMP, wire.DISCONNECT)


@versions(5)
def test_explanations_fit_the_clients_packet(raw, unique, version):
    """[MQTT-3.2.2-19] [MQTT-3.9.2-1] [MQTT-3.14.2-3] [MQTT-3.7.2-2] [MQTT-3.4.2-2]
    [MQTT-3.5.2-2] [MQTT-3.11.2-1] What would make a packet too large is left out."""
    for limit in (6, 12, 40, 50):
        props = [("maximum_packet_size", limit)]
        for trouble in (wire.ack(5, wire.PUBREL, 77), wire.subscribe(5, 3, ("a/#/b", 0)),
                        wire.unsubscribe(5, 4, "a/#/b"), b"\x00\x00",
                        wire.publish(5, "$SYS/mine", b"x", 1, 5),
                        wire.publish(5, "$SYS/mine", b"x", 2, 6)):
            one = raw(version).send(wire.connect(5, unique(), props=props))
            answers = one.send_or_end(trouble).fence_or_end()
            assert all(p.size <= limit for p in answers), answers
            one.close()


@only_tacit
@versions(5)
def test_server_keep_alive(variant, clients, unique, version):
    """[MQTT-3.2.2-21] [MQTT-3.1.2-21] A client that asks for more is told, and held to it."""
    broker = variant(limits={"keep-alive-s": 1})
    for asked in (0, 30):
        one = clients(broker).open(unique(f"k{asked}"), keepalive=asked)
        assert one.connack.get("server_keep_alive") == 1
    start = time.monotonic()
    one.expect_refusal(0x8D, timeout=1.5 + patience(2.5))
    assert time.monotonic() - start <= 1.5 + patience(1.1)
    less = clients(variant(limits={"keep-alive-s": 100})).open(unique("less"), keepalive=30)
    assert less.connack.get("server_keep_alive") is None


@both
def test_keep_alive_counts_every_packet(raw, unique, version):
    """[MQTT-3.1.2-24] in 3.1.1, [MQTT-3.1.2-22] in 5.0: anything sent counts, pings or not."""
    one = raw(version).open(unique(), keepalive=2)
    for i in range(6):
        time.sleep(0.6)
        one.send(wire.publish(version, unique(), b"x") if i % 2 else wire.pingreq())
    for _ in range(3):
        one.expect(wire.PINGRESP)
    one.expect_nothing()


@both
def test_what_the_server_sends_does_not_count(client, raw, unique, version):
    """[MQTT-3.1.2-24] in 3.1.1, [MQTT-3.1.2-22] in 5.0"""
    reader = raw(version).open(unique(), keepalive=1)
    topic = unique("t")
    start, ended = time.monotonic(), False  # the SUBSCRIBE is the last that the reader sends
    reader.subscribe(topic)
    sender = client(version)
    while not ended and time.monotonic() - start < 1.5 + patience(2.5):
        sender.publish(topic, b"x", qos=1)
        time.sleep(0.1)
        try:
            packet = reader.receive(0.01)
            ended = packet.kind == wire.DISCONNECT
        except TimeoutError:
            pass
        except Closed:
            ended = True
    assert ended and time.monotonic() - start >= 1.4


@only_tacit
@versions(5)
def test_longest_session_is_told(variant, clients, unique, version):
    broker = variant(limits={"session-expiry-s": 100})
    one = clients(broker).open(unique("a"), props=[("session_expiry", 1000)])
    assert one.connack.get("session_expiry") == 100
    two = clients(broker).open(unique("b"), props=[("session_expiry", 50)])
    assert two.connack.get("session_expiry", 50) == 50


@only_tacit
@versions(5)
def test_quota_of_subscriptions(variant, clients, unique, version):
    """Beyond the limit: 0x97, and the others stay."""
    broker = variant(limits={"subscriptions": 3})
    one = clients(broker).open(unique())
    name = unique("t")
    one.subscribe(*[(f"{name}/{i}", 0) for i in range(5)], reasons=[0, 0, 0, 0x97, 0x97])
    one.subscribe(f"{name}/0", qos=1)
    one.unsubscribe(f"{name}/1")
    one.subscribe(f"{name}/4", qos=1)
    one.publish(f"{name}/4", b"x", qos=1)
    one.message(payload=b"x")
    old = clients(broker, 4).open(unique("old"))
    old.subscribe(*[(f"{name}/{i}", 0) for i in range(4)], reasons=[0, 0, 0, 0x80])


@only_tacit
@versions(5)
def test_quota_of_retained_messages(variant, clients, unique, version):
    broker = variant(limits={"retained-messages": 2, "sys-interval-s": 0})
    one, name = clients(broker).open(unique()), unique("t")
    for i in range(2):
        one.publish(f"{name}/{i}", b"x", qos=1, retain=True)
    one.publish(f"{name}/2", b"x", qos=1, retain=True, reason=0x97)
    one.publish(f"{name}/0", b"newer", qos=1, retain=True)
    one.publish(f"{name}/1", b"", qos=1, retain=True)
    one.publish(f"{name}/2", b"x", qos=1, retain=True)
    one.subscribe(f"{name}/+")
    assert {m.topic[-1] for m in one.messages(2)} == {"0", "2"}


@only_tacit
@versions(5)
def test_quota_of_connections(variant, clients, unique, version):
    """Beyond the limit a connection is closed, and those that are open stay."""
    broker = variant(limits={"connections": 3})
    inside = [clients(broker).open(unique(f"i{i}")) for i in range(3)]
    outside = clients(broker)
    try:
        outside.send(wire.connect(5, unique("o")))
        answers = outside.drain()
    except Closed:
        answers = []
    assert all(a.reason in (0x97, 0x89) for a in answers), answers
    for one in inside:
        one.expect_nothing()


@only_tacit
@both
def test_deadline_of_connect(variant, clients, unique, version):
    """A peer that says nothing, or drips, is gone at the deadline, counted from accept."""
    broker = variant(limits={"connect-timeout-ms": 1000})
    start = time.monotonic()
    silent, dripping = clients(broker, version), clients(broker, version)
    packet = wire.connect(version, unique("d" * 40))
    try:
        for byte in packet[:20]:
            dripping.send(bytes([byte]))
            time.sleep(0.1)
    except Closed:
        pass
    assert dripping.drain() == []
    assert silent.drain() == []
    assert 0.9 <= time.monotonic() - start <= 1 + patience(1.5)


@both
def test_sys_topics(variant, clients, unique, version):
    """[MQTT-4.7.2-1] $SYS for those who name it and are granted it."""
    broker = variant(limits={"sys-interval-s": 1})
    one, plain = (clients(broker, version).open(unique(n)) for n in ("one", "plain"))
    one.subscribe("$SYS/#")
    plain.subscribe("#", "+/#", "+/broker/uptime")
    names = set()
    deadline = time.monotonic() + patience(5)
    while time.monotonic() < deadline and "$SYS/broker/uptime" not in names:
        try:
            names.add(one.message(timeout=1.5).topic)
        except TimeoutError:
            pass
    assert "$SYS/broker/uptime" in names, names
    assert all(n.startswith("$SYS/") for n in names)
    plain.expect_nothing()


@versions(5)
def test_keepalive_and_session_of_an_assigned_client(raw, version):
    """[MQTT-3.1.3-6] [MQTT-3.2.2-16] An assigned identifier is a full citizen."""
    one = raw(version).open("", clean=True, props=[("session_expiry", 60)])
    name = one.connack.get("assigned_client_id")
    one.subscribe(f"inbox/{name}", qos=1)
    one.drop()
    sender = raw(version).open("")
    sender.publish(f"inbox/{name}", b"x", qos=1)
    again = raw(version).open(name, clean=False, props=[("session_expiry", 0)])
    assert again.connack.session_present
    again.message(payload=b"x")


@both
def test_user_of_kept_sessions_by_the_hundred(client, unique, version):
    """A hundred sessions come and go and come back."""
    for _ in range(2):
        for i in range(100):
            client(version, f"s{i}", **kept(version)).close()
    assert client(version, "s50", **kept(version)).connack.session_present
