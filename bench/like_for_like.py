# SPDX-License-Identifier: Apache-2.0
"""Like for like: every row of the comparison with the peers in one run, beside the relay floor and
Debian's mosquitto.

Each row has `scenario`, `args`, `unit`, `tacitd`, `floor` and `mosquitto`, and what counts: `share`, by
the rule `of`, which is to be `want`, `bound` of it (at_least, at_most):

  floor      tacitd by the floor
  mosquitto  tacitd by mosquitto
  itself     tacitd's own figure

Deliveries and connections are per second of broker CPU. The floor asks for no client certificates: that of
a handshake with one is the floor's without, and the CPU that OpenSSL alone takes more for it
(bench/handshake). QoS 2 is set against the floor of QoS 1; fan-out and fan-in at QoS 1 against that of
QoS 0."""
import copy
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess

from measure import CLIENT_CORE, alternate, damage, median, medians, ratio, FIGURES
from scenarios import MTLS, MTLS_DETACHED, PLAIN, SETTLE_S, TLS, TLS_DETACHED, Scenario, idle_scenario, table
import subjects
from subjects import ROOT, say

ORDER = ("floor", "tacitd", "mosquitto")
# Those of the table of deliveries, by their names in scenarios.py, which has their goals.
MESSAGES = ("p2p-qos0", "p2p-qos0-tls", "p2p-qos1", "p2p-qos1-tls", "p2p-qos1-v5", "p2p-qos2",
            "p2p-qos2-tls", "p2p-qos0-window1", "p2p-qos0-window1-tls", "p2p-qos1-window1",
            "p2p-qos0-1k", "p2p-qos0-1k-tls", "fanout", "fanout-tls", "fanout-qos1", "fanin",
            "fanin-tls", "fanin-qos1")
# Twice FlashMQ 1.26.2, which is 5.6 times mosquitto 2.1.2.
SHARE_BY_MOSQUITTO = 5.6
CONNECTIONS = ("connect", "handshake", "handshake-resumed", "handshake-mtls",
               "handshake-mtls-resumed")
CONNECTIONS_WANT = .95
IDLE = (("idle-plain", PLAIN, 900), ("idle-tls", TLS, 15872), ("idle-mtls", MTLS, 20480),
        ("idle-tls-detached", TLS_DETACHED, 1536), ("idle-mtls-detached", MTLS_DETACHED, 1536))
IDLE_CONNECTIONS, IDLE_SHORT = 10_000, 100
EMPTY_BYTES, BINARY_BYTES, CONNACK_MS = 6 * 1024 ** 2, 600_000, 12
# Of twenty messages a second, two seconds have forty: their 99th percentile is the slowest one.
LATENCY_S = 10.0
LATENCY = (("latency-qos0", PLAIN, "p2p --pairs 100 --qos 0 --rate 10000", "p2p"),
           ("latency-qos1-tls", TLS, "p2p --pairs 100 --qos 1 --rate 10000", "p2p"),
           ("latency-fanout", PLAIN, "fanout --pubs 1 --subs 1000 --qos 0 --rate 20", "fanout"))
LATENCY_WANT = 1.1


@dataclasses.dataclass
class Row:
    """What is common to all; `figures` is by subject."""
    scenario: str
    args: str
    unit: str
    figures: dict
    want: float
    bound: str = "at_least"
    of: str = "floor"
    faults: list = dataclasses.field(default_factory=list)
    more: dict = dataclasses.field(default_factory=dict)

    def report(self):
        tacitd = self.figures.get("tacitd")
        share = tacitd if self.of == "itself" else ratio(tacitd, self.figures.get(self.of))
        if self.want is None:
            met = None
        else:
            met = share is not None and (share >= self.want if self.bound == "at_least"
                                         else share <= self.want)
        figures = {name: self.figures.get(name) for name in ("tacitd", "floor", "mosquitto")}
        return {"scenario": self.scenario, "args": self.args, "unit": self.unit,
                **{name: value and round(value, 1) for name, value in figures.items()},
                "share": share and round(share, 4), "of": self.of, "want": self.want,
                "bound": self.bound, **self.more, "faults": self.faults,
                "ok": False if self.faults else met}


class Bench:
    def __init__(self, options, tools, place):
        self.options, self.tools, self.place = options, tools, place

    def alternate(self, name, scenario, least_s=0):
        options = copy.copy(self.options)
        if not options.short:
            options.duration = max(options.duration, least_s)
        return alternate(name, {subject: scenario for subject in ORDER}, self.tools, self.place,
                         options)


def message_row(bench, name, scenario, want, of="floor"):
    runs, faults = bench.alternate(name, scenario)
    field, unit = FIGURES["messages"]
    harm = {kind: count for kind, count in damage(runs).items() if count}
    faults += [f"tacitd: {count} {kind}" for kind, count in harm.items()]
    return Row(name, " ".join(scenario.arguments), unit, medians(runs, field), want, of=of,
               faults=faults, more={"wire": scenario.wire})


def message_rows(bench, scenarios):
    for name in MESSAGES:
        yield message_row(bench, name, scenarios[name], scenarios[name].goal)
    yield message_row(bench, "share", scenarios["share"], SHARE_BY_MOSQUITTO, "mosquitto")


def certificate_cost_us(bench):
    """What a client certificate adds to OpenSSL's CPU of a full and of a resumed handshake."""
    program = subjects.build("bench-handshake") / "bench" / "bench-handshake"
    files = [bench.place / "certs" / name for name in
             ("ca.crt", "server.crt", "server.key", "client.crt", "client.key")]
    seconds = min(1, bench.options.duration)
    rounds = []
    for _ in range(bench.options.rounds):
        done = subprocess.run(["taskset", "-c", subjects.SERVER_CORE, program, *files,
                               str(seconds)], capture_output=True, text=True, timeout=60, check=True)
        rounds.append([float(word) for word in done.stdout.split()])
    full, resumed, full_mutual, resumed_mutual = map(statistics.median, zip(*rounds))
    say(f"handshake in memory: {full:.0f} us, resumed {resumed:.0f} us; with a client certificate "
        f"{full_mutual:.0f} us and {resumed_mutual:.0f} us")
    return full_mutual - full, resumed_mutual - resumed


