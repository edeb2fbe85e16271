# SPDX-License-Identifier: Apache-2.0
"""Mutual TLS, roles, and the daily commands of the tool."""

import contextlib
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.patience import WITHIN_S, patience
from support.secure import TOOL_S, House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
REFUSED = 3


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"shards{n}")
def house(request):
    with House() as one:
        one.broker.stop()
        config = one.state / "tacit.conf"
        config.write_text(f"shards = {request.param}\n" + CONFIG)
        one.broker.start()
        one.add("lamp", "device")
        one.add("other", "device")
        one.add("panel", "controller")
        yield one


CONFIG = """
role "device" {
  publish   = { "devices/%{device}/state", "devices/%{device}/telemetry/#" }
  subscribe = { "devices/%{device}/set" }
  retain    = on
}
role "controller" {
  publish   = { "devices/+/set" }
  subscribe = { "devices/+/state" }
}
role "admin" {
  publish   = { "devices/#" }
  subscribe = { "devices/#", "$SYS/#" }
  shared    = on
  retain    = on
  wildcards {
    prefix      = "devices/"
    depth       = any
    most-topics = 10000
    expires     = never
    owner       = "test"
    reason      = "watches all"
  }
  wildcards {
    prefix      = "$SYS/"
    depth       = any
    most-topics = 10000
    expires     = never
    owner       = "test"
    reason      = "watches all"
  }
}
listener "mqtts" {
  port = 8883
  client-certificates = required
}
"""


@pytest.fixture
def join(house):
    """join("lamp"): connected over mutual TLS."""
    opened = []

    def new(name, version=5, client_id=None, **more):
        opened.append(house.connect(name, version))
        return opened[-1].open(name if client_id is None else client_id, **more)

    yield new
    for one in opened:
        one.close()


@pytest.mark.parametrize("version", [4, 5])
def test_messages_flow(join, version):
    lamp, panel = join("lamp", version), join("panel", version)
    lamp.subscribe("devices/lamp/set", qos=1)
    panel.subscribe("devices/lamp/state", qos=1)
    panel.publish("devices/lamp/set", b"on", qos=1)
    lamp.message(payload=b"on")
    lamp.publish("devices/lamp/state", b"is on", qos=1)
    panel.message(payload=b"is on")


def test_wildcards_are_announced_as_unavailable(join):
    """[MQTT-3.2.2-9] The answer to CONNECT says what will be refused."""
    answer = join("lamp").connack
    assert answer.get("wildcard_available") == 0
    assert answer.get("shared_available") == 0


@pytest.mark.parametrize("pattern", ["#", "+/#", "devices/#", "devices/+/state", "devices/lamp/+",
                                     "$SYS/#"])
def test_wildcards_are_refused(join, pattern):
    """[MQTT-3.8.3-2] W2: 0xA2 or 0x87 with a reason in 5.0, 0x80 before."""
    one = join("lamp")
    one.send(wire.subscribe(5, 1, (pattern, 0)))
    answer = one.expect(wire.SUBACK)
    assert answer.reasons in ([0xA2], [0x87]), answer
    assert answer.get("reason_string"), "no reason that a person understands"
    one.expect_nothing()
    join("panel", 4).subscribe(pattern, reasons=[0x80])


def test_shared_subscriptions_are_refused(join):
    one = join("lamp")
    one.send(wire.subscribe(5, 1, ("$share/g/devices/lamp/set", 0)))
    assert one.expect(wire.SUBACK).reasons[0] in (0x9E, 0x87, 0xA2)


@pytest.mark.parametrize("version", [4, 5])
def test_topics_of_others_are_refused(join, version):
    """Deny by default: reading and writing."""
    lamp = join("lamp", version)
    lamp.subscribe("devices/other/set", "devices/lamp/set", "nothing/granted",
                   reasons=[0x87, 0, 0x87] if version == 5 else [0x80, 0, 0x80])


def test_publishing_is_refused_with_a_reason(join):
    """[MQTT-3.3.5-2] of 3.1.1; 0x87 in 5.0; the connection lives on."""
    lamp, other = join("lamp"), join("other")
    other.subscribe("devices/other/set", qos=1)
    for qos in (1, 2):
        answer = lamp.publish("devices/other/set", b"evil", qos=qos, reason=0x87)
        assert answer.get("reason_string")
    join("panel").publish("devices/other/set", b"good", qos=1)
    other.message(payload=b"good")
    other.expect_nothing()


def test_publishing_with_qos_0_is_dropped(join):
    lamp, other = join("lamp"), join("other")
    other.subscribe("devices/other/set")
    lamp.send(wire.publish(5, "devices/other/set", b"evil"))
    try:
        lamp.fence()
    except Closed:
        pass
    join("panel").publish("devices/other/set", b"good", qos=1)
    other.message(payload=b"good")


