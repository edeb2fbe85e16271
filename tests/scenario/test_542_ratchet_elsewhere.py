# SPDX-License-Identifier: Apache-2.0
"""Promise I6: a device that turns a ratchet visits a broker that keeps none. It comes in there, and is no
copy of itself when it is back."""

import contextlib
import socket
import ssl
import threading

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.enrolled import Enrolled, house_for_devices
from support.patience import patience

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")


class Elsewhere:
    """Another product: TLS without ALPN, and everybody comes in."""

    def __init__(self, state):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(state / "server/server.crt", state / "server/server.key")
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(patience(30.0))
        self.port = self.socket.getsockname()[1]
        self.connects = []

    def answer(self, stream, version):
        """One packet; false: it was the last."""
        head = stream.recv(1)
        length, shift = 0, 0
        while head and (shift == 0 or byte & 0x80):
            byte = stream.recv(1)[0]
            length |= (byte & 0x7f) << shift
            shift += 7
        body = b""
        while len(body) < length:
            body += stream.recv(length - len(body))
        kind = head[0] >> 4 if head else wire.DISCONNECT
        if kind == wire.CONNECT:
            self.connects.append(body)
            stream.sendall(wire.packet(wire.CONNACK, bytes(3 if version == 5 else 2)))
        elif kind == wire.PUBLISH:
            start = 2 + int.from_bytes(body[:2], "big")
            stream.sendall(wire.packet(wire.PUBACK, body[start:start + 2]))
        elif kind == wire.PINGREQ:
            stream.sendall(wire.packet(wire.PINGRESP))
        return kind != wire.DISCONNECT

    def serve(self, version):
        connection, _ = self.socket.accept()
        connection.settimeout(patience(30.0))
        with self.context.wrap_socket(connection, server_side=True) as stream:
            while self.answer(stream, version):
                pass

    @contextlib.contextmanager
    def serving(self, version):
        thread = threading.Thread(target=self.serve, args=(version,), daemon=True)
        thread.start()
        yield
        thread.join(patience(30.0))
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def house():
    with house_for_devices() as one:
        yield one


@pytest.fixture
def elsewhere(house):
    one = Elsewhere(house.state)
    with one.socket:
        yield one


@pytest.mark.parametrize("version", [5, 4])
def test_a_visit_moves_no_ratchet(house, elsewhere, tmp_path, version):
    device = Enrolled.make(house, tmp_path / "home", f"traveller-{version}")
    device.connect(version)
    stands = device.file("ratchet").read_bytes()
    for _ in range(3):
        with elsewhere.serving(version):
            device.tacit(*device.words(version), "-h", "localhost", "-p", elsewhere.port)
        assert device.file("ratchet").read_bytes() == stands
    assert len(elsewhere.connects) == 3
    assert not any(b"tacit-ratchet" in connect for connect in elsewhere.connects)
    for turn in (2, 3):
        device.connect(version)
        assert device.counter() == turn
    assert not house.lines("has a clone")
