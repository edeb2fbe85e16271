# SPDX-License-Identifier: Apache-2.0
"""A small broker that does one thing wrong. Strong in everything that it is not told to be weak in,
so that a check which calls it open has found exactly that weakness.

alice may write t/alice/state and what lies beside it; bob may read t/alice/state, and nothing
else. MQTT 3.1.1 and 5."""

import queue
import socket
import ssl
import struct
import threading
import time

from support.patience import patience

PASSWORDS = {"alice": b"secret-a", "bob": b"secret-b"}
TOPIC = "t/alice/state"
DEADLINE_S, PACKET_BYTES, QUEUE, SLOTS, TRIES = 3.0, 65536, 64, 20, 5
FOREVER_S = 60.0
GONE_S = patience(0.25)
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREL, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 6, 8, 9
PINGREQ, DISCONNECT = 12, 14
FLAGS = {CONNECT: 0, PUBACK: 0, PUBREL: 2, SUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}

# What may be wrong with it; the check that has to find it stands in the test.
WEAKNESSES = {"drip", "silent", "fat", "oversized", "malformed", "anonymous", "wildcard", "sys",
              "acl", "overlap", "takeover", "clone", "brute", "slow", "retained", "few", "stale",
              "revoked-live", "revoked-return",
              # Strong in another way: the copy may take over, but not again and again.
              "patient", "beside"}


class Refused(Exception):
    """The peer broke a rule: its connection ends."""


def varint(value):
    out = b""
    while True:
        value, digit = value >> 7, value & 0x7F
        out += bytes([digit | (0x80 if value else 0)])
        if not value:
            return out


def matches(pattern, topic):
    want, have = pattern.split("/"), topic.split("/")
    for index, level in enumerate(want):
        if level == "#":
            return True
        if index >= len(have) or level not in ("+", have[index]):
            return False
    return len(want) == len(have)


class Fields:
    """What is in a packet, from left to right."""

    def __init__(self, body):
        self.body = body

    def take(self, count):
        if count > len(self.body):
            raise Refused("a field ends beyond its packet")
        taken, self.body = self.body[:count], self.body[count:]
        return taken

    def u16(self):
        return struct.unpack("!H", self.take(2))[0]

    def binary(self):
        return self.take(self.u16())

    def text(self):
        try:
            return self.binary().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused("no UTF-8") from error

    def skip_properties(self, version):
        if version == 5:
            length, shift = 0, 0
            while True:
                digit = self.take(1)[0]
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    break
            self.take(length)


