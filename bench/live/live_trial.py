# SPDX-License-Identifier: Apache-2.0
"""One replay against a live broker: what is done, what the broker says of it, and whether it is right."""
import contextlib
import re
import time

from support.client import Closed

POLL_S = 0.002
AFTER_S = 5.0  # the detector's, in which it goes on after it was found
TOLD = ("sense", "sense-source")


class Replay:
    """`act(trial)` is a generator: what is done, yielding how many of the detector's seconds nothing
    is. Whom it is of: `verdict` "attacking" or "attacked" of the trial's victims, "source" of its
    addresses. Of `features` one should be among the first three reasons. `rules` are kinds of records
    besides those of the detector by which it counts as found, `wanted_s` is the target, `bound_s` how
    long it goes on; both the detector's seconds. `victims` is a number, or a share of the role."""

    def __init__(self, kind, intensity, act, verdict, features, bound_s, wanted_s=None, role="meter",
                 victims=1, rules=(), is_stealthy=False, is_fast=False):
        self.kind, self.intensity, self.act, self.verdict = kind, intensity, act, verdict
        self.features, self.bound_s, self.wanted_s = set(features.split()), bound_s, wanted_s
        self.role, self.victims, self.rules = role, victims, rules
        self.is_stealthy, self.is_fast = is_stealthy, is_fast


    def count_of(self, role):
        """How many victims it has, of so many that have the role."""
        return self.victims if isinstance(self.victims, int) else max(1, round(self.victims * role))


class Trial:
    """What a replay works with: the site, those it has got hold of, and addresses of its own."""

    def __init__(self, site, replay):
        self.site, self.fleet, self.replay = site, site.fleet, replay
        self.victims = site.take(replay.role, replay.count_of(len(self.fleet.of(replay.role))))
        self.names = {one.name for one in self.victims}
        self.addresses, self.open = set(), []
        self.first_s = None  # of the wall, when the first packet was sent
        self.note = {}       # more for the row

    @property
    def victim(self):
        return self.victims[0]

    def source(self):
        """An address more that is the attacker's."""
        address = self.site.source()
        self.addresses.add(address)
        return address

    def mark(self):
        """Now it begins."""
        if self.first_s is None:
            self.first_s = time.monotonic()

    def send(self, *packets, victim=None):
        self.mark()
        return self.fleet.send(victim or self.victim, b"".join(packets))

    def keep(self, connection):
        """It stays open until the trial is over."""
        self.open.append(connection)
        return connection

    def end(self):
        for connection in self.open:
            with contextlib.suppress(OSError, Closed):
                connection.close()
        for victim in self.victims:
            self.site.free(victim)

    # -- what is said -----------------------------------------------------------------------------

    def names_victim(self, record):
        devices = {record.get("device", ""), *record.get("devices", "").split()}
        return bool(devices & self.names)

    def is_found_by(self, record):
        if record["kind"] in self.replay.rules:
            return self.names_victim(record) or host(record) in self.addresses
        if self.replay.verdict == "source":
            return record["kind"] == "sense-source" and (
                "address" not in record or host(record) in self.addresses)
        return record["kind"] == "sense" and self.names_victim(record)

    def is_of_others(self, record):
        """Of the honest. Who has attacked before is not: it is still looked at."""
        if record["kind"] == "sense":
            devices = {record["device"], *record.get("devices", "").split()}
            return not devices & self.site.suspects
        return record["kind"] == "sense-source" and "address" in record \
            and host(record) not in self.addresses

    def is_quarantine_of_others(self, record):
        return is_done(record) and record["action"] == "quarantine" \
            and record["device"] not in self.site.suspects

    def is_about_it(self, record):
        """Something was done about who attacks: a device of ours, or an address."""
        return is_done(record) and (record.get("device") in self.names
                                    or host(record) in self.addresses)


def is_done(record):
    return record["kind"] == "sense-response" and record.get("done") == "yes"


def host(record):
    """Of an address with a port."""
    return record.get("address", "").rsplit(":", 1)[0]


def reasons(record):
    """The names of the first three."""
    if record["kind"] == "sense-source":
        return {record["feature"]}
    texts = [record[key] for key in ("reason_1", "reason_2", "reason_3") if key in record]
    return {re.match(r"\w+", text).group() for text in texts}


def says(record):
    return "source" if record["kind"] == "sense-source" else record.get("verdict")


def play(trial):
    """Acts until it is found or the time is over: (the record that found it or None, all records)."""
    site, replay = trial.site, trial.replay
    pace, steps, seen, hit = site.fleet.pace, replay.act(trial), [], None
    site.records.read()
    site.fleet.late_s = 0.0
    end_s = due_s = time.monotonic()
    end_s += replay.bound_s * pace
    while time.monotonic() < end_s:
        if steps is not None and time.monotonic() >= due_s:
            try:
                due_s = max(due_s, time.monotonic() - pace) + next(steps) * pace
            except StopIteration:
                steps = None
            except (Closed, OSError, AssertionError, TimeoutError):
                due_s += pace  # a broker that does not let it go on
                steps = replay.act(trial)
        for record in site.records.read():
            seen.append(record)
            if hit is None and trial.is_found_by(record):
                hit = record
                end_s = min(end_s, time.monotonic() + AFTER_S * pace)
        time.sleep(POLL_S)
    return hit, seen


def judge(trial, hit, seen):
    """The row of a trial."""
    replay, pace = trial.replay, trial.site.fleet.pace
    row = {"replay": replay.kind, "intensity": replay.intensity, "stealthy": replay.is_stealthy,
           "found": hit is not None, "by": None, "time_to_detect_s": None, "wall_s": None,
           "wanted_s": replay.wanted_s, "in_time": None, "verdict_right": None, "top3": None,
           "seconds_are": round(1 / pace, 1), "tried_s": replay.bound_s,
           "late_s": round(trial.fleet.late_s / pace, 3),
           "false_alerts": sum(1 for one in seen if trial.is_of_others(one)),
           "quarantined_others": sum(1 for one in seen if trial.is_quarantine_of_others(one)),
           "done_about_it": sorted({one["action"] for one in seen if trial.is_about_it(one)})}
    if hit is not None:
        wall = max(0.0, hit["read_s"] - trial.first_s)
        row |= {"by": hit["kind"], "wall_s": round(wall, 3), "time_to_detect_s": round(wall / pace, 3)}
        if hit["kind"] in TOLD:
            row["verdict_right"] = says(hit) == replay.verdict
            row["reasons"] = sorted(reasons(hit))
            row["top3"] = bool(replay.features & reasons(hit)) if replay.features else None
    if replay.wanted_s is not None:
        row["in_time"] = hit is not None and row["time_to_detect_s"] <= replay.wanted_s
    if row["false_alerts"]:
        row["false_texts"] = [sentence(one) for one in seen if trial.is_of_others(one)][:5]
    return row | trial.note


def sentence(record):
    who = record.get("devices") or record.get("device") or record.get("address", "many addresses")
    return f"{who}: {record.get('verdict')}: {record.get('reason_1') or record.get('feature')}"


def run(site, replay):
    trial = Trial(site, replay)
    try:
        hit, seen = play(trial)
        return judge(trial, hit, seen)
    finally:
        trial.end()
