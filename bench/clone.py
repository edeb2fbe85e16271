# SPDX-License-Identifier: Apache-2.0
"""One credential in two places: how soon it is noticed, and that reconnects are not taken for it.

  detect_ms_p99  from the clone's CONNECT to its CONNACK, which comes with the hold; the original
                 answers as every client does
  false_alarms   reconnects that were called a clone, of `reconnects`: each leaves a connection
                 behind that is half open (the socket stays, nobody answers), from one of several
                 addresses in turn, every other one with a message sent just before
  wait_ms_p99    how long such a reconnect waits for its CONNACK"""
import asyncio
import json
import pathlib
import socket
import ssl
import statistics
import struct
import subprocess
import tempfile
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
CLONES, DEVICES, ROUNDS, AT_ONCE = 200, 200, 50, 10
SHARDS = 2
ADDRESSES = [f"127.0.0.{i}" for i in range(1, 8)]
PUBREL, PUBCOMP, CONNACK = 6, 7, 2
CONFIG = """shards = {shards}
listener "mqtts" {{ address = "127.0.0.1" port = {port} client-certificates = required }}
role "device" {{ publish = {{ "devices/%{{device}}/#" }} }}
log {{ format = json level = notice }}
"""
SHARDS = 2
WANTED = {"detect_ms_p99": 1000, "false_alarms": 0, "wait_ms_p99": 1000}


def text(value):
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def packet(kind, body):
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


class Place:
    """tacitd with a state folder of its own, and things with certificates."""

    def __init__(self, folder, tools, shards):
        self.folder, self.tools = pathlib.Path(folder), tools
        self.gate = asyncio.Semaphore(AT_ONCE)  # of handshakes: this process is slow at them
        self.state, self.port = self.folder / "state", subjects.free_port()
        config = self.folder / "tacit.conf"
        config.write_text(CONFIG.format(port=self.port, shards=shards), encoding="utf-8")
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.server = subjects.Server([tools / "tacitd", "--config", config, "--state",
                                       self.state], self.port, self.log, folder)

    def wait_until_it_serves(self):
        """It listens before it has a CA, and shakes hands when everything is there."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), 20) as plain:
            context.wrap_socket(plain).close()

    def add(self, name):
        subprocess.run([self.tools / "tacit", "device", "add", name, "--role", "device", "--state",
                        self.state, "--out", self.folder / "things"], check=True,
                       stdout=subprocess.DEVNULL,
                       env={"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.state / "ca" / "root.crt")
        context.load_cert_chain(self.folder / "things" / f"{name}.crt",
                                self.folder / "things" / f"{name}.key")
        return context

    def clones(self):
        found = []
        for line in pathlib.Path(self.log.name).read_text(encoding="utf-8").splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "clone":
                found.append(event)
            assert "left_out" not in event or event["event"] != "clone"
        return found


class Thing:
    """One connection of a device. It answers PUBREL as long as answer() runs, and nothing else."""

    def __init__(self, place, name, context):
        self.place, self.name, self.context = place, name, context
        self.reader = self.writer = self.task = None

    async def connect(self, source):
        """Milliseconds from CONNECT to CONNACK."""
        async with self.place.gate:
            self.reader, self.writer = await asyncio.open_connection(
                "127.0.0.1", self.place.port, ssl=self.context, server_hostname="localhost",
                local_addr=(source, 0))
        begin = time.monotonic()
        self.writer.write(packet(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text(self.name)))
        answer = await asyncio.wait_for(self.reader.readexactly(4), 30)
        assert answer[0] >> 4 == CONNACK and answer[3] == 0, answer
        return (time.monotonic() - begin) * 1000

    async def answer(self):
        try:
            while True:
                head = await self.reader.readexactly(2)
                body = await self.reader.readexactly(head[1])
                if head[0] >> 4 == PUBREL:
                    self.writer.write(packet(PUBCOMP << 4, body[:2]))
        except (asyncio.IncompleteReadError, OSError):
            pass

    def live(self):
        self.task = asyncio.create_task(self.answer())

    def go_silent(self, with_a_message):
        """The network is gone, the socket stays."""
        if with_a_message:
            self.writer.write(packet(0x30, text(f"devices/{self.name}/x") + b"1"))
        self.writer.transport.pause_reading()

    def close(self):
        if self.task is not None:
            self.task.cancel()
        if self.writer is not None:
            self.writer.transport.abort()


async def detect(place, devices):
    """Milliseconds for each."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(i, name, context):
        async with gate:
            first, second = Thing(place, name, context), Thing(place, name, context)
            await first.connect(ADDRESSES[0])
            first.live()
            suffix = "" if i % 2 else "-2"
            second.name += suffix
            took = await second.connect(ADDRESSES[1 + i % 3])
            first.close()
            second.close()
            return took

    return await asyncio.gather(*(one(i, *device) for i, device in enumerate(devices)))


async def reconnect(place, devices, rounds):
    """Milliseconds of waiting for each reconnect."""
    waits = []
    things = {name: None for name, _ in devices}

    async def one(turn, i, name, context):
        old = things[name]
        if old is not None:
            old.go_silent((turn + i) % 2 == 0)
        new = things[name] = Thing(place, name, context)
        # One in three from where it was, the others from somewhere else.
        took = await new.connect(ADDRESSES[(turn - turn // 3 + i) % len(ADDRESSES)])
        if old is not None:
            waits.append(took)
            old.close()

    for turn in range(rounds + 1):
        await asyncio.gather(*(one(turn, i, *device) for i, device in enumerate(devices)))
    for thing in things.values():
        thing.close()
    return waits


def percentile(values, part):
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1)


def measure(tools, shards):
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
        place = Place(folder, tools, shards)
        with place.server:
            place.wait_until_it_serves()
            devices = [(f"thing-{i}x", place.add(f"thing-{i}x")) for i in range(CLONES + DEVICES)]
            detected = asyncio.run(detect(place, devices[:CLONES]))
            place.gate = asyncio.Semaphore(AT_ONCE)
            found = place.clones()
            say(f"clone: {len(found)} of {CLONES} noticed, p99 {percentile(detected, .99)} ms")
            waits = asyncio.run(reconnect(place, devices[CLONES:], ROUNDS))
            alarms = len(place.clones()) - len(found)
            say(f"clone: {len(waits)} reconnects, {alarms} false alarms, p99 of their wait "
                f"{percentile(waits, .99)} ms")
    return {"shards": shards, "clones": CLONES, "noticed": len(found),
            "detect_ms_p50": round(statistics.median(detected), 1),
            "detect_ms_p99": percentile(detected, .99), "reconnects": len(waits),
            "false_alarms": alarms, "wait_ms_p50": round(statistics.median(waits), 1),
            "wait_ms_p99": percentile(waits, .99)}


def run(_rounds=1):
    report = {"name": "clone"} | measure(build("tacitd", "tacit"), SHARDS)
    report["wanted_at_most"] = WANTED
    report["ok"] = report["noticed"] == CLONES and all(
        report[name] <= most for name, most in WANTED.items())
    return report
