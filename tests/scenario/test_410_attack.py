# SPDX-License-Identifier: Apache-2.0
"""Promise A6: `tacit attack` grades tacitd as it comes A, finds what a bad configuration opens, and
leaves other people's brokers alone."""

import os
import socket
import threading
import time

import pytest

from support.attack import OPEN, SAFE, SKIPPED, Attack, Trigger
from support.broker import FOREIGN, TACIT, with_settings
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

TOPIC = "devices/lamp/state"
BUILT_IN = """
listener "mqtts" {
  port = 8883
  client-certificates = required
}
role "device" {
  publish   = { "devices/%{device}/state", "devices/%{device}/telemetry/#" }
  subscribe = { "devices/%{device}/set" }
  retain    = on
}
role "controller" {
  publish   = { "devices/+/set" }
  subscribe = { "devices/+/state", "devices/+/telemetry/#" }
}
"""


def furnish(house, config=None, **more):
    """The two devices of the tour in the README; with a configuration of its own, if there is one."""
    if config is not None:
        house.broker.stop()
        (house.state / "tacit.conf").write_text(config)
        house.broker.start()
    house.add("lamp", "device")
    house.add("wall", "controller")


def attack(house, *arguments, code=None):
    return Attack(f"localhost:{house.broker.port}", "--as", "lamp", "--second-as", "wall",
                  "--topic", TOPIC, "--plain-port", 0, *arguments,
                  environment=house.environment, code=code)


def tool(house, *words):
    """A shell command that runs the tool on the state of the house."""
    return " ".join([str(TACIT), *words, "--state", str(house.state)])


# ---- tacitd as it comes --------------------------------------------------------------------------


def test_tacitd_as_it_comes_is_graded_a():
    with House() as house:
        furnish(house)
        with Trigger(house.broker.crash) as restart:
            found = attack(
                house, "--plain-port", free_port(), "--restart-command", restart, "--rate", 200,
                "--change-command", tool(house, "grant add --device wall --deny-subscribe", TOPIC),
                "--revoke-command", tool(house, "revoke wall --reason key-compromise"), code=0)
        assert found.all(SAFE) == set(found.checks), found.document
        assert found.document["grade"] == "A"
        assert found.document["score"] == found.document["checked_percent"] == 100
        assert "0 safe" not in found.done.stderr


def test_the_tour_is_enough():
    """Without --topic and commands: what could not be tried is listed, and limits the grade."""
    with House() as house:
        furnish(house)
        done = house.tacit("attack", f"localhost:{house.broker.port}", "--as", "lamp",
                           "--second-as", "wall", "--plain-port", 0, "--quick", "--skip",
                           "credential-clone")
        assert "Grade A of what was checked" in done.stdout
        assert "skipped  durability: it needs a --restart-command" in done.stdout
        assert "skipped  revocation: it needs a --revoke-command" in done.stdout
        assert "acl-overlap" in done.stderr


# ---- each weakness of a configuration ------------------------------------------------------------


def weakened(settings="", device="", listener="", more="", limits=None):
    config = BUILT_IN.replace("retain    = on\n", f"retain    = on\n{device}\n", 1)
    config = config.replace("client-certificates = required\n",
                            f"client-certificates = required\n{listener}\n", 1)
    return with_settings(settings + config + more, {}, limits)


