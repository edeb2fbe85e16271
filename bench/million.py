# SPDX-License-Identifier: Apache-2.0
"""A million sessions in one process without sockets: core, codec, policy, sense and store, driven by
bench/million. Each session is a device with an identity of its own, under ten grants.

Connected, a subscription each, and 5,000 messages of 64 bytes a second among them, half of them at QoS 1,
each to a topic that was not used for long:

  bytes_per_session      of the heap, the subscription and what a connection has in the core included
  ns_per_message         CPU of a message from PUBLISH to the PUBACKs, pings and timers included
  takeover_us_p99        CONNECT to CONNACK where another connection has the session
  policy_in_force_ms     until a changed policy is asked for every message
  policy_reload_ms       until the last session was looked at; policy_longest_slice_ms: at a time

The same with detection on, each of them a device of one role that was learned, as `sensed_...`:

  sense_bytes_per_session      what detection takes of the heap for one
  sensed_ns_per_message        with the looks at all devices in it, which come at any rate of messages
  sensed_round_s               until each of them was looked at once; a quiet broker, CPU as
                               sensed_round_ns_per_device
  sensed_round_longest_slice_ms     CPU of the longest turn of that
  sensed_longest_learning_advance_ms  likewise while it learns: a role enters its next phase

  sensed_save_slice_ms         CPU of saving what was learned, which a shard does at once; sensed_load_s takes it up

Away, ten subscriptions and ten messages each, on disk:

  disk_bytes_per_queued_message
  start_s                a start with all that: the store is opened and read, every subscription indexed"""
import os
import statistics
import subprocess
import tempfile

from subjects import build, say

CORE = "1"
SESSIONS, RATE, SECONDS = 1_000_000, 5_000, 20
AWAY, QUEUED = 100_000, 10
SHORT = {"sessions": 5_000, "seconds": 1, "away": 500}
WHOLE = {"sessions": SESSIONS, "seconds": SECONDS, "away": AWAY}
WANTED = {"policy_reload_ms": 1000, "start_s": 10}


def figures_of(program, *arguments):
    done = subprocess.run(["taskset", "-c", CORE, program, *map(str, arguments)],
                          stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def measure(program, size):
    figures = figures_of(program, "online", size["sessions"], RATE, size["seconds"])
    sensed = figures_of(program, "sensed", size["sessions"], RATE, size["seconds"])
    figures |= {f"sensed_{name}": value for name, value in sensed.items()}
    figures["sense_bytes_per_session"] = sensed["bytes_per_session"] - figures["bytes_per_session"]
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
        for mode in ("offline", "start"):
            figures |= figures_of(program, mode, folder, size["away"], QUEUED)
    return figures


def run(options):
    program = build("bench-million") / "bench" / "bench-million"
    size = SHORT if options.short else WHOLE
    rounds = 1 if options.short else options.rounds
    load = os.getloadavg()[0]
    runs = [measure(program, size) for _ in range(rounds)]
    report = {"name": "million", "rounds": rounds, "sessions": size["sessions"],
              "messages_per_s": RATE, "simulated_s": size["seconds"],
              "offline_sessions": size["away"], "subscriptions_per_offline_session": 10,
              "queued_per_offline_session": QUEUED, "load_average": round(load, 1)}
    report |= {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    say(f"million: {report['bytes_per_session']:.0f} bytes a session, {report['ns_per_message']:.0f} ns "
        f"a message, a start in {report['start_s']:.1f} s")
    report["wanted_at_most"] = WANTED
    report["missed"] = [name for name, most in WANTED.items() if report[name] > most]
    report["ok"] = not report["missed"]
    return report
