# SPDX-License-Identifier: Apache-2.0
"""Connections that have left OpenSSL (tls-detach): nobody at the other end notices, and whatever is done
to a connection is done to them."""

import contextlib
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import RawClient
from support.enrolled import Enrolled
from support.patience import WITHIN_S, patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
tls-detach = {mode}
limits {{
  sys-interval-s     = 1
  tls-detach-idle-ms = 100
}}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
  subscribe = {{ "devices/%{{device}}/set" }}
}}
role "panel" {{
  publish   = {{ "devices/lamp/set", "devices/sub/set" }}
  subscribe = {{ "devices/lamp/state" }}
}}
role "all" {{
  unrestricted = on
}}
listener "mqtts" {{
  port = 8883
}}
listener "watch" {{
  address        = "127.0.0.1"
  port           = {watch}
  tls            = off
  anonymous-role = "all"
  client-ids     = any
}}
"""
LONG_S = patience(20.0)


class Detaching(House):
    """Says how many have left."""

    def __init__(self, mode, shards):
        self.watch_port = free_port()
        super().__init__(CONFIG.format(mode=mode, watch=self.watch_port), shards)

    def __enter__(self):
        super().__enter__()
        self.watcher = RawClient("127.0.0.1", self.watch_port).open("watcher")
        self.watcher.subscribe("$SYS/broker/tls/detached")
        for name, role in (("lamp", "device"), ("sub", "device"), ("panel", "panel")):
            self.add(name, role)
        return self

    def __exit__(self, *rest):
        self.watcher.close()
        super().__exit__(*rest)

    def wait_detached(self, count):
        """Until exactly so many have, of those that are open."""
        deadline = time.monotonic() + LONG_S
        while int(self.watcher.message(timeout=LONG_S).payload) != count:
            assert time.monotonic() < deadline, f"never {count}"

    @contextlib.contextmanager
    def detached(self, *names):
        """Clients of these names that have left OpenSSL, and nobody else has."""
        self.wait_detached(0)
        clients = [self.connect(name).open(name) for name in names]
        try:
            self.wait_detached(len(names))
            yield clients
        finally:
            for client in clients:
                client.close()


@pytest.fixture(scope="module", params=[("on", 1), ("on", 3), ("always", 1)],
                ids=lambda p: f"{p[0]}-shards{p[1]}")
def house(request):
    with Detaching(*request.param) as one:
        yield one


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_messages_go_both_ways(house, qos):
    with house.detached("lamp", "panel") as (lamp, panel):
        lamp.subscribe("devices/lamp/set", qos=qos)
        panel.subscribe("devices/lamp/state", qos=qos)
        for size in (0, 1, 100, 16384, 16385, 200000):
            text = bytes(i % 251 for i in range(size))
            panel.publish("devices/lamp/set", text, qos=qos)
            assert lamp.message().payload == text
            lamp.publish("devices/lamp/state", text, qos=qos)
            assert panel.message().payload == text
        for _ in range(50):
            lamp.expect_nothing()


def test_who_leaves_says_goodbye(house):
    with house.detached("lamp") as (lamp,):
        lamp.leave()
    house.wait_detached(0)


def test_a_newer_connection_takes_over(house):
    with house.detached("lamp") as (lamp,):
        with contextlib.closing(house.connect("lamp").open("lamp")) as newer:
            assert lamp.drain()[-1].reason == 0x8E
            newer.fence()


def test_who_is_revoked_is_gone_within_a_second(house):
    name = f"doomed-{house.shards}"
    house.add(name, "device")
    with house.detached(name) as (doomed,):
        house.tacit("revoke", name, "--reason", "superseded", "--state", house.state)
        since = time.monotonic()
        doomed.expect(wire.DISCONNECT, timeout=WITHIN_S)
        doomed.expect_closed()
        assert time.monotonic() < since + WITHIN_S


def test_certificates_are_read_again_beneath_them(house):
    with house.detached("lamp", "panel") as (lamp, panel):
        lamp.subscribe("devices/lamp/set")
        for _ in range(3):
            before = len(house.lines("configuration read again"))
            house.broker.reload()
            house.wait("configuration read again", before + 1, LONG_S)
            panel.publish("devices/lamp/set", b"still here")
            assert lamp.message().payload == b"still here"
        with contextlib.closing(house.connect("sub").open("sub")) as newcomer:
            newcomer.fence()
            house.wait_detached(3)


def test_openssl_renews_keys_afterwards(house):
    """[RFC 8446, 4.6.3] s_client: a line that begins with K renews both keys, one with k its own."""
    authority, certificate, key = house.files("lamp")
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{house.broker.port}", "-CAfile", authority,
         "-cert", certificate, "-key", key, "-alpn", "mqtt", "-tls1_3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
    try:
        house.wait_detached(0)
        client = Sclient(process)
        client.say(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04lamp")
        client.expect(b"\x20\x02\x00\x00")
        house.wait_detached(1)
        for letter in (b"K", b"k", b"K", b"K", b"k"):
            client.say(letter + b"\n")
            client.say(b"\xc0\x00")
            client.expect(b"\xd0\x00")
        house.wait_detached(1)
    finally:
        process.kill()
        process.wait()


class Sclient:
    """What comes is between lines of s_client's own."""

    def __init__(self, process):
        self.process, self.seen = process, b""

    def say(self, bytes_):
        time.sleep(0.3)  # it looks at the first letter of what it reads at once
        self.process.stdin.write(bytes_)

    def expect(self, bytes_):
        deadline = time.monotonic() + LONG_S
        while bytes_ not in self.seen:
            assert time.monotonic() < deadline, self.seen[-500:]
            self.seen += self.process.stdout.read(4096)
        self.seen = self.seen[self.seen.index(bytes_) + len(bytes_):]


def test_a_device_that_turns_a_ratchet(house, tmp_path):
    """What only OpenSSL knows is asked before its client is let in."""
    device = Enrolled.make(house, tmp_path / "original", f"turner-{house.shards}")
    for turn in range(3):
        device.connect()
    assert device.counter() >= 3


def test_libtacit_waits_and_is_told(house):
    house.wait_detached(0)
    with house.popen("sub", "--as", "sub", "-C", 2, "devices/sub/set", "--port",
                     house.broker.port) as sub:
        try:
            house.wait_detached(1)
            for text in ("one", "two"):
                house.tacit("pub", "--as", "panel", "--port", house.broker.port, "-q", 1,
                            "devices/sub/set", text)
            assert sub.communicate(timeout=LONG_S)[0] == "one\ntwo\n"
        finally:
            sub.kill()


def test_a_stop_says_goodbye_to_them():
    with Detaching("on", 1) as one:
        with one.detached("lamp", "panel") as (lamp, panel):
            one.broker.stop()
            for client in (lamp, panel):
                client.expect_refusal(0x8B)
        one.broker.start()
        one.watcher.close()
        one.watcher = RawClient("127.0.0.1", one.watch_port).open("watcher")