QUICKER = {"connect-timeout-ms": 1500}
SLOW = {"connect-timeout-ms": 60000}
BAD = {
    "connect-drip": weakened(limits=SLOW),
    "silent-tcp": weakened(limits=SLOW),
    "silent-tls": weakened(limits=SLOW),
    "fat-connect": weakened(limits={"connect-packet-bytes": 268435455}),
    "oversized-packet": weakened(limits={"packet-bytes": 268435455}),
    "slow-subscriber": weakened(limits={"outbox-bytes": 1073741824}),
    "wildcard-eavesdropping": weakened(device="unrestricted = on shared = on"),
    "acl-publish": weakened(device='publish += { "tacit-attack/#" }'),
    "sys-leakage": weakened(limits={"sys-interval-s": 1}, device="""
        subscribe += { "$SYS/#" }
        wildcards { prefix = "$SYS/" depth = any most-topics = 10000 expires = never
                    owner = "test" reason = "test" }"""),
    "retained-flood": weakened(device='publish += { "devices/%{device}/#" }'),
    "credential-clone": weakened(device="clone = allow"),
    "anonymous-access": weakened(more='role "guest" { publish = { "guests/#" } }').replace(
        "client-certificates = required", 'client-certificates = optional\n'
        'anonymous-role = "guest"'),
}


def checked(config, *names):
    with House() as house:
        furnish(house, config)
        words = [word for name in names for word in ("--only", name)]
        return attack(house, *words, "--patience", 4)


@pytest.mark.parametrize("name", BAD)
def test_each_weakness_is_found(name):
    found = checked(BAD[name], name)
    found.expect(name, OPEN)
    assert found.done.returncode == 3
    assert found.document["grade"] not in ("A", None)
    assert found.checks[name]["fix"] and found.checks[name]["why"]
    assert all(found.checks[name]["advice"][broker] for broker in ("tacitd", "mosquitto"))
    assert found.all(SKIPPED) == set(found.checks) - {name}


def test_without_the_weaknesses_all_is_safe():
    found = checked(weakened(limits=QUICKER), *BAD)
    assert found.all(SAFE) == set(BAD), found.document
    assert found.done.returncode == 0 and found.document["grade"] == "A"


def test_memory_is_no_disk():
    with House() as house:
        furnish(house, weakened(listener="durability = memory"))
        with Trigger(house.broker.crash) as restart:
            found = attack(house, "--only", "durability", "--restart-command", restart)
        found.expect("durability", OPEN)
        assert "100 messages for a session that stays were acknowledged" in (
            found.evidence("durability"))


def test_a_listener_without_tls():
    port = free_port()
    plain = f"""
    listener "plain" {{ address = "127.0.0.1" port = {port} tls = off anonymous-role = "guest" }}
    role "guest" {{ publish = {{ "guests/#" }} }}"""
    with House() as house:
        furnish(house, weakened(more=plain))
        found = attack(house, "--only", "plaintext-port", "--plain-port", port)
        found.expect("plaintext-port", OPEN)
        assert f"port {port}: a CONNECT without TLS" in found.evidence("plaintext-port")


def test_a_revocation_that_was_none():
    with House() as house:
        furnish(house)
        found = attack(house, "--only", "revocation", "--revoke-command", "true")
        found.expect("revocation", OPEN)
        assert "with the resumed TLS session it was let in" in found.evidence("revocation")
        found = attack(house, "--only", "revocation", "--revoke-command", "exit 7")
        found.expect("revocation", "unclear")
        assert "failed with 7" in found.evidence("revocation")


def test_a_change_that_was_none():
    with House() as house:
        furnish(house)
        found = attack(house, "--only", "stale-permissions", "--change-command", "true")
        found.expect("stale-permissions", OPEN)


# ---- manners -------------------------------------------------------------------------------------


def test_the_list_is_fixed():
    names = set(Attack("--list", code=0).checks)
    assert len(names) == 26
    for name in ("wildcard-eavesdropping", "sys-leakage", "acl-overlap", "stale-permissions",
                 "client-id-takeover", "revocation", "credential-clone", "brute-force",
                 "connect-drip", "fat-connect", "half-open-flood", "slow-subscriber",
                 "oversized-packet", "malformed-packets", "retained-flood", "plaintext-password",
                 "tls-versions", "tls-ciphers", "certificate-quality", "durability"):
        assert name in names


