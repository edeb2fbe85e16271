# SPDX-License-Identifier: Apache-2.0
"""A budget of memory (memory-bytes): under a flood every stage is reached and left again, the process
stays within its bound, and nothing that was acknowledged is lost."""

import re
import select
import threading
import time

import pytest

from support import wire
from support.broker import ROOT
from support.marks import no_instruments, only_tacit, versions
from support.patience import patience

from test_010_sessions import kept
from test_380_unproved import Crowd, until_logged

pytestmark = [only_tacit, no_instruments]
MIB = 1048576
BOUND = 128 * MIB
STRANGERS_MOST = 64  # PORCH_SHORT_MOST
PAYLOAD = 4000
LIMITS = {"memory-bytes": BOUND, "session-queue-bytes": 4294967295, "session-queue-messages": 16777216,
          "store-bytes": "16GiB", "sys-interval-s": 1, "memory-pause-ms": 5}
SMALL = {**LIMITS, "store-segment-bytes": MIB}
CONFIG = (ROOT / "bench/open.conf").read_text().replace("level = warning", "level = notice")


class Watch(threading.Thread):
    """The highest RSS of a process, looked at every millisecond."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.path, self.most, self.is_over = f"/proc/{process.pid}/status", 0, False
        self.start()

    def run(self):
        while not self.is_over:
            try:
                with open(self.path, encoding="ascii") as status:
                    found = re.search(r"VmRSS:\s+(\d+) kB", status.read())
            except (OSError, ProcessLookupError):
                return
            self.most = max(self.most, int(found.group(1)) * 1024 if found else 0)
            time.sleep(0.001)

    def stop(self):
        self.is_over = True
        self.join()
        return self.most


def stages(broker):
    return [int(n) for n in re.findall(r"memory: .*stage (\d),", broker.log())]


def await_stage(broker, stage):
    deadline = time.monotonic() + patience(60.0)
    while not stages(broker) or stages(broker)[-1] != stage:
        assert time.monotonic() < deadline, f"stage {stage}: {broker.log()[-3000:]}"
        time.sleep(0.02)


def flood(client, topic, until, window=64):
    """QoS 1 until `until` refusals have come. The numbers that were acknowledged as taken."""
    taken, refused, sent, ids = [], 0, 0, {}
    deadline = time.monotonic() + patience(90.0)
    while refused < until:
        assert time.monotonic() < deadline, f"{sent} sent, {len(taken)} taken, {refused} refused"
        while len(ids) < window:
            packet_id = sent % 65535 + 1
            ids[packet_id] = sent
            client.send(wire.publish(5, topic, b"%08d" % sent + b"x" * PAYLOAD, 1, packet_id))
            sent += 1
        answer = client.expect(wire.PUBACK)
        number = ids.pop(answer.packet_id)
        if answer.reason == 0:
            taken.append(number)
        else:
            assert answer.reason == 0x97, answer
            refused += 1
    while ids:
        answer = client.expect(wire.PUBACK)
        number = ids.pop(answer.packet_id)
        taken += [number] if answer.reason == 0 else []
    return sorted(taken)


@versions(5)
@pytest.mark.parametrize("shards,limits", [(1, LIMITS), (2, SMALL)])
def test_a_flood_stays_within_the_bound(variant, clients, unique, version, shards, limits):
    broker = variant(config=CONFIG, shards=shards, limits=limits)
    topic, name = unique(), unique("away")
    away = clients(broker).open(name, **kept(5, 3600))
    away.subscribe(topic, qos=1)
    away.vanish()
    watcher = clients(broker).open(unique("watcher"))
    watcher.subscribe("$SYS/broker/memory/stage")
    sender = clients(broker).open(unique("sender"))
    watch = Watch(broker.process)
    taken = flood(sender, topic, 20)
    assert stages(broker)[-1] == 4, broker.log()

    newcomer = clients(broker)  # its address is known, but it has no session
    newcomer.open(unique("new"), reason=0x89)
    newcomer.expect_closed()
    with Crowd(broker.port) as strangers:
        for _ in range(STRANGERS_MOST + 16):
            strangers.come("127.0.0.9")
        deadline = time.monotonic() + patience(10.0)
        while len(strangers.open()) > STRANGERS_MOST:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(strangers.open()) >= STRANGERS_MOST - 2, "one or two more may be on their way"
        until_logged(broker, r"connection from 127\.0\.0\.9:\d+ .* memory is short .*: "
                             r"limits\.memory_bytes")
    seen = b""
    while seen != b"4":
        seen = watcher.message().payload

    back = clients(broker).open(name, **kept(5, 3600))
    assert back.connack.session_present
    got = [int(back.message().payload[:8]) for _ in taken]
    assert got == taken, "in order, once, nothing that was acknowledged is missing"
    back.expect_nothing()
    await_stage(broker, 0)
    assert watch.stop() <= BOUND, f"{watch.most / MIB:.1f} MiB"
    seen = stages(broker)
    assert {3, 4} <= set(seen) and seen[-1] == 0, seen
    clients(broker).open(unique("new"))
    sender.publish(topic, b"%08d" % 0, qos=1)
    assert back.message().payload == b"%08d" % 0
    for line in re.findall(r"memory: .*", broker.log()):
        assert re.search(r"\d+ of \d+ KiB are in use, \d+ are kept back: stage \d, ", line), line


def pour(sockets, packet, seconds):
    """As much of the packet, again and again, as each of them takes."""
    rest = {s: b"" for s in sockets}
    until = time.monotonic() + seconds
    while rest and time.monotonic() < until:
        _, ready, _ = select.select([], list(rest), [], 0.1)
        for one in ready:
            data = rest[one] or packet * 8
            try:
                rest[one] = data[one.send(data):]
            except BlockingIOError:
                pass
            except OSError:
                del rest[one]


@versions(5)
def test_slow_receivers_and_many_publishers(variant, clients, unique, version):
    """Twenty connections pour messages for thirty that read nothing; two who read are served
    all the time, with QoS 1."""
    broker = variant(config=CONFIG, shards=2, limits={**LIMITS, "outbox-bytes": "16MiB",
                                       "slow-reader-timeout-s": 0})
    topic = unique()
    deaf = [clients(broker).open(unique(f"deaf{i}")) for i in range(30)]
    for i, one in enumerate(deaf):
        one.subscribe(topic, qos=i % 2)
    reader = clients(broker).open(unique("reader"))
    honest = unique("honest")
    reader.subscribe(honest, qos=1)
    sender = clients(broker).open(unique("sender"))
    pourers = [clients(broker).open(unique(f"p{i}")) for i in range(20)]
    for one in pourers:
        one.socket.setblocking(False)
    watch = Watch(broker.process)
    packet = wire.publish(5, topic, b"x" * 20000, 0)
    thread = threading.Thread(target=pour, args=([p.socket for p in pourers], packet,
                                                 patience(8.0)))
    thread.start()
    count = 0
    while thread.is_alive():
        sender.publish(honest, b"%d" % count, qos=1, reason=0)
        assert int(reader.message().payload) == count
        count += 1
    thread.join()
    assert count >= 8, "it has to rest, but it goes on"
    assert max(stages(broker), default=0) >= 2, broker.log()
    assert watch.stop() <= BOUND, f"{watch.most / MIB:.1f} MiB"
    for one in deaf + pourers:
        one.close()
    await_stage(broker, 0)
