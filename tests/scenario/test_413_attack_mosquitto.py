# SPDX-License-Identifier: Apache-2.0
"""`tacit attack` on Debian's mosquitto, as people run it: what is publicly known to be open is
found, and what an access list closes is not called open."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest

from support.attack import OPEN, SAFE, Attack, Authority, Trigger, people
from support.broker import TACIT
from support.patience import patience
from support.ports import free_port
from support.weak import TOPIC

START_S = patience(10.0)

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")

pytestmark = pytest.mark.skipif(
    MOSQUITTO is None or not TACIT.exists(),
    reason="NOT COMPARED: mosquitto is not installed (tools/install-deps test)")

USUAL = """
listener {plain} 127.0.0.1
listener {port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
user root
{more}
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


def wait_for(port):
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.02)


class Mosquitto:
    """As people run it: a port without TLS, one with, a file of passwords."""

    def __init__(self, folder, acl=False, anonymous=False, more=""):
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
            anonymous="true" if anonymous else "false", more=more))
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


def test_mosquitto_as_people_run_it(tmp_path):
    """What is publicly known to be open: no access list, a port without TLS, no deadline for
    CONNECT, no largest packet, a client id for the taking, acknowledged and not on disk."""
    with Mosquitto(tmp_path) as broker, Trigger(broker.crash) as restart:
        found = broker.attack("--risk-password", "--restart-command", restart, "--patience", 12,
                              "--rate", 200)
    known = {"connect-drip", "silent-tcp", "silent-tls", "sys-leakage", "plaintext-port",
             "plaintext-password", "tls-ciphers", "wildcard-eavesdropping", "acl-publish",
             "client-id-takeover", "oversized-packet", "fat-connect", "retained-flood",
             "credential-clone", "durability", "brute-force"}
    assert known <= found.all(OPEN), found.document
    assert {"tls-versions", "certificate-quality", "anonymous-access", "malformed-packets",
            "half-open-flood"} <= found.all(SAFE), found.document
    assert found.document["grade"] == "F" and found.done.returncode == 3


def test_mosquitto_with_an_access_list(tmp_path):
    """What the list closes is not called open any more: mosquitto grants filters in name, and
    judges at delivery."""
    names = ["wildcard-eavesdropping", "acl-publish", "acl-overlap", "sys-leakage",
             "retained-flood"]
    with Mosquitto(tmp_path, acl=True) as broker:
        found = broker.attack("--topic", TOPIC, *[w for n in names for w in ("--only", n)])
    assert not found.all(OPEN), found.document


ADVISED = """tls_version tlsv1.3
max_packet_size 65536
use_username_as_clientid true
sys_interval 0
"""


def test_what_is_advised_for_mosquitto_helps(tmp_path):
    """The settings that `advice` names for mosquitto close what they are named for."""
    closes = {"tls-ciphers": "tls_version", "tls-renegotiation": "tls_version",
              "oversized-packet": "max_packet_size", "fat-connect": "max_packet_size",
              "client-id-takeover": "use_username_as_clientid", "sys-leakage": "sys_interval",
              "wildcard-eavesdropping": "acl_file", "acl-publish": "acl_file",
              "retained-flood": "acl_file", "anonymous-access": "allow_anonymous"}
    with Mosquitto(tmp_path, acl=True, more=ADVISED) as broker:
        found = broker.attack("--topic", TOPIC, *[w for n in closes for w in ("--only", n)])
    assert found.all(SAFE) >= set(closes) - {"acl-publish", "wildcard-eavesdropping"}, found.document
    assert not found.all(OPEN), found.document
    for name, setting in closes.items():
        assert setting in found.checks[name]["advice"]["mosquitto"]


def test_mosquitto_for_everybody(tmp_path):
    """Nobody needs credentials: the checks come without."""
    with Mosquitto(tmp_path, anonymous=True) as broker:
        found = Attack(f"localhost:{broker.port}", "--ca-file", broker.authority.file,
                       "--plain-port", 0, "--only", "anonymous-access", "--only",
                       "wildcard-eavesdropping", "--only", "client-id-takeover")
    assert len(found.all(OPEN)) == 3, found.document
