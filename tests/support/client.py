# SPDX-License-Identifier: Apache-2.0
"""A blocking client that does nothing by itself: no acknowledgement, no ping, no retry."""

import socket
import ssl
import time

from support import wire
from support.patience import patience

TIMEOUT_S = patience(10.0)


class Closed(Exception):
    """The broker closed the connection."""


class RawClient:
    def __init__(self, host, port, version=5, tls=None, server_name="localhost",
                 timeout=TIMEOUT_S, source=None, session=None):
        self.version, self.timeout = version, timeout
        self.buffer, self.held, self.next_id = b"", [], 1
        self.connack, self.client_id = None, ""
        self.socket = socket.create_connection((host, port), timeout=timeout,
                                               source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name,
                                          session=session)

    # -- bytes --------------------------------------------------------------------------------

    def send(self, *packets):
        try:
            self.socket.settimeout(self.timeout)
            self.socket.sendall(b"".join(packets))
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error)) from error
        return self

    def send_or_end(self, *packets):
        """As send(), where the broker may have closed already."""
        try:
            self.send(*packets)
        except Closed:
            pass
        return self

    def fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("nothing came from the broker in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except socket.timeout as error:
            raise TimeoutError("nothing came from the broker in time") from error
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("end of stream")
        self.buffer += data

    def need(self, count, deadline):
        while len(self.buffer) < count:
            self.fill(deadline)

    def receive(self, timeout=None):
        """The next packet from the broker, whatever it is."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        if self.held:
            return self.held.pop(0)
        self.need(2, deadline)
        length, at = 0, 1
        while True:
            self.need(at + 1, deadline)
            digit = self.buffer[at]
            length |= (digit & 0x7F) << 7 * (at - 1)
            at += 1
            if digit < 0x80:
                break
        self.need(at + length, deadline)
        raw, self.buffer = self.buffer[:at + length], self.buffer[at + length:]
        packet = wire.parse(self.version, raw[0], raw[at:], len(raw))
        packet.raw = raw
        return packet

    # -- expectations -------------------------------------------------------------------------

    def expect(self, kind, timeout=None, **fields):
        """The next packet must be of this kind and have these fields."""
        packet = self.receive(timeout)
        wanted = wire.NAMES[kind]
        assert packet.kind == kind, f"expected {wanted} {fields}, got {packet}"
        for key, value in fields.items():
            got = getattr(packet, key)
            assert got == value, f"expected {wanted} with {key}={value!r}, got {packet}"
        return packet

    def expect_closed(self, timeout=None):
        """The broker closes, and sends nothing before it does."""
        try:
            packet = self.receive(timeout)
        except Closed:
            return
        except TimeoutError as error:
            raise AssertionError("the broker keeps the connection open") from error
        raise AssertionError(f"expected the end of the connection, got {packet}")

    def expect_refusal(self, *reasons, timeout=None):
        """5.0: DISCONNECT with one of these reasons, then closed. Before: closed."""
        if self.version == 5:
            packet = self.expect(wire.DISCONNECT, timeout)
            assert packet.reason in reasons, (
                "expected DISCONNECT " + " or ".join(f"0x{r:02x}" for r in reasons)
                + f", got {packet}")
        self.expect_closed(timeout)

    def drain(self, timeout=None):
        """All packets until the broker closes."""
        packets = []
        try:
            while True:
                packets.append(self.receive(timeout))
        except Closed:
            return packets

    def fence(self):
        """Everything the broker had for us before it answered a PINGREQ."""
        self.send(wire.pingreq())
        packets = []
        while True:
            packet = self.receive()
            if packet.kind == wire.PINGRESP:
                return packets
            packets.append(packet)

    def fence_or_end(self):
        """As fence(), where the broker may rather close the connection."""
        packets = []
        try:
            self.send(wire.pingreq())
            while not packets or packets[-1].kind != wire.PINGRESP:
                packets.append(self.receive())
        except Closed:
            pass
        return packets

    def expect_nothing(self):
        packets = self.fence()
        assert not packets, f"expected nothing, got {packets}"

    # -- conversations ------------------------------------------------------------------------

    def packet_id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def open(self, client_id="", clean=True, reason=0, **more):
        self.client_id = client_id
        self.send(wire.connect(self.version, client_id, clean, **more))
        self.connack = self.expect(wire.CONNACK, reason=reason)
        return self

    def subscribe(self, *filters, qos=0, options=0, props=(), reasons=None):
        rows = [f if isinstance(f, tuple) else (f, qos | options) for f in filters]
        packet_id = self.packet_id()
        self.send(wire.subscribe(self.version, packet_id, *rows, props=props))
        suback = self.take(wire.SUBACK)
        assert suback.packet_id == packet_id
        wanted = [row[1] & 3 for row in rows] if reasons is None else reasons
        assert suback.reasons == wanted, f"expected SUBACK {wanted}, got {suback}"
        return suback

    def unsubscribe(self, *filters, reasons=None):
        packet_id = self.packet_id()
        self.send(wire.unsubscribe(self.version, packet_id, *filters))
        unsuback = self.take(wire.UNSUBACK)
        assert unsuback.packet_id == packet_id
        if self.version == 5:
            assert unsuback.reasons == ([0] * len(filters) if reasons is None else reasons)
        return unsuback

    def take(self, kind):
        """The next packet of this kind; what comes before it is kept for later."""
        before = []
        while True:
            packet = self.receive()
            if packet.kind == kind:
                self.held = before + self.held
                return packet
            before.append(packet)

    def publish(self, topic, payload=b"", qos=0, retain=False, props=(), reason=(0, 0x10), **more):
        """Publish and see the exchange through to its end."""
        if isinstance(reason, int):
            reason = (reason,)
        packet_id = self.packet_id() if qos else None
        self.send(wire.publish(self.version, topic, payload, qos, packet_id, retain, props=props,
                               **more))
        if qos == 0:
            return None
        answer = self.take(wire.PUBACK if qos == 1 else wire.PUBREC)
        assert answer.packet_id == packet_id and answer.reason in reason, answer
        if qos == 2 and answer.reason < 0x80:
            self.send(wire.ack(self.version, wire.PUBREL, packet_id))
            complete = self.take(wire.PUBCOMP)
            assert (complete.packet_id, complete.reason) == (packet_id, 0), complete
        return answer

    def message(self, timeout=None, acknowledge=True, **fields):
        """The next PUBLISH, acknowledged to the end unless told otherwise."""
        packet = self.expect(wire.PUBLISH, timeout, **fields)
        if acknowledge:
            self.acknowledge(packet)
        return packet

    def acknowledge(self, packet):
        if packet.qos == 1:
            self.send(wire.ack(self.version, wire.PUBACK, packet.packet_id))
        elif packet.qos == 2:
            self.send(wire.ack(self.version, wire.PUBREC, packet.packet_id))
            release = self.take(wire.PUBREL)
            assert release.packet_id == packet.packet_id
            self.send(wire.ack(self.version, wire.PUBCOMP, packet.packet_id))

    def messages(self, count, **fields):
        return [self.message(**fields) for _ in range(count)]

    # -- endings ------------------------------------------------------------------------------

    def leave(self, reason=None, props=None):
        """A clean goodbye, seen through to the end."""
        self.send(wire.disconnect(self.version, reason, props))
        self.expect_closed()
        self.close()

    def drop(self):
        """Gone without a goodbye."""
        self.close()

    def vanish(self):
        """The same, and the broker has noticed: what is published from now on waits."""
        self.socket.shutdown(socket.SHUT_WR)
        self.drain()
        self.close()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
