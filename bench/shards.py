# SPDX-License-Identifier: Apache-2.0
"""Two shards against one: tacitd alone, with `shards = 1` and `shards = 2`, on both cores of a small machine,
where the generator is, too. So what counts is the CPU that a message takes; messages per second are as many as
the generator leaves room for. Half of the pairs have their ends on different shards.

  deliveries_per_cpu_s  of the broker's CPU, of all its threads
  deliveries_per_s      at saturation (closed loop)
  latency_us            at a fixed rate (open loop)
  broker_cores, generator_cores   how much of the machine each of them had, at saturation: where they add up to all
                        of it, deliveries_per_s says how they share it, not what two shards can do
  cpu_ratio             deliveries_per_cpu_s of two shards by that of one"""
import json
import subprocess

from measure import damage, median, ratio
from scenarios import PLAIN
import subjects
from subjects import ROOT, say

LOADS = {"p2p-qos0": "p2p --pairs 100 --qos 0", "p2p-qos1": "p2p --pairs 100 --qos 1",
         "fanout": "fanout --pubs 1 --subs 1000 --qos 0"}
LATENCY = "p2p --pairs 100 --qos 1 --rate {rate}"
RATE, RATE_SHORT = 10_000, 500
COUNTS = (1, 2)
CORES = "0,1"
PERCENTILES = ("p50", "p99", "p999")
WANTED = {"cpu_ratio": .5}  # least: what crosses between the shards costs at most as much again


def start(place, count):
    """tacitd with so many shards, on both cores."""
    config = place / f"shards-{count}.conf"
    text = (ROOT / "bench" / "open.conf").read_text(encoding="utf-8")
    config.write_text(f"shards = {count}\n{text}", encoding="utf-8")
    port = subjects.free_port()
    argv = subjects.tacitd_argv(None, place, None, port, config=config)
    log = open(place / "tacitd.log", "w", encoding="utf-8")
    return subjects.Server(argv, port, log, place, CORES)


def measure_once(place, tools, count, arguments, duration):
    with start(place, count) as server:
        done = subprocess.run(
            [str(tools / "mqload"), *arguments.split(), "--port", str(server.port), "--broker-pid",
             str(server.process.pid), "--duration", str(duration)],
            capture_output=True, text=True, timeout=120, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"fault": (done.stderr or done.stdout).strip()[-300:] or f"exit {done.returncode}"}


def measure(name, arguments, tools, place, options):
    """Runs by the number of shards, in turn."""
    runs, faults = {count: [] for count in COUNTS}, []
    for turn in range(options.rounds):
        for count in COUNTS:
            run = measure_once(place, tools, count, arguments, options.duration)
            if "fault" in run or run.get("connect_errors"):
                faults.append(f"{name}, {count}: {run.get('fault', 'connections were refused')}")
                continue
            runs[count].append(run)
            say(f"shards {turn + 1}/{options.rounds} {name:<10} {count}: "
                f"{run['deliveries_per_cpu_s']:>12,.0f} per s of CPU")
    return runs, faults


def row(name, arguments, runs):
    """What is measured at saturation."""
    fields = {"deliveries_per_cpu_s": "deliveries_per_cpu_s", "deliveries_per_s": "receive_rate"}
    found = {"scenario": name, "args": arguments, "wire": PLAIN}
    for kind, field in fields.items():
        found[kind] = {str(count): median([run[field] for run in done])
                       for count, done in runs.items()}
    for side in ("broker", "generator"):
        found[f"{side}_cores"] = {str(count): median([run[side]["cpu_util"] for run in done])
                                  for count, done in runs.items()}
    found["cpu_ratio"] = ratio(found["deliveries_per_cpu_s"]["2"], found["deliveries_per_cpu_s"]["1"])
    return found


def run(options, tools, place):
    if options.short:
        options.rounds, options.duration = 1, .3
    report = {"name": "shards", "rounds": options.rounds, "duration_s": options.duration, "rows": []}
    faults, every = [], []
    for name, arguments in LOADS.items():
        runs, wrong = measure(name, arguments, tools, place, options)
        faults += wrong
        every += [run for done in runs.values() for run in done]
        report["rows"].append(row(name, arguments, runs))
    rate = RATE_SHORT if options.short else RATE
    arguments = LATENCY.format(rate=rate)
    runs, wrong = measure("latency", arguments, tools, place, options)
    every += [run for done in runs.values() for run in done]
    report["latency"] = {"args": arguments} | {
        str(count): {percentile: median([run["latency_us"][percentile] for run in done])
                     for percentile in PERCENTILES} for count, done in runs.items()}
    harm = damage({"tacitd": every})
    report |= harm | {"faults": faults + wrong, "wanted_at_least": WANTED}
    report["missed"] = [each["scenario"] for each in report["rows"]
                        if each["cpu_ratio"] is None or each["cpu_ratio"] < WANTED["cpu_ratio"]]
    report["ok"] = not (report["missed"] or report["faults"] or any(harm.values()))
    return report
