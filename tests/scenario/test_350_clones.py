# SPDX-License-Identifier: Apache-2.0
"""Promise I5: one credential present twice is noticed within a second, both are held, and the
event names both addresses. A reconnect is no clone, however it came about."""

import json
import os
import queue
import re
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.patience import WITHIN_S, patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

HERE, THERE, ELSEWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
PROBE_S, LATE_S = 0.7, patience(0.3)

CONFIG = """
shards = {shards}
log {{ format = json level = debug }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
  subscribe = {{ "devices/%{{device}}/set" }}
  retain    = on
}}
role "kept" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = keep-first
}}
role "dropped" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = drop-both
}}
role "many" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = allow
}}
role "panel" {{
  publish   = {{ "devices/+/set" }}
  subscribe = {{ "devices/+/state", "devices/+/will" }}
  wildcards {{
    prefix = "devices/"  depth = 2  most-topics = 1000
    expires = never  owner = "test"  reason = "watches all"
  }}
}}
listener "mqtts" {{
  port = 8883
  client-certificates = required
}}
"""


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"shards{n}")
def house(request):
    with House() as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(CONFIG.format(shards=request.param))
        one.broker.start()
        one.add("panel", "panel")
        yield one


@pytest.fixture
def lamp(house, request):
    """A device of its own for each test."""
    lamp.count = getattr(lamp, "count", 0) + 1
    name = f"lamp-{lamp.count}x"
    house.add(name, getattr(request, "param", "device"))
    return name


class Alive:
    """A client that answers what a client has to answer, and keeps the rest. Only its thread touches
    the connection: an SSL object of Python's is not for two."""

    def __init__(self, client):
        self.client, self.packets, self.is_over = client, [], threading.Event()
        self.outgoing = queue.SimpleQueue()
        self.is_wanted = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while self.is_wanted:
                while not self.outgoing.empty():
                    self.client.send(self.outgoing.get())
                try:
                    packet = self.client.receive(0.05)
                except TimeoutError:
                    continue
                if packet.kind == wire.PUBREL:
                    reason = 0x92 if self.client.version == 5 else None
                    self.client.send(wire.ack(self.client.version, wire.PUBCOMP,
                                              packet.packet_id, reason))
                else:
                    self.packets.append(packet)
        except (Closed, OSError, ValueError):
            self.is_over.set()

    def send(self, *packets):
        """Within 50 ms."""
        self.outgoing.put(b"".join(packets))

    def end(self):
        """Nobody else's socket may get the number of one that a thread still reads from."""
        self.is_wanted = False
        self.thread.join()

    def kinds(self):
        return [packet.kind for packet in self.packets]


@pytest.fixture
def come(house):
    """come("lamp", HERE): CONNECT is sent over mutual TLS from that address."""
    opened, living = [], []

    def new(name, source, client_id=None, version=5, alive=False, context=None, **more):
        client = house.connect(name, version, context=context, source=source)
        opened.append(client)
        client.send(wire.connect(version, name if client_id is None else client_id, True, **more))
        if not alive:
            return client
        client.expect(wire.CONNACK, reason=0)
        living.append(Alive(client))
        return living[-1]

    yield new
    for one in living:
        one.end()
    for one in opened:
        one.close()


def events(house, kind, device):
    found = []
    for line in house.broker.log().splitlines():
        if line.startswith("{"):
            event = json.loads(line)
            if event.get("event") == kind and event.get("device") == device:
                found.append(event)
    return found


def soon(check, seconds=patience(4.0)):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "it does not come about"
        time.sleep(0.02)
    return True


def noticed(house, device, since, count=1):
    """The event, within a second."""
    soon(lambda: len(events(house, "clone", device)) >= count, since + patience(3) - time.monotonic())
    took = time.monotonic() - since
    assert took < WITHIN_S, f"it took {took:.2f} s"
    return events(house, "clone", device)[-1]


def is_held(client):
    """Pings are answered, nothing else is."""
    client.send(wire.publish(client.version, "devices/x/state", b"1", 1, 9),
                wire.subscribe(client.version, 8, ("devices/x/set", 0)))
    assert client.fence() == []


