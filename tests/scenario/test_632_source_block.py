# SPDX-License-Identifier: Apache-2.0
"""Whoever attacks before he has proved anything has his address blocked, for a time: never an identity,
never an address from which devices come, and never because of what many addresses do together."""

import contextlib
import json
import socket
import ssl
import time

import pytest

from support import wire
from support.audit import AuditLog
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.patience import patience
from support.secure import House

pytestmark = [pytest.mark.one_shard,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

CONFIG = """
shards = 1
sense {{ mode = {mode} learn = 1s }}
limits {{ source-block-s = {first} }}
role "device" {{ publish = {{ "devices/%{{device}}/#" }} }}
listener "mqtts" {{ port = 8883 client-certificates = required }}
"""
THIEF, HOME = "127.0.0.9", "127.0.0.7"
FREE_S = patience(8.0)


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.broker.stop()
        configure(one, "respond", 600)
        one.broker.start()
        one.add("lamp", "device")
        time.sleep(1.1)  # learn: the shortest that there is
        yield one


@pytest.fixture(name="audit", scope="module")
def audit_log(house):
    return AuditLog(house.state)


def configure(house, mode, first):
    (house.state / "tacit.conf").write_text(CONFIG.format(mode=mode, first=first))


def come_in(house, source=None):
    client = house.connect("lamp", source=source)
    client.send(wire.connect(5, "lamp", True))
    client.expect(wire.CONNACK, reason=0)
    client.close()


def guess(house, source):
    """Without a certificate."""
    with contextlib.suppress(ssl.SSLError, Closed, OSError):
        stranger = house.connect(None, context=house.context(), source=source)
        stranger.send(wire.connect(5, "lamp", True))
        stranger.receive(patience(2.0))


def is_closed_at_accept(house, source):
    """Before it has said anything."""
    with socket.create_connection((house.broker.host, house.broker.port), timeout=0.3,
                                  source_address=(source, 0)) as stranger:
        try:
            return stranger.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def until_free(house, source):
    deadline = time.monotonic() + FREE_S
    while is_closed_at_accept(house, source):
        assert time.monotonic() < deadline, house.broker.log()[-2000:]
        time.sleep(0.05)


def attack(house, audit, source, count=1, kind="sense-response"):
    """Guesses until there are so many records of what is done about it; the last one."""
    deadline = time.monotonic() + patience(30.0)
    while True:
        found = audit.records(kind, of="source", place=source, action="block")
        if len(found) >= count:
            return found[-1]
        assert time.monotonic() < deadline, house.broker.log()[-3000:]
        guess(house, source)


def blocked(house):
    done = house.tacit("sense", "status", "--state", house.state, "--json")
    return {row["address"]: row for row in json.loads(done.stdout)["blocked"]}


def test_who_guesses_is_blocked_and_nobody_else(house, audit):
    since = time.monotonic()
    record = attack(house, audit, THIEF)
    assert time.monotonic() - since < patience(10.0)
    assert (record["done"], record["undo"]) == ("yes", f"tacit sense undo {THIEF}")
    assert record["feature"] == "auth_failures" and record["until"].endswith("Z")
    assert is_closed_at_accept(house, THIEF)
    house.wait(r"closed, its address is blocked for a time", 1, patience(5.0))
    come_in(house)
    # Whoever was named by it is not suspected for it.
    assert not audit.records("sense-response", device="lamp")
    house.wait(rf"address {THIEF} is blocked until", 1, patience(5.0))


def test_the_tool_lists_it_and_undoes_it(house, audit):
    deadline = time.monotonic() + FREE_S
    while THIEF not in blocked(house):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert blocked(house)[THIEF]["times"] == 1
    assert f"address {THIEF} is blocked until" in house.tacit("sense", "status", "--state",
                                                             house.state).stdout
    done = house.tacit("sense", "undo", THIEF, "--for", "1h", "--json", "--state", house.state)
    undone = json.loads(done.stdout)
    assert (undone["name"], undone["state"], undone["was_held"]) == (THIEF, "pardoned", True)
    until_free(house, THIEF)
    assert audit.wait("sense-response", action="unblock")["place"] == THIEF
    come_in(house, source=THIEF)


def test_where_devices_come_from_is_only_told(house, audit):
    """Behind one address there may be a thousand of them."""
    come_in(house, source=HOME)
    record = attack(house, audit, HOME)
    assert record["done"] == "no" and "undo" not in record
    assert "has proved himself came from there" in record["why_not"]
    come_in(house, source=HOME)


def test_many_addresses_together_have_nobody_blocked(house, audit):
    before = len(audit.records("sense-response", action="block"))
    for number in range(1, 120):
        guess(house, f"127.0.1.{number}")
    assert audit.wait("sense-source", feature="auth_failures")
    assert len(audit.records("sense-response", action="block")) == before


def test_a_restart_forgets_it(house, audit):
    source = "127.0.0.10"
    attack(house, audit, source)
    assert is_closed_at_accept(house, source)
    house.broker.stop()
    house.broker.start()
    assert not is_closed_at_accept(house, source)
    deadline = time.monotonic() + FREE_S
    while blocked(house):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_who_comes_back_is_blocked_for_longer(house, audit):
    source = "127.0.0.11"
    house.broker.stop()
    configure(house, "respond", 2)
    house.broker.start()
    time.sleep(1.1)
    for times in (1, 2):
        record = attack(house, audit, source, times)
        until = time.mktime(time.strptime(record["until"], "%Y-%m-%dT%H:%M:%SZ"))
        began = time.mktime(time.strptime(record["time"][:19], "%Y-%m-%dT%H:%M:%S"))
        # The clock of the one second may not have come to that of the other yet.
        assert 2 * times - 1 <= until - began <= 2 * times
        until_free(house, source)


def test_a_dry_run_only_says_it(house, audit):
    source = "127.0.0.12"
    configure(house, "dry-run", 600)
    with house.changing():
        house.broker.reload()
    record = attack(house, audit, source, kind="sense-dry-run")
    assert record["done"] == "no" and "undo" not in record
    assert not is_closed_at_accept(house, source)
    house.wait(rf"address {source} would be blocked until", 1, patience(5.0))
