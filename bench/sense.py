# SPDX-License-Identifier: Apache-2.0
"""What the detector sees, how soon, how often it is wrong, and what it costs: sense-replay over fleets
that bench-fleet simulates and attacks (bench/sense/README.md), and bench-sense.

Thresholds are tuned on personas 1 to 10 and seeds below 100; the figures are of personas 11 to 20 and
seeds from 103 on, those of the first half are under "development". Figures of quarantines, of which
there are none yet, are null."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import subjects
from subjects import build, say

ROOT = subjects.ROOT
sys.path.append(str(ROOT / "bench" / "sense"))

import bounds  # noqa: E402
import grid  # noqa: E402

RIVALS = ("static", "percentile", "robust-z", "trees", "kitnet")
WANTED = {"ns_per_message": 30, "us_per_window": 2, "bytes_per_device": 512}
FALSE_ALERTS_WANTED = 0.01
HALVES = {"development": (range(1, 11), 1), "held_out": (range(11, 21), 103)}
SEEDS, CLEAN_DAYS, EACH = 3, 2, 10
SHORT_SEEDS, SHORT_CLEAN_DAYS, SHORT_EACH = 1, 1, 6


def cells(tools, half, seeds):
    personas, first = HALVES[half]
    names = [name for (name,) in tools.table("personas.def", r"^PERSONA\((\w+),")]
    return [grid.Cell(number, names[number - 1], first + turn,
                      grid.STARTS_H[turn % len(grid.STARTS_H)])
            for turn in range(seeds) for number in personas]


def share_of(runs, key):
    known = [run[key] for run in runs if run.get(key) is not None]
    return round(sum(known) / len(known), 3) if known else None


def summary(kind, intensity, runs):
    """One row of the table, of (cell, what grid.judge() says)."""
    seen = [(cell, run) for cell, run in runs if run is not None]
    found = [run for _, run in seen if run["found"]]
    times = [run["after_s"] for run in found]
    return {"attack": kind, "intensity": intensity,
            "stealthy": intensity in grid.STEALTHY.get(kind, ()),
            "runs": len(seen), "found": len(found),
            "recall": round(len(found) / len(seen), 3) if seen else None,
            "recall_95": bounds.share(len(found), len(seen)),
            "time_to_detect_s": round(statistics.median(times), 3) if times else None,
            "time_to_detect_most_s": round(max(times), 3) if times else None,
            "top3": share_of(found, "top3"), "verdict_right": share_of(found, "verdict"),
            "missed_on": sorted({cell.name for cell, run in seen if not run["found"]}),
            "others_told": sum(run["others"] for _, run in seen)}


def overall(rows):
    """Recall of the loud and of the stealthy, and what was right of what was found."""
    def recall(some):
        runs = sum(row["runs"] for row in some)
        return round(sum(row["found"] for row in some) / runs, 3) if runs else None

    def right(key):
        some = [row for row in rows if row[key] is not None]
        found = sum(row["found"] for row in some)
        return round(sum(row[key] * row["found"] for row in some) / found, 3) if found else None
    return {"recall_overt": recall([row for row in rows if not row["stealthy"]]),
            "recall_stealthy": recall([row for row in rows if row["stealthy"]]),
            "top3": right("top3"), "verdict_right": right("verdict_right")}


def reasons(persona, alarms):
    """For whoever looks for the cause of false alarms."""
    return [{"persona": persona, "event": one["event"], "t": one["t"], "device": one["device"],
             "text": one["text"]} for one in alarms]


def traces_of(cell, attacks, events, days):
    """Everything that one cell is tested on, by name."""
    traces = {"clean": grid.clean_trace(days)}
    traces |= {f"attack-{turn}": grid.attack_trace(cell, *one) for turn, one in enumerate(attacks)}
    if events:
        traces["calm"] = grid.event_trace(cell)
    return traces | {f"event-{one}": grid.event_trace(cell, one) for one in events}


class Count:
    """What one detector says of all cells of a half."""

    def __init__(self, attacks, events):
        self.attacks = {one: [] for one in attacks}
        self.events = {one: [] for one in events}
        self.told, self.days = [], 0.0

    def add(self, cell, attacks, events, told):
        false, days = grid.clean(*told["clean"])
        self.told, self.days = self.told + reasons(cell.name, false), self.days + days
        for turn, one in enumerate(attacks):
            self.attacks[one].append((cell, grid.judge(*told[f"attack-{turn}"])))
        for one in events:
            self.events[one].append(grid.benign(told[f"event-{one}"][0], told["calm"][0]))
        return len(false)

    def report(self):
        rows = [summary(*one, runs) for one, runs in self.attacks.items()]
        return {"attacks": rows, "overall": overall(rows),
                "benign_events": [{"event": one, "runs": len(runs),
                                   "device_alarms": sum(run["devices"] for run in runs),
                                   "group_events": sum(run["groups"] for run in runs)}
                                  for one, runs in self.events.items()],
                "false_alerts_per_device_day": bounds.rate(len(self.told), self.days),
                "false_alerts": self.told}


def measure(tools, half, seeds, is_short):
    """One half of the personas. Short: each attack on one persona in turn, not on all. What rivals say
    of the same traces is beside, without the false alerts one by one."""
    every = cells(tools, half, seeds)
    attacks = tools.table("attacks.def", r'^ATTACK\((R\d+), "([^"]+)"')
    events = [name for (name,) in tools.table("fleet_events.def", r"^EVENT\((\w+),")]
    counts = {name: Count(attacks, events) for name in tools.detectors}
    for turn, cell in enumerate(every):
        step = slice(turn % len(every), None, len(every)) if is_short else slice(None)
        traces = traces_of(cell, attacks[step], events[step],
                           SHORT_CLEAN_DAYS if is_short else CLEAN_DAYS)
        told = tools.test(cell, traces)
        false = {name: counts[name].add(cell, attacks[step], events[step], told[name])
                 for name in counts}
        say(f"sense: {half}: {cell.name}, seed {cell.seed}: {false['sense']} false alarms")
    report = counts.pop("sense").report()
    rivals = {name: count.report() for name, count in counts.items()}
    for rival in rivals.values():
        del rival["false_alerts"]
    return report | ({"rivals": rivals} if rivals else {}) | {
        "personas": sorted({cell.name for cell in every}),
        "seeds": sorted({cell.seed for cell in every}), "devices_each": tools.each}


def costs(tools, rounds):
    if rounds == 0:
        return dict.fromkeys(WANTED)
    runs = [json.loads(subprocess.run(["taskset", "-c", "1", str(tools / "bench-sense")],
                                      capture_output=True, text=True, check=True).stdout)
            for _ in range(rounds)]
    return {key: min(run[key] for run in runs) for key in WANTED}


def is_reached(report):
    dear = any(report[key] is not None and report[key] > WANTED[key] for key in WANTED)
    return not dear and report["false_alerts_per_device_day"]["value"] <= FALSE_ALERTS_WANTED


def run(rounds, seeds=None, is_short=False, halves=("held_out", "development"), rivals=()):
    """`rounds` is how often the costs are measured, 0: not. Short has the held-out half only. `rivals` are
    names of RIVALS, which see the same traces."""
    folder = build("bench-sense", "bench-fleet", "sense-replay", "bench-rivals")
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as name:
        tools = grid.Tools(folder, ROOT / "bench" / "sense", pathlib.Path(name),
                           SHORT_EACH if is_short else EACH, rivals)
        wanted = halves[:1] if is_short else halves
        done = {half: measure(tools, half, seeds or (SHORT_SEEDS if is_short else SEEDS), is_short)
                for half in wanted}
    report = {"name": "sense", "stands_on": wanted[0], **done.pop(wanted[0]), **done,
              "false_quarantines_per_device_day": {
                  "value": None, "low_95": None, "high_95": None,
                  "reason": "nothing is quarantined by a replay"},
              **costs(folder / "bench", rounds), "wanted_at_most": WANTED}
    return report | {"ok": is_reached(report)}