def shown(house, device):
    return json.loads(house.tacit("device", "show", device, "--json", "--state",
                                  house.state).stdout)


def release(house, device):
    house.tacit("device", "release", device, "--state", house.state)


# ---- clones --------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("source, suffix", [(THERE, ""), (HERE, ""), (THERE, "-2"), (THERE, "-3"),
                                            (THERE, "-4"), (THERE, "-5")])
def test_both_are_held(house, come, lamp, version, source, suffix):
    first = come(lamp, HERE, version=version, alive=True)
    since = time.monotonic()
    second = come(lamp, source, lamp + suffix, version)
    second.expect(wire.CONNACK, reason=0, session_present=False)
    event = noticed(house, lamp, since)
    assert event["address"].startswith(source + ":")
    assert event["other_address"].startswith(HERE + ":")
    assert event["client"] == lamp + suffix and event["other_client"] == lamp
    assert event["done"] == "hold" and len(event["key_sha256"]) == 64
    assert event["serial"] == event["other_serial"] != ""
    assert re.match(r"\d{4}-\d\d-\d\dT", event["since"]) and event["other_since"]
    assert f"tacit device release {lamp}" in event["text"]
    soon(lambda: len(events(house, "held", lamp)) == 2)
    assert time.monotonic() - since < WITHIN_S
    is_held(second)
    first.send(wire.publish(version, f"devices/{lamp}/state", b"1", 1, 9), wire.pingreq())
    soon(lambda: wire.PINGRESP in first.kinds())
    assert first.kinds() == [wire.PINGRESP]
    assert not first.is_over.is_set()


def test_nothing_is_delivered_or_accepted(house, come, lamp):
    panel = house.connect("panel").open("panel")
    panel.subscribe("devices/+/state", "devices/+/will", qos=1)
    first = house.connect(lamp, source=HERE).open(
        lamp, props=[("session_expiry", 600)],
        will=wire.Will(f"devices/{lamp}/will", b"gone"))
    first.subscribe(f"devices/{lamp}/set", qos=1)
    second = come(lamp, THERE, lamp + "-2")
    probe = first.expect(wire.PUBREL)
    first.send(wire.ack(5, wire.PUBCOMP, probe.packet_id, 0x92))
    second.expect(wire.CONNACK, reason=0)
    soon(lambda: len(events(house, "held", lamp)) == 2)
    for one in (first, second):
        is_held(one)
    panel.publish(f"devices/{lamp}/set", b"on", qos=1)
    for one in (first, second):
        one.send(wire.publish(5, f"devices/{lamp}/state", b"1", 1, 9))
        one.expect_nothing()
    # It survives a restart, and newcomers are held, too.
    for one in (first, second, panel):
        one.close()
    soon(lambda: "held" in shown(house, lamp))
    why = shown(house, lamp)["held"]["why"]
    assert "two places" in why and HERE in why and THERE in why
    assert re.search(rf"{lamp} .* held ",
                     house.tacit("device", "list", "--state", house.state).stdout)
    house.broker.restart()
    third = house.connect(lamp, source=HERE).open(lamp, clean=False, props=[("session_expiry", 600)])
    is_held(third)
    release(house, lamp)
    since = time.monotonic()
    third.expect_refusal(0x98)
    assert time.monotonic() - since < WITHIN_S
    last = house.connect(lamp, source=THERE).open(lamp, clean=False)
    assert last.connack.session_present
    last.message(payload=b"on")
    last.publish(f"devices/{lamp}/state", b"2", qos=1)
    assert not events(house, "will-sent", lamp)
    assert house.tacit("device", "release", lamp, "--state", house.state).stdout == (
        f"{lamp} is not held\n")


def test_at_most_four_are_held(house, come, lamp):
    come(lamp, HERE, alive=True)
    others = [come(lamp, THERE, f"{lamp}-{i}") for i in range(4)]
    time.sleep(patience(0.5))
    answers = [one.expect(wire.CONNACK).reason for one in others]
    assert sorted(answers) == [0, 0, 0, 0x97]


