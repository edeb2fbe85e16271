# SPDX-License-Identifier: Apache-2.0
"""What a live broker says of attacks: the replays R1 to R16 of bench/live against a tacitd with TLS and
certificates, whose fleet of three or four roles it has learned; and of what must not alarm.

  replays      one row for each class and intensity. `found`, and `by` which kind of record;
               `time_to_detect_s` from the first packet until the record was read, in seconds of the
               detector, `wall_s` the same by the wall, `seconds_are` how many of the former one of the
               latter has (1: real time); `wanted_s` and `in_time`; `verdict_right` and `top3` where the
               detector has told it, null where a rule was enough; `false_alerts` and
               `quarantined_others` of honest devices meanwhile; `done_about_it` of the attackers
  layer_0      rules, TRIALS times each: packet sent to record read, milliseconds
               `late_s` is how late the generator was at most, the detector's seconds: a machine that holds
               all devices up is a cause of its own
  benign       what must not alarm

The generator is one process; the broker runs wherever the machine lets it."""
import contextlib
import pathlib
import statistics
import sys
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
sys.path[:0] = [str(ROOT / "bench" / "live"), str(ROOT / "tests")]

TRIALS = 20
LAYER_0_MS = 100
RECORD_S = 2.0


def stamp(site, is_it, act):
    """Milliseconds from before act() until such a record was read; None: it did not come."""
    site.records.read()
    begin = time.monotonic()
    act()
    while time.monotonic() < begin + RECORD_S:
        if any(is_it(record) for record in site.records.read()):
            return (time.monotonic() - begin) * 1000
        time.sleep(0.0005)
    return None


def rules(site):
    """What is certain: one function for each kind, given the number of the trial."""
    from live_replays import MALFORMED
    from support import wire
    device = site.fleet.of("sensor")[-1]
    clones = site.fleet.of("meter")

    def is_of(kind, name):
        return lambda record: record["kind"] == kind and record.get("device") == name

    def malformed(turn):
        with site.connect(device.name).socket as plain:
            one = plain
            one.sendall(wire.connect(5, f"{device.name}-{turn}", True))
            one.recv(100)
            return stamp(site, is_of("protocol-error", device.name),
                         lambda: one.sendall(MALFORMED[turn % len(MALFORMED)]))

    def wildcard(turn):
        pattern = ("#", "+/+/#", "$SYS/#", "$share/x/#")[turn % 4]
        return stamp(site, is_of("subscribe-refused", device.name), lambda: site.fleet.send(
            device, wire.subscribe(5, turn + 20, (pattern, 0))))

    def take_over(turn):
        victim = clones[turn % len(clones)]
        until = time.monotonic() + RECORD_S
        while victim.client is None and time.monotonic() < until:
            site.rest(0.1)  # one that was held before is on its way back
        one = site.connect(victim.name, site.source())
        took = stamp(site, is_of("clone", victim.name),
                     lambda: one.send(wire.connect(5, victim.name, True)))
        one.close()
        site.free(victim)
        return took

    return {"malformed": malformed, "forbidden wildcard": wildcard, "take-over": take_over}


def layer_0(site, trials):
    rows = []
    for name, act in rules(site).items():
        took = [act(turn) for turn in range(trials)]
        found = [one for one in took if one is not None]
        row = {"rule": name, "trials": trials, "found": len(found), "wanted_ms": LAYER_0_MS,
               "median_ms": round(statistics.median(found), 2) if found else None,
               "most_ms": round(max(found), 2) if found else None}
        rows.append(row | {"ok": len(found) == trials and row["most_ms"] <= LAYER_0_MS})
        say(f"sense-live: rule {name}: {len(found)} of {trials}, {row['most_ms']} ms at most")
    return rows


def tell(row):
    found = (f"{row['by']} after {row['time_to_detect_s']} s" if row["found"]
             else f"not found in {row['tried_s']} s")
    others = f", {row['false_alerts']} false alerts" if row["false_alerts"] else ""
    say(f"sense-live: {row['replay']} {row['intensity']}: {found}{others}")
    return row


def play(site, replay):
    import live_trial
    return tell(live_trial.run(site, replay))


def measure(site, replays, with_benign):
    import live_benign
    rows, benign, certain = [], [], []
    for is_fast in (False, True):
        some = [one for one in replays if one.is_fast == is_fast]
        if some or not is_fast:
            site.begin(site.size.fast_ms if is_fast else 5000)
        for one in some:
            if one.verdict == "source":
                site.again()  # nothing is left of what other addresses did
            rows.append(play(site, one))
        if not is_fast:
            site.again()
            certain = layer_0(site, TRIALS)
    if with_benign:
        site.begin(site.size.fast_ms)
        for name in live_benign.EVENTS:
            benign.append(live_benign.run(site, name))
            say(f"sense-live: {name}: {benign[-1]['device_alarms']} alarms of devices, "
                f"{benign[-1]['group_events']} of groups")
    return rows, certain, benign


def share(rows, key):
    known = [row[key] for row in rows if row.get(key) is not None]
    return round(sum(known) / len(known), 3) if known else None


def summary(rows):
    loud = [row for row in rows if not row["stealthy"]]
    stealthy = [row for row in rows if row["stealthy"]]
    return {"recall_overt": share(loud, "found"), "recall_stealthy": share(stealthy, "found"),
            "in_time": share(rows, "in_time"), "verdict_right": share(rows, "verdict_right"),
            "top3": share(rows, "top3"), "false_alerts": sum(row["false_alerts"] for row in rows),
            "quarantined_others": sum(row["quarantined_others"] for row in rows)}


def chosen(only, is_short):
    from live_replays import QUICK, REPLAYS
    wanted = set(only.split(",")) if only else None
    return [one for one in REPLAYS if (wanted is None or one.kind in wanted)
            and (not is_short or (one.kind, one.intensity) in QUICK)]


@contextlib.contextmanager
def learned_site(is_short=False, mode="respond", shards=1, seed=1):
    """A broker in real time that watches its fleet."""
    from live_site import SHORT, WHOLE, Site
    with Site(SHORT if is_short else WHOLE, mode, shards, seed) as site:
        site.learned_s = site.learn()
        site.begin(5000)
        say(f"sense-live: {len(site.fleet.devices)} devices, learned in {site.learned_s:.0f} s")
        yield site


def run(only=None, is_short=False, seed=1, shards=1, mode="respond"):
    """Twenty minutes; short: three."""
    build("tacitd", "tacit")
    begin = time.monotonic()
    replays = chosen(only, is_short)
    with learned_site(is_short, mode, shards, seed) as site:
        rows, certain, benign = measure(site, replays, not only and not is_short)
        devices, learned_s = len(site.fleet.devices), site.learned_s
    report = {"name": "sense-live", "seed": seed, "shards": shards, "mode": mode, "devices": devices,
              "learned_s": round(learned_s), "took_s": round(time.monotonic() - begin),
              **summary(rows), "replays": rows, "layer_0": certain, "benign": benign}
    report["ok"] = (all(row["ok"] for row in [*certain, *benign]) and report["quarantined_others"] == 0
                    and all(row["found"] for row in rows if not row["stealthy"]))
    return report
