# SPDX-License-Identifier: Apache-2.0
"""What detection costs: a broker that looks at behaviour against one that does not, in alternation.

  rows             for each wire, QoS, number of devices and length of a window: messages per second of
                   broker CPU, medians; on over off as the geometric mean of pairs with its 95 % interval.
                   `ratio_in_place`: one process and its connections, in which SIGHUP turns it on and off,
                   so that nothing else differs; it learns meanwhile. `ratio_watching`: the same of a
                   process that has learned and watches, in which the devices' role is looked at or not.
                   `ratio_observe` and `ratio_respond`: a process for each run, which has learned and
                   watches; its place in memory differs, too
  ratio_on_off     the lowest `ratio_in_place` or `ratio_watching` with TLS and certificates, with its
                   interval
  ratio_all        the geometric mean of all of them
  ns_per_message   of the detector alone at 10,000 devices (bench-sense)
  core             ns a message costs a shard without the kernel (bench-messages): without a policy, with
                   one, and with detection besides; and what both add, per cent

Every device has a certificate of its own, publishes to itself and has WINDOW messages on their way; what
is usual was learned at the same rates. Without TLS nobody has a name of his own, so nobody is looked
at. Windows are of one second, in which they are weighed five times as often as where nothing is said
about it; what that costs is measured in place, in slices in which windows end.
The broker has core 0, the devices core 1."""
import contextlib
import math
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
CLIENT_CORE = "1"
MODES = ("off", "observe", "respond")
PAIRS_LEAST, WARM_S, WINDOW = 5, 1.0, 64
IN_PLACE_PAIRS, IN_PLACE_S, SETTLE_S = 12, 1.0, 0.3
FAST_MS, USUAL_MS = 1000, 5000  # sense-window-ms here, and where nothing is said
USUAL_PAIRS, WINDOWS_LEAST = 6, 1.2  # of a slice
IN_FORCE = re.compile(r"policy in force on shard 0")
RELOAD_S = 30
LEARN_S = 240
TICK_NS = 1e9
RATIO_WANTED, NS_WANTED = 0.98, 30
# wire, QoS, devices, ms of a window
CASES = [("mtls", 0, 100, FAST_MS), ("mtls", 1, 100, FAST_MS), ("mtls", 0, 1000, FAST_MS),
         ("mtls", 1, 1000, FAST_MS), ("plain", 0, 100, FAST_MS), ("plain", 1, 100, FAST_MS),
         ("mtls", 0, 100, USUAL_MS), ("mtls", 0, 1000, USUAL_MS)]
SHORT_CASES = [("mtls", 0, 20, FAST_MS)]
# What is turned on and off in one process: (mode, whether the role is looked at).
LEARNING = {"on": ("observe", "on"), "off": ("off", "on")}
WATCHING = {"on": ("observe", "on"), "off": ("observe", "off")}
CONFIG = """shards = 1
sense {{ mode = {mode} learn = 3s shape = 3s prove = 5s }}
listener "devices" {{ address = "127.0.0.1" port = {port} {wire} }}
enrolment {{ port = off }}
role "device" {{
  sense     = {looked_at}
  publish   = {{ "devices/%{{device}}/state", "devices/%{{device}}/alarm" }}
  subscribe = {{ "devices/%{{device}}/state", "devices/%{{device}}/set" }}
  deny-publish = {{ "devices/+/secret" }}
}}
role "nobody" {{ publish = {{ "devices/+/state" }} subscribe = {{ "devices/+/state" }} }}
limits {{ sense-window-ms = {window_ms} sense-save-s = 86400 connects-per-minute = 0 }}
log {{ level = info }}
"""
WIRES = {"mtls": "client-certificates = required",
         "plain": 'tls = off client-ids = any anonymous-role = "nobody"'}
T_95 = (0, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.16, 2.145, 2.131, 2.12)


def interval(values):
    """Geometric mean of ratios and its 95 % interval, by Student."""
    logs = [math.log(value) for value in values]
    middle = statistics.fmean(logs)
    if len(logs) < 2:
        return {"value": round(math.exp(middle), 4), "low_95": None, "high_95": None}
    degrees = len(logs) - 1
    t = T_95[min(degrees, len(T_95) - 1)]
    wide = t * statistics.stdev(logs) / math.sqrt(len(logs))
    return {"value": round(math.exp(middle), 4), "low_95": round(math.exp(middle - wide), 4),
            "high_95": round(math.exp(middle + wide), 4)}


