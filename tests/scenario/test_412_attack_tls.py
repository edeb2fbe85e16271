# SPDX-License-Identifier: Apache-2.0
"""`tacit attack` on TLS servers of all kinds: versions, ciphers, certificates."""

import socket
import ssl
import threading

import pytest

from support.attack import OPEN, SAFE, UNCLEAR, Attack, Authority, people
from support.broker import TACIT
from support.patience import patience

pytestmark = [pytest.mark.skipif(not TACIT.exists(), reason="needs tacit"),
              pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class TlsServer:
    """Keeps what comes first over TLS, and closes. Nothing is too weak for it."""

    def __init__(self, files, only=None, ciphers="DEFAULT", flags=0, seen=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.set_ciphers(ciphers + ":@SECLEVEL=0")
        self.context.load_cert_chain(*files)
        self.context.options |= flags
        if only is not None:
            self.context.minimum_version = self.context.maximum_version = only
        self.seen = [] if seen is None else seen

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(patience(10))
            with self.context.wrap_socket(plain, server_side=True) as peer:
                self.seen.append(peer.recv(65536))
        except OSError:
            plain.close()

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self.run, daemon=True).start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.listener.close()


def attack_tls(port, ca_file, name, *arguments):
    return Attack(f"localhost:{port}", "--ca-file", ca_file, "--plain-port", 0, "--only", name,
                  *arguments)


ONE_0, ONE_1, ONE_2, ONE_3 = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2,
                              ssl.TLSVersion.TLSv1_3)
CLIENTS_RENEGOTIATE = 1 << 8  # SSL_OP_ALLOW_CLIENT_RENEGOTIATION


@pytest.mark.parametrize("server, name, verdict, said", [
    ({"only": ONE_0, "ciphers": "ALL"}, "tls-versions", OPEN, "TLS 1.0 is taken"),
    ({"only": ONE_1, "ciphers": "ALL"}, "tls-versions", OPEN, "TLS 1.1 is taken"),
    ({"only": ONE_2}, "tls-versions", SAFE, "TLS 1.3 is refused"),
    ({"only": ONE_3}, "tls-versions", SAFE, "TLS 1.2 is refused"),
    ({"only": ONE_2, "ciphers": "AES128-GCM-SHA256"}, "tls-ciphers", OPEN,
     "no forward secrecy: AES128-GCM-SHA256 is taken"),
    ({"only": ONE_2, "ciphers": "ECDHE-RSA-AES128-SHA"}, "tls-ciphers", OPEN,
     "no authenticated encryption: ECDHE-RSA-AES128-SHA is taken"),
    ({"only": ONE_2, "ciphers": "AECDH-AES128-SHA"}, "tls-ciphers", OPEN,
     "no authentication: AECDH-AES128-SHA is taken"),
    ({"only": ONE_2, "ciphers": "ECDHE-RSA-AES128-GCM-SHA256"}, "tls-ciphers", SAFE, "refused"),
    ({"only": ONE_3}, "tls-ciphers", SAFE, "refused"),
    ({"only": ONE_2, "flags": CLIENTS_RENEGOTIATE}, "tls-renegotiation", OPEN, "was done"),
    ({"only": ONE_2}, "tls-renegotiation", SAFE, "was refused"),
    ({"only": ONE_3}, "tls-renegotiation", SAFE, "TLS 1.2 was refused"),
])
def test_tls(tmp_path, server, name, verdict, said):
    authority = Authority(tmp_path)
    with TlsServer(authority.sign(), **server) as port:
        found = attack_tls(port, authority.file, name)
    found.expect(name, verdict)
    assert said in found.evidence(name)


@pytest.mark.parametrize("signed, verdict, said", [
    ({}, SAFE, "accepted by the CA that was named"),
    ({"key": ("rsa:1024",)}, OPEN, "RSA with 1024 bits"),
    ({"digest": "sha1"}, OPEN, "signed with SHA1"),
    ({"names": ""}, OPEN, "it names no host"),
    ({"names": "DNS:elsewhere.example"}, OPEN, "it names other hosts"),
    ({"days": 0}, OPEN, "certificate has expired"),
    ({"key": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")}, SAFE, "EC with 256 bits"),
])
def test_certificates(tmp_path, signed, verdict, said):
    authority = Authority(tmp_path)
    files = authority.sign(**signed)
    with TlsServer(files) as port:
        found = attack_tls(port, authority.file, "certificate-quality")
    found.expect("certificate-quality", verdict)
    assert said in found.evidence("certificate-quality")


def test_a_ca_that_nobody_named(tmp_path):
    authority = Authority(tmp_path)
    with TlsServer(authority.sign()) as port:
        found = Attack(f"localhost:{port}", "--plain-port", 0, "--only", "certificate-quality")
    found.expect("certificate-quality", UNCLEAR)
    assert "--ca-file" in found.evidence("certificate-quality")


def test_a_password_goes_to_nobody_who_is_not_verified(tmp_path):
    """The server has a certificate of another CA than the one that is trusted."""
    other = tmp_path / "other"
    other.mkdir()
    trusted, seen = Authority(other).file, []
    with TlsServer(Authority(tmp_path).sign(), seen=seen) as port:
        found = attack_tls(port, trusted, "sys-leakage", *people(tmp_path))
        assert "was not let in" in found.done.stderr
        assert not any(b"secret-" in data for data in seen)
        attack_tls(port, trusted, "sys-leakage", *people(tmp_path), "--insecure")
        assert any(b"secret-a" in data for data in seen)
