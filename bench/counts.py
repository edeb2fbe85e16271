# SPDX-License-Identifier: Apache-2.0
"""System calls and instructions of a delivered message, of the floor, tacitd and mosquitto under rows of
like-for-like.

`rows` has one object per row, with for each subject:

  calls         system calls per delivery, counted by the kernel (perf stat) while the load goes on
  by_name       of them the most frequent
  instructions  of the process itself per delivery, not of the kernel: by the processor's counter where there is one,
                else by callgrind, as the difference of a long run and a short one by the messages that the long one
                had more. Callgrind's processor has no wide vectors, so that ciphers would count many times:
                plaintext only

Under callgrind tacitd is not confined, as its instruments need calls that are refused otherwise."""
import collections
import json
import shutil
import subprocess
import time

from measure import generator_argv
from scenarios import PLAIN, table
import subjects
from subjects import say

ROWS = ("p2p-qos0", "p2p-qos0-tls", "p2p-qos1", "p2p-qos1-tls", "p2p-qos2", "p2p-qos0-window1",
        "p2p-qos0-window1-tls", "fanout", "fanout-tls", "fanin", "fanin-tls")
ROWS_SHORT = ("p2p-qos0",)
ORDER = ("floor", "tacitd", "mosquitto")
EVENTS = ("sendmsg", "sendto", "write", "writev", "recvmsg", "recvfrom", "read", "epoll_wait", "epoll_pwait",
          "epoll_ctl", "futex", "madvise", "munmap", "mmap", "brk")
LEAD_S, TAIL_S = 3, 1
CALLGRIND_S = (1, 3)
COUNTER = "instructions:u"


def perf_counts(pid, events, seconds):
    """{event: count}; an event that is not there is left out."""
    done = subprocess.run(["perf", "stat", "-x", ",", "-e", ",".join(events), "-p", str(pid), "--", "sleep",
                           str(seconds)], capture_output=True, text=True, check=True)
    rows = [line.split(",") for line in done.stderr.splitlines() if line.count(",") > 2]
    return {row[2]: int(row[0]) for row in rows if row[0].isdigit()}


def why_not():
    if shutil.which("perf") is None:
        return "perf is not here (Debian: linux-perf)"
    done = subprocess.run(["perf", "stat", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True,
                          check=False)
    return "perf may not count system calls" if done.returncode else None


def events():
    return ["raw_syscalls:sys_enter", COUNTER, *(f"syscalls:sys_enter_{name}" for name in EVENTS)]


def count_calls(subject, tools, place, scenario, seconds):
    """Per delivery: calls, by name, and instructions where they are counted."""
    arguments = scenario.floor_arguments if subject == "floor" else scenario.arguments
    with subjects.start(subject, tools, place, scenario) as server:
        argv = generator_argv(tools, server, arguments, scenario.wire, place, LEAD_S + seconds + TAIL_S)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as load:
            time.sleep(LEAD_S)
            counted = perf_counts(server.process.pid, events(), seconds)
            report = json.loads(load.communicate(timeout=120)[0])
    deliveries = report["receive_rate"] * seconds
    names = collections.Counter({event.removeprefix("syscalls:sys_enter_"): count / deliveries
                                 for event, count in counted.items() if event.startswith("syscalls:")})
    found = {"calls": round(counted["raw_syscalls:sys_enter"] / deliveries, 4),
             "by_name": {name: round(count, 4) for name, count in names.most_common(4) if count > 0}}
    if COUNTER in counted:
        found["instructions"] = round(counted[COUNTER] / deliveries)
    return found


def unconfined(place):
    """bench/open.conf for a tacitd with instruments."""
    config = place / "unconfined.conf"
    text = (subjects.ROOT / "bench" / "open.conf").read_text(encoding="utf-8")
    config.write_text(f"sandbox = off\n{text}", encoding="utf-8")
    return config


def callgrind_once(subject, tools, place, scenario, seconds):
    """(instructions, deliveries) of one whole run."""
    arguments = scenario.floor_arguments if subject == "floor" else scenario.arguments
    port = subjects.free_port()
    more = {"config": unconfined(place)} if subject == "tacitd" else {}
    argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={place}/callgrind.%p",
            *subjects.ARGV[subject](tools, place, scenario, port, **more)]
    log = open(place / f"{subject}.log", "w", encoding="utf-8")
    with subjects.Server(argv, port, log, place / "certs") as server:
        done = subprocess.run(generator_argv(tools, server, arguments, PLAIN, place, seconds),
                              capture_output=True, text=True, timeout=240, check=False)
    text = (place / f"callgrind.{server.process.pid}").read_text(encoding="utf-8")
    total = next(line for line in text.splitlines() if line.startswith(("totals:", "summary:")))
    return int(total.split()[1]), json.loads(done.stdout)["check"]["received_total"]


def by_callgrind(subject, tools, place, scenario):
    """None without valgrind, or where the runs do not differ."""
    if shutil.which("valgrind") is None:
        return None
    few, many = (callgrind_once(subject, tools, place, scenario, seconds) for seconds in CALLGRIND_S)
    return round((many[0] - few[0]) / (many[1] - few[1])) if many[1] > few[1] else None


def measure_row(name, tools, place, seconds):
    scenario = table()[name]
    row = {"row": name, "args": " ".join(scenario.arguments), "wire": scenario.wire}
    for subject in ORDER:
        if subjects.missing(subject, scenario):
            continue
        row[subject] = {"instructions": None} | count_calls(subject, tools, place, scenario, seconds)
        if row[subject]["instructions"] is None and scenario.wire == PLAIN:
            row[subject]["instructions"] = by_callgrind(subject, tools, place, scenario)
        say(f"counts {name:<22}{subject:<10}{row[subject]['calls']:.4f} calls, instructions "
            f"{row[subject]['instructions']}")
    return row


def run(options, tools, place):
    report = {"name": "counts", "duration_s": 1 if options.short else options.duration, "rows": []}
    why = why_not()
    if why:
        say(f"counts: SKIPPED: {why}")
        return report | {"skipped": why, "ok": True}
    for name in ROWS_SHORT if options.short else ROWS:
        report["rows"].append(measure_row(name, tools, place, report["duration_s"]))
    return report | {"missed": [], "ok": True}
