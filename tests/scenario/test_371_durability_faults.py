# SPDX-License-Identifier: Apache-2.0
"""D2: a disk that is full, fails, cannot be written to or is slow. Nothing acknowledged is lost,
what need not be kept goes on, and when the fault ends so does its effect, without a restart."""

import errno
import os
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN
from support.client import Closed
from support.marks import both, versions
from support.patience import patience
from support.shim import shimmed  # noqa: F401

from test_010_sessions import kept

pytestmark = pytest.mark.skipif(FOREIGN, reason="about a promise of tacitd")
QUOTA_EXCEEDED = 0x97
MIB = 1 << 20
SMALL = {"store-segment-bytes": 65536, "store-retry-ms": 100, "sys-interval-s": 1}


def sleeper(broker, clients, name, version, topic):
    """A session that is subscribed and away."""
    one = clients(broker, version).open(name, **kept(version, 3600))
    one.subscribe(topic, qos=1)
    one.vanish()


def collect(broker, clients, name, version, payloads, perhaps=()):
    """These have waited, in this order, and nothing else but `perhaps` what was not answered."""
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert again.connack.session_present
    for payload in payloads:
        got = again.message()
        while got.payload != payload and got.payload in perhaps:
            got = again.message()
        assert got.payload == payload, (got.payload[:20], payload[:20])
    for packet in again.fence():
        assert packet.payload in perhaps, packet
        again.acknowledge(packet)
    return again


def until(what, seconds=5):
    """Waits until what() is true."""
    deadline = time.monotonic() + patience(seconds)
    while not what():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.05)


class Bystanders:
    """A clean session and its publisher, who need no disk: all of it goes on meanwhile."""

    def __init__(self, broker, clients, unique):
        self.topic, self.count = unique("bystander"), 0
        self.one = clients(broker, 4).open(unique("by1"))
        self.two = clients(broker, 5).open(unique("by2"))
        self.one.subscribe(self.topic, qos=1)

    def check(self):
        for qos in (0, 1):
            self.count += 1
            payload = b"%d" % self.count
            self.two.publish(self.topic, payload, qos=qos)
            self.one.message(payload=payload)


class State:
    """$SYS/broker/store/state, as the broker says it now and again."""

    def __init__(self, broker, clients, unique):
        self.one = clients(broker, 5).open(unique("state"))
        self.one.subscribe("$SYS/broker/store/state")

    def is_now(self, *wanted, seconds=5):
        deadline = time.monotonic() + patience(seconds)
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"the state of the store does not become {wanted}"
            try:
                if self.one.message(timeout=left).payload.decode() in wanted:
                    return
            except TimeoutError:
                pass


def fill(broker, clients, unique, topic, length=16384):
    """Publishes until it is refused for good: there may be room left that the broker does not know
    of at once. Returns what was acknowledged, and what was not answered: taken just before the disk
    was found to be full."""
    taken, held, refusals = [], [], 0
    for i in range(3000):
        if i == 0 or held and held[-1] == payload:
            sender = clients(broker, 5, timeout=patience(1)).open(unique(f"s{i}"))
        payload = b"%06d" % i + bytes(length)
        try:
            reason = sender.publish(topic, payload, qos=1, reason=(0, QUOTA_EXCEEDED)).reason
        except TimeoutError:
            held.append(payload)
            continue
        if reason == 0:
            taken.append(payload)
            refusals = 0
            continue
        refusals += 1
        if refusals == 4:
            return taken, held
        time.sleep(0.3)
    raise AssertionError("the broker takes all that comes")


def expect_old_ones_are_cut(broker, clients, unique, topic):
    """A client before MQTT 5 cannot be told why, so it is disconnected, without a PUBACK. Returns
    what still found a place."""
    old, taken = clients(broker, 4).open(unique("old")), []
    for i in range(1, 100):
        payload = b"old %d" % i + bytes(16384)
        try:
            old.send(wire.publish(4, topic, payload, 1, i))
            old.expect(wire.PUBACK, packet_id=i)
        except Closed:
            return taken
        taken.append(payload)
    raise AssertionError("the broker takes all that comes")


