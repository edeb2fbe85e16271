# SPDX-License-Identifier: Apache-2.0
"""Peers that have proved nothing (A1, A3): deadlines that nothing moves, so many from one address,
from one network and in all, memory that grows with what has come; and the others do not notice."""

import contextlib
import itertools
import os
import re
import select
import socket
import ssl
import threading
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT, Broker
from support.client import Closed, RawClient
from support.marks import no_instruments
from support.patience import patience
from support.ports import free_port
from support.secure import House
from support.shards import loops_by_peer

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
listener "mqtts" {{ client-ids = any }}
role "device" {{ publish = {{ "devices/%{{device}}/#" }} subscribe = {{ "devices/%{{device}}/x" }} }}
limits {{
{limits}
}}
"""
FAR = 5.0  # seconds: what is to happen in no time at all has happened by then


@pytest.fixture(params=[1, 3], ids=lambda n: f"shards{n}")
def shards(request):
    return request.param


@contextlib.contextmanager
def house(shards, **limits):
    rows = "\n".join(f"  {key.replace('_', '-')} = {value}" for key, value in limits.items())
    with House(CONFIG.format(limits=rows), shards) as one:
        one.add("lamp", "device")
        one.add("door", "device")
        yield one


@contextlib.contextmanager
def plain(shards, **limits):
    rows = {key.replace("_", "-"): value for key, value in limits.items()}
    with Broker(shards=shards, limits=rows) as one:
        yield one


def hello():
    """The first flight of a TLS client."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


def fat_connect(sent, announced=60000):
    head = wire.text("MQTT") + bytes([5, 2, 0, 0, 0])
    return (b"\x10" + wire.varint(announced) + head + bytes(announced))[:sent]


# When it is crowded, the slow have a part of their time only: that is not what a test is about
# whose crowd comes slowly on a busy machine.
UNHURRIED = {"connect_timeout_ms": 60000}


class Crowd:
    """Peers that come and send something, or nothing."""

    def __init__(self, port):
        self.port, self.sockets = port, []

    def come(self, source, first=b""):
        one = socket.create_connection(("127.0.0.1", self.port), timeout=patience(FAR),
                                       source_address=(source, 0))
        self.sockets.append(one)
        with contextlib.suppress(OSError):
            one.sendall(first)
        return one

    def open(self):
        return [one for one in self.sockets if not is_closed(one)]

    def until(self, count, seconds=FAR):
        """So many are left."""
        deadline = time.monotonic() + patience(seconds)
        while len(self.open()) != count:
            assert time.monotonic() < deadline, f"{len(self.open())} are open, not {count}"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()


def fill_one_shard(broker, crowd, count):
    """They come until so many are on one shard; the others go."""
    deadline, hosts, chosen = time.monotonic() + patience(30), itertools.count(), None

    def loops_when(is_so, what):
        while True:
            loops = loops_by_peer(broker.process.pid, broker.port)
            if is_so(loops):
                return loops
            assert time.monotonic() < deadline, what

    while len(crowd.sockets) < count:
        new = {one.getsockname(): one for one in
               [crowd.come(f"127.200.0.{next(hosts) % 250 + 1}")
                for _ in range(count - len(crowd.sockets))]}
        loops = loops_when(lambda now: new.keys() <= now.keys(), "they are on no shard")
        where = [loops[peer] for peer in new]
        chosen = chosen or max(set(where), key=where.count)
        gone = {peer: one for peer, one in new.items() if loops[peer] != chosen}
        for one in gone.values():
            crowd.sockets.remove(one)
            one.close()
        loops_when(lambda now: not gone.keys() & now.keys(), "those that went are still there")


def is_closed(one):
    try:
        one.setblocking(False)
        while one.recv(65536):
            pass
        return True
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True


def seconds_until_closed(one, byte=None, every=0.05):
    """Meanwhile it sends a byte now and then."""
    begun = time.monotonic()
    while time.monotonic() < begun + patience(30):
        if select.select([one], [], [], every)[0] and is_closed(one):
            break
        if byte is not None:
            with contextlib.suppress(OSError):
                one.send(byte)
    return time.monotonic() - begun