def test_old_clients_are_not_told_but_nothing_passes(join):
    """[MQTT-3.3.5-2] 3.1.1 has no word for no: acknowledged or closed, never delivered."""
    lamp, other = join("lamp", 4), join("other", 4)
    other.subscribe("devices/other/set", qos=1)
    lamp.send(wire.publish(4, "devices/other/set", b"evil", 1, 5))
    try:
        assert all(p.kind == wire.PUBACK for p in lamp.fence())
    except Closed:
        pass
    join("panel").publish("devices/other/set", b"good", qos=1)
    other.message(payload=b"good")


def test_wills_need_a_grant(house, join):
    """A will where the client may not publish is refused, or never sent."""
    other = join("other")
    other.subscribe("devices/other/set", qos=1)
    lamp = house.connect("lamp")
    lamp.send(wire.connect(5, "lamp", will=wire.Will("devices/other/set", b"evil", 1)))
    answer = lamp.expect(wire.CONNACK)
    assert answer.reason in (0, 0x87, 0x90)
    lamp.drop()
    join("panel").publish("devices/other/set", b"good", qos=1)
    other.message(payload=b"good")


def test_client_id_belongs_to_the_device(house, join):
    """I3: another identity neither resumes nor ends a session by its client identifier."""
    lamp = join("lamp", clean=False, props=[("session_expiry", 60)])
    lamp.subscribe("devices/lamp/set", qos=1)
    thief = house.connect("other")
    thief.send(wire.connect(5, "lamp", False))
    answers = thief.drain()
    assert len(answers) == 1 and answers[0].reason in (0x85, 0x87), answers
    lamp.expect_nothing()
    join("panel").publish("devices/lamp/set", b"x", qos=1)
    lamp.message(payload=b"x")
    join("lamp", client_id="lamp", clean=True).leave()


def test_admin_may_use_wildcards(house):
    one = house.connect("admin").open("admin")
    assert one.connack.get("wildcard_available", 1) == 1
    one.subscribe("devices/#", qos=1)
    lamp = house.connect("lamp").open("lamp")
    lamp.publish("devices/lamp/telemetry/deep/down", b"x", qos=1)
    one.message(topic="devices/lamp/telemetry/deep/down")
    one.close()
    lamp.close()


def test_sys_is_for_those_who_are_granted_it(join):
    join("lamp").subscribe("$SYS/broker/uptime", reasons=[0x87])


# -- the tool ---------------------------------------------------------------------------------


@contextlib.contextmanager
def subscribed(house, process):
    """Inside, the process that was started is subscribed: it has printed (-v) what is retained."""
    kept = ["pub", "--as", "lamp", "-t", "devices/lamp/state", "-r", "-q", "1"]
    with process as reader:
        house.tacit(*kept, "-m", "kept")
        try:
            assert reader.stdout.readline() == "devices/lamp/state kept\n"
            yield reader
        finally:
            house.tacit(*kept, "-n")


