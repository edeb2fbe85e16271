# SPDX-License-Identifier: Apache-2.0
"""Wills: all the ways one is sent, and all the ways one is not."""

import time

import pytest

from support import wire
from support.marks import both, every, versions
from support.patience import patience

from test_010_sessions import kept


@pytest.fixture
def watch(client, unique):
    """watch(version): a reader of the will's topic."""
    def new(version=5, **more):
        one = client(version, "watch", **more)
        one.subscribe(unique("will"), qos=2)
        return one
    return new


def owner(client, unique, version, clean=True, props=(), session=None, **will):
    """A client with a will."""
    if version == 5:
        more = {"props": [("session_expiry", session)] if session else []}
        will["props"] = props
    else:
        more = {}
    return client(version, "owner", clean, will=wire.Will(unique("will"), b"gone", **will), **more)


@every
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_sent_when_the_connection_breaks(client, unique, watch, version, qos):
    """[MQTT-3.1.2-8] [MQTT-3.1.2-9] in both numberings, [MQTT-3.1.2-7] of 5.0"""
    reader = watch(version)
    owner(client, unique, version, qos=qos).drop()
    reader.message(payload=b"gone", qos=qos, retain=False)
    reader.expect_nothing()


@every
def test_not_sent_after_goodbye(client, unique, watch, version):
    """[MQTT-3.14.4-3] [MQTT-3.1.2-10]"""
    reader = watch(version)
    owner(client, unique, version).leave()
    client(version).publish(unique("will"), b"marker", qos=2)
    reader.message(payload=b"marker")


@versions(5)
def test_sent_with_the_goodbye_that_asks_for_it(client, unique, watch, version):
    """[MQTT-3.14.4-3] DISCONNECT 0x04"""
    reader = watch(version)
    owner(client, unique, version).leave(0x04)
    reader.message(payload=b"gone")


@versions(5)
@pytest.mark.parametrize("reason", [0x80, 0x81, 0x82, 0x83, 0x93, 0x95, 0x97, 0x98])
def test_sent_with_the_goodbye_of_an_error(client, unique, watch, version, reason):
    """[MQTT-3.1.2-8] Only 0x00 takes the will away."""
    reader = watch(version)
    owner(client, unique, version).leave(reason)
    reader.message(payload=b"gone")


@both
def test_sent_after_an_error_of_the_client(client, unique, watch, version):
    """[MQTT-3.1.2-8] [MQTT-4.8.0-1]"""
    reader = watch(version)
    owner(client, unique, version).send(b"\x00\x00").drain()
    reader.message(payload=b"gone")


@both
def test_sent_after_keep_alive_ran_out(raw, unique, watch, version):
    """[MQTT-3.1.2-8] [MQTT-3.1.2-24] [MQTT-3.1.2-22]"""
    reader = watch(version)
    raw(version).open(unique("o"), keepalive=1, will=wire.Will(unique("will"), b"gone", 1))
    reader.message(payload=b"gone", timeout=patience(4.0))


@both
def test_takeover_sends_it(client, unique, watch, version):
    """[MQTT-3.1.2-8] Because the session ends, and before 5.0 because the connection was closed."""
    reader = watch(version)
    owner(client, unique, version)
    client(version, "owner", clean=True)
    reader.message(payload=b"gone")


@both
@pytest.mark.parametrize("retain", [False, True])
def test_retain(client, unique, watch, version, retain):
    """[MQTT-3.1.2-16] [MQTT-3.1.2-17] in 3.1.1, [MQTT-3.1.2-14] [MQTT-3.1.2-15] in 5.0"""
    early = watch(version)
    owner(client, unique, version, retain=retain, qos=1).drop()
    early.message(payload=b"gone", retain=False)
    late = client(version)
    late.subscribe(unique("will"))
    if retain:
        late.message(payload=b"gone", retain=True)
        late.publish(unique("will"), b"", qos=1, retain=True)
    else:
        late.expect_nothing()


@both
def test_empty_payload(client, unique, watch, version):
    reader = watch(version)
    will = wire.Will(unique("will"), b"")
    client(version, "owner", will=will).drop()
    reader.message(payload=b"")


@both
def test_only_once(client, unique, watch, version):
    """[MQTT-3.1.2-10] A session that comes back has no will left over."""
    reader = watch(version)
    owner(client, unique, version, clean=False, session=60).drop()
    reader.message(payload=b"gone")
    client(version, "owner", clean=False).drop()
    client(version).publish(unique("will"), b"marker", qos=2)
    reader.message(payload=b"marker")


@both
def test_without_a_will_nothing_is_sent(client, unique, watch, version):
    """[MQTT-3.1.2-12] in 3.1.1"""
    reader = watch(version)
    client(version, "owner").drop()
    client(version).publish(unique("will"), b"marker", qos=2)
    reader.message(payload=b"marker")