@pytest.mark.parametrize("words, said", [
    (["8.8.8.8:8883"], "--i-own 8.8.8.8"),
    (["8.8.8.8:8883", "--i-own", "8.8.4.4"], "--i-own 8.8.8.8"),
    (["169.254.169.254:80"], "neither this machine nor a private network"),
    (["[2001:4860:4860::8888]:8883"], "--i-own 2001:4860:4860::8888"),
    ([], "which broker?"),
    (["localhost", "--only", "everything"], "there is no check 'everything'"),
    (["localhost", "--password", "x"], "unknown option"),
    (["localhost", "--as", "nobody-of-that-name"], "there is no such profile"),
])
def test_what_it_refuses(words, said):
    found = Attack(*words, code=2)
    assert said in found.done.stderr and not found.done.stdout


def test_nobody_there():
    found = Attack(f"127.0.0.1:{free_port()}", code=1)
    assert "Connection refused" in found.done.stderr and not found.done.stdout


def test_a_password_that_others_can_read(tmp_path):
    path = tmp_path / "password"
    path.write_text("secret\n")
    os.chmod(path, 0o644)
    found = Attack("localhost", "--username", "u", "--password-file", path, code=2)
    assert "secret" not in found.done.stderr.replace(str(path), "")


def test_a_report(tmp_path):
    report = tmp_path / "report.md"
    with House() as house:
        furnish(house, weakened(device="unrestricted = on shared = on"))
        done = house.tacit("attack", f"localhost:{house.broker.port}", "--as", "lamp",
                           "--plain-port", 0, "--only", "wildcard-eavesdropping", "--only",
                           "tls-versions", "--report", report, code=3)
    assert done.stdout.index("open  wildcard-eavesdropping") < done.stdout.index(
        "safe  tls-versions")
    assert "fix:" in done.stdout and "in tacitd: remove unrestricted = on" in done.stdout
    assert "Grade F of what was checked" in done.stdout
    text = report.read_text()
    assert text.startswith("# Attack on localhost") and "## What is open" in text
    assert "how to fix it" in text and "in mosquitto: `acl_file" in text
    assert "TLS 1\\.0" not in text and "TLS 1.0" in text


# ---- a broker that fights back -------------------------------------------------------------------


class Hostile:
    """Does something to whoever connects, for as long as he stays."""

    def __init__(self, behave):
        self.behave, self.is_wanted = behave, True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while self.is_wanted:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            with peer:
                self.behave(peer)
        except OSError:
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_wanted = False
        self.listener.close()


def babble(peer):
    while True:
        peer.sendall(os.urandom(65536))


def announce(peer):
    """CONNACK for everybody, and then a packet that never ends."""
    peer.recv(65536)
    peer.sendall(b"\x20\x03\0\0\0" + b"\x30\xff\xff\xff\x7f\0\x01a\0")
    while True:
        peer.sendall(b"x" * 65536)


def say_nothing(peer):
    while peer.recv(65536):
        pass


def escape(peer):
    """A CONNACK whose reason is no text for a terminal."""
    peer.recv(65536)
    reason = b"\x1f\0\x06\x1b[2Jxx"
    peer.sendall(bytes([0x20, 3 + len(reason), 0, 0x87, len(reason)]) + reason)
    time.sleep(0.2)


@pytest.mark.parametrize("behave", [babble, announce, say_nothing, escape])
def test_a_hostile_broker_gets_it_nowhere(behave):
    # Who says nothing is waited for at each question; what is asked twice is asked others.
    less = ["--skip", "plaintext-password"] if behave is say_nothing else []
    with Hostile(behave) as hostile:
        began = time.monotonic()
        found = Attack(f"127.0.0.1:{hostile.port}", "--plaintext", "--plain-port", 0, "--patience",
                       2, "--rate", 500, "--skip", "brute-force", "--skip", "malformed-packets",
                       *less)
        took = time.monotonic() - began
    assert took < 120
    assert found.done.returncode in (0, 3)
    assert "\x1b" not in found.done.stdout + found.done.stderr
    assert "the check itself failed" not in found.done.stdout
    assert found.document["grade"] != "A"
