# SPDX-License-Identifier: Apache-2.0
"""sense-replay from outside: its command line, traces made here, and public captures where they are
at hand ($TACIT_SHARED, or ../shared beside the tree)."""

import collections
import csv
import gzip
import io
import json
import os
import pathlib
import subprocess

import pytest

from support.broker import ROOT, TACITD
from support.patience import patience

REPLAY = TACITD.parent / "sense-replay"
SHARED = pathlib.Path(os.environ.get("TACIT_SHARED", ROOT.parent / "shared")) / "data/events"
COLUMNS = ("t_epoch,client_ip,tcp_stream,dir,mqtt_type,client_id,topic,remaining_len,qos,keepalive,"
           "connack_rc,payload_hex,label")
BEGIN, HOUR = 1700000000, 3600

pytestmark = pytest.mark.skipif(not REPLAY.exists(), reason=f"no {REPLAY}")
captures = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no captures in {SHARED}: not measured")


def run(*arguments, code=0):
    done = subprocess.run([str(REPLAY), *map(str, arguments)], capture_output=True, text=True,
                          timeout=patience(240.0))
    assert done.returncode == code, done.stderr
    return done


def alarms(train, *tests):
    done = run("--train", *train, "--test", *tests, "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(at, number, kind, direction="up", topic="", address=None, answer="", name=None):
    name = f"pump-{number}" if name is None else name
    address = address or f"192.0.2.{number}"
    return (f"{BEGIN + at:.3f},{address},1,{direction},{kind},{name},{topic},40,0,60,{answer},,")


def quiet(hours, silent=()):
    """Six pumps that speak every ten seconds; those in `silent` do not after the first hour."""
    lines = []
    for number in range(1, 7):
        lines += [(number * .1, row(number * .1, number, 1)),
                  (number * .1 + .05, row(number * .1 + .05, number, 2, "down", answer="0"))]
        for n in range(hours * HOUR // 10):
            at = n * 10 + 1 + number * .3
            if number not in silent or at < HOUR:
                lines.append((at, row(at, number, 3, topic=f"pumps/{number}")))
    return lines


def write(path, lines):
    path.write_text("\n".join([COLUMNS] + [line for _, line in sorted(lines)]) + "\n")
    return path


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    return [write(tmp_path_factory.mktemp("sense") / "train.csv", quiet(2))]


def test_help_and_usage():
    assert run("--help").stdout.startswith("usage: sense-replay --train")
    for arguments in ([], ["--train", "x"], ["--test", "x"], ["--train", "--test", "x"],
                      ["--train", "x", "--test", "y", "--wrong"]):
        assert "usage:" in run(*arguments, code=2).stderr


def test_what_cannot_be_read_is_named(train, tmp_path):
    assert "nowhere" in run("--train", "/nowhere", "--test", train[0], code=1).stderr
    bad = tmp_path / "bad.csv"
    bad.write_text(COLUMNS + "\n" + row(1, 1, 3) + "\nrubbish\n" + row(2, 1, 77) + "\n")
    said = run("--train", *train, "--test", bad).stderr
    assert f"{bad}:3: fewer fields" in said and f"{bad}:4: mqtt_type" in said


def test_nothing_is_said_of_what_is_usual(train, tmp_path):
    assert alarms(train, write(tmp_path / "t.csv", quiet(2))) == []


def test_one_that_falls_silent_is_explained(train, tmp_path):
    [alarm] = alarms(train, write(tmp_path / "t.csv", quiet(2, silent=[3])))
    assert (alarm["event"], alarm["device"], alarm["verdict"]) == ("device", "pump-3", "attacked")
    assert alarm["t"] - BEGIN - HOUR < 60
    assert alarm["evidence_bits"] > 20 and alarm["text"].startswith("pump-3 attacked for")
    top = alarm["top"][0]
    assert top["feature"] in ("silent", "starved") and top["model"] in ("own", "role")
    assert abs(sum(one["bits"] for one in alarm["top"]) - alarm["score_bits"]) < 1
    assert alarm["sample_topics"] == ["pumps/3"] and alarm["peers"]["total"] == 6


def test_several_at_once_are_one_event(train, tmp_path):
    [alarm] = alarms(train, write(tmp_path / "t.csv", quiet(2, silent=[2, 3, 4, 5])))
    assert alarm["event"] == "group"
    assert sorted(alarm["devices"]) == [f"pump-{n}" for n in (2, 3, 4, 5)]


def test_a_wildcard_is_seen_at_its_first_packet(train, tmp_path):
    lines = quiet(2) + [(HOUR + .5, row(HOUR + .5, 4, 8, topic="#"))]
    [alarm] = alarms(train, write(tmp_path / "t.csv", lines))
    assert (alarm["device"], alarm["verdict"]) == ("pump-4", "attacking")
    assert alarm["t"] - BEGIN - HOUR < 1
    assert alarm["top"][0]["feature"] == "wildcards"


def test_guessing_in_the_name_of_a_victim_is_held_against_the_source(train, tmp_path):
    """Not reachable by unauthenticated traffic: the victim is in no alarm."""
    lines = quiet(2)
    for n in range(60):
        at = HOUR + n * .5
        lines += [(at, row(at, 2, 1, address="198.51.100.7")),
                  (at + .01, row(at + .01, 2, 2, "down", address="198.51.100.7", answer="5"))]
    [alarm] = alarms(train, write(tmp_path / "t.csv", lines))
    assert (alarm["event"], alarm["source"], alarm["device"]) == ("source", "198.51.100.7", None)
    assert alarm["t"] - BEGIN - HOUR < 10


def test_files_apart_do_not_teach_each_other(train, tmp_path):
    """Topics that are new once are new in each file, and who came in one is a stranger in the next."""
    lines = quiet(2) + [(HOUR + n, row(HOUR + n, 4, 3, topic=f"other/{n}")) for n in range(30)]
    files = [write(tmp_path / name, lines) for name in ("a.csv", "b.csv")]
    told = [json.loads(line) for line in
            run("--train", *train, "--test", *files, "--apart", "--json").stdout.splitlines()]
    first, second = ([one | {"file": None} for one in told if one["file"] == str(name)]
                     for name in files)
    assert first and first == second


def test_two_replays_say_the_same(train, tmp_path):
    lines = write(tmp_path / "t.csv", quiet(2, silent=[2, 3]))
    assert alarms(train, lines) == alarms(train, lines)


def mqttset(name):
    return SHARED / f"mqttset_{name}.csv.gz"


@captures
def test_mqttset_clients_that_were_never_seen_are_left_alone():
    assert alarms([mqttset("benign5mb_train")], mqttset("benign5mb_test")) == []


@captures
@pytest.mark.parametrize("attack,begins,within", [
    ("bruteforce", 1592812177.398, 15), ("flood", 1591954552.217, 10),
    ("malariados", 1591799819.022, 10), ("malformed", 1593619876.361, 10),
    ("slowite", 1563978993.234, 2)])
def test_mqttset_attacks_are_seen_in_the_first_window(attack, begins, within):
    told = alarms([mqttset("benign5mb_train")], mqttset(attack))
    assert told and told[0]["verdict"] == "attacking"
    assert told[0]["t"] - begins <= within


def dad(day):
    return SHARED / f"dad_201910{day}.csv.gz"


@captures
@pytest.mark.parametrize("day,verdict,begins,within", [
    (22, "attacked", 1571696403, 120), (23, "attacking", 1571796903, 1800)])
def test_dad_days_are_told_of_and_nobody_else_is(day, verdict, begins, within):
    """What was removed, and what was modified: the four sensors of one node; no other is named."""
    told = alarms([dad(21)], dad(day))
    named = {name for alarm in told for name in alarm.get("devices", [alarm["device"]])}
    assert named == {"131", "132", "133", "134"}
    assert told[0]["verdict"] == verdict
    assert 0 <= told[0]["t"] - begins <= within


BASELINE = ("router", "switch", "edge1", "ap")
FAST = {"accelerometer": "ard-w-10", "gas": "ard-w-07", "light": "ard-w-15", "soil": "ard-w-02",
        "sound": "ard-w-03", "steam": "ard-w-08", "ultrasonic": "ard-w-12", "water": "ard-w-06",
        "weather": "ard-w-01"}


def datasense():
    """{run: its rows}, and the names of the columns."""
    text = gzip.open(SHARED / "cic_datasense_dos_messages.csv.gz", "rt").read()
    names, *rows = csv.reader(io.StringIO(text))
    runs = collections.OrderedDict()
    for one in rows:
        runs.setdefault(one[0], []).append(one)
    return names, runs


def seconds(rows):
    """How long a run is, by its timestamps, which are of one day."""
    at = [sum(float(part) * weight for part, weight in
              zip(one[3][11:-1].split(":"), (3600, 60, 1))) for one in rows]
    return max(at) - min(at)


@captures
def test_datasense_boards_under_flood_are_named(tmp_path):
    names, runs = datasense()
    calm = [rows for rows in runs.values()
            if rows[0][2] in BASELINE and len(rows) / max(1, seconds(rows)) > 18]
    hit = {run: rows for run, rows in runs.items()
           if rows[0][2].removesuffix("-sensor") in FAST and seconds(rows) > 30}

    def save(name, some):
        with open(tmp_path / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names] + [one for rows in some for one in rows])
        return tmp_path / name

    base = save("base.csv", calm[:31])
    assert len(alarms([base], save("calm.csv", calm[31:]))) <= 1
    told = collections.defaultdict(set)
    for alarm in alarms([base], save("hit.csv", hit.values())):
        told[alarm["run"]].update(alarm.get("devices", [alarm["device"]]))
    found = [run for run, rows in hit.items()
             if FAST[rows[0][2].removesuffix("-sensor")] in told[run]]
    assert len(found) >= 0.9 * len(hit)