def cpu_s(pid):
    """Of all threads so far, finer than the clock's ticks."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / TICK_NS


class Place:
    """A CA, certificates of devices, and what was learned of them at the rates of one case."""

    def __init__(self, tools, folder, devices):
        self.tools, self.folder = tools, folder
        self.state, self.keys, self.learned = folder / "state", folder / "devices", folder / "learned"
        self.keys.mkdir()
        self.port = subjects.free_port()
        subprocess.run([os.environ.get("TACIT", tools / "tacit"), "ca", "init", "--state", self.state],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([tools / "bench" / "bench-revoke", "enrol", self.state, self.keys, str(devices)],
                       check=True)

    def configure(self, mode, case, looked_at="on"):
        wire, _, _, window_ms = case
        config = self.folder / "tacit.conf"
        config.write_text(CONFIG.format(mode=mode, port=self.port, wire=WIRES[wire], looked_at=looked_at,
                                        window_ms=window_ms), encoding="utf-8")
        return config

    def server(self, mode, case):
        config = self.configure(mode, case)
        log = open(self.folder / "log", "w", encoding="utf-8")
        return subjects.Server([os.environ.get("TACITD", self.tools / "tacitd"), "--config", config,
                                "--state", self.state], self.port, log, self.folder)

    @contextlib.contextmanager
    def crowd(self, case):
        wire, qos, devices, _ = case
        argv = ["taskset", "-c", CLIENT_CORE, self.tools / "bench" / "bench-crowd", self.port,
                self.keys if wire == "mtls" else "-", devices, qos, WINDOW]
        with subprocess.Popen(list(map(str, argv)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as process:
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"bench-crowd ended: {process.wait()}: {self.text()[-2000:]}")
            try:
                yield process
            finally:
                process.stdin.close()

    def text(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def forget(self):
        shutil.rmtree(self.state / "learning", ignore_errors=True)

    def remember(self):
        """What was learned for the case, if anything."""
        self.forget()
        if self.learned.exists():
            shutil.copytree(self.learned, self.state / "learning")

    def learn(self, case):
        """What is usual at full load, until the role is watched."""
        shutil.rmtree(self.learned, ignore_errors=True)
        self.forget()
        if case[0] == "plain":
            return
        with self.server("observe", case) as server, self.crowd(case):
            until = time.monotonic() + LEARN_S
            while "is watched" not in self.text():
                if time.monotonic() > until or server.process.poll() is not None:
                    raise RuntimeError(f"not learned: {self.text()[-2000:]}")
                time.sleep(0.2)
        shutil.copytree(self.state / "learning", self.learned)

    def measure(self, mode, case, duration):
        """Messages per second of broker CPU."""
        self.remember()
        with self.server(mode, case) as server, self.crowd(case) as crowd:
            time.sleep(WARM_S)
            found = rate(crowd, server, duration)
            if "is read no faster" in self.text():
                raise RuntimeError(f"a device was throttled: {self.text()[-2000:]}")
        return found

    def turn(self, case, server, mode, looked_at):
        """The same process goes on in that way."""
        before = len(IN_FORCE.findall(self.text()))
        self.configure(mode, case, looked_at)
        server.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + RELOAD_S
        while len(IN_FORCE.findall(self.text())) <= before:
            if time.monotonic() > until:
                raise RuntimeError(f"not taken: {self.text()[-2000:]}")
            time.sleep(0.01)

    def in_place(self, case, pairs, ways):
        """On over off in turn, of one process: messages per second of its CPU."""
        slice_s = max(IN_PLACE_S, WINDOWS_LEAST * case[3] / 1000)
        found = {way: [] for way in ways}
        with self.server("off" if ways is LEARNING else "observe", case) as server, \
                self.crowd(case) as crowd:
            for step in range(2 * pairs):
                way = ("off", "on", "on", "off")[step % 4]
                self.turn(case, server, *ways[way])
                found[way].append(rate(crowd, server, slice_s))
        return interval([on / off for on, off in zip(found["on"], found["off"])])


def messages(crowd):
    """So many have come back so far."""
    crowd.stdin.write("?")
    crowd.stdin.flush()
    return int(crowd.stdout.readline())


def rate(crowd, server, duration):
    """Messages per second of CPU for so long, after a moment in which everything becomes as it is."""
    time.sleep(SETTLE_S)
    begin, spent = messages(crowd), cpu_s(server.process.pid)
    time.sleep(duration)
    end = messages(crowd)
    return (end - begin) / (cpu_s(server.process.pid) - spent)


def compare_in_place(place, case, rounds):
    pairs = USUAL_PAIRS if case[3] == USUAL_MS else max(2 * rounds, IN_PLACE_PAIRS)
    place.forget()
    found = {"ratio_in_place": place.in_place(case, pairs, LEARNING)}
    place.learn(case)
    if place.learned.exists():
        place.remember()
        found["ratio_watching"] = place.in_place(case, pairs, WATCHING)
    say(f"detection: {title(case)}: {found}")
    return found


def title(case):
    wire, qos, devices, window_ms = case
    return f"{wire}, QoS {qos}, {devices} devices, windows of {window_ms} ms"


def compare(place, case, rounds, duration, in_processes=True):
    """In place, and then the modes in turn, a process each; each round begins with another one."""
    wire, qos, devices, window_ms = case
    row = {"wire": wire, "qos": qos, "devices": devices, "window": WINDOW, "window_ms": window_ms,
           "is_looked_at": wire == "mtls", **compare_in_place(place, case, rounds)}
    if window_ms == USUAL_MS or not in_processes:
        return row
    runs = {mode: [] for mode in MODES}
    for turn in range(rounds):
        for step in range(len(MODES)):
            mode = MODES[(turn + step) % len(MODES)]
            runs[mode].append(place.measure(mode, case, duration))
        say(f"detection: {title(case)}, {turn + 1}/{rounds}: " + ", ".join(
            f"{mode} {done[-1]:,.0f}" for mode, done in runs.items()))
    row |= {f"messages_per_cpu_s_{mode}": round(statistics.median(done)) for mode, done in runs.items()}
    return row | {f"ratio_{mode}": interval([on / off for on, off in zip(runs[mode], runs["off"])])
                  for mode in MODES[1:]}


def in_place_of(rows):
    """Those in place in which somebody is looked at."""
    return [row[way] for row in rows if row["is_looked_at"]
            for way in ("ratio_in_place", "ratio_watching") if way in row]


def pool(ratios):
    """One ratio from many, their geometric mean, with its 95 % interval. All weigh the same: that an
    interval of six pairs is narrow may be chance."""
    middle = statistics.fmean(math.log(one["value"]) for one in ratios)
    halves = [(math.log(one["high_95"]) - math.log(one["low_95"])) / 2 for one in ratios]
    half = math.hypot(*halves) / len(ratios)
    return {"value": round(math.exp(middle), 4), "low_95": round(math.exp(middle - half), 4),
            "high_95": round(math.exp(middle + half), 4)}


def of_core(tools, rounds):
    """The best round of each process, the median of the processes: see policy.py."""
    programs = {"bypass": ("bench-messages-bypass", "4"), "policy": ("bench-messages", "4"),
                "observe": ("bench-messages", "4", "observe")}
    found = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (program, *arguments) in programs.items():
            done = subprocess.run(["taskset", "-c", CLIENT_CORE, tools / program, *arguments],
                                  capture_output=True, text=True, timeout=300, check=True)
            found[name].append(min(float(word) for word in done.stdout.split()))
    costs = {name: statistics.median(runs) for name, runs in found.items()}
    say("detection: core, ns a message: " + ", ".join(f"{n} {v:.1f}" for n, v in costs.items()))
    return {f"ns_{name}": round(value, 1) for name, value in costs.items()} | {
        "policy_percent": round(100 * (costs["policy"] / costs["bypass"] - 1), 2),
        "detection_percent": round(100 * (costs["observe"] / costs["policy"] - 1), 2),
        "both_percent": round(100 * (costs["observe"] / costs["bypass"] - 1), 2)}


IN_PLACE = "in-place"  # without processes of their own, and without those whom nobody looks at


def run(rounds, duration=3.0, is_short=False, only=None):
    """Half an hour with 5 rounds of 3 s; a quarter of one in place only."""
    import sense
    rounds = 2 if is_short else max(PAIRS_LEAST, rounds)
    cases = SHORT_CASES if is_short else CASES
    if only == IN_PLACE:
        cases = [case for case in cases if case[0] == "mtls"]
    folder = build("tacitd", "tacit", "bench-revoke", "bench-crowd", "bench-messages",
                   "bench-messages-bypass", "bench-sense")
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as name:
        place = Place(folder, pathlib.Path(name), max(case[2] for case in cases))
        rows = [compare(place, case, rounds, duration, only != IN_PLACE) for case in cases]
    ratios = in_place_of(rows)
    worst, together = min(ratios, key=lambda one: one["value"]), pool(ratios)
    ns = sense.costs(folder / "bench", 2 if is_short else 3)["ns_per_message"]
    report = {"name": "detection", "rounds": rounds, "duration_s": duration, "rows": rows,
              "ratio_on_off": worst, "ratio_all": together, "ns_per_message": ns,
              "core": of_core(folder / "bench", 2 if is_short else 7),
              "wanted": {"ratio_on_off": RATIO_WANTED, "ns_per_message": NS_WANTED}}
    # Missed is what is missed for certain: the interval is below what is wanted.
    high = worst["high_95"] if worst["high_95"] is not None else worst["value"]
    report["ok"] = (high >= RATIO_WANTED and together["value"] >= RATIO_WANTED and ns <= NS_WANTED)
    return report
