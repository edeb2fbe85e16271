# SPDX-License-Identifier: Apache-2.0
"""Where the time of a row of like-for-like goes: the server under that load, profiled with `perf record` by the
clock of its CPU (cpu-clock, which needs no counters of the processor), and the floor likewise.

`rows` has one object for each:

  ns, floor_ns  CPU of a message or of a connection, in the very run that was profiled
  parts         of both: {part: share}; parts are the kernel by kind of call, OpenSSL, libc, and tacit by
                directory of src/. What a function takes by itself counts, not what it calls
  stacks        {stack: samples} of tacitd (bench/stacks.py), of which bench/report makes the flame graph

The row of `start-up` is what bench/start_up.py says. Without `perf`, or where it may not be used, that is said, and
nothing is measured."""
import json
import os
import shutil
import subprocess
import time

from like_for_like import CONNECTIONS, LATENCY, MESSAGES
from measure import FIGURES, generator_argv
from scenarios import Scenario, table
import stacks
import start_up
import subjects
from subjects import say

HERTZ, STACK_BYTES = 999, 16384
LEAST_S, SHORT_S = 10, 1
LEAD_S, TAIL_S = 3, 1  # the load is there before the profile begins, and longer than that
SUBJECTS = ("tacitd", "floor")
# Those that were missed when this was written.
DEFAULT = ("p2p-qos2-tls", "p2p-qos0-window1-tls", "fanout-tls", "connect", "handshake-resumed",
           "handshake-mtls", "latency-fanout", start_up.NAME)


def rows():
    """Scenarios by the names of like-for-like."""
    found = {name: table()[name] for name in (*MESSAGES, "share", *CONNECTIONS)}
    return found | {name: Scenario(arguments, wire, floor) for name, wire, arguments, floor in LATENCY}


def why_not(*events):
    """Why perf cannot be used here for the clock of the CPU and these, or None."""
    if shutil.which("perf") is None:
        return "perf is not here (Debian: linux-perf)"
    if shutil.which("addr2line") is None:
        return "addr2line is not here (Debian: binutils)"
    wanted = [word for event in ("cpu-clock", *events) for word in ("-e", event)]
    done = subprocess.run(["perf", "record", "-q", *wanted, "-o", "/dev/null", "true"],
                          capture_output=True, text=True, check=False)
    return f"perf may not be used: {done.stderr.strip()[-200:]}" if done.returncode else None


def record(process, seconds, place):
    """What perf script prints about the process, while it works."""
    data = place / "perf.data"
    subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "--call-graph",
                    f"dwarf,{STACK_BYTES}", "-p", str(process.pid), "-o", str(data), "--", "sleep",
                    str(seconds)], check=True, capture_output=True)
    return stacks.script(data, "ip,sym,symoff,dso")


def profile(subject, tools, place, scenario, seconds):
    """(the generator's JSON, stacks) of one run."""
    arguments = scenario.floor_arguments if subject == "floor" else scenario.arguments
    with subjects.start(subject, tools, place, scenario) as server:
        argv = generator_argv(tools, server, arguments, scenario.wire, place, LEAD_S + seconds + TAIL_S)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as load:
            time.sleep(LEAD_S)
            text = record(server.process, seconds, place)
            report = load.communicate(timeout=120)[0]
        program = subjects.ARGV[subject](tools, place, scenario, 0)[0]
    return json.loads(report), stacks.fold(text, program)


def measure(name, scenario, tools, place, seconds):
    field = FIGURES[scenario.kind][0]
    row = {"row": name, "args": " ".join(scenario.arguments), "wire": scenario.wire,
           "of": "connection" if scenario.kind == "connections" else "message", "parts": {}, "samples": {}}
    for subject in SUBJECTS:
        if subjects.missing(subject, scenario):
            continue
        report, found = profile(subject, tools, place, scenario, seconds)
        if not found or not report.get(field):
            raise RuntimeError(f"{name}: {subject} was not seen at work")
        row["ns" if subject == "tacitd" else "floor_ns"] = round(1e9 / report[field], 1)
        row["samples"][subject] = sum(found.values())
        row["parts"][subject] = {part: round(share, 4) for part, share in stacks.shares(found).items()}
        if subject == "tacitd":
            row["stacks"] = found
        say(f"flame {name} {subject}: {row['samples'][subject]} samples")
    return row


def measure_start(tools, place, options):
    """None where the kernel does not tell perf who waits."""
    why = why_not(start_up.TRACEPOINT)
    if why:
        say(f"flame {start_up.NAME}: SKIPPED: {why}")
        return None
    return start_up.measure(tools, place, options.short)


def take_one_that_unwinds():
    """A release has no tables for unwinding (docs/adr/0027-lean-at-rest.md), and perf 6.1 reads no others: it would see
    hardly a caller. The flame build is the same program with them, unless $TACITD names another one."""
    if "TACITD" not in os.environ:
        os.environ["TACITD"] = str(subjects.build("tacitd", preset="flame") / "tacitd")


def run(options, tools, place):
    seconds = SHORT_S if options.short else max(options.duration, LEAST_S)
    report = {"name": "flame", "tool": f"perf record, cpu-clock, {HERTZ} Hz", "duration_s": seconds,
              "rows": []}
    why = why_not()
    if why:
        say(f"flame: SKIPPED: {why}")
        return report | {"skipped": why, "ok": True}
    take_one_that_unwinds()
    for name in options.rows or DEFAULT:
        row = measure_start(tools, place, options) if name == start_up.NAME else \
            measure(name, rows()[name], tools, place, seconds)
        report["rows"] += [row] if row else []
    report["ok"] = True
    return report