def resident_bytes(broker):
    status = open(f"/proc/{broker.process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def until_logged(broker, pattern):
    deadline = time.monotonic() + patience(FAR)
    while not re.search(pattern, broker.log()):
        assert time.monotonic() < deadline, f"no {pattern!r}:\n{broker.log()[-2000:]}"
        time.sleep(0.02)


def answers(client):
    client.send(wire.pingreq())
    client.expect(wire.PINGRESP)


# -- deadlines --------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["one byte", "half", "all"])
def test_a_tls_handshake_has_its_time_and_no_more(shards, first):
    """Silent after a byte, a byte at a time after half of the hello, or half-open after all of it."""
    with house(shards, handshake_timeout_ms=1500) as one, Crowd(one.broker.port) as crowd:
        flight = hello()
        sent = {"one byte": 1, "half": len(flight) // 2, "all": len(flight)}[first]
        took = seconds_until_closed(crowd.come("127.0.0.1", flight[:sent]),
                                    flight[sent:sent + 1] or None, every=0.1)
        assert 1.4 < took < 1.5 + patience(2)
        until_logged(one.broker, "no TLS handshake in time")
        one.connect("lamp").open("lamp").leave()


@pytest.mark.parametrize("byte", [None, b"x"], ids=["silent", "drip"])
def test_a_connect_has_its_time_and_no_more(shards, byte):
    with plain(shards, connect_timeout_ms=1500) as broker, Crowd(broker.port) as crowd:
        took = seconds_until_closed(crowd.come("127.0.0.1", fat_connect(20)), byte)
        assert 1.4 < took < 1.5 + patience(2)
        RawClient("127.0.0.1", broker.port).open("a").leave()


def test_after_the_handshake_the_time_of_the_connect_goes_on(shards):
    with house(shards, handshake_timeout_ms=1000, connect_timeout_ms=2000) as one:
        client = one.connect("lamp")
        took = seconds_until_closed(client.socket)
        client.close()
        assert 1.5 < took < 2.0 + patience(2)


# -- how many ----------------------------------------------------------------------------------


def test_so_many_from_one_address(shards):
    with plain(shards, unproved_per_address=5) as broker, Crowd(broker.port) as crowd:
        for _ in range(12):
            crowd.come("127.0.0.7")
        crowd.until(5)
        RawClient("127.0.0.1", broker.port, source="127.0.0.8").open("a").leave()


def test_a_known_address_may_have_more(shards):
    with plain(shards, unproved_per_address=5) as broker, Crowd(broker.port) as crowd:
        RawClient("127.0.0.1", broker.port, source="127.0.0.7").open("a").leave()
        for _ in range(25):
            crowd.come("127.0.0.7")
        crowd.until(20)


def test_so_many_from_one_network(shards):
    with plain(shards, unproved_per_network=10) as broker, Crowd(broker.port) as crowd:
        RawClient("127.0.0.1", broker.port, source="127.0.5.200").open("a").leave()
        for host in range(1, 16):
            crowd.come(f"127.0.5.{host}")
        crowd.until(10)
        for source in ("127.0.6.1", "127.0.5.200"):
            RawClient("127.0.0.1", broker.port, source=source).open("a").leave()


def test_in_all_the_crowd_makes_room_for_others(shards):
    """However the kernel has spread them among the shards."""
    with plain(shards, unproved=20, **UNHURRIED) as broker, Crowd(broker.port) as crowd:
        inside = RawClient("127.0.0.1", broker.port, source="127.0.5.250").open("inside")
        for host in range(1, 41):
            crowd.come(f"127.0.5.{host}")
        crowd.until(20)
        for network in range(10):
            RawClient("127.0.0.1", broker.port, source=f"127.0.{60 + network}.1").open("a").leave()
        answers(inside)
        inside.leave()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root sees which shard a connection is on")
def test_a_crowd_on_one_shard_makes_room_for_who_comes_to_another():
    """All of the crowd is on one of three shards: a proxy's doing, or chance. So is what it holds."""
    with plain(3, unproved=30, **UNHURRIED) as broker, Crowd(broker.port) as crowd:
        fill_one_shard(broker, crowd, 30)
        assert len(crowd.open()) == 30
        for network in range(30):
            RawClient("127.0.0.1", broker.port, source=f"127.0.{60 + network}.1").open("a").leave()


def test_when_it_is_crowded_the_slow_go_early(shards):
    with plain(shards, unproved=20, connect_timeout_ms=8000) as broker, \
            Crowd(broker.port) as crowd:
        for host in range(1, 19):
            crowd.come(f"127.0.{host}.1")
        begun = time.monotonic()
        while len(crowd.open()) > 15 and time.monotonic() < begun + 6:
            time.sleep(0.02)
        assert len(crowd.open()) <= 15


def test_the_log_names_address_and_bound_and_sys_counts(shards):
    port = free_port()
    config = CONFIG.format(limits="unproved-per-address = 3\nsys-interval-s = 1") + f"""
        listener "open" {{ address = "127.0.0.1" port = {port} tls = off
                           anonymous-role = "all" client-ids = any }}
        role "all" {{ unrestricted = on }}"""
    with House(config, shards) as one, Crowd(one.broker.port) as crowd:
        watcher = RawClient("127.0.0.1", port, source="127.0.9.1").open("watcher")
        watcher.subscribe("$SYS/broker/unproved/refused/address")
        for _ in range(8):
            crowd.come("127.0.0.7")
        crowd.until(3)
        until_logged(one.broker, r"connection from 127\.0\.0\.7:\d+ on listener mqtts: closed, too "
                                 r"many from its address .*: limits\.unproved_per_address")
        deadline = time.monotonic() + patience(FAR)
        while watcher.message().payload != b"5":
            assert time.monotonic() < deadline
        watcher.leave()


# -- memory --------------------------------------------------------------------------------------


@no_instruments
def test_a_fat_connect_gets_memory_as_it_comes(shards):
    with plain(shards) as broker, Crowd(broker.port) as crowd:
        RawClient("127.0.0.1", broker.port).open("a").leave()
        before = resident_bytes(broker)
        for count in range(500):
            crowd.come("127.0.0.7", fat_connect(20))
        crowd.until(500)
        RawClient("127.0.0.1", broker.port).open("a").leave()
        assert resident_bytes(broker) - before < 500 * 6000  # 60,000 were announced


def test_what_all_of_them_hold_is_bounded(shards):
    with plain(shards, unproved_bytes=1048576) as broker, Crowd(broker.port) as crowd:
        inside = RawClient("127.0.0.1", broker.port, source="127.0.5.250").open("inside")
        for host in range(1, 61):
            crowd.come(f"127.0.7.{host}", fat_connect(50000))
        deadline = time.monotonic() + patience(FAR)
        while len(crowd.open()) > 1048576 // 50000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(crowd.open()) >= 5
        whole = RawClient("127.0.0.1", broker.port, source="127.0.60.1")
        whole.open("x" * 200).leave()
        answers(inside)
        inside.leave()


# -- the others do not notice ----------------------------------------------------------------------


def connect_seconds(one, source):
    """Until it is in. One that has to make room comes again, as a device does."""
    begun = time.monotonic()
    while True:
        try:
            one.connect("lamp", source=source).open("lamp").leave()
            return time.monotonic() - begun
        except (OSError, Closed):
            assert time.monotonic() - begun < patience(FAR)


@pytest.mark.parametrize("first", ["one byte", "all"], ids=["drip", "half-open"])
def test_honest_ones_come_in_meanwhile(shards, first):
    """Also from addresses that nobody has ever seen, while the handshakes of others hold all the
    memory there is for those who have proved nothing."""
    with house(shards, unproved_bytes="4MiB") as one, Crowd(one.broker.port) as crowd:
        inside = one.connect("door").open("door")
        flight = hello()[:1] if first == "one byte" else hello()
        for count in range(600):
            crowd.come(f"127.0.{10 + count // 200}.{count % 200 + 1}", flight)
        took = sorted(connect_seconds(one, f"127.0.99.{host}") for host in range(1, 13))
        assert took[len(took) // 4] < patience(1)
        answers(inside)
        inside.leave()


def test_a_flood_of_handshakes_does_not_keep_the_connected_waiting(shards):
    with house(shards) as one:
        inside = one.connect("door").open("door")
        flight, stop = hello(), threading.Event()

        def flood():
            with Crowd(one.broker.port) as crowd:
                while not stop.is_set():
                    with contextlib.suppress(OSError):
                        crowd.come(f"127.0.20.{len(crowd.sockets) % 200 + 1}", flight)
                    if len(crowd.sockets) > 300:
                        crowd.sockets.pop(0).close()

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            until_handshakes = time.monotonic() + patience(1)
            waits, connects = [], []
            while time.monotonic() < until_handshakes or len(waits) < 50:
                begun = time.monotonic()
                answers(inside)
                waits.append(time.monotonic() - begun)
            for host in range(1, 9):
                connects.append(connect_seconds(one, f"127.0.99.{host}"))
        finally:
            stop.set()
            thread.join()
        assert sorted(waits)[len(waits) // 2] < patience(0.1)
        assert sorted(connects)[len(connects) // 4] < patience(1)
        inside.leave()


def test_a_fleet_behind_one_address_comes_back_after_a_restart(shards):
    """More of them than one address may have that is not known: who is closed comes again."""
    with plain(shards, unproved_per_address=20) as broker:
        def come_back(count):
            left, deadline = count, time.monotonic() + patience(30)
            while left > 0:
                assert time.monotonic() < deadline, f"{left} are still out"
                clients = []
                for _ in range(left):
                    with contextlib.suppress(OSError, Closed):
                        clients.append(RawClient("127.0.0.1", broker.port, source="127.0.0.7"))
                for client in clients:
                    with contextlib.suppress(OSError, Closed):
                        client.open("")
                        left -= 1
                for client in clients:
                    client.close()

        come_back(100)
        broker.restart()
        come_back(100)