@pytest.mark.parametrize("version", ["5", "311"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_tool_subscribes_and_publishes(house, version, qos):
    with subscribed(house, house.popen("sub", "--as", "panel", "-V", version, "-q", qos, "-t",
                                       "devices/lamp/state", "-C", "4", "-W", "15",
                                       "-v")) as reader:
        for text in ("a", "b"):
            house.tacit("pub", "--as", "lamp", "-V", version, "-q", qos, "-t",
                        "devices/lamp/state", "-m", text)
        house.tacit("pub", "--as", "lamp", "-V", version, "-q", qos, "-t", "devices/lamp/state",
                    "-l", given="c\n")
        out, err = reader.communicate(timeout=TOOL_S)
    assert reader.returncode == 0, err
    assert out.splitlines() == [f"devices/lamp/state {c}" for c in "abc"]


def test_tool_explains_a_refused_wildcard(house):
    done = house.tacit("sub", "--as", "lamp", "#", "-W", "5", code=REFUSED)
    text = done.stdout + done.stderr
    assert "#" in text and "0xA2" in text or "0x87" in text, text
    assert "wildcard" in text.lower(), text


def test_tool_explains_a_refused_topic(house):
    done = house.tacit("pub", "--as", "lamp", "-q", "1", "-t", "devices/other/set", "-m", "x",
                       code=REFUSED)
    assert "devices/other/set" in done.stdout + done.stderr


def test_tool_without_a_profile(house):
    done = house.tacit("sub", "--as", "nobody", "-t", "a", code=None)
    assert done.returncode in (1, 2) and "nobody" in done.stderr


def test_tool_and_a_broker_that_is_away(house):
    done = house.tacit("pub", "-h", "127.0.0.1", "-p", "1", "-t", "a", "-m", "b", code=2)
    assert done.stderr.strip()


def test_tool_request(house):
    """A request finds its answer by correlation data."""
    answerer = house.connect("lamp").open("lamp-raw")
    answerer.subscribe("devices/lamp/set", qos=1)
    with house.popen("request", "--as", "panel", "-t", "devices/lamp/set", "-m", "ping", "-W", "10",
                     "--response-topic", "devices/lamp/state") as asker:
        if asker.poll() is not None and asker.returncode:
            pytest.fail(asker.stderr.read())
        try:
            question = answerer.message()
        except TimeoutError:
            asker.kill()
            pytest.fail("no request came: " + asker.stderr.read())
        answerer.publish(question.get("response_topic"), b"pong", qos=1,
                         props=[("correlation_data", question.get("correlation_data"))])
        out, err = asker.communicate(timeout=TOOL_S)
    assert (asker.returncode, out.strip()) == (0, "pong"), err
    answerer.close()


def test_mosquitto_tools_are_at_home(house):
    ca, certificate, key = house.files("panel")
    tls = ["--cafile", ca, "--cert", certificate, "--key", key, "-h", "localhost",
           "-p", str(house.broker.port)]
    with subscribed(house, subprocess.Popen(
            ["mosquitto_sub", *tls, "-i", "panel", "-t", "devices/lamp/state", "-C", "2", "-W",
             "15", "-v"], stdout=subprocess.PIPE, text=True)) as reader:
        house.tacit("pub", "--as", "lamp", "-q", "1", "-t", "devices/lamp/state", "-m", "hello")
        assert reader.communicate(timeout=TOOL_S)[0].strip() == "devices/lamp/state hello"


# -- changes while it runs --------------------------------------------------------------------


def eventually(check, seconds=4):
    deadline = time.monotonic() + patience(seconds)
    while not check():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.1)


def test_new_device_needs_no_restart(house, join):
    def is_let_in():
        one = house.connect("fresh")
        one.send(wire.connect(5, "fresh"))
        answers = one.fence_or_end()
        one.close()
        return bool(answers) and answers[0].reason == 0

    house.add("fresh", "device")
    eventually(is_let_in, 1)
    join("fresh").subscribe("devices/fresh/set")


def test_reload_changes_what_is_granted(house, join):
    """SIGHUP: new grants hold for those who are connected, lost grants end what used them."""
    config = house.state / "tacit.conf"
    text = config.read_text()
    lamp, panel = join("lamp"), join("panel")
    panel.subscribe("devices/lamp/state", qos=1)
    lamp.subscribe("new/lamp", reasons=[0x87])
    changed = text.replace('subscribe = { "devices/%{device}/set" }',
                           'subscribe = { "devices/%{device}/set", "new/%{device}" }')
    changed = changed.replace('subscribe = { "devices/+/state" }', 'subscribe = { "nothing" }')
    try:
        config.write_text(changed)
        house.broker.reload()

        def granted():
            lamp.send(wire.subscribe(5, 9, ("new/lamp", 0)))
            return lamp.take(wire.SUBACK).reasons == [0]
        eventually(granted)
        lamp.publish("devices/lamp/state", b"secret", qos=1)
        panel.expect_nothing()
    finally:
        config.write_text(text)
        house.broker.reload()
    eventually(lambda: join_and_try(join))


def join_and_try(join):
    one = join("panel", client_id="panel-again")
    one.send(wire.subscribe(5, 9, ("devices/lamp/state", 0)))
    return one.take(wire.SUBACK).reasons == [0]


def test_broken_reload_keeps_what_was(house, join):
    config = house.state / "tacit.conf"
    text = config.read_text()
    lamp, kept = join("lamp"), "the configuration in force stays"
    said = len(house.lines(kept))
    try:
        config.write_text(text + "\nrole \"x\" {\n")
        house.broker.reload()
        house.wait(kept, said + 1, WITHIN_S)
        lamp.subscribe("devices/lamp/set")
        join("panel").publish("devices/lamp/set", b"x", qos=1)
        lamp.message(payload=b"x")
    finally:
        config.write_text(text)
        house.broker.reload()
    assert "tacit.conf" in house.broker.log()


def test_sessions_survive_a_restart(house, join):
    lamp = join("lamp", clean=False, props=[("session_expiry", 60)])
    lamp.subscribe("devices/lamp/set", qos=1)
    lamp.drop()
    join("panel").publish("devices/lamp/set", b"while away", qos=1)
    house.broker.restart()
    again = join("lamp", clean=False, props=[("session_expiry", 60)])
    assert again.connack.session_present
    again.message(payload=b"while away")
    join("lamp", clean=True).leave()
