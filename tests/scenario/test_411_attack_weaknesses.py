# SPDX-License-Identifier: Apache-2.0
"""`tacit attack` finds each weakness of a broker that is weak in one thing at a time."""

import pytest

from support.attack import OPEN, SAFE, Attack, Trigger, people
from support.broker import TACIT
from support.ports import free_port
from support.weak import TOPIC, WeakBroker

pytestmark = pytest.mark.skipif(not TACIT.exists(), reason="needs tacit")


# ---- one weakness at a time ----------------------------------------------------------------------

FINDS = {
    "drip": "connect-drip", "silent": "silent-tcp", "fat": "fat-connect",
    "oversized": "oversized-packet", "malformed": "malformed-packets",
    "anonymous": "anonymous-access", "wildcard": "wildcard-eavesdropping", "sys": "sys-leakage",
    "acl": "acl-publish", "overlap": "acl-overlap", "takeover": "client-id-takeover",
    "clone": "credential-clone", "beside": "credential-clone", "brute": "brute-force", "slow": "slow-subscriber",
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
    assert found.all(SAFE) == set(FINDS.values()), found.but(SAFE)
    assert found.document["grade"] == "A"


@pytest.mark.parametrize("weakness", FINDS)
def test_each_weakness_is_found(tmp_path, weakness):
    name = FINDS[weakness]
    found = attack_weak(tmp_path, [weakness], "--only", name)
    found.expect(name, OPEN)
    assert found.done.returncode == 3


def test_a_clone_shows_in_each_way(tmp_path):
    """With one client id and with two, at once and in turns: the evidence says which it was."""
    found = attack_weak(tmp_path, ["clone"], "--only", "credential-clone")
    assert "took over from each other 9 times" in found.evidence("credential-clone")
    assert "under another client id the copy was refused" in found.evidence("credential-clone")
    found = attack_weak(tmp_path, ["beside"], "--only", "credential-clone")
    assert found.evidence("credential-clone").startswith("the copy was refused")
    assert "under another client id and from another address the copy was served" in (
        found.evidence("credential-clone"))
    found = attack_weak(tmp_path, ["patient"], "--only", "credential-clone")
    found.expect("credential-clone", SAFE)
    assert "after 4 take-overs to and fro the next one was noticed" in (
        found.evidence("credential-clone"))


def test_half_of_a_revocation_is_told_apart(tmp_path):
    live = attack_weak(tmp_path, ["revoked-live"], "--only", "revocation").evidence("revocation")
    assert "its live connection was open 5 s later" in live
    assert "with a new handshake it was refused" in live
    back = attack_weak(tmp_path, ["revoked-return"], "--only", "revocation").evidence("revocation")
    assert "its live connection ended" in back and "with a new handshake it was let in" in back
