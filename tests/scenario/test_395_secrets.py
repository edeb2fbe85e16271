# SPDX-License-Identifier: Apache-2.0
"""Private keys in memory: where they are is locked and left out of dumps, and a key that was replaced
is nowhere any more."""

import ctypes
import os
import re
import resource
import ssl
import subprocess
import time

import pytest

from support.attack import Authority
from support.broker import Broker, FOREIGN
from support.client import RawClient
from support.marks import no_instruments
from support.memory import found_in
from support.patience import patience
from support.secure import House

from test_391_steward import steward_of

LOCKED_BYTES = 512 * 1024  # VAULT_BYTES
UNLOCKED = "private keys are in memory that may be swapped out"
PR_CAPBSET_DROP, CAP_IPC_LOCK = 24, 14
pytestmark = [pytest.mark.skipif(FOREIGN, reason="about tacitd"), no_instruments,
              pytest.mark.skipif(os.geteuid() != 0, reason="only root sees the memory of others")]
CONFIG = """
role "all" {{ publish = {{ "#" }} subscribe = {{ "#" }} }}
listener "mqtts" {{
  port = 8883
  certificate = "{certificate}"
  key = "{key}"
  client-certificates = none
  anonymous-role = "all"
  client-ids = any
}}
"""
KINDS = {"p256": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("rsa:2048",),
         "ed25519": ("ed25519",)}


def numbers(path):
    """Those of a private key that give it away: as they are written, and as OpenSSL computes."""
    said = subprocess.run(["openssl", "pkey", "-in", str(path), "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    found = []
    for name in ("priv", "privateExponent", "prime1", "prime2"):
        part = re.search(rf"^{name}:\n((?:    [0-9a-f:]+\n)+)", said, re.M)
        if part:
            number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", part.group(1))).lstrip(b"\0")
            found += [number, number[::-1]]
    assert found, said
    lines = path.read_text().splitlines()[1:-1]
    return found + [line.encode() for line in lines if len(line) == 64][1:]


def nobody_in_particular():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def come(broker, name):
    client = RawClient(broker.host, broker.port, 5, nobody_in_particular(), broker.host)
    client.open(name)
    client.close()


def places(broker, marks):
    return [place for mark in marks for place in found_in(broker.process.pid, mark)]


def locked_kib(broker):
    with open(f"/proc/{broker.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmLck:\s+(\d+) kB", status.read()).group(1))


@pytest.fixture(name="served", params=sorted(KINDS))
def served_(tmp_path, request):
    """A broker with a certificate of such a key, its authority, and the marks of the key."""
    authority = Authority(tmp_path)
    certificate, key = authority.sign(KINDS[request.param])
    broker = Broker(CONFIG.format(certificate=certificate, key=key), shards=2, tls=True)
    broker.start()
    if UNLOCKED in broker.log():
        broker.kill()
        pytest.skip("this machine lets nobody lock 512 KiB of memory")
    yield broker, lambda: authority.sign(KINDS[request.param]), key
    broker.kill()


def test_a_key_is_locked_and_a_replaced_one_gone(served, unique):
    broker, renew, path = served
    old = numbers(path)
    for _ in range(4):
        come(broker, unique())
    found = places(broker, old)
    assert found, "a key that signs is somewhere"
    for address, flags in found:
        assert {"lo", "dd"} <= flags, f"{address:x} {flags}"
    assert locked_kib(broker) * 1024 >= LOCKED_BYTES

    renew()
    new = numbers(path)
    broker.reload()
    deadline = time.monotonic() + patience(20.0)
    while places(broker, old) or not places(broker, new):
        assert time.monotonic() < deadline, f"{places(broker, old)}\n{broker.log()}"
        come(broker, unique())
    for address, flags in places(broker, new):
        assert {"lo", "dd"} <= flags, f"{address:x} {flags}"


def test_keys_of_the_state_folder_are_locked():
    """What a first start makes: the CA's, the server's, the one that signs the audit log."""
    with House() as house:
        if UNLOCKED in house.broker.log():
            pytest.skip("this machine lets nobody lock 512 KiB of memory")
        keys = sorted(house.state.rglob("*.key"))
        assert len(keys) >= 3, keys
        for key in keys:
            for address, flags in places(house.broker, numbers(key)):
                assert {"lo", "dd"} <= flags, f"{key}: {address:x} {flags}"


def test_the_steward_locks_the_key_of_the_ca():
    """It is another process, and a lock is not inherited."""
    with House() as house:
        if UNLOCKED in house.broker.log():
            pytest.skip("this machine lets nobody lock 512 KiB of memory")
        steward = steward_of(house)
        found = [place for mark in numbers(house.state / "ca" / "ca.key")
                 for place in found_in(steward, mark)]
        assert found, "a key that signs is somewhere"
        for address, flags in found:
            assert {"lo", "dd"} <= flags, f"{address:x} {flags}"


def test_what_cannot_be_locked_is_said_once(monkeypatch):
    """Little may be locked, and root is not above that: it serves all the same."""
    broker = Broker(shards=1)
    start = subprocess.Popen

    def poor(*words, **more):
        def limit():
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        return start(*words, preexec_fn=limit, **more)

    monkeypatch.setattr(subprocess, "Popen", poor)
    try:
        broker.start()
        assert broker.log().count(UNLOCKED) == 1, broker.log()
        assert locked_kib(broker) == 0
        broker.stop()
    finally:
        broker.kill()
