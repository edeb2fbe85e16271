# SPDX-License-Identifier: Apache-2.0
"""Bytes per idle connection, beside mosquitto and the relay floor, and whether they are the same at any
number of connections.

`rows` has one object per wire and number of connections, with the bytes per connection of each subject:

  rss     resident memory of the process
  heap    of it what is private and not of a file
  kernel  what the kernel's slabs and sockets have grown by, for the server's end: the generator on
          the same machine has the other end, which is taken for as large; what else happens on the
          machine is in it

and `added_rss`, the bytes per connection of those that came since the number before: what is the
same from row to row is linear. `growth` is the last added_rss by the first row's rss."""
import json
import pathlib
import subprocess
import threading

from measure import generator_argv, median, ratio
from scenarios import MTLS, MTLS_DETACHED, PLAIN, SETTLE_S, TLS, TLS_DETACHED, idle_scenario
import subjects
from subjects import say

ORDER = ("floor", "tacitd", "mosquitto")
COUNTS = {PLAIN: (5_000, 10_000, 19_000), TLS: (10_000,), MTLS: (5_000, 10_000, 19_000),
          TLS_DETACHED: (10_000,), MTLS_DETACHED: (5_000, 10_000, 19_000)}
COUNTS_SHORT = {PLAIN: (100, 200), TLS: (100,), MTLS: (100, 200), MTLS_DETACHED: (100, 200)}
HOLD_S = 1
WANTED = {PLAIN: 900, TLS: 15872, MTLS: 20480, TLS_DETACHED: 1536, MTLS_DETACHED: 1536}
LINEAR = 1.1  # most that `growth` may be
SAMPLE_S = .1
KERNEL_FIELDS = ("Slab:", "KernelStack:", "PageTables:")
PAGE_BYTES = 4096


def kernel_bytes():
    """Of the whole machine: slabs, page tables, and what sockets hold beside them."""
    total = 0
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] in KERNEL_FIELDS:
            total += int(words[1]) * 1024
    for line in pathlib.Path("/proc/net/sockstat").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == "TCP:":
            total += int(words[words.index("mem") + 1]) * PAGE_BYTES
    return total


class KernelWatch:
    """The most that kernel_bytes() was, from entry to exit, above what it was at entry."""

    def __enter__(self):
        self.before = self.most = kernel_bytes()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.is_over.wait(SAMPLE_S):
            self.most = max(self.most, kernel_bytes())

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def grown(self):
        return self.most - self.before


def measure_once(subject, tools, place, scenario):
    """Bytes per connection, or what went wrong."""
    with subjects.start(subject, tools, place, scenario) as server:
        argv = generator_argv(tools, server, scenario.arguments, scenario.wire, place, 1)
        server.wait_until_its_memory_is_steady()
        with KernelWatch() as kernel:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    try:
        run = json.loads(done.stdout)
        broker, count = run["broker"], run["connections"]
        if run["connect_errors"] or run["refused"] or count == 0:
            raise ValueError(run.get("first_problem", "connections were refused"))
    except (ValueError, KeyError) as error:
        return f"{subject}: {error}: {done.stderr.strip()[-300:]}"
    return {"rss": run["rss_bytes_per_conn"],
            "heap": (broker["anon_after_kb"] - broker["anon_before_kb"]) * 1024 / count,
            "kernel": kernel.grown() / 2 / count}


def subjects_of(wire):
    """Nobody else can do without OpenSSL."""
    return ORDER if wire in (PLAIN, TLS, MTLS) else ("tacitd",)


def measure_row(wire, count, tools, place, rounds):
    settle_s = SETTLE_S.get(wire, 1)
    scenario = idle_scenario(f"--conns {count} --sources 1 --settle {settle_s} --hold {HOLD_S}", wire)
    row = {"wire": wire, "connections": count, "args": " ".join(scenario.arguments), "faults": []}
    runs = {subject: [] for subject in subjects_of(wire) if not subjects.missing(subject, scenario)}
    for _ in range(rounds):
        for subject, done in runs.items():
            run = measure_once(subject, tools, place, scenario)
            if isinstance(run, str):
                row["faults"].append(run)
                say(f"idle {wire} {count}: {run}")
            else:
                done.append(run)
    for subject, done in runs.items():
        if done:
            row[subject] = {kind: round(median([run[kind] for run in done]), 1)
                            for kind in ("rss", "heap", "kernel")}
            say(f"idle {wire:<6}{count:>7} {subject:<10}" + ", ".join(
                f"{kind} {value:,.0f}" for kind, value in row[subject].items()))
    return row


def set_added(rows):
    """What the connections since the row before have added, each."""
    for before, row in zip(rows, rows[1:]):
        for subject in ORDER:
            if subject in before and subject in row:
                more = row["connections"] - before["connections"]
                total = [r[subject]["rss"] * r["connections"] for r in (before, row)]
                row[subject]["added_rss"] = round((total[1] - total[0]) / more, 1)


def growth(rows):
    """None when one number of connections was measured, or nothing."""
    if len(rows) < 2 or not all("tacitd" in row for row in (rows[0], rows[-1])):
        return None
    return ratio(rows[-1]["tacitd"]["added_rss"], rows[0]["tacitd"]["rss"])


def judge(report, rows):
    """Adds what is said of one wire, and what it misses."""
    wire = rows[0]["wire"]
    report[f"growth_{wire}"] = growth(rows)
    if report[f"growth_{wire}"] is not None and report[f"growth_{wire}"] > LINEAR:
        report["missed"].append(f"linear-{wire}")
    report[f"rss_{wire}"] = rows[-1].get("tacitd", {}).get("rss")
    if report[f"rss_{wire}"] is None or report[f"rss_{wire}"] > WANTED[wire]:
        report["missed"].append(wire)


def run(options, tools, place):
    report = {"name": "idle", "rounds": 1 if options.short else options.rounds, "rows": [],
              "wanted_at_most": {f"rss_{wire}": most for wire, most in WANTED.items()}
              | {f"growth_{wire}": LINEAR for wire in WANTED}, "missed": []}
    for wire, counts in (COUNTS_SHORT if options.short else COUNTS).items():
        rows = [measure_row(wire, count, tools, place, report["rounds"]) for count in counts]
        set_added(rows)
        report["rows"] += rows
        judge(report, rows)
    faults = [fault for row in report["rows"] for fault in row["faults"]]
    report["ok"] = not (report["missed"] or faults)
    return report
