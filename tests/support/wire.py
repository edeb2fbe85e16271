# SPDX-License-Identifier: Apache-2.0
"""MQTT on the wire, written from the standard and sharing nothing with the code under test.

Builders return the bytes of one packet. They build what they are asked for, also what is
forbidden: most tests want to send exactly that. The version is 3 (3.1), 4 (3.1.1) or 5.
Properties are a list of (name, value) pairs, so order and repetition are the caller's.
"""

import struct
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(8, 16)

NAMES = {
    1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 5: "PUBREC", 6: "PUBREL",
    7: "PUBCOMP", 8: "SUBSCRIBE", 9: "SUBACK", 10: "UNSUBSCRIBE", 11: "UNSUBACK",
    12: "PINGREQ", 13: "PINGRESP", 14: "DISCONNECT", 15: "AUTH",
}

# name: (identifier, kind, packets it belongs to; 0 stands for the will)
PROPERTIES = {
    "payload_format": (0x01, "u8", {PUBLISH, 0}),
    "message_expiry": (0x02, "u32", {PUBLISH, 0}),
    "content_type": (0x03, "text", {PUBLISH, 0}),
    "response_topic": (0x08, "text", {PUBLISH, 0}),
    "correlation_data": (0x09, "bytes", {PUBLISH, 0}),
    "subscription_id": (0x0B, "varint", {PUBLISH, SUBSCRIBE}),
    "session_expiry": (0x11, "u32", {CONNECT, CONNACK, DISCONNECT}),
    "assigned_client_id": (0x12, "text", {CONNACK}),
    "server_keep_alive": (0x13, "u16", {CONNACK}),
    "auth_method": (0x15, "text", {CONNECT, CONNACK, AUTH}),
    "auth_data": (0x16, "bytes", {CONNECT, CONNACK, AUTH}),
    "request_problem_info": (0x17, "u8", {CONNECT}),
    "will_delay": (0x18, "u32", {0}),
    "request_response_info": (0x19, "u8", {CONNECT}),
    "response_info": (0x1A, "text", {CONNACK}),
    "server_reference": (0x1C, "text", {CONNACK, DISCONNECT}),
    "reason_string": (0x1F, "text", {CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK,
                                     DISCONNECT, AUTH}),
    "receive_maximum": (0x21, "u16", {CONNECT, CONNACK}),
    "topic_alias_maximum": (0x22, "u16", {CONNECT, CONNACK}),
    "topic_alias": (0x23, "u16", {PUBLISH}),
    "maximum_qos": (0x24, "u8", {CONNACK}),
    "retain_available": (0x25, "u8", {CONNACK}),
    "user_property": (0x26, "pair", {CONNECT, CONNACK, PUBLISH, 0, PUBACK, PUBREC, PUBREL, PUBCOMP,
                                     SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, AUTH}),
    "maximum_packet_size": (0x27, "u32", {CONNECT, CONNACK}),
    "wildcard_available": (0x28, "u8", {CONNACK}),
    "subscription_id_available": (0x29, "u8", {CONNACK}),
    "shared_available": (0x2A, "u8", {CONNACK}),
}
PROPERTY_BY_ID = {row[0]: (name, row[1], row[2]) for name, row in PROPERTIES.items()}


class WireError(Exception):
    """The peer sent something that the standard does not allow it to send."""


def varint(value):
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def u16(value):
    return struct.pack(">H", value)


def u32(value):
    return struct.pack(">I", value)


def binary(data):
    return u16(len(data)) + data


def text(value):
    return binary(value if isinstance(value, bytes) else value.encode("utf-8"))


def property_bytes(name, value):
    identifier, kind, _ = PROPERTIES[name]
    if kind == "pair":
        body = text(value[0]) + text(value[1])
    else:
        body = {"u8": lambda v: bytes([v]), "u16": u16, "u32": u32, "varint": varint,
                "text": text, "bytes": binary}[kind](value)
    return varint(identifier) + body


def properties(pairs=()):
    """Property Length and the properties; bytes pass through as the properties themselves."""
    body = pairs if isinstance(pairs, bytes) else b"".join(property_bytes(*p) for p in pairs)
    return varint(len(body)) + body


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


