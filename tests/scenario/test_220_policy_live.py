# SPDX-License-Identifier: Apache-2.0
"""W4: a change of file, registry or time counts for live sessions within a second."""

import re
import signal
import stat
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.patience import WITHIN_S
from support.place import house, join, lamp, place  # noqa: F401

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROLES = """
role "device" {
  publish   = { "devices/%{device}/state" }
  subscribe = { "devices/%{device}/set" }
}
role "reader" { subscribe = { "devices/+/state", "devices/+/set" } }
role "panel" {
  publish   = { "devices/+/set", "news" }
  subscribe = { "devices/+/state", "news" }
  retain    = on
}
"""
DEVICES = [("panel", "panel")]

BOTH = pytest.mark.parametrize("version", [4, 5])
WITHOUT_SET = ROLES.replace('subscribe = { "devices/%{device}/set" }', "")
WITHOUT_STATE = ROLES.replace('publish   = { "devices/%{device}/state" }', "")


@BOTH
def test_a_reload_ends_live_delivery(place, join, lamp, version):
    one, panel = join(lamp, version), join("panel")
    one.subscribe(f"devices/{lamp}/set", qos=1)
    panel.publish(f"devices/{lamp}/set", b"before", qos=1)
    one.message(payload=b"before")
    place.reload(WITHOUT_SET)
    panel.publish(f"devices/{lamp}/set", b"after", qos=1)
    one.expect_nothing()
    one.subscribe(f"devices/{lamp}/set", reasons=[0x87 if version == 5 else 0x80])
    assert place.lines(rf'loses its subscription to "devices/{lamp}/set"'), place.broker.log()[-2000:]


@BOTH
def test_a_reload_ends_publishing(place, join, lamp, version):
    one, panel = join(lamp, version), join("panel")
    panel.subscribe(f"devices/{lamp}/state", qos=1)
    one.publish(f"devices/{lamp}/state", b"before", qos=1)
    panel.message(payload=b"before")
    place.reload(WITHOUT_STATE)
    one.send(wire.publish(version, f"devices/{lamp}/state", b"after", 1, 9))
    answers = one.fence_or_end()
    assert version == 4 or answers[0].reason == 0x87, answers
    panel.expect_nothing()


@BOTH
def test_a_reload_ends_what_was_queued(place, join, lamp, version):
    props = [("session_expiry", 600)] if version == 5 else ()
    one, panel = join(lamp, version, clean=False, props=props), join("panel")
    one.subscribe(f"devices/{lamp}/set", qos=1)
    one.drop()
    panel.publish(f"devices/{lamp}/set", b"queued", qos=1)
    place.reload(WITHOUT_SET)
    again = join(lamp, version, clean=False, props=props)
    again.expect_nothing()


@BOTH
def test_a_reload_ends_retained_replay(place, join, lamp, version):
    panel = join("panel", version)
    panel.publish("news", lamp.encode(), qos=1, retain=True)
    panel.subscribe("news")
    panel.message(payload=lamp.encode())
    place.reload(ROLES.replace(', "news" }\n  retain', ' }\n  retain'))
    panel.subscribe("news", reasons=[0x87 if version == 5 else 0x80])
    panel.expect_nothing()


@BOTH
def test_a_role_in_the_registry_counts_at_once(place, join, lamp, version):
    one = join(lamp, version)
    refused = 0x87 if version == 5 else 0x80
    one.subscribe("devices/other/set", reasons=[refused])
    with place.changing():
        place.sql("UPDATE identity SET role = 'reader' WHERE name = ?", lamp)
    one.subscribe("devices/other/set")
    with place.changing():
        place.sql("UPDATE identity SET role = 'no-such-role' WHERE name = ?", lamp)
    one.subscribe("devices/other/set", reasons=[refused])


@BOTH
def test_a_suspended_device_is_thrown_out(place, join, lamp, version):
    """Its will is not published; what becomes of what waits for it is test_330's."""
    panel = join("panel")
    panel.subscribe(f"devices/{lamp}/state", qos=1)
    one = join(lamp, version, will=wire.Will(f"devices/{lamp}/state", b"evil", 1))
    with place.changing():
        place.tacit("device", "suspend", lamp, "--state", place.state)
        began = time.monotonic()
    one.expect_refusal(0x98, timeout=WITHIN_S)
    assert time.monotonic() - began < WITHIN_S
    panel.expect_nothing()
    refused = place.connect(lamp, version)
    refused.open(lamp, reason=0x87 if version == 5 else 5)
    refused.close()