def connection_rows(bench, scenarios):
    full, resumed = certificate_cost_us(bench)
    more_us = {"handshake-mtls": full, "handshake-mtls-resumed": resumed}
    for name in CONNECTIONS:
        runs, faults = bench.alternate(name, scenarios[name])
        field, unit = FIGURES["connections"]
        figures, more = medians(runs, field), {"wire": scenarios[name].wire}
        if name in more_us and figures["floor"]:
            more["floor_without_certificate"] = figures["floor"]
            more["certificate_us"] = round(more_us[name], 1)
            figures["floor"] = 1e6 / (1e6 / figures["floor"] + more_us[name])
        yield Row(name, " ".join(scenarios[name].arguments), unit, figures, CONNECTIONS_WANT,
                  faults=faults, more=more)


def memory_rows(bench):
    count = IDLE_SHORT if bench.options.short else IDLE_CONNECTIONS
    for name, wire, most in IDLE:
        scenario = idle_scenario(f"--conns {count} --sources 1 --settle {SETTLE_S.get(wire, 1)}", wire)
        runs, faults = bench.alternate(name, scenario)
        field, unit = FIGURES["memory"]
        yield Row(name, " ".join(scenario.arguments), unit, medians(runs, field), most, "at_most",
                  "itself", faults, {"wire": wire})


def start_once(tools, place, subject, scenario, watch=(), more=(), via=()):
    """From exec to CONNACK, with what an earlier start has left; the generator starts and stops it. `watch` is a
    command that runs the generator, `more` are words for that, `via` is one that runs the server."""
    port = subjects.free_port()
    argv = subjects.ARGV[subject](tools, place, scenario, port, keeps_state=True)
    with open(place / f"{subject}.log", "w", encoding="utf-8") as log:
        done = subprocess.run(
            [*watch, str(tools / "mqload"), "startup", "--port", str(port), "--cpu", str(CLIENT_CORE), *more,
             "--", "taskset", "-c", subjects.SERVER_CORE, *via, *map(str, argv)],
            stdout=subprocess.PIPE, stderr=log, text=True, timeout=60, check=False)
    return json.loads(done.stdout)


def start_rows(bench):
    scenario = Scenario("startup", PLAIN, "p2p")
    times, sizes, faults = {}, {}, []
    for turn in range(1 + max(3, bench.options.rounds)):
        for subject in ORDER:
            if subjects.missing(subject, scenario):
                continue
            run = start_once(bench.tools, bench.place, subject, scenario)
            if run["connack_ms"] < 0:
                faults.append(f"{subject}: no CONNACK")
            elif turn > 0:  # the first one finds no state
                times.setdefault(subject, []).append(run["connack_ms"])
                sizes.setdefault(subject, []).append(run["rss_kb"] * 1024)
    yield Row("start-up", "startup", "ms from exec to the first CONNACK, with existing state",
              {name: median(values) for name, values in times.items()}, CONNACK_MS, "at_most",
              "itself", faults)
    yield Row("empty", "startup", "bytes of resident memory without a connection",
              {name: median(values) for name, values in sizes.items()}, EMPTY_BYTES, "at_most",
              "itself", faults)


def stripped_bytes(program, place):
    copy = place / "stripped"
    shutil.copyfile(program, copy)
    subprocess.run(["strip", copy], check=True)
    return copy.stat().st_size


def binary_row(bench):
    programs = {"tacitd": os.environ.get("TACITD", ROOT / "build" / "release" / "tacitd"),
                "floor": bench.tools / "floor",
                "mosquitto": shutil.which("mosquitto") or "/usr/sbin/mosquitto"}
    return Row("binary", "strip", "bytes of the stripped program",
               {name: stripped_bytes(program, bench.place) for name, program in programs.items()
                if pathlib.Path(program).exists()}, BINARY_BYTES, "at_most", "itself")


def latency_rows(bench):
    for name, wire, arguments, floor in LATENCY:
        runs, faults = bench.alternate(name, Scenario(arguments, wire, floor), LATENCY_S)
        for percentile in ("p50", "p99"):
            figures = {subject: median([run["latency_us"][percentile] for run in done])
                       for subject, done in runs.items()}
            # The median is there to be seen: what is promised is the tail.
            yield Row(f"{name}-{percentile}", arguments, "us, open loop", figures,
                      LATENCY_WANT if percentile == "p99" else None, "at_most", faults=faults,
                      more={"wire": wire})


GROUPS = {
    "messages": lambda bench: message_rows(bench, table()),
    "connections": lambda bench: connection_rows(bench, table()),
    "memory": memory_rows,
    "start": start_rows,
    "binary": lambda bench: [binary_row(bench)],
    "latency": latency_rows,
}


def run(options, tools, place):
    if options.short:
        options.rounds, options.duration = 1, min(options.duration, .3)
    bench = Bench(options, tools, place)
    rows = [row.report() for name, measure in GROUPS.items()
            if options.only in (None, name) for row in measure(bench)]
    report = {"name": "like-for-like", "rounds": options.rounds, "duration_s": options.duration,
              "mosquitto_version": subjects.mosquitto_version(), "rows": rows}
    report["missed"] = [row["scenario"] for row in rows if row["ok"] is False]
    report["ok"] = not report["missed"]
    return report