@versions(5)
def test_properties(client, unique, watch, version):
    """[MQTT-3.1.3-10] [MQTT-3.1.2-9] and the order of user properties"""
    reader = watch(version)
    users = [("z", "1"), ("a", "2"), ("z", "3")]
    props = [("payload_format", 1), ("content_type", "c"), ("response_topic", "r"),
             ("correlation_data", b"\0")] + [("user_property", u) for u in users]
    owner(client, unique, version, props=props).drop()
    got = reader.message(payload=b"gone")
    assert got.all("user_property") == users
    assert sorted(map(repr, got.props)) == sorted(map(repr, props))


@versions(5)
def test_expiry_of_the_will_travels(client, unique, watch, version):
    reader = watch(version)
    owner(client, unique, version, props=[("message_expiry", 100)]).drop()
    assert reader.message(payload=b"gone").get("message_expiry") in (99, 100)


@versions(5)
def test_delay(client, unique, watch, version):
    """[MQTT-3.1.2-8] The will comes one second after the connection broke, not before."""
    reader = watch(version)
    one = owner(client, unique, version, session=60, props=[("will_delay", 1)])
    start = time.monotonic()
    one.drop()
    reader.expect_nothing()
    reader.message(payload=b"gone", timeout=patience(3.0))
    took = time.monotonic() - start
    assert 0.95 <= took <= 1 + patience(0.35), f"the will came after {took:.3f} s"


@versions(5)
def test_delay_is_cut_short_by_the_end_of_the_session(client, unique, watch, version):
    """[MQTT-3.1.2-8] Session Expiry 1 is shorter than Will Delay 30."""
    reader = watch(version)
    one = owner(client, unique, version, session=1, props=[("will_delay", 30)])
    start = time.monotonic()
    one.drop()
    reader.message(payload=b"gone", timeout=patience(3.0))
    assert 0.95 <= time.monotonic() - start <= 1 + patience(0.6)


@versions(5)
def test_delay_without_a_session_is_no_delay(client, unique, watch, version):
    reader = watch(version)
    owner(client, unique, version, props=[("will_delay", 30)]).drop()
    reader.message(payload=b"gone")


@versions(5)
def test_return_within_the_delay_cancels(client, unique, watch, version):
    """[MQTT-3.1.3-9]"""
    reader = watch(version)
    owner(client, unique, version, session=60, props=[("will_delay", 1)]).drop()
    client(version, "owner", clean=False, props=[("session_expiry", 60)])
    time.sleep(1.3)
    reader.expect_nothing()


@versions(5)
def test_clean_start_within_the_delay_sends_at_once(client, unique, watch, version):
    """[MQTT-3.1.2-8] The session ended, and with it the delay."""
    reader = watch(version)
    owner(client, unique, version, session=60, props=[("will_delay", 30)]).drop()
    client(version, "owner", clean=True)
    reader.message(payload=b"gone")


@versions(5)
def test_takeover_of_the_session_cancels_a_delayed_will(client, unique, watch, version):
    """[MQTT-3.1.3-9] The new connection comes before the delay has passed."""
    reader = watch(version)
    owner(client, unique, version, clean=False, session=60, props=[("will_delay", 1)])
    client(version, "owner", clean=False, props=[("session_expiry", 60)])
    time.sleep(1.3)
    reader.expect_nothing()


@versions(5)
def test_takeover_of_the_session_sends_a_will_without_delay(client, unique, watch, version):
    """[MQTT-3.1.2-8] Delay 0: the network connection was closed, and that is all it takes."""
    reader = watch(version)
    owner(client, unique, version, clean=False, session=60)
    client(version, "owner", clean=False, props=[("session_expiry", 60)])
    reader.message(payload=b"gone")


@versions(5)
def test_goodbye_0x04_respects_the_delay(client, unique, watch, version):
    reader = watch(version)
    one = owner(client, unique, version, session=60, props=[("will_delay", 1)])
    start = time.monotonic()
    one.leave(0x04)
    reader.expect_nothing()
    reader.message(payload=b"gone", timeout=patience(3.0))
    assert time.monotonic() - start >= 0.95


@versions(5)
def test_goodbye_that_ends_the_session_and_asks_for_the_will(client, unique, watch, version):
    reader = watch(version)
    one = owner(client, unique, version, session=60, props=[("will_delay", 30)])
    one.leave(0x04, [("session_expiry", 0)])
    reader.message(payload=b"gone")


@both
def test_wills_of_many(client, raw, unique, watch, version):
    """Thirty break off together; all thirty wills arrive, each once."""
    reader = watch(version)
    many = [raw(version).open(unique(f"o{i}"), will=wire.Will(unique("will"), b"%d" % i, 1))
            for i in range(30)]
    for one in many:
        one.drop()
    got = {int(m.payload) for m in reader.messages(30)}
    assert got == set(range(30))
    reader.expect_nothing()
