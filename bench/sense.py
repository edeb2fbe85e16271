# SPDX-License-Identifier: Apache-2.0
"""What the detector sees, how soon, how often it is wrong, and what it costs: sense-replay over fleets
that are simulated (bench/sense/fleet.py) and attacked (bench/sense/attacks.py), and bench-sense.

The fleets were used while the detector was made, with other seeds: development figures. Those of the
live broker, and quarantines, of which there are none yet, are null."""
import json
import pathlib
import subprocess
import sys
import tempfile

import subjects
from subjects import build, say

ROOT = subjects.ROOT
sys.path.append(str(ROOT / "bench" / "sense"))

import attacks  # noqa: E402
import fleet  # noqa: E402

SEED, EACH, CLEAN_EACH, CLEAN_DAYS = 20, 2, 4, 2
BEGINS, LASTS = 6 * 3600, 3 * 3600
WANTED = {"ns_per_message": 30, "us_per_window": 2, "bytes_per_device": 512}
# Upper 95 % bounds of a Poisson mean of which 0, 1, 2 ... were seen.
POISSON_95 = (2.996, 4.744, 6.296, 7.754, 9.154, 10.513, 11.842, 13.148)


def replay(tool, train, test):
    done = subprocess.run([str(tool), "--train", str(train), "--test", str(test), "--json"],
                          capture_output=True, text=True, timeout=900, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(alarm, wanted):
    if wanted == "source":
        return alarm["event"] == "source"
    return wanted in alarm.get("devices", [alarm["device"]])


def attack(tool, place, calm, case):
    kind, intensity, wanted, verdict, features, change = case
    at = fleet.BEGIN + fleet.DAY + BEGINS
    fleet.write(place / "attack.csv", [one for one in change(calm, at) if one[0] < at + LASTS])
    told = replay(tool, place / "train.csv", place / "attack.csv")
    hits = [alarm for alarm in told if alarm["t"] >= at and names(alarm, wanted)]
    first = hits[0] if hits else None
    result = {
        "attack": kind, "intensity": intensity, "recall": int(bool(hits)),
        "time_to_detect_s": round(first["t"] - at, 3) if first else None,
        "top3": int(bool({one["feature"] for one in first["top"][:3]} & features)) if first else None,
        "verdict_right": int(first["verdict"] == verdict) if first else None,
        "others_told": len(told) - len(hits)}
    say(f"sense: {kind} {intensity}: {result['time_to_detect_s']} s")
    return result


def false_alarms(tool, place):
    fleet.write(place / "clean-train.csv", fleet.quiet(SEED + 1, 0, 1, CLEAN_EACH))
    fleet.write(place / "clean.csv", fleet.quiet(SEED + 1, 1, CLEAN_DAYS, CLEAN_EACH))
    count = len(replay(tool, place / "clean-train.csv", place / "clean.csv"))
    days = len(fleet.PERSONAS) * CLEAN_EACH * CLEAN_DAYS
    bound = POISSON_95[count] if count < len(POISSON_95) else 2.0 * count
    say(f"sense: {count} false alarms in {days} device-days")
    return {"count": count, "device_days": days, "rate": count / days, "at_most_95": bound / days}


def costs(tools, rounds):
    runs = [json.loads(subprocess.run(["taskset", "-c", "1", str(tools / "bench-sense")],
                                      capture_output=True, text=True, check=True).stdout)
            for _ in range(rounds)]
    return {key: min(run[key] for run in runs) for key in WANTED}


def run(rounds):
    folder = build("bench-sense")
    build("sense-replay")
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as name:
        place = pathlib.Path(name)
        tool = folder / "sense-replay"
        fleet.write(place / "train.csv", fleet.quiet(SEED, 0, 1, EACH))
        calm = fleet.quiet(SEED, 1, (BEGINS + LASTS) / fleet.DAY, EACH)
        found = [attack(tool, place, calm, case) for case in attacks.ALL]
        wrong = false_alarms(tool, place)
    cost = costs(folder / "bench", rounds)
    return {"name": "sense", "attacks": found, "false_alerts_per_device_day": wrong,
            "false_quarantines_per_device_day": None, **cost, "wanted_at_most": WANTED,
            "ok": all(cost[key] <= WANTED[key] for key in WANTED)}