@BOTH
def test_a_device_that_is_moved_connects_again(place, join, lamp, version):
    one = join(lamp, version)
    with place.changing():
        place.sql("UPDATE identity SET tenant = 'acme' WHERE name = ?", lamp)
    one.expect_refusal(0x98, timeout=WITHIN_S)
    join(lamp, version).subscribe(f"devices/{lamp}/set")


@BOTH
def test_a_device_that_is_added_changes_nothing(place, join, lamp, version):
    one = join(lamp, version)
    one.subscribe(f"devices/{lamp}/set")
    before = place.force()
    place.add(next(place.names), "device")
    time.sleep(WITHIN_S / 2)
    assert place.force() == before
    one.expect_nothing()


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


@BOTH
def test_a_grant_ends_on_the_second(place, join, lamp, version):
    def until(ends):
        place.reload(ROLES + f"""
role "passing" {{
  subscribe = {{ "devices/#" }}
  wildcards {{ prefix = "devices/" depth = 2 most-topics = 10 expires = "{stamp(ends)}"
    owner = "olga" reason = "the fair" }}
}}
""")

    until(time.time() + 3600)
    with place.changing():
        place.sql("UPDATE identity SET role = 'passing' WHERE name = ?", lamp)
    one, panel = join(lamp, version), join("panel")
    ends = place.ending_soon(until)
    with place.ending(ends, lamp, "devices/+/set"):
        one.subscribe("devices/+/set", qos=1)
        used = (rf'client "{lamp}" uses a wildcard grant.*devices/.*olga.*the fair.*{stamp(ends)}'
                r'.*tacit\.conf:')
        assert place.lines(used), place.broker.log()[-2000:]
        panel.publish("devices/x/set", b"in time", qos=1)
        one.message(payload=b"in time")
    panel.publish("devices/x/set", b"too late", qos=1)
    one.expect_nothing()
    one.subscribe("devices/+/set", reasons=[0xA2 if version == 5 else 0x80])


def test_a_reload_with_an_error_keeps_the_policy(place, join, lamp):
    one, panel = join(lamp), join("panel")
    one.subscribe(f"devices/{lamp}/set", qos=1)
    before = place.force()
    said = len(place.lines("the configuration in force stays"))
    place.write(ROLES.replace("subscribe =", "subscrbe ="))
    place.broker.reload()
    place.wait("the configuration in force stays", said + 1, WITHIN_S)
    assert place.lines(r"tacit\.conf:\d+:\d+: .*subscrbe"), place.broker.log()[-2000:]
    assert place.force() == before
    panel.publish(f"devices/{lamp}/set", b"still", qos=1)
    one.message(payload=b"still")


def test_the_last_of_many_signals_counts(place, join, lamp):
    """A change while the one before is being read is not lost."""
    one = join(lamp)
    read = len(place.lines("configuration read again"))
    for number in range(20):
        place.write(WITHOUT_SET if number < 19 else ROLES.replace("/set", "/order"))
        place.broker.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + WITHIN_S
    while True:
        one.send(wire.subscribe(5, 7, (f"devices/{lamp}/order", 0)))
        if one.expect(wire.SUBACK).reasons == [0]:
            break
        assert time.monotonic() < deadline, "the last change is not in force"
        time.sleep(0.01)
    assert len(place.lines("configuration read again")) > read
    place.broker.restart()  # who comes next must not meet a signal that is still on its way


def test_what_was_observed_is_kept(place, join, lamp):
    """Who did what on which topic; for the owner's eyes, and no payloads."""
    one = join(lamp)
    one.publish(f"devices/{lamp}/state", b"a secret payload", qos=1)
    one.publish("devices/other/state", b"a secret payload", qos=1, reason=0x87)
    one.close()
    place.broker.restart()
    file = place.state / "learning/observed"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert re.search(rf"(?m)^{lamp}\tdevice\t\t\tpublish\tallowed\t.*\tdevices/{lamp}/state$", text)
    assert re.search(rf"(?m)^{lamp}\tdevice\t\t\tpublish\trefused\t.*\tdevices/other/state$", text)
    assert "secret" not in text


def test_observing_can_be_switched_off(place, join, lamp):
    place.reload("observe = off\n" + ROLES)
    one = join(lamp)
    one.publish(f"devices/{lamp}/state", b"x", qos=1)
    one.close()
    place.broker.restart()
    file = place.state / "learning/observed"
    assert not file.exists() or lamp not in file.read_text()


def test_an_unrestricted_role_is_told(place):
    place.reload(ROLES + 'role "bench" {\n  unrestricted = on\n}\n')
    place.wait(r'warning role "bench" is UNRESTRICTED: .*tacit\.conf:\d+', 1, WITHIN_S)
