# SPDX-License-Identifier: Apache-2.0
"""`tacit sense` over what a live broker has learned: what is known of a device and of a role, and
why it was told of."""

import itertools
import json
import time

import pytest

from support import wire
from support.audit import AuditLog
from support.broker import FOREIGN, TACIT
from support.fleet import FLEET, PERIOD_S, Fleet, reasons_of
from support.patience import patience
from support.secure import House

pytestmark = [pytest.mark.one_shard,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

CONFIG = """
shards = 1
sense { mode = respond learn = 1s shape = 1s prove = 1s }
limits { sense-window-ms = 50 sense-save-s = 3600 }
role "device" {
  publish   = { "devices/%{device}/#" }
}
role "twin" {
  publish   = { "devices/%{device}/#" }
}
listener "mqtts" {
  port = 8883
  client-certificates = required
}
"""


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(CONFIG)
        one.broker.start()
        yield one


@pytest.fixture(scope="module")
def fleet(house):
    one = Fleet(house)
    one.learn()
    yield one
    one.close()


def sense(house, *words, code=0):
    return house.tacit("sense", *words, "--state", house.state, code=code)


def told(house, *words, code=0):
    return json.loads(sense(house, *words, "--json", code=code).stdout)


def test_a_device_is_explained(house, fleet):
    name = FLEET[3]
    fleet.report_until(lambda: told(house, "explain", name)["phase"] == "watch", 20.0, "not watched")
    known = told(house, "explain", name)
    assert (known["device"], known["role"], known["window_ms"]) == (name, "device", 50)
    assert known["windows"] > 0 and known["age_s"] < patience(60)
    features = {one["feature"]: one for one in known["features"]}
    publishes = features["publishes"]
    assert 0 < publishes["own"] < 10 and 0 < publishes["own_weight"] <= 1
    assert publishes["low"] <= publishes["own"] <= publishes["high"]
    assert features["size"]["low"] < len(f"devices/{name}/t21.5") + 2 < features["size"]["high"]
    text = sense(house, "explain", name).stdout
    assert f"device {name} of role device" in text
    assert "published messages" in text
    assert "last alarm: none" in text or "last alarm: 20" in text


def test_a_role_is_explained(house, fleet):
    del fleet
    known = told(house, "explain", "--role", "device")
    assert known["role"] == "device"
    features = {one["feature"]: one for one in known["shards"][0]["features"]}
    assert features["publishes"]["of_role"] > 0
    assert "own" not in features["publishes"]
    assert "role device, shard 0: watch" in sense(house, "explain", "--role", "device").stdout


def test_the_last_alarm_is_explained_in_sentences(house, fleet):
    """Whoever floods is told of, alone or with others that a busy machine holds up."""
    audit = AuditLog(house.state)
    last = time.monotonic() + patience(40.0)
    found = []
    while not found:
        assert time.monotonic() < last, house.broker.log()[-3000:]
        fleet.say(FLEET[0], 400)
        time.sleep(PERIOD_S)
        found = [one for one in audit.records("sense") if FLEET[0] in
                 [one.get("device"), *one.get("devices", "").split()]]
    alarm = told(house, "explain", FLEET[0])["last_alarm"]
    assert alarm["time"] >= found[-1]["time"]
    assert alarm["record"]["verdict"] in {"attacking", "attacked"}
    first = alarm["reasons"][0]
    assert first["bits"] > 0 and first["low"] <= first["high"]
    assert first["model"] in {"own", "role", "rule"}
    assert first["sentence"].startswith("It ") and first["unit"] in first["sentence"]
    assert first["sentence"] in sense(house, "explain", FLEET[0]).stdout


def test_the_evidence_is_that_of_now(house, fleet):
    """Not that of when it was written the last time."""
    last = time.monotonic() + patience(40.0)
    known = {"evidence_bits": 0}
    while known["evidence_bits"] <= 0:
        assert time.monotonic() < last, known
        fleet.say(FLEET[1], 400)
        known = told(house, "explain", FLEET[1])
    assert max(one["bits"] for one in known["features"]) > 0
    assert known["age_s"] < patience(10)


def test_whom_nobody_knows_cannot_be_explained(house, fleet):
    del fleet
    assert "nothing was learned of a device 'nobody'" in sense(house, "explain", "nobody",
                                                               code=1).stderr
    assert "nothing was learned of a role" in sense(house, "explain", "--role", "nobody",
                                                    code=1).stderr
    sense(house, "explain", code=2)
    sense(house, "explain", FLEET[0], "--role", "device", code=2)


def phase_of(house, role="device"):
    found = {one["role"]: one for one in told(house, "status")["roles"]}
    return found[role]["phase"] if role in found else None


def test_a_role_is_learned_anew_at_once(house, fleet):
    """While it runs, and with who asked for it in the audit log."""
    done = told(house, "train", "device", "--again")
    assert done["done"] and "learned anew" in done["text"]
    known = told(house, "explain", "--role", "device")["shards"][0]
    assert (known["phase"], known["role_windows"] < 720) == ("learn", True)
    record = AuditLog(house.state).wait("administration", command="tacit sense train")
    assert (record["names"], record["again"]) == ("device", "yes") and record["uid"]
    watched = len(house.lines("behaviour of role device is watched"))
    fleet.report_until(lambda: len(house.lines("behaviour of role device is watched")) > watched,
                       60.0, "not watched again")


def test_a_role_learns_for_longer_and_is_finished(house, fleet):
    assert "learned for another 7200 s" in sense(house, "train", "device", "--for", "2h").stdout
    shaped = len(house.lines("behaviour of role device is learned: how odd"))
    windows = told(house, "explain", "--role", "device")["shards"][0]["role_windows"]
    fleet.report_until(lambda: told(house, "explain", "--role", "device")["shards"][0]
                       ["role_windows"] > windows + 800, 60.0, "nothing is learned")
    assert len(house.lines("behaviour of role device is learned: how odd")) == shaped
    refused = sense(house, "train", "device", "--finish", code=3).stderr
    assert "not known yet how odd" in refused and "--force" in refused
    assert phase_of(house) == "learn"
    assert "watched from now on" in sense(house, "train", "device", "--finish", "--force").stdout
    assert phase_of(house) == "watch"
    assert "watched already" in sense(house, "train", "device", "--finish").stdout


def test_a_device_that_was_replaced_is_forgotten(house, fleet):
    name = FLEET[5]
    before = told(house, "explain", name)["windows"]
    assert "learned anew" in sense(house, "train", "--forget", name).stdout
    assert told(house, "explain", name)["windows"] < before
    fleet.report_until(lambda: told(house, "explain", name)["windows"] > 0, 20.0, "not known again")


def test_what_cannot_be_trained_is_said(house, fleet):
    del fleet
    assert "nothing is known of role nobody" in sense(house, "train", "nobody", "--again",
                                                      code=1).stderr
    assert "nothing is known of device nobody" in sense(house, "train", "--forget", "nobody",
                                                        code=1).stderr
    for words in ([], ["device"], ["device", "--again", "--finish"], ["device", "--again", "--force"],
                  ["device", "--for", "soon"], ["device", "--forget", "pump-1"]):
        sense(house, "train", *words, code=2)


def test_without_a_broker_the_files_are_changed(house, fleet):
    house.broker.stop()
    assert "learned for another 3600 s" in sense(house, "train", "device", "--for", "1h").stdout
    assert phase_of(house) == "learn"
    assert "watched from now on" in sense(house, "train", "device", "--finish", "--force").stdout
    known = told(house, "explain", FLEET[0])["windows"]
    assert (phase_of(house), known > 0) == ("watch", True)
    house.broker.start()
    fleet.return_all()
    sense(house, "train", "--forget", FLEET[1])
    assert phase_of(house) == "watch"


@pytest.fixture(scope="module")
def model(house, fleet):
    """What was learned of a role that is watched, as a file."""
    fleet.report_until(lambda: phase_of(house) == "watch", 60.0, "not watched")
    path = house.home / "pump.model"
    done = told(house, "export", path, "--role", "device")
    assert [(one["role"], one["phase"]) for one in done["roles"]] == [("device", "watch")]
    assert path.stat().st_mode & 0o77 == 0
    assert path.read_bytes().startswith(b"tacit behaviour models, format 1")
    return path


def test_a_model_is_taken_up_under_another_name(house, fleet, model):
    """A new device of a role that was never seen here is watched, without a restart."""
    assert phase_of(house, "twin") is None
    assert "1 role and 0 devices taken up" in sense(house, "import", model, "--role",
                                                    "device=twin").stdout
    assert phase_of(house, "twin") == "watch"
    fleet.join("twin-1", "twin")
    audit = AuditLog(house.state)
    assert audit.wait("administration", command="tacit sense import")["names"] == str(model)
    last = time.monotonic() + patience(40.0)
    while not [one for one in audit.records("sense", role="twin") if one["verdict"] == "attacking"]:
        assert time.monotonic() < last, house.broker.log()[-3000:]
        fleet.say("twin-1", 400)
        time.sleep(PERIOD_S)


def test_what_was_there_before_comes_back(house, fleet, model):
    del fleet, model
    assert (house.state / "learning/behaviour.before").exists()
    assert told(house, "import", "--undo")["done"]
    assert phase_of(house, "twin") == "learn"
    assert told(house, "import", "--undo")["done"]
    assert phase_of(house, "twin") == "watch"


def test_what_cannot_be_imported_is_said(house, fleet, model):
    del fleet
    damaged, other = house.home / "damaged", house.home / "other"
    whole = model.read_bytes()
    damaged.write_bytes(whole[:3000] + b"x" + whole[3001:])
    other.write_bytes(b"something else")
    before = (house.state / "learning/behaviour.before").read_bytes()
    assert "it is damaged" in sense(house, "import", damaged, code=1).stderr
    assert "no file of tacit sense export" in sense(house, "import", other, code=1).stderr
    assert "no such role is in the file" in sense(house, "import", model, "--role", "x=device",
                                                  code=1).stderr
    assert "there is no role" in sense(house, "import", model, "--role", "device=devicf",
                                       code=1).stderr
    assert "nothing was learned of 'x'" in sense(house, "export", "-", "--role", "x", code=1).stderr
    sense(house, "import", code=2)
    sense(house, "import", model, "--undo", code=2)
    sense(house, "export", code=2)
    assert (house.state / "learning/behaviour.before").read_bytes() == before


def test_devices_come_along_when_asked_for(house, fleet, model):
    path = house.home / "devices.model"
    assert told(house, "export", path, "--devices")["devices"] >= len(FLEET)
    sense(house, "train", "--forget", FLEET[7])
    windows = told(house, "explain", FLEET[7])["windows"]
    done = sense(house, "import", path, "--devices", "--role", "device").stdout
    assert "1 role and 10 devices taken up" in done
    assert told(house, "explain", FLEET[7])["windows"] >= windows
    fleet.say(FLEET[7])
    del model


def test_a_model_is_taken_up_before_the_first_start(house, fleet, model):
    house.broker.stop()
    for file in (house.state / "learning").glob("behaviour.*"):
        file.unlink()
    assert phase_of(house) is None
    assert "taken up" in sense(house, "import", model).stdout
    assert phase_of(house) == "watch"
    learned = len(house.lines("behaviour of role device is learned"))
    house.broker.start()
    fleet.return_all()
    sense(house, "train", "--forget", FLEET[1])
    assert phase_of(house) == "watch"
    assert len(house.lines("behaviour of role device is learned")) == learned


def test_values_that_jump_are_told_of(house, fleet, model):
    """What a device says changes to and fro; the messages are as ever. One after the other, as whoever
    was told of with others on a busy machine is not told of again until that is over."""
    del model
    audit = AuditLog(house.state)

    def told_of(name):
        return [one for one in audit.records("sense", device=name)
                if any(reason.startswith("value: ") for reason in reasons_of(one))]

    last = time.monotonic() + patience(60.0)
    for name in itertools.cycle(FLEET):
        for turn in range(60):
            for other in fleet.clients:
                value = b"80.5" if other == name and turn % 2 else b"21.5"
                fleet.clients[other].send(wire.publish(5, f"devices/{other}/t", value, 0))
            time.sleep(PERIOD_S)
        if told_of(name):
            return
        assert time.monotonic() < last, sense(house, "events").stdout[-4000:]
