# SPDX-License-Identifier: Apache-2.0
"""The programs in examples/, against a tacitd as it comes, over mutual TLS."""

import hashlib
import random
import subprocess

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.examples import EXAMPLES, join, line, output, start  # noqa: F401
from support.place import Place

UPDATABLE = """
role "updatable" {
  publish   = { "devices/%{device}/state", "devices/%{device}/firmware/want" }
  subscribe = { "devices/%{device}/firmware", "devices/%{device}/firmware/bytes" }
}
role "factory" {
  publish   = { "devices/+/firmware", "devices/+/firmware/bytes" }
  subscribe = { "devices/+/state", "devices/+/firmware/want" }
  retain    = on
}
role "device" {
  publish   = { "devices/%{device}/state", "devices/%{device}/telemetry/#" }
  subscribe = { "devices/%{device}/set" }
  retain    = on
}
role "controller" {
  publish   = { "devices/+/set" }
  subscribe = { "devices/+/state", "devices/+/telemetry/#" }
  wildcards {
    prefix      = "devices/"
    depth       = any
    most-topics = 100
    expires     = never
    owner       = "test"
    reason      = "watches"
  }
}
"""
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacitd and its library")


@pytest.fixture(scope="module")
def house():
    with Place(1) as one:
        one.broker.stop()
        one.write(UPDATABLE)
        one.broker.start()
        for name, role in (("probe", "device"), ("valve", "device"), ("hub", "device"),
                           ("board", "updatable"), ("works", "factory"), ("panel", "controller")):
            one.add(name, role)
        yield one


def test_a_sensor_delivers_all_its_readings(start, join):
    panel = join("panel")
    panel.subscribe("devices/probe/telemetry/#", qos=1)
    sensor = start("sensor", "probe", 20, 5)
    numbers = [int(panel.message().payload.split()[0]) for _ in range(20)]
    assert numbers == list(range(20))
    assert "delivered 19\n" in output(sensor)


def test_an_actuator_obeys_and_tells(start, join):
    panel = join("panel")
    panel.subscribe("devices/valve/state", qos=1)
    actuator = start("actuator", "valve", "closed")
    line(actuator, "^ready$")
    for position in (b"open", b"half", b"closed"):
        panel.publish("devices/valve/set", position, qos=1)
        panel.message(payload=position)
    output(actuator)
    later = join("works", clean=True)
    later.subscribe("devices/valve/state", qos=1)
    assert later.message().payload == b"closed" and later


def test_an_actuator_that_vanishes_is_told_of(start, join):
    panel = join("panel")
    panel.subscribe("devices/valve/state", qos=1, options=0x20)
    actuator = start("actuator", "valve")
    line(actuator, "^ready$")
    actuator.kill()
    panel.message(payload=b"lost")


def test_a_command_that_is_no_position_is_not_obeyed(start, join):
    panel = join("panel")
    actuator = start("actuator", "valve", "end")
    line(actuator, "^ready$")
    panel.publish("devices/valve/set", b"x" * 2000, qos=1)
    panel.publish("devices/valve/set", b"end", qos=1)
    assert "x" * 20 not in output(actuator)


def test_a_gateway_brings_every_line(start, join):
    """Many more lines than its queue holds, from two children."""
    panel = join("panel")
    panel.subscribe("devices/hub/telemetry/#", qos=1)
    lines = [f"child{n % 2} value {n}" for n in range(500)]
    gateway = start("gateway", "hub", given=subprocess.PIPE)
    gateway.stdin.write("\n".join(lines))
    gateway.stdin.close()
    gateway.stdin = None
    for text in lines:
        child, value = text.split(" ", 1)
        got = panel.message()
        assert (got.topic, got.payload) == (f"devices/hub/telemetry/{child}", value.encode())
    assert "published 500, refused 0, not understood 0" in output(gateway)


class Factory:
    """What sends images out."""

    def __init__(self, client, image):
        self.client, self.image = client, image
        self.sha256 = hashlib.sha256(image).hexdigest()
        client.subscribe("devices/board/firmware/want", qos=1)
        client.subscribe("devices/board/state", qos=1)

    def announce(self):
        self.client.publish("devices/board/firmware", f"{len(self.image)} {self.sha256}".encode(),
                            qos=1, retain=True)

    def asked(self):
        """The offset that the device asks for."""
        wanted, offset = self.client.message(
            topic="devices/board/firmware/want").payload.decode().split()
        assert wanted == self.sha256
        return int(offset)

    def send(self, offset, length, spoil=False):
        part = self.image[offset:offset + length]
        self.client.publish("devices/board/firmware/bytes", bytes(len(part)) if spoil else part,
                            qos=1, props=[("correlation_data", str(offset).encode())])


@pytest.fixture
def factory(join):
    return Factory(join("works"), random.Random(7).randbytes(300_000))


def installed(factory, folder, process):
    """It is, once the factory has answered what it is asked still: a device that crashed does not
    know that it has asked before."""
    while True:
        told = factory.client.message()
        if told.topic == "devices/board/state":
            break
        factory.send(int(told.payload.split()[1]), 300_000)
    assert told.payload == f"installed {factory.sha256}".encode()
    output(process)
    assert (folder / "firmware.bin").read_bytes() == factory.image
    assert [p.name for p in folder.iterdir()] == ["firmware.bin"]


def test_an_image_comes_in_parts(start, factory, tmp_path):
    factory.announce()
    ota = start("ota", "board", tmp_path)
    for offset in range(0, 300_000, 100_000):
        assert factory.asked() == offset
        factory.send(offset, 100_000)
    installed(factory, tmp_path, ota)


def test_an_image_is_continued_after_a_crash(start, factory, tmp_path):
    factory.announce()
    ota = start("ota", "board", tmp_path)
    assert factory.asked() == 0
    factory.send(0, 120_000)
    line(ota, "^120000 of 300000 bytes$")
    ota.kill()
    again = start("ota", "board", tmp_path)
    offsets = {factory.asked()}
    while 120_000 not in offsets:
        offsets.add(factory.asked())
    factory.send(120_000, 180_000)
    installed(factory, tmp_path, again)


def test_a_wrong_image_is_not_installed(start, factory, tmp_path):
    factory.announce()
    ota = start("ota", "board", tmp_path)
    assert factory.asked() == 0
    factory.send(0, 300_000, spoil=True)
    line(ota, "^wrong SHA-256")
    assert not (tmp_path / "firmware.bin").exists()
    assert factory.asked() == 0
    factory.send(0, 300_000)
    installed(factory, tmp_path, ota)


def test_a_stranger_is_refused(start, house):
    """A certificate of somebody else's CA: told, and not hammered."""
    house.openssl = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True,
                                                  capture_output=True)
    key, certificate = house.home / "stranger.key", house.home / "stranger.crt"
    house.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-subj", "/CN=probe", "-days", 1, "-keyout", key, "-out", certificate)
    stranger = start("sensor", "probe", "--certificate", certificate, "--key", key)
    line(stranger, "^probe: not connected: ")
