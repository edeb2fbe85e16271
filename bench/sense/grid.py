# SPDX-License-Identifier: Apache-2.0
"""The grid: which attack on which persona with which seed, and what the detector says of each.

A persona is a role: a fleet of it is learned for a day, and tested on the days that follow with the
same devices. bench-fleet makes both, and says in a file beside what really happened."""
import collections
import json
import re
import subprocess

HOUR, DAY = 3600, 86400
LATE_S = 120  # for so long after an attack it still counts as found
STARTS_H = (10, 15, 21, 4)  # hours of the day, one a seed
WARM_H, AFTER_H = 2, 1
# Attacks that need more than an hour to be seen by anybody.
HOURS = {("R12", "+20%"): 4, ("R12", "+50%"): 4, ("R16", "ramp"): 12}
ROLE_HOURS = 4  # of events that must not alarm, which go through a fleet
STEALTHY = {"R1": {"1/min"}, "R2": {"50"}, "R3": {"1/min", "1/min-300"}, "R4": {"5"},
            "R6": {"x2"}, "R7": {"64KiB"}, "R8": {"1/min"}, "R9": {"permitted"},
            "R10": {"subscribe-1/min", "publish-1/min"}, "R11": {"once", "off"},
            "R12": {"+20%", "+50%"}, "R13": {"5%"}, "R14": {"insertion", "modification"},
            "R15": {"0.6"}, "R16": {"ramp", "mimicry", "split", "victim"}}

Cell = collections.namedtuple("Cell", "persona name seed start_h")


class Tools:
    """The two programs, a folder for what passes between them, and how many devices a fleet has. The
    training of the last cell is kept: attacks on it follow each other."""

    def __init__(self, folder, source, place, each):
        self.fleet, self.replay = folder / "bench/bench-fleet", folder / "sense-replay"
        self.source, self.place, self.each, self.trained = source, place, each, None

    def table(self, name, pattern):
        text = (self.source / name).read_text(encoding="utf-8")
        return [found.groups() for found in re.finditer(pattern, text, re.MULTILINE)]

    def write(self, path, cell, *options):
        with open(path, "wb") as file:
            subprocess.run([self.fleet, "--seed", str(cell.seed), "--personas", str(cell.persona),
                            "--each", str(self.each), *options], stdout=file, check=True)

    def train(self, cell):
        path = self.place / "train.csv"
        if self.trained != cell:
            self.write(path, cell, "--for", "1d")
            self.trained = cell
        return path

    def test(self, cell, begin_h, end_h, *options):
        """What is told of those hours: (alarms, the truth)."""
        path, truth = self.place / "test.csv", self.place / "truth.jsonl"
        train = self.train(cell)
        self.write(path, cell, "--from", f"{begin_h}h", "--for", f"{end_h}h",
                   "--truth", str(truth), *options)
        done = subprocess.run([self.replay, "--train", train, "--test", path, "--json"],
                              capture_output=True, text=True, timeout=900, check=True)
        return ([json.loads(line) for line in done.stdout.splitlines()],
                [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()])


def is_of(alarm, victims, wanted):
    """Whether an alarm names one of those it should name: an address, which may be the listener's
    own entry where there are many, or a device."""
    if wanted == "source":
        sources = {one["source"] for one in victims}
        return alarm["event"] == "source" and (alarm["source"] in sources or not alarm["source"])
    return bool({one["device"] for one in victims}
                & set(alarm.get("devices") or [alarm["device"]]))


def judge(alarms, truth):
    """One attack: None when nothing of it happened, so that there was nothing to be seen."""
    victims = [one for one in truth if "attack" in one and one["touched"] > 0]
    if not victims:
        return None
    first, wanted = min(one["first"] for one in victims), victims[0]["verdict"]
    last = max(one["to"] for one in victims) + LATE_S
    hits = [one for one in alarms if first <= one["t"] <= last and is_of(one, victims, wanted)]
    found = {"found": bool(hits), "others": len(alarms) - len(hits)}
    if hits:
        features = set(victims[0]["features"])
        reasons = {one["feature"] for one in hits[0]["top"][:3]}
        says = "source" if hits[0]["event"] == "source" else hits[0]["verdict"]
        found |= {"after_s": hits[0]["t"] - first, "verdict": says == wanted,
                  "top3": bool(features & reasons) if features else None}
    return found


def attack(tools, cell, kind, intensity):
    start, hours = 24 + cell.start_h, HOURS.get((kind, intensity), 1)
    what = f"{kind}:{intensity}@{start}h+{hours}h:persona={cell.name}"
    return judge(*tools.test(cell, start - WARM_H, start + hours + AFTER_H, "--attack", what))


def clean(tools, cell, days):
    """(alarms, device-days) without an attack."""
    alarms, truth = tools.test(cell, 24, 24 + 24 * days)
    return alarms, truth[0]["fleet"]["device_days"]


def benign(tools, cell, event):
    """Alarms of something that must not alarm, and would not be there without it. A group that is
    told of again is one event."""
    start = 24 + cell.start_h
    span = (start - WARM_H, start + ROLE_HOURS)
    before = {(one["t"], one["device"]) for one in tools.test(cell, *span)[0]}
    told = [one for one in tools.test(cell, *span, "--event", f"{event}@{start}h:persona={cell.name}")[0]
            if (one["t"], one["device"]) not in before]
    groups = [one for one in told if one["event"] == "group"]
    return {"devices": len(told) - len(groups), "groups": min(1, len(groups))}