def is_refused(broker, clients, topic):
    """A message that would have to be retained."""
    sender = clients(broker, 5, timeout=patience(1)).open()
    try:
        return sender.publish(topic, bytes(16384), qos=1, retain=True,
                              reason=(0, QUOTA_EXCEEDED)).reason != 0
    except TimeoutError:
        return False


# ---- a full disk ----

class Tmpfs:
    """A file system of a few MiB for the store, with a ballast that can be taken away."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs",
                                  str(folder)], capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
        (folder / "ballast").write_bytes(bytes(4 * MIB))

    def make_room(self):
        (self.folder / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=False)


@pytest.fixture
def tiny_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    made = Tmpfs(tmp_path / "state" / "store")
    yield made
    made.close()


def check_full(broker, clients, unique, version, make_room):
    """`make_room` is called when everything was seen that has to be seen without."""
    topic, name = unique("t"), unique("me")
    bystanders = Bystanders(broker, clients, unique)
    state = State(broker, clients, unique)
    sleeper(broker, clients, name, version, topic)
    taken, held = fill(broker, clients, unique, topic)
    assert len(taken) > 3 and len(held) < 10, (len(taken), len(held))
    state.is_now("full")
    until(lambda: os.strerror(errno.ENOSPC) in broker.log() or "store-bytes" in broker.log())
    taken += expect_old_ones_are_cut(broker, clients, unique, topic)
    until(lambda: is_refused(broker, clients, unique("kept")))
    bystanders.check()
    broker.crash()
    Bystanders(broker, clients, unique).check()
    make_room()
    reader = collect(broker, clients, name, version, taken, held)
    sender = clients(broker, 5).open(unique("s"))
    until(lambda: sender.publish(topic, b"again", qos=1, reason=(0, QUOTA_EXCEEDED)).reason == 0)
    reader.message(payload=b"again")
    State(broker, clients, unique).is_now("open")


@both
def test_a_small_disk_is_full(tiny_disk, shimmed, clients, unique, version):  # noqa: F811
    """The disk comes first, for what comes first is taken down last: a broker that still has
    something to write as its disk goes away says so and ends with an error."""
    broker = shimmed(state=tiny_disk.folder.parent, limits=SMALL)
    check_full(broker, clients, unique, version, tiny_disk.make_room)


@both
def test_the_disk_gives_no_more_room(shimmed, clients, unique, version):  # noqa: F811
    broker = shimmed(limits=SMALL)
    with broker.failing(errno.ENOSPC, "reserve"):
        broker.shim.reserve.passes = 4
        check_full(broker, clients, unique, version,
                   lambda: setattr(broker.shim.reserve, "error", 0))


@both
def test_the_bound_of_the_store_is_reached(shimmed, clients, unique, version):  # noqa: F811
    """limits.store-bytes: what makes room is still taken, so a reader empties it by itself."""
    broker = shimmed(limits={**SMALL, "store-bytes": 2 * MIB})
    check_full(broker, clients, unique, version, lambda: None)


@versions(5)
def test_space_returns_without_a_restart(shimmed, clients, unique, version):  # noqa: F811
    """What was taken as the disk became full is acknowledged when there is space, and kept; what
    came later is refused at once, and not kept."""
    broker = shimmed(limits=SMALL)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic)
    first = clients(broker, version).open(unique("s1"))
    second = clients(broker, version).open(unique("s2"))
    broker.quiet()
    with broker.failing(errno.ENOSPC, "reserve", "write"):
        first.send(wire.publish(version, topic, b"first", 1, 1))
        with pytest.raises(TimeoutError):
            first.receive(timeout=0.5)
        for _ in range(5):
            second.publish(topic, b"refused", qos=1, reason=QUOTA_EXCEEDED)
    first.expect(wire.PUBACK, packet_id=1, reason=0)
    until(lambda: second.publish(topic, b"again", qos=1, reason=(0, QUOTA_EXCEEDED)).reason == 0)
    broker.crash()
    collect(broker, clients, name, version, [b"first", b"again"])


# ---- a disk that fails ----

def check_failing(broker, clients, unique, version, rule):
    topic, name = unique("t"), unique("me")
    bystanders = Bystanders(broker, clients, unique)
    state = State(broker, clients, unique)
    state.is_now("open")
    sleeper(broker, clients, name, version, topic)
    sender = clients(broker, version).open(unique("s"))
    sender.publish(topic, b"before", qos=1)
    with broker.failing(errno.EIO, rule):
        for i in range(1, 6):
            sender.send(wire.publish(version, topic, b"%d" % i, 1, i))
        state.is_now("failed")
        with pytest.raises(TimeoutError):
            sender.receive(timeout=1)
        bystanders.check()
        until(lambda: "store" in broker.log() and os.strerror(errno.EIO) in broker.log())
    for i in range(1, 6):
        assert sender.expect(wire.PUBACK).packet_id == i
    state.is_now("open")
    sender.publish(topic, b"after", qos=1)
    broker.crash()
    collect(broker, clients, name, version,
            [b"before", *(b"%d" % i for i in range(1, 6)), b"after"])


@both
@pytest.mark.parametrize("rule", ["write", "sync"])
def test_io_errors_hold_what_is_acknowledged(shimmed, clients, unique, version, rule):  # noqa: F811
    """EIO from a write, or from fdatasync: no PUBACK meanwhile, the log and $SYS say so; when the
    fault ends the PUBACKs come, and what they promise survives."""
    check_failing(shimmed(shards=2, limits=SMALL), clients, unique, version, rule)


@both
@pytest.mark.parametrize("rule", ["write", "sync"])
def test_a_single_error_is_survived(shimmed, clients, unique, version, rule):  # noqa: F811
    """One failed call, and a crash behind it: fdatasync is not believed when it succeeds the
    second time on the same pages."""
    broker = shimmed(limits=SMALL)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic)
    sender = clients(broker, version).open(unique("s"))
    broker.quiet()
    getattr(broker.shim, rule).times = 1
    getattr(broker.shim, rule).error = errno.EIO
    payloads = [b"%d" % i for i in range(20)]
    for payload in payloads:
        sender.publish(topic, payload, qos=1)
    assert getattr(broker.shim, rule).failed == 1
    broker.crash()
    collect(broker, clients, name, version, payloads)


@both
def test_a_crash_while_the_disk_fails(shimmed, clients, unique, version):  # noqa: F811
    """What was acknowledged before is there; what was not may be, and does no harm."""
    broker = shimmed(limits=SMALL)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, version, topic)
    sender = clients(broker, version).open(unique("s"))
    payloads = [b"%d" % i for i in range(20)]
    for payload in payloads:
        sender.publish(topic, payload, qos=1)
    with broker.failing(errno.EIO, "sync"):
        sender.send(wire.publish(version, topic, b"perhaps", 1, 77))
        with pytest.raises(TimeoutError):
            sender.receive(timeout=0.5)
        broker.kill()
    broker.start()
    again = clients(broker, version).open(name, **kept(version, 3600))
    assert [m.payload for m in again.messages(20)] == payloads
    assert [m.payload for m in again.fence()] in ([], [b"perhaps"])


# ---- a folder that cannot be written to ----

def test_read_only_at_the_start(shimmed, clients, unique):  # noqa: F811
    """It starts, says so, serves what needs no disk and acknowledges nothing that it cannot keep;
    what the store holds is still there, and when it can be written to again it is."""
    broker = shimmed(limits=SMALL)
    topic, name = unique("t"), unique("me")
    sleeper(broker, clients, name, 5, topic)
    clients(broker, 5).open(unique("s")).publish(topic, b"kept", qos=1)
    broker.stop()
    with broker.failing(errno.EROFS, "folder", "write", "reserve"):
        broker.start()
        until(lambda: os.strerror(errno.EROFS) in broker.log() and "/store" in broker.log())
        State(broker, clients, unique).is_now("failed")
        bystanders = Bystanders(broker, clients, unique)
        bystanders.check()
        with pytest.raises(AssertionError, match="reason=0x(88|97)"):
            clients(broker, 5).open(unique("new"), **kept(5))
        sender = clients(broker, 5).open(unique("s2"))
        sender.send(wire.publish(5, topic, b"later", 1, 7))
        with pytest.raises(TimeoutError):
            sender.receive(timeout=0.5)
        bystanders.check()
    sender.expect(wire.PUBACK, packet_id=7, reason=0)
    broker.crash()
    collect(broker, clients, name, 5, [b"kept", b"later"])


# ---- a slow disk ----

class Pump:
    """A publisher that never waits for an answer: as much as the broker takes."""

    def __init__(self, sender, topic, length=65536):
        self.sender, self.topic, self.length = sender, topic, length
        self.sent, self.rest = 0, b""

    def push(self, seconds):
        socket, deadline = self.sender.socket, time.monotonic() + seconds
        socket.setblocking(False)
        while time.monotonic() < deadline:
            if not self.rest:
                self.sent += 1
                self.rest = wire.publish(self.sender.version, self.topic,
                                         b"%06d" % self.sent + bytes(self.length), 1, self.sent)
            try:
                self.rest = self.rest[socket.send(self.rest):]
            except BlockingIOError:
                time.sleep(0.001)
        socket.setblocking(True)

    def finish(self):
        """All of it is acknowledged."""
        self.sender.send(self.rest)
        for i in range(1, self.sent + 1):
            assert self.sender.expect(wire.PUBACK).packet_id == i


ROOMY = {"store-backlog-bytes": MIB, "session-queue-messages": 1 << 20}


def test_a_slow_disk_slows_its_user_only(shimmed, clients, unique):  # noqa: F811
    """fdatasync takes 200 ms: the fast publisher waits for it, memory does not grow by more than
    what waits for the subscriber, QoS 0 of others is as quick as before, and all is acknowledged in
    the end."""
    broker = shimmed(limits=ROOMY)
    topic = unique("t")
    sleeper(broker, clients, unique("me"), 5, topic)
    one = clients(broker, 5).open(unique("quick1"))
    one.subscribe(f"{topic}/quick")
    two = clients(broker, 5).open(unique("quick2"))
    pump = Pump(clients(broker, 5, timeout=patience(60)).open(unique("s")), topic)
    before, times = broker.memory_bytes(), []
    with broker.slow("sync", 0.2):
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            pump.push(0.02)
            began = time.monotonic()
            two.publish(f"{topic}/quick", b"x")
            one.message(payload=b"x")
            times.append(time.monotonic() - began)
        grown = broker.memory_bytes() - before
        taken = pump.sent * pump.length
    # Fifteen syncs in all, a backlog for each and one more, and what lies in the sockets.
    assert taken < 40 * MIB, f"{taken / MIB:.0f} MiB were taken"
    assert grown < taken + 24 * MIB, f"{grown / MIB:.0f} MiB more, {taken / MIB:.0f} taken"
    times.sort()
    assert times[len(times) * 9 // 10] < patience(0.05), times[-10:]
    pump.finish()


def test_a_dead_disk_does_not_fill_the_memory(shimmed, clients, unique):  # noqa: F811
    """fdatasync that does not return at all, and ten publishers that never stop."""
    broker = shimmed(shards=2, limits=ROOMY)
    topic = unique("t")
    sleeper(broker, clients, unique("me"), 5, topic)
    pumps = [Pump(clients(broker, 5, timeout=patience(60)).open(unique(f"s{i}")), topic)
             for i in range(10)]
    bystanders = Bystanders(broker, clients, unique)
    before = broker.memory_bytes()
    with broker.held("sync"):
        for _ in range(10):
            for pump in pumps:
                pump.push(0.03)
        bystanders.check()
        taken = sum(pump.sent * pump.length for pump in pumps)
        grown = broker.memory_bytes() - before
        assert taken < 64 * MIB and grown < 64 * MIB, (taken / MIB, grown / MIB)
    for pump in pumps:
        pump.finish()