class Peer:
    """One connection. Its own thread reads, another one writes what waits."""

    def __init__(self, broker, plain):
        self.broker, self.socket, self.weak = broker, plain, broker.weak
        self.version, self.user, self.client_id, self.filters = 4, None, None, []
        self.address = plain.getpeername()[0]
        self.outgoing = queue.Queue(0 if "slow" in self.weak else QUEUE)
        self.is_over = False

    # -- bytes ----------------------------------------------------------------------------------

    def read(self, count):
        data = bytearray()
        while len(data) < count:
            self.socket.settimeout(self.left())
            part = self.socket.recv(min(count - len(data), 65536))
            if not part:
                raise Refused("closed")
            data += part
        return bytes(data)

    def left(self):
        """Seconds in which the next byte has to come."""
        if self.user is not None or "silent" in self.weak or "few" in self.weak:
            return FOREVER_S
        if "drip" in self.weak:
            return 2 * DEADLINE_S
        left = self.began + DEADLINE_S - time.monotonic()
        if left <= 0:
            raise Refused("too late")
        return left

    def packet(self):
        first = self.read(1)[0]
        length, shift = 0, 0
        while True:
            digit = self.read(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if digit < 0x80:
                break
            if shift == 28:
                raise Refused("a length of five bytes")
        excused = "fat" if self.user is None else "oversized"
        if length > PACKET_BYTES and excused not in self.weak:
            raise Refused("too big")
        return first >> 4, first & 0x0F, self.read(length)

    def send(self, kind, body, flags=0):
        data = bytes([kind << 4 | flags]) + varint(len(body)) + body
        try:
            self.outgoing.put_nowait(data)
        except queue.Full:
            pass

    def write(self):
        while not self.is_over or not self.outgoing.empty():
            try:
                self.socket.sendall(self.outgoing.get(timeout=0.1))
            except queue.Empty:
                continue
            except (OSError, ssl.SSLError):
                return

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # -- packets --------------------------------------------------------------------------------

    def run(self):
        self.began = time.monotonic()
        writer = None
        try:
            if self.broker.tls is not None:
                self.socket.settimeout(self.left())
                self.socket = self.broker.tls.wrap_socket(self.socket, server_side=True)
            writer = threading.Thread(target=self.write, daemon=True)
            writer.start()
            kind, flags, body = self.packet()
            self.on_connect(kind, flags, Fields(body))
            while True:
                self.on_packet(*self.packet())
        except (Refused, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            self.broker.forget(self)
            self.is_over = True
            if writer is not None:
                writer.join(0.5)
            self.close()
            self.socket.close()

    def connack(self, reason):
        self.send(CONNACK, bytes([0, reason]) + (b"\0" if self.version == 5 else b""))

    def on_connect(self, kind, flags, fields):
        if kind != CONNECT or flags != 0 or fields.text() != "MQTT":
            raise Refused("no CONNECT")
        self.version, bits = fields.take(2)
        will_qos = bits >> 3 & 3
        if self.version not in (4, 5) or bits & 1 or will_qos == 3:
            raise Refused("a wrong CONNECT")
        fields.u16()
        fields.skip_properties(self.version)
        client_id = fields.text()
        if bits & 4:
            fields.skip_properties(self.version)
            fields.binary(), fields.binary()
        user = fields.text() if bits & 0x80 else None
        password = fields.binary() if bits & 0x40 else None
        refusal = self.broker.judge(self, client_id, user, password)
        self.connack(refusal)
        if refusal:
            time.sleep(0.05)
            raise Refused("not let in")

    def on_packet(self, kind, flags, body):
        try:
            self.obey(kind, flags, Fields(body))
        except Refused:
            if "malformed" not in self.weak:
                raise

    def obey(self, kind, flags, fields):
        if kind == PUBLISH:
            self.on_publish(flags, fields)
        elif FLAGS.get(kind) != flags:
            raise Refused("wrong flags, or no packet of a client")
        elif kind == SUBSCRIBE:
            self.on_subscribe(fields)
        elif kind == PINGREQ:
            self.send(13, b"")
        elif kind in (CONNECT, DISCONNECT):
            raise Refused("the end")

    def on_subscribe(self, fields):
        packet_id = fields.u16()
        fields.skip_properties(self.version)
        if not fields.body:
            raise Refused("no filters")
        reasons = b""
        while fields.body:
            pattern, _ = fields.text(), fields.take(1)
            granted = self.broker.may_read(self.user, pattern)
            if granted:
                self.filters.append(pattern.split("/", 2)[2] if pattern.startswith("$share/")
                                    else pattern)
            reasons += b"\0" if granted else (b"\x87" if self.version == 5 else b"\x80")
        self.send(SUBACK, struct.pack("!H", packet_id) + (b"\0" if self.version == 5 else b"")
                  + reasons)
        if any(f.startswith("$SYS") for f in self.filters):
            self.deliver("$SYS/broker/version", b"weak 1.0")

    def on_publish(self, flags, fields):
        topic, qos, retain = fields.text(), flags >> 1 & 3, flags & 1
        if qos > 1 or "#" in topic or "+" in topic:
            raise Refused("a wrong PUBLISH")
        packet_id = fields.u16() if qos else 0
        fields.skip_properties(self.version)
        allowed = self.broker.may_write(self.user, topic, retain)
        if qos:
            reason = bytes([0 if allowed else 0x87]) if self.version == 5 else b""
            self.send(PUBACK, struct.pack("!H", packet_id) + reason)
        if allowed:
            self.broker.publish(topic, fields.body)

    def deliver(self, topic, payload):
        name = topic.encode()
        self.send(PUBLISH, struct.pack("!H", len(name)) + name
                  + (b"\0" if self.version == 5 else b"") + payload)


class WeakBroker:
    def __init__(self, port, *weak, tls=None):
        assert WEAKNESSES.issuperset(weak)
        self.weak, self.tls, self.port = set(weak), tls, port
        self.peers, self.wrong, self.denied, self.revoked = [], 0, set(), set()
        self.taken = {}
        self.lock = threading.RLock()
        self.slots = threading.Semaphore(SLOTS if "few" in weak else 100000)

    # -- life -----------------------------------------------------------------------------------

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        with self.lock:
            for peer in self.peers:
                peer.close()

    def accept(self):
        while True:
            self.slots.acquire()
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            peer = Peer(self, plain)
            with self.lock:
                self.peers.append(peer)
            threading.Thread(target=peer.run, daemon=True).start()

    def forget(self, peer):
        with self.lock:
            self.peers.remove(peer)
        self.slots.release()

    # -- changes --------------------------------------------------------------------------------

    def deny(self, user):
        self.denied.add(user)

    def revoke(self, user):
        self.revoked.add(user)
        with self.lock:
            for peer in self.peers:
                if peer.user == user and "revoked-live" not in self.weak:
                    peer.close()

    # -- decisions ------------------------------------------------------------------------------

    def judge(self, peer, client_id, user, password):
        """0, or the reason why not, and then who it is."""
        five = peer.version == 5
        self.let_go(client_id, user)
        with self.lock:
            if self.wrong >= TRIES and "brute" not in self.weak and user != "bob":
                return 0x89 if five else 3
            if user is None and "anonymous" in self.weak:
                user, client_id = "nobody", "nobody-" + client_id
            elif PASSWORDS.get(user) != password or user is None:
                self.wrong += user is not None
                return 0x86 if five else 4
            if user in self.revoked and "revoked-return" not in self.weak:
                return 0x87 if five else 5
            if "takeover" not in self.weak and not client_id.startswith(user):
                return 0x85 if five else 2
            twin = next((p for p in self.peers if p.client_id == client_id), None)
            if twin is not None and twin.user == user and not self.may_take_over(user):
                return 0x97 if five else 3
            if user is not None and "beside" not in self.weak and any(
                    p.user == user and p.address != peer.address for p in self.peers):
                return 0x97 if five else 3
            if twin is not None:
                twin.close()
                twin.client_id = None
            peer.client_id, peer.user = client_id, user
        return 0

    def let_go(self, client_id, user):
        """A connection that its client has closed is gone in a moment: that is no clone."""
        deadline = time.monotonic() + GONE_S
        while time.monotonic() < deadline:
            with self.lock:
                if not any(p.client_id == client_id and p.user == user for p in self.peers):
                    return
            time.sleep(0.002)

    def may_take_over(self, user):
        self.taken[user] = self.taken.get(user, 0) + 1
        return "clone" in self.weak or ("patient" in self.weak and self.taken[user] <= 4)

    def may_read(self, user, pattern):
        bare = pattern.split("/", 2)[2] if pattern.startswith("$share/") else pattern
        if bare.startswith("$SYS"):
            return "sys" in self.weak
        if bare in ("#", "+/#"):
            return "wildcard" in self.weak
        if "acl" in self.weak and "+" not in bare and "#" not in bare:
            return True
        if user != "bob" or user in self.denied:
            return False
        return bare == TOPIC or ("overlap" in self.weak and matches(bare, TOPIC))

    def may_write(self, user, topic, retain):
        own = user == "alice" and topic.startswith("t/alice/")
        if retain:
            return own and "retained" in self.weak
        return own or "acl" in self.weak or ("wildcard" in self.weak and topic.startswith("tacit-"))

    def publish(self, topic, payload):
        with self.lock:
            peers = list(self.peers)
        for peer in peers:
            if peer.user in self.denied and "stale" not in self.weak:
                continue
            if any(matches(pattern, topic) for pattern in peer.filters):
                peer.deliver(topic, payload)
