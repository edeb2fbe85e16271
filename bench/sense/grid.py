# SPDX-License-Identifier: Apache-2.0
"""The grid: which attack on which persona with which seed, and what the detector says of each.

A persona is a role: a fleet of it is learned for a day, and tested on the days that follow with the
same devices. bench-fleet makes both, and says in a file beside what really happened."""
import collections
import json
import pathlib
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
    """The programs, a folder for what passes between them, some gigabytes, and how many devices a fleet
    has. The training of the last cell is kept."""

    def __init__(self, folder, source, place, each, rivals=()):
        self.fleet = folder / "bench/bench-fleet"
        self.detectors = {"sense": [folder / "sense-replay"]} | {
            name: [folder / "bench/bench-rivals", "--rival", name] for name in rivals}
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

    def ask(self, command, train, paths):
        """What one detector tells of each trace by the training alone: {name: alarms}."""
        told = collections.defaultdict(list)
        done = subprocess.run([*command, "--train", train, "--test", *paths, "--apart", "--json"],
                              capture_output=True, text=True, timeout=1800, check=True)
        for line in done.stdout.splitlines():
            alarm = json.loads(line)
            told[pathlib.Path(alarm["file"]).stem].append(alarm)
        return told

    def test(self, cell, traces):
        """What each detector tells of some traces, {name: (begin_h, end_h, *options)}:
        {detector: {name: (alarms, the truth)}}."""
        train = self.train(cell)
        for name, (begin_h, end_h, *options) in traces.items():
            self.write(self.place / f"{name}.csv", cell, "--from", f"{begin_h}h", "--for",
                       f"{end_h}h", "--truth", str(self.place / f"{name}.truth"), *options)
        paths = [self.place / f"{name}.csv" for name in traces]
        truths = {name: [json.loads(line) for line in
                         (self.place / f"{name}.truth").read_text(encoding="utf-8").splitlines()]
                  for name in traces}
        told = {one: self.ask(command, train, paths) for one, command in self.detectors.items()}
        return {one: {name: (alarms[name], truths[name]) for name in traces}
                for one, alarms in told.items()}


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


def attack_trace(cell, kind, intensity):
    start, hours = 24 + cell.start_h, HOURS.get((kind, intensity), 1)
    return (start - WARM_H, start + hours + AFTER_H, "--attack",
            f"{kind}:{intensity}@{start}h+{hours}h:persona={cell.name}")


def event_trace(cell, event=None):
    """Of something that must not alarm; without one, the same hours of the same fleet."""
    start = 24 + cell.start_h
    what = ["--event", f"{event}@{start}h:persona={cell.name}"] if event else []
    return (start - WARM_H, start + ROLE_HOURS, *what)


def clean_trace(days):
    return (24, 24 + 24 * days)


def clean(alarms, truth):
    """(false alarms, device-days). A group that is told of again is one event."""
    return ([one for one in alarms if not one.get("again")], truth[0]["fleet"]["device_days"])


def benign(alarms, without):
    """Alarms that are not there `without` the event."""
    before = {(one["t"], one["device"]) for one in without}
    told = [one for one in alarms if (one["t"], one["device"]) not in before]
    groups = [one for one in told if one["event"] == "group"]
    return {"devices": len(told) - len(groups), "groups": min(1, len(groups))}