@dataclass
class Will:
    topic: object
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    props: object = ()


def connect(version=5, client_id="", clean=True, keepalive=0, will=None, username=None,
            password=None, props=(), flags=None, name=None, level=None):
    """CONNECT. `flags`, `name` and `level` override what the other arguments imply."""
    bits = 0x02 if clean else 0
    if will is not None:
        bits |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
    bits |= (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    protocol = name if name is not None else ("MQIsdp" if version == 3 else "MQTT")
    body = text(protocol) + bytes([version if level is None else level,
                                   bits if flags is None else flags]) + u16(keepalive)
    if version == 5:
        body += properties(props)
    body += text(client_id)
    if will is not None:
        body += (properties(will.props) if version == 5 else b"") + text(will.topic)
        body += binary(will.payload)
    if username is not None:
        body += text(username)
    if password is not None:
        body += binary(password)
    return packet(CONNECT, body)


def publish(version, topic, payload=b"", qos=0, packet_id=None, retain=False, dup=False, props=()):
    body = text(topic) + (u16(packet_id) if packet_id is not None else b"")
    if version == 5:
        body += properties(props)
    return packet(PUBLISH, body + payload, (8 if dup else 0) | qos << 1 | (1 if retain else 0))


def ack(version, kind, packet_id, reason=None, props=None, flags=None):
    """PUBACK, PUBREC, PUBREL or PUBCOMP; short form unless a reason or properties are given."""
    body = u16(packet_id)
    if version == 5 and (reason is not None or props is not None):
        body += bytes([reason or 0])
        if props is not None:
            body += properties(props)
    return packet(kind, body, (2 if kind == PUBREL else 0) if flags is None else flags)


def subscribe(version, packet_id, *filters, props=()):
    """Each filter is (filter, options byte); the options are the requested QoS before 5.0."""
    body = u16(packet_id) + (properties(props) if version == 5 else b"")
    body += b"".join(text(f) + bytes([options]) for f, options in filters)
    return packet(SUBSCRIBE, body, 2)


def unsubscribe(version, packet_id, *filters, props=()):
    body = u16(packet_id) + (properties(props) if version == 5 else b"")
    return packet(UNSUBSCRIBE, body + b"".join(text(f) for f in filters), 2)


def pingreq():
    return packet(PINGREQ)


def disconnect(version=5, reason=None, props=None):
    body = b""
    if version == 5 and (reason is not None or props is not None):
        body = bytes([reason or 0]) + (properties(props) if props is not None else b"")
    return packet(DISCONNECT, body)


def auth(reason=None, props=None):
    if reason is None and props is None:
        return packet(AUTH)
    return packet(AUTH, bytes([reason or 0]) + properties(props or ()))


@dataclass
class Packet:
    """One packet from the broker, all its fields checked for form."""

    kind: int
    flags: int = 0
    packet_id: int = None
    reason: int = None
    reasons: list = field(default_factory=list)
    session_present: bool = None
    topic: str = None
    payload: bytes = b""
    props: list = field(default_factory=list)
    size: int = 0
    raw: bytes = b""

    @property
    def name(self):
        return NAMES.get(self.kind, f"type {self.kind}")

    @property
    def qos(self):
        return self.flags >> 1 & 3

    @property
    def retain(self):
        return bool(self.flags & 1)

    @property
    def dup(self):
        return bool(self.flags & 8)

    def all(self, name):
        return [value for key, value in self.props if key == name]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def __repr__(self):
        parts = [self.name]
        if self.packet_id is not None:
            parts.append(f"id={self.packet_id}")
        if self.reason is not None:
            parts.append(f"reason=0x{self.reason:02x}")
        if self.reasons:
            parts.append("reasons=" + ",".join(f"0x{r:02x}" for r in self.reasons))
        if self.kind == PUBLISH:
            parts.append(f"q{self.qos} d{int(self.dup)} r{int(self.retain)} {self.topic!r} "
                         f"{self.payload[:40]!r}")
        if self.props:
            parts.append(repr(self.props))
        return "<" + " ".join(parts) + ">"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        if self.left() < count:
            raise WireError(f"field of {count} bytes, {self.left()} left in {self.data!r}")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def u16(self):
        return struct.unpack(">H", self.take(2))[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def varint(self):
        value = 0
        for i in range(4):
            digit = self.u8()
            value |= (digit & 0x7F) << 7 * i
            if digit < 0x80:
                if i and not digit:
                    raise WireError("variable byte integer longer than needed")
                return value
        raise WireError("variable byte integer of more than four bytes")

    def bytes(self):
        return self.take(self.u16())

    def text(self):
        value = self.bytes().decode("utf-8")
        if "\0" in value:
            raise WireError("null character in a string")
        return value

    def rest(self):
        return self.take(self.left())

    def properties(self, kind):
        inner = Reader(self.take(self.varint()))
        found = []
        while inner.left():
            name, type_, owners = PROPERTY_BY_ID[inner.varint()]
            if kind not in owners:
                raise WireError(f"{name} in {NAMES[kind]}")
            repeatable = name == "user_property" or (name, kind) == ("subscription_id", PUBLISH)
            if not repeatable and name in dict(found):
                raise WireError(f"{name} twice in {NAMES[kind]}")
            value = (inner.text(), inner.text()) if type_ == "pair" else getattr(inner, type_)()
            found.append((name, value))
        return found


FLAGS = {PUBREL: 2, SUBSCRIBE: 2, UNSUBSCRIBE: 2}


def parse(version, first, body, size=0):
    """A packet of the given version from its first byte and its body; WireError when malformed."""
    p = Packet(first >> 4, first & 15, size=size)
    r = Reader(body)
    if p.kind != PUBLISH and p.flags != FLAGS.get(p.kind, 0):
        raise WireError(f"flags {p.flags:x} in {p.name}")
    PARSERS.get(p.kind, refuse)(version, p, r)
    if r.left():
        raise WireError(f"{r.left()} bytes too many in {p.name}")
    return p


def refuse(_version, p, _r):
    raise WireError(f"a server does not send {p.name}")


def parse_connack(version, p, r):
    acknowledge = r.u8()
    if acknowledge & 0xFE:
        raise WireError("reserved CONNACK flags")
    p.session_present, p.reason = bool(acknowledge), r.u8()
    if version == 5:
        p.props = r.properties(CONNACK)


def parse_publish(version, p, r):
    if p.qos == 3:
        raise WireError("QoS 3")
    if not p.qos and p.dup:
        raise WireError("DUP with QoS 0 [MQTT-3.3.1-2]")
    p.topic = r.text()
    if p.qos:
        p.packet_id = nonzero(r.u16())
    if version == 5:
        p.props = r.properties(PUBLISH)
    p.payload = r.rest()


def nonzero(packet_id):
    if not packet_id:
        raise WireError("packet identifier 0")
    return packet_id


def parse_ack(version, p, r):
    p.packet_id, p.reason = nonzero(r.u16()), 0
    if version == 5 and r.left():
        p.reason = r.u8()
        if r.left():
            p.props = r.properties(p.kind)


def parse_suback(version, p, r):
    p.packet_id = nonzero(r.u16())
    if version == 5:
        p.props = r.properties(p.kind)
    p.reasons = list(r.rest()) if p.kind == SUBACK or version == 5 else []


def parse_empty(_version, _p, _r):
    pass


def parse_disconnect(version, p, r):
    if version != 5:
        raise WireError("a server before 5.0 does not send DISCONNECT")
    p.reason = 0
    if r.left():
        p.reason = r.u8()
        if r.left():
            p.props = r.properties(p.kind)


def parse_auth(version, p, r):
    if version != 5:
        raise WireError("AUTH before 5.0")
    parse_disconnect(version, p, r)


PARSERS = {
    CONNACK: parse_connack, PUBLISH: parse_publish, PUBACK: parse_ack, PUBREC: parse_ack,
    PUBREL: parse_ack, PUBCOMP: parse_ack, SUBACK: parse_suback, UNSUBACK: parse_suback,
    PINGRESP: parse_empty, DISCONNECT: parse_disconnect, AUTH: parse_auth,
}
