# SPDX-License-Identifier: Apache-2.0
"""The print of a ClientHello as docs/canaries.md has it, by another hand than tacitd's."""

import hashlib
import ssl
import struct

PASSING = {21, 41, 42, 44}  # padding, pre_shared_key, early_data, cookie


def first_message(context, name="localhost"):
    """The ClientHello of a client with that context, without record and message header."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()[5 + 4:]


def is_grease(value):
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def counted(numbers):
    numbers = [number for number in numbers if not is_grease(number)]
    return struct.pack(f">H{len(numbers)}H", len(numbers), *numbers)


class Bytes:
    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count
        return taken

    def number(self, width=2):
        return int.from_bytes(self.take(width), "big")

    def block(self, width):
        return Bytes(self.take(self.number(width)))

    def numbers(self):
        return [number for (number,) in struct.iter_unpack(">H", self.data)]


def print_of(body):
    hello, kinds, groups = Bytes(body), [], []
    version = hello.take(2)
    hello.take(32)
    hello.block(1)
    suites = hello.block(2).numbers()
    hello.block(1)
    extensions = hello.block(2)
    while extensions.data:
        kind, value = extensions.number(), extensions.block(2)
        if kind == 10:
            groups = value.block(2).numbers()
        if kind not in PASSING:
            kinds.append(kind)
    text = version + counted(suites) + counted(kinds) + counted(groups)
    return hashlib.sha256(text).hexdigest()[:32]
