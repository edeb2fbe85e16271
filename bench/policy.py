# SPDX-License-Identifier: Apache-2.0
"""What the policy costs: per message, per subscription, and when it changes.

  cpu_overhead_percent    a shard without the kernel, policy on against the core's
                          judgements replaced by "yes" (bench/policy/bypass.c); where
                          things lie in memory decides on more nanoseconds than that, so
                          it is another place in each process
  instructions            of a message, counted by callgrind: with the policy, and without
  bytes_per_subscription  of the heap, 1 M exact filters in the topic index
  match_us                a match outside of the route cache, topics in random order
  reload_apply_ms         SIGHUP to the last shard's word that the walk is over, tacitd
                          with 1 M subscriptions of which half are taken away
  longest_stall_ms        longest wait of a client that sends PINGREQ all the while"""
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
FILTERS = 1_000_000
CLIENTS = 100
MESSAGES_A_ROUND = 400 * 100 * 16  # bench/policy/messages.c: turns, pairs, messages at once
CLIENT_CORE = "1"
WANTED = {"cpu_overhead_percent": 2, "bytes_per_subscription": 120, "match_us": 0.3,
          "reload_apply_ms": 1000, "longest_stall_ms": 5}
CONFIG = """listener "load" {{ address = "127.0.0.1" port = {port} tls = off client-ids = any
  anonymous-role = "load" }}
role "load" {{ publish = {{ "load/#" }} subscribe = {{ {grants} }} }}
limits {{ subscriptions = 16777216 }}
log {{ level = info }}
"""
BOTH = '"load/keep/#", "load/drop/#"'
ONE = '"load/keep/#"'
IN_FORCE = re.compile(r"policy in force on shard \d+ after (\d+) ms, longest slice (\d+) us")


def output_of(program, *arguments):
    done = subprocess.run(["taskset", "-c", CLIENT_CORE, str(program), *map(str, arguments)],
                          capture_output=True, text=True, timeout=300, check=True)
    return [float(word) for word in done.stdout.split()]


def message_cost(tools, rounds):
    """Alternated, so that a busy moment meets both. Of each process its best round: nothing but
    other work can make it slower. Of all processes the median: each lies elsewhere in memory."""
    costs = {"bench-messages": [], "bench-messages-bypass": []}
    for _ in range(rounds):
        for name, runs in costs.items():
            runs.append(min(output_of(tools / name, 6)))
    with_policy, without = (statistics.median(costs[name]) for name in costs)
    say(f"policy: {with_policy:.1f} ns a message, without {without:.1f} ns")
    return {"ns_per_message": round(with_policy, 1), "ns_per_message_bypass": round(without, 1),
            "cpu_overhead_percent": round(100 * (with_policy / without - 1), 2)}


def instructions(program):
    """Of a message: the difference of a longer and a shorter run."""
    def count(rounds):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                               str(program), str(rounds)], capture_output=True, text=True,
                              timeout=300, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))
    return round((count(2) - count(1)) / MESSAGES_A_ROUND, 1)


def instruction_cost(tools):
    if shutil.which("valgrind") is None:
        say("policy: instructions are not counted: valgrind is not here")
        return {}
    found = {name: instructions(tools / name) for name in ("bench-messages",
                                                           "bench-messages-bypass")}
    say(f"policy: instructions of a message: {found}")
    return {"instructions": found["bench-messages"],
            "instructions_bypass": found["bench-messages-bypass"]}


def index_cost(tools, rounds):
    runs = [output_of(tools / "bench-index", FILTERS) for _ in range(rounds)]
    size, match, step = (statistics.median(column) for column in zip(*runs))
    say(f"policy: {size:.0f} bytes a filter, {match:.0f} ns a match")
    return {"bytes_per_subscription": round(size, 1), "match_us": round(match / 1000, 3),
            "longest_attach_us": round(step, 1)}


class Broker:
    """tacitd with a policy file that can be changed; one core, one shard."""

    def __init__(self, folder, tacitd):
        self.port = subjects.free_port()
        self.config = pathlib.Path(folder) / "tacit.conf"
        self.grant(BOTH)
        self.log = open(pathlib.Path(folder) / "log", "w+", encoding="utf-8")
        self.server = subjects.Server(
            [tacitd, "--config", self.config, "--state", pathlib.Path(folder) / "state",
             "--shards", "1"], self.port, self.log, folder)

    def grant(self, grants):
        self.config.write_text(CONFIG.format(port=self.port, grants=grants), encoding="utf-8")

    def lines(self):
        return pathlib.Path(self.log.name).read_text(encoding="utf-8")

    def reload(self, grants):
        """Milliseconds until the walk is over, and its longest slice in microseconds."""
        before = len(IN_FORCE.findall(self.lines()))
        self.grant(grants)
        begin = time.monotonic()
        self.server.process.send_signal(signal.SIGHUP)
        while time.monotonic() < begin + 30:
            found = IN_FORCE.findall(self.lines())
            if len(found) > before:
                return (time.monotonic() - begin) * 1000, int(found[-1][1])
            time.sleep(0.002)
        raise RuntimeError(f"no policy in force after 30 s: {self.lines()[-2000:]}")


def start_peer(tools, *arguments):
    peer = subprocess.Popen(["taskset", "-c", CLIENT_CORE, str(tools / "bench-live"),
                             *map(str, arguments)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)
    if peer.stdout.readline().strip() != "ready":
        raise RuntimeError(f"bench-live {arguments} ended: {peer.wait()}")
    return peer


def quiet_wait(tools, port):
    """The longest wait when nothing happens: what this machine adds by itself."""
    with start_peer(tools, "probe", port, 2000) as probe:
        return float(probe.communicate(timeout=60)[0].split()[0])


def change_cost(tools, rounds):
    applied, stalls, slices = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
            broker = Broker(folder, tools.parent / "tacitd")
            with broker.server:
                load = start_peer(tools, "load", broker.port, CLIENTS, FILTERS // CLIENTS)
                quiet = quiet_wait(tools, broker.port)
                probe = start_peer(tools, "probe", broker.port, 4000)
                answer = {}
                reader = threading.Thread(
                    target=lambda: answer.update(text=probe.communicate(timeout=60)[0]))
                reader.start()
                time.sleep(0.5)
                took_ms, slice_us = broker.reload(ONE)
                reader.join()
                load.communicate(timeout=60)
        applied.append(took_ms)
        slices.append(slice_us / 1000)
        stalls.append(float(answer["text"].split()[0]))
        say(f"policy: {FILTERS} subscriptions, half taken away in {took_ms:.0f} ms, longest wait "
            f"{stalls[-1]:.2f} ms (quiet: {quiet:.2f} ms), longest slice {slices[-1]:.2f} ms")
    return {"reload_apply_ms": round(statistics.median(applied), 1),
            "longest_stall_ms": round(statistics.median(stalls), 2),
            "longest_slice_ms": round(max(slices), 2)}


def run(rounds):
    tools = build("tacitd", "bench-messages", "bench-messages-bypass", "bench-index",
                           "bench-live") / "bench"
    report = {"name": "policy", "filters": FILTERS, "rounds": rounds}
    report |= message_cost(tools, 7 * rounds)
    report |= instruction_cost(tools)
    report |= index_cost(tools, rounds)
    report |= change_cost(tools, rounds)
    report["wanted_at_most"] = WANTED
    report["ok"] = all(report[name] <= most for name, most in WANTED.items())
    return report
