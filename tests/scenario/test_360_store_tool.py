# SPDX-License-Identifier: Apache-2.0
"""`tacit store`: what is kept on disk can be checked, looked into and repaired."""

import json
import re
import subprocess

import pytest

from support.broker import FOREIGN, TACIT
from support.patience import patience

from test_010_sessions import kept

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
TOOL_S = patience(20.0)
BLOCK = 4096
SECRET = b"nobody's business"


class Kept:
    """A broker, and the tool that looks at what it keeps."""

    def __init__(self, broker, clients, unique):
        self.broker, self.clients = broker, clients
        self.topic, self.client = unique("t"), unique("keeper")

    def store(self, *words, code=0):
        done = subprocess.run([str(TACIT), "store", *words, "--state", str(self.broker.state)],
                              capture_output=True, text=True, timeout=TOOL_S, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words, code=0):
        return json.loads(self.store(*words, "--json", code=code).stdout)

    def dump(self, *words):
        return [json.loads(line) for line in self.store("dump", *words, "--json").stdout.split("\n")
                if line]

    def open(self, name=None):
        return self.clients(self.broker, 5).open(name or self.client, **kept(5))

    def fill(self):
        """A session with a subscription and ten messages waiting, and a retained message."""
        one = self.open()
        one.subscribe((f"{self.topic}/#", 1))
        one.drop()
        sender = self.open(f"{self.client}-sender")
        for i in range(10):
            sender.publish(f"{self.topic}/{i}", b"%d %s" % (i, SECRET), qos=1)
        sender.publish(f"{self.topic}/kept", SECRET, qos=1, retain=True)

    def segments(self):
        return sorted(path for path in (self.broker.state / "store").iterdir()
                      if re.fullmatch("log-[0-9a-f]{16}", path.name))

    def spoil(self, text):
        """Changes a byte of a text that stands in a segment; returns the segment's name."""
        for path in self.segments():
            content = path.read_bytes()
            at = content.find(text)
            if at >= 0:
                with path.open("r+b") as file:
                    file.seek(at)
                    file.write(bytes([content[at] ^ 1]))
                return path.name
        raise AssertionError(f"{text} is nowhere in the log")


@pytest.fixture(name="house")
def _house(variant, clients, unique):
    house = Kept(variant(), clients, unique)
    house.fill()
    return house


def test_it_looks_beside_a_running_broker(house):
    found = house.json("check")
    assert found["whole"] and not found["damages"]
    assert "all whole" in house.store("check").stdout
    figures = house.json("stat")
    assert figures["things"]["delivery"]["things"] == 11
    assert figures["things"]["retained"]["things"] == 1
    assert 0 < figures["living_bytes"] <= figures["used_bytes"] <= figures["bytes"]
    assert "retained" in house.store("stat").stdout
    house.open().messages(11)
    assert house.json("check")["whole"]


def test_dump_tells_whose_and_what_but_not_the_messages(house):
    things = house.dump()
    session = next(t for t in things if t["kind"] == "session" and t["client_id"] == house.client)
    filters = [t["filter"] for t in things
               if t["kind"] == "subscription" and t["session"] == session["number"]]
    assert filters == [f"{house.topic}/#"]
    waiting = [t for t in things if t["kind"] == "delivery" and t["client_id"] == house.client]
    assert [t["topic"] for t in waiting] == [
        *(f"{house.topic}/{i}" for i in range(10)), f"{house.topic}/kept"]
    assert all(t["state"] == "queued" and t["qos"] == 1 for t in waiting)
    assert [t["topic"] for t in things if t["kind"] == "retained"] == [f"{house.topic}/kept"]
    people = house.store("dump").stdout
    assert house.client in people and SECRET.decode() not in people
    assert SECRET.decode() not in house.store("dump", "--json").stdout
    assert SECRET.decode() in house.store("dump", "--payloads").stdout
    assert f"3 {SECRET.decode()}" in [t.get("payload") for t in house.dump("--payloads")]


def test_dump_all_tells_every_operation_in_order(house):
    house.open().messages(11)
    house.broker.stop()  # what came last is in the log then, too
    operations = house.dump("--all")
    sequences = [o["sequence"] for o in operations]
    assert sequences == sorted(sequences)
    assert {o["op"] for o in operations} == {"put", "drop"}
    dropped = [o["number"] for o in operations if o["op"] == "drop" and o["kind"] == "delivery"]
    assert len(dropped) == 11


def test_damage_is_named_and_repaired(house):
    house.broker.stop()
    spoilt = house.spoil(b"4 " + SECRET)
    found = house.json("check", code=1)
    assert not found["whole"]
    (damage,) = found["damages"]
    assert damage["segment"] == spoilt and damage["offset"] % BLOCK == 0
    people = house.store("check", code=1).stdout
    assert spoilt in people and str(damage["offset"]) in people
    assert f"tacit store repair --state '{house.broker.state}'" in people

    report = house.json("repair")
    assert report["damages"] == [damage]
    assert report["lost"] == {"delivery": 1}
    assert report["clients"] == [house.client]
    assert report["aside"] == [f"{spoilt}.damaged-1"]
    assert (house.broker.state / "store" / report["aside"][0]).exists()
    assert house.json("check")["whole"]

    house.broker.start()
    got = [int(m.payload.split()[0]) for m in house.open().messages(10) if m.payload != SECRET]
    assert got == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_repair_wants_the_broker_stopped(house):
    refused = house.store("repair", code=1)
    assert "stop it first" in refused.stderr
    house.open().messages(11)
    house.broker.stop()
    assert "nothing is damaged" in house.store("repair").stdout
    house.broker.start()
    assert house.open().connack.session_present


@pytest.mark.parametrize("words, said", [
    (["check", "more"], "one word too many"),
    (["dump", "--twice"], "unknown option"),
    (["mend"], "there is no 'mend'"),
])
def test_usage(words, said):
    done = subprocess.run([str(TACIT), "store", *words], capture_output=True, text=True,
                          timeout=TOOL_S, check=False)
    assert done.returncode == 2 and said in done.stderr


def test_help_and_a_folder_that_is_not_there(tmp_path):
    done = subprocess.run([str(TACIT), "store", "--help"], capture_output=True, text=True,
                          timeout=TOOL_S, check=False)
    assert done.returncode == 0 and "repair" in done.stdout
    for word in ("check", "stat", "dump", "repair"):
        done = subprocess.run([str(TACIT), "store", word, "--state", str(tmp_path / "no")],
                              capture_output=True, text=True, timeout=TOOL_S, check=False)
        assert done.returncode == 1 and "no" in done.stderr