@pytest.mark.parametrize("lamp", ["kept"], indirect=True)
def test_keep_first(house, come, lamp):
    first = come(lamp, HERE, alive=True)
    since = time.monotonic()
    second = come(lamp, THERE)
    second.expect(wire.CONNACK, reason=0x87)
    assert noticed(house, lamp, since)["done"] == "keep-first"
    first.send(wire.publish(5, f"devices/{lamp}/state", b"1", 1, 9))
    soon(lambda: wire.PUBACK in first.kinds())


@pytest.mark.parametrize("lamp", ["dropped"], indirect=True)
def test_drop_both(house, come, lamp):
    first = come(lamp, HERE, alive=True)
    since = time.monotonic()
    second = come(lamp, THERE, lamp + "-2", version=4)
    second.expect(wire.CONNACK, reason=5)
    assert noticed(house, lamp, since)["done"] == "drop-both"
    assert first.is_over.wait(patience(2))
    assert first.packets[-1].kind == wire.DISCONNECT and first.packets[-1].reason == 0x98


def test_back_and_forth(house, come, lamp):
    """Neither gives a sign of life, and each comes back when it is taken over."""
    come(lamp, HERE).expect(wire.CONNACK, reason=0)
    for turn in range(4):
        assert not events(house, "clone", lamp)
        client = come(lamp, [THERE, HERE][turn % 2])
        client.expect(wire.CONNACK, reason=0)
    event = events(house, "clone", lamp)[0]
    assert event["address"].startswith(HERE) and event["other_address"].startswith(THERE)
    is_held(client)


def test_revocation_ends_a_hold(house, come, lamp):
    come(lamp, HERE, alive=True)
    second = come(lamp, THERE, lamp + "-2")
    second.expect(wire.CONNACK, reason=0)
    soon(lambda: "held" in shown(house, lamp))
    house.tacit("device", "revoke", lamp, "--state", house.state)
    second.expect_refusal(0x98)
    assert "held" not in shown(house, lamp)


# ---- clients as they are -------------------------------------------------------------------------


