# SPDX-License-Identifier: Apache-2.0
"""What every earlier version kept is still there after an upgrade. tests/upgrade/VERSION holds what
a tacitd of that version left behind; its README says how it was made."""

import pathlib

import pytest

from support import wire
from support.marks import only_tacit

NEVER = 0xFFFFFFFF
LEFT_BEHIND = pathlib.Path(__file__).resolve().parents[1] / "upgrade"


def leave_behind(folder, version, name):
    """As that version wrote it; in the repository it is text."""
    (folder / name).write_bytes(bytes.fromhex((LEFT_BEHIND / version / f"{name}.hex").read_text()))


def comes_back(clients, broker, name, version=5):
    props = {"props": [("session_expiry", NEVER)]} if version == 5 else {}
    one = clients(broker, version).open(name, clean=False, **props)
    assert one.connack.session_present, name
    return one


@pytest.fixture(params=[1, 3])
def upgraded(request, variant):
    """A tacitd of today over a store folder of 0.1, with as many shards as then and with others."""
    broker = variant(shards=request.param)
    broker.stop()
    store = broker.state / "store"
    for old in store.glob("*"):
        old.unlink()
    leave_behind(store, "0.1", "snapshot")
    broker.start()
    return broker


def check_everything(clients, broker):
    for i in range(3):
        reader = comes_back(clients, broker, f"reader-{i}")
        got = [reader.message() for _ in range(5 if i < 2 else 4)]
        assert [m.payload for m in got if m.topic == "news/now"] == [b"n0", b"n1", b"n2",
                                                                    b"taken over"]
        assert [m.qos for m in got if m.topic == "news/now"] == [1, 2, 1, 2]
        if i == 0:
            assert [m.payload for m in got if m.topic == "work"] == [b"job"]
        if i == 1:
            assert [m.get("subscription_id") for m in got if m.topic == "id/x"] == [77]
    old = comes_back(clients, broker, "reader-old", 4)
    assert [old.message().payload for _ in range(4)] == [b"n0", b"n1", b"n2", b"taken over"]
    half = comes_back(clients, broker, "reader-half")
    again = half.message()
    assert (again.payload, again.qos, again.dup) == (b"sent", 2, True)
    writer = comes_back(clients, broker, "writer")
    writer.send(wire.publish(5, "news/now", b"taken over", 2, 500, False, dup=True))
    assert writer.take(wire.PUBREC).reason == 0, "known, and not delivered a second time"
    writer.send(wire.ack(5, wire.PUBREL, 500))
    writer.take(wire.PUBCOMP)
    fresh = clients(broker, 5).open("")
    fresh.subscribe("kept/#", qos=1)
    assert sorted(fresh.message().payload for _ in range(2)) == [b"retained a", b"retained b"]


@only_tacit
def test_a_snapshot_of_0_1_is_moved_into_the_log(upgraded, clients):
    check_everything(clients, upgraded)
    store = upgraded.state / "store"
    assert not (store / "snapshot").exists()
    assert list(store.glob("log-*"))


@only_tacit
def test_what_was_moved_survives_a_kill(upgraded, clients):
    clients(upgraded, 5).open("")  # it serves: everything has been moved
    upgraded.kill()
    upgraded.start()
    check_everything(clients, upgraded)


@only_tacit
def test_a_snapshot_beside_a_log_in_use_is_set_aside(upgraded, clients):
    store = upgraded.state / "store"
    upgraded.stop()
    leave_behind(store, "0.1", "snapshot")
    upgraded.start()
    check_everything(clients, upgraded)
    assert (store / "snapshot.unused").exists() and not (store / "snapshot").exists()
    assert "snapshot.unused" in upgraded.log()
