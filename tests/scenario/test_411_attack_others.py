# SPDX-License-Identifier: Apache-2.0
"""`tacit attack` on brokers that are not ours: a small one that is weak in one thing at a time, TLS
servers of all kinds, and Debian's mosquitto as people run it."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.attack import OPEN, SAFE, UNCLEAR, Attack, Trigger, password_file
from support.broker import TACIT
from support.patience import patience
from support.ports import free_port
from support.weak import TOPIC, WeakBroker

pytestmark = pytest.mark.skipif(not TACIT.exists(), reason="needs tacit")

START_S = patience(10.0)


def people(folder):
    """Two identities that come by a password."""
    alice = password_file(folder, "alice", "secret-a")
    bob = password_file(folder, "bob", "secret-b")
    return ["--username", "alice", "--password-file", alice, "--second-username", "bob",
            "--second-password-file", bob]


# ---- one weakness at a time ----------------------------------------------------------------------

FINDS = {
    "drip": "connect-drip", "silent": "silent-tcp", "fat": "fat-connect",
    "oversized": "oversized-packet", "malformed": "malformed-packets",
    "anonymous": "anonymous-access", "wildcard": "wildcard-eavesdropping", "sys": "sys-leakage",
    "acl": "acl-publish", "overlap": "acl-overlap", "takeover": "client-id-takeover",
    "clone": "credential-clone", "brute": "brute-force", "slow": "slow-subscriber",
    "retained": "retained-flood", "few": "half-open-flood", "stale": "stale-permissions",
    "revoked-live": "revocation", "revoked-return": "revocation",
}


def attack_weak(folder, weak, *arguments):
    with WeakBroker(free_port(), *weak) as broker:
        with Trigger(lambda: broker.deny("bob")) as change:
            with Trigger(lambda: broker.revoke("bob")) as revoke:
                return Attack(f"127.0.0.1:{broker.port}", "--plaintext", "--plain-port", 0,
                              *people(folder), "--topic", TOPIC, "--patience", 7, "--rate", 200,
                              "--change-command", change, "--revoke-command", revoke, *arguments)


def test_a_strong_one_is_safe_in_all(tmp_path):
    names = [word for name in sorted(set(FINDS.values())) for word in ("--only", name)]
    found = attack_weak(tmp_path, [], *names)
    assert found.all(SAFE) == set(FINDS.values()), found.document
    assert found.document["grade"] == "A"


@pytest.mark.parametrize("weakness", FINDS)
def test_each_weakness_is_found(tmp_path, weakness):
    name = FINDS[weakness]
    found = attack_weak(tmp_path, [weakness], "--only", name)
    found.expect(name, OPEN)
    assert found.done.returncode == 3


def test_half_of_a_revocation_is_told_apart(tmp_path):
    live = attack_weak(tmp_path, ["revoked-live"], "--only", "revocation").evidence("revocation")
    assert "its live connection was open 5 s later" in live
    assert "with a new handshake it was refused" in live
    back = attack_weak(tmp_path, ["revoked-return"], "--only", "revocation").evidence("revocation")
    assert "its live connection ended" in back and "with a new handshake it was let in" in back


# ---- TLS -----------------------------------------------------------------------------------------


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A CA in a folder, which signs what it is told."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "ca.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=Test CA", "-days", 90, "-keyout", self.folder / "ca.key", "-out",
                self.file)

    def sign(self, key=("rsa:2048",), names="DNS:localhost", digest="sha256", days=60):
        """Certificate and key of a server."""
        files = self.folder / "server.crt", self.folder / "server.key"
        request, extensions = self.folder / "server.csr", self.folder / "server.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "\n")
        openssl("req", "-newkey", *key, "-nodes", "-subj", "/CN=localhost", "-keyout", files[1],
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", days, f"-{digest}", "-extfile", extensions, "-out",
                files[0])
        return files


@contextlib.contextmanager
def serve_tls(files, *options):
    """`openssl s_server` with these options; its port."""
    port = free_port()
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(files[0]), "-key",
         str(files[1]), "-quiet", *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def wait_for(port):
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)


def attack_tls(port, ca_file, name, *arguments):
    return Attack(f"localhost:{port}", "--ca-file", ca_file, "--plain-port", 0, "--only", name,
                  *arguments)


OLD = ["-cipher", "ALL:@SECLEVEL=0"]


@pytest.mark.parametrize("options, name, verdict, said", [
    ([*OLD, "-tls1"], "tls-versions", OPEN, "TLS 1.0 is taken"),
    ([*OLD, "-tls1_1"], "tls-versions", OPEN, "TLS 1.1 is taken"),
    (["-tls1_2"], "tls-versions", SAFE, "TLS 1.3 is refused"),
    (["-tls1_3"], "tls-versions", SAFE, "TLS 1.2 is refused"),
    (["-cipher", "AES128-GCM-SHA256", "-tls1_2"], "tls-ciphers", OPEN,
     "no forward secrecy: AES128-GCM-SHA256 is taken"),
    (["-cipher", "ECDHE-RSA-AES128-SHA", "-tls1_2"], "tls-ciphers", OPEN,
     "no authenticated encryption: ECDHE-RSA-AES128-SHA is taken"),
    (["-cipher", "ECDHE-RSA-AES128-GCM-SHA256", "-tls1_2"], "tls-ciphers", SAFE, "refused"),
    (["-tls1_3"], "tls-ciphers", SAFE, "refused"),
    (["-tls1_2", "-client_renegotiation"], "tls-renegotiation", OPEN, "was done"),
    (["-tls1_2"], "tls-renegotiation", SAFE, "was refused"),
    (["-tls1_3"], "tls-renegotiation", SAFE, "TLS 1.2 was refused"),
])
def test_tls(tmp_path, options, name, verdict, said):
    authority = Authority(tmp_path)
    with serve_tls(authority.sign(), *options) as port:
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
    with serve_tls(files, "-cipher", "DEFAULT:@SECLEVEL=0") as port:
        found = attack_tls(port, authority.file, "certificate-quality")
    found.expect("certificate-quality", verdict)
    assert said in found.evidence("certificate-quality")


def test_a_ca_that_nobody_named(tmp_path):
    authority = Authority(tmp_path)
    with serve_tls(authority.sign()) as port:
        found = Attack(f"localhost:{port}", "--plain-port", 0, "--only", "certificate-quality")
    found.expect("certificate-quality", UNCLEAR)
    assert "--ca-file" in found.evidence("certificate-quality")


def test_a_password_goes_to_nobody_who_is_not_verified(tmp_path):
    """The server would let everybody in, and sees no CONNECT with a password."""
    authority = Authority(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign())
    seen = []
    with TlsListener(context, seen) as port:
        found = Attack(f"localhost:{port}", "--ca-file", Authority(other).file, "--plain-port", 0,
                       *people(tmp_path), "--only", "sys-leakage")
        assert "was not let in" in found.done.stderr
        assert not any(b"secret-" in data for data in seen)
        Attack(f"localhost:{port}", "--ca-file", Authority(other).file, "--plain-port", 0,
               *people(tmp_path), "--only", "sys-leakage", "--insecure")
        assert any(b"secret-a" in data for data in seen)


class TlsListener:
    """Keeps what comes first over TLS, and closes."""

    def __init__(self, context, seen):
        self.context, self.seen = context, seen

    def run(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            try:
                plain.settimeout(patience(5))
                with self.context.wrap_socket(plain, server_side=True) as peer:
                    self.seen.append(peer.recv(65536))
            except OSError:
                pass

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.run, daemon=True).start()
        return self.listener.getsockname()[1]

    def __exit__(self, *_):
        self.listener.close()


# ---- Debian's mosquitto --------------------------------------------------------------------------

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="NOT COMPARED: mosquitto is not installed (tools/install-deps test)")

USUAL = """
listener {plain} 127.0.0.1
listener {port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
user root
allow_anonymous {anonymous}
password_file {folder}/passwords
persistence true
persistence_location {folder}/
"""
WITH_ACL = """acl_file {folder}/acl
"""
ACL = f"""user alice
topic write {TOPIC}
user bob
topic read {TOPIC}
"""


class Mosquitto:
    """As people run it: a port without TLS, one with, a file of passwords."""

    def __init__(self, folder, acl=False, anonymous=False):
        self.folder, self.port, self.plain = pathlib.Path(folder), free_port(), free_port()
        self.authority = Authority(folder)
        self.authority.sign()
        for user, word in (("alice", "secret-a"), ("bob", "secret-b")):
            first = [] if (self.folder / "passwords").exists() else ["-c"]
            subprocess.run(["mosquitto_passwd", *first, "-b", str(self.folder / "passwords"), user,
                            word], check=True, capture_output=True)
        (self.folder / "acl").write_text(ACL)
        text = USUAL + (WITH_ACL if acl else "")
        (self.folder / "mosquitto.conf").write_text(text.format(
            plain=self.plain, port=self.port, folder=folder,
            anonymous="true" if anonymous else "false"))
        os.chmod(self.folder / "server.key", 0o600)

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        wait_for(self.port)
        return self

    def crash(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def attack(self, *arguments):
        return Attack(f"localhost:{self.port}", "--ca-file", self.authority.file, "--plain-port",
                      self.plain, *people(self.folder), *arguments)


@needs_mosquitto
def test_mosquitto_as_people_run_it(tmp_path):
    """What is publicly known to be open: no access list, a port without TLS, no deadline for
    CONNECT, no largest packet, a client id for the taking, acknowledged and not on disk."""
    with Mosquitto(tmp_path) as broker, Trigger(broker.crash) as restart:
        found = broker.attack("--risk-password", "--restart-command", restart)
    known = {"connect-drip", "silent-tcp", "silent-tls", "sys-leakage", "plaintext-port",
             "plaintext-password", "tls-ciphers", "wildcard-eavesdropping", "acl-publish",
             "client-id-takeover", "oversized-packet", "fat-connect", "retained-flood",
             "credential-clone", "durability", "brute-force"}
    assert known <= found.all(OPEN), found.document
    assert {"tls-versions", "certificate-quality", "anonymous-access", "malformed-packets",
            "half-open-flood"} <= found.all(SAFE), found.document
    assert found.document["grade"] == "F" and found.done.returncode == 3


@needs_mosquitto
def test_mosquitto_with_an_access_list(tmp_path):
    """What the list closes is not called open any more: mosquitto grants filters in name, and
    judges at delivery."""
    names = ["wildcard-eavesdropping", "acl-publish", "acl-overlap", "sys-leakage",
             "retained-flood"]
    with Mosquitto(tmp_path, acl=True) as broker:
        found = broker.attack("--topic", TOPIC, *[w for n in names for w in ("--only", n)])
    assert not found.all(OPEN), found.document


@needs_mosquitto
def test_mosquitto_for_everybody(tmp_path):
    """Nobody needs credentials: the checks come without."""
    with Mosquitto(tmp_path, anonymous=True) as broker:
        found = Attack(f"localhost:{broker.port}", "--ca-file", broker.authority.file,
                       "--plain-port", 0, "--only", "anonymous-access", "--only",
                       "wildcard-eavesdropping", "--only", "client-id-takeover")
    assert len(found.all(OPEN)) == 3, found.document