def mosquitto_sub(house, name, version, source):
    ca, certificate, key = house.files(name)
    return subprocess.Popen(
        ["mosquitto_sub", "-h", "localhost", "-p", str(house.broker.port), "--cafile", ca, "--cert",
         certificate, "--key", key, "-V", version, "-i", name, "-A", source, "-t",
         f"devices/{name}/set", "-q", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def paho(house, name, version, source):
    mqtt = pytest.importorskip("paho.mqtt.client")
    ca, certificate, key = house.files(name)
    arguments = {"client_id": name, "protocol": version}
    if hasattr(mqtt, "CallbackAPIVersion"):
        arguments["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION2
    client = mqtt.Client(**arguments)
    client.tls_set(ca, certificate, key)
    client.connect("localhost", house.broker.port, bind_address=source)
    client.loop_start()
    return client


def connected(house, name):
    return soon(lambda: events(house, "connected", name))


@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto-clients")
def test_mosquitto_answers(house, come, lamp, version):
    process = mosquitto_sub(house, lamp, version, HERE)
    try:
        connected(house, lamp)
        since = time.monotonic()
        second = come(lamp, THERE)
        second.expect(wire.CONNACK, reason=0)
        noticed(house, lamp, since)
        is_held(second)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("version", [4, 5])
def test_paho_answers(house, come, lamp, version):
    client = paho(house, lamp, version, HERE)
    try:
        connected(house, lamp)
        since = time.monotonic()
        second = come(lamp, THERE)
        second.expect(wire.CONNACK, reason=0)
        noticed(house, lamp, since)
        is_held(second)
    finally:
        client.loop_stop()


def test_the_tool_answers(house, come, lamp):
    process = house.popen("sub", "--as", lamp, f"devices/{lamp}/set")
    try:
        connected(house, lamp)
        since = time.monotonic()
        second = come(lamp, THERE)
        second.expect(wire.CONNACK, reason=0)
        noticed(house, lamp, since)
        is_held(second)
    finally:
        process.kill()
        process.communicate()


# ---- what is normal ------------------------------------------------------------------------------


def test_several_programs_on_one_host(house, come, lamp):
    first = come(lamp, HERE, alive=True)
    second = come(lamp, HERE, lamp + "-tool")
    second.expect(wire.CONNACK, reason=0)
    second.publish(f"devices/{lamp}/state", b"1", qos=1)
    assert not first.packets and not events(house, "clone", lamp)


@pytest.mark.parametrize("lamp", ["many"], indirect=True)
def test_allowed_by_the_role(house, come, lamp):
    first = come(lamp, HERE, alive=True)
    come(lamp, THERE, lamp + "-2").expect(wire.CONNACK, reason=0)
    assert not first.packets and not events(house, "clone", lamp)


def test_services_run_in_many_places(house, come):
    house.tacit("device", "add", "meter", "--kind", "service", "--role", "device", "--state",
                house.state, "--host", "localhost", "--port", house.broker.port)
    first = come("meter", HERE, alive=True)
    come("meter", THERE, "meter-2").expect(wire.CONNACK, reason=0)
    assert not first.packets and not events(house, "clone", "meter")


def test_a_name_of_another_device_is_not_for_the_taking(house, come, lamp):
    house.add(lamp + "-b", "device")
    soon(lambda: try_name(come, lamp) == 0x85)
    come(lamp, HERE, lamp + "-b", version=4).expect(wire.CONNACK, reason=2)
    come(lamp, HERE, lamp + "-c").expect(wire.CONNACK, reason=0)


def try_name(come, lamp):
    client = come(lamp, HERE, lamp + "-b")
    reason = client.expect(wire.CONNACK).reason
    client.close()
    return reason


# ---- reconnects that are no clones ---------------------------------------------------------------


def reset(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(client.socket.detach())


ENDINGS = {
    "half-open": (lambda client: None, PROBE_S + LATE_S),
    "closed": (lambda client: client.close(), LATE_S),
    "reset": (reset, LATE_S),
    "with a goodbye": (lambda client: client.send(wire.disconnect(client.version)), LATE_S),
}


@pytest.mark.parametrize("source", [HERE, THERE])
@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_reconnect_is_none(house, come, lamp, ending, version, source):
    end, most_s = ENDINGS[ending]
    first = come(lamp, HERE, version=version)
    first.expect(wire.CONNACK, reason=0)
    # What it was sending when its network went away.
    first.send(wire.publish(version, f"devices/{lamp}/state", b"1", 0))
    end(first)
    since = time.monotonic()
    second = come(lamp, source, version=version)
    second.expect(wire.CONNACK, reason=0)
    took = time.monotonic() - since
    assert took < most_s, f"the newcomer waited {took:.2f} s"
    second.publish(f"devices/{lamp}/state", b"2", qos=1)
    assert not events(house, "clone", lamp)


def test_a_resumed_tls_session_is_none(house, come, lamp):
    context = house.context(lamp, ssl.TLSVersion.TLSv1_3)
    first = come(lamp, HERE, context=context)
    first.expect(wire.CONNACK, reason=0)
    session = first.socket.session
    plain = socket.create_connection((house.broker.host, house.broker.port),
                                     source_address=(THERE, 0))
    secure = context.wrap_socket(plain, server_hostname="localhost", session=session)
    assert secure.session_reused
    secure.sendall(wire.connect(5, lamp, True))
    secure.settimeout(patience(3))
    assert secure.recv(2)[0] == 0x20
    secure.close()
    assert not events(house, "clone", lamp)


def test_a_wanderer_is_none(house, come, lamp):
    come(lamp, HERE).expect(wire.CONNACK, reason=0)
    for turn in range(1, 6):
        come(lamp, [HERE, THERE, ELSEWHERE][turn % 3]).expect(wire.CONNACK, reason=0)
    assert not events(house, "clone", lamp)
