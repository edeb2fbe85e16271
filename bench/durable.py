# SPDX-License-Identifier: Apache-2.0
"""What it costs that an acknowledged message is on disk, beside tacitd with `durability = memory`
and beside mosquitto without persistence and with persistence after every change, which is as near
as it comes; it acknowledges before it saves.

  cpu_us_per_message_durable     100 publishers at QoS 1, 64 on their way each, to 100 persistent
  cpu_us_per_message_memory      sessions that are offline; user and system time of all threads.
                                 ..._online: the sessions' clients are there
  puback_ms_p50                  one publisher that waits for each PUBACK, and, in turn with it,
  fdatasync_ms_p50               an append of 4 KiB to a file in the same folder with fdatasync
  overwrite_ms_p50               the same over a block that was written before
  recover_s_per_million          1,000,000 messages wait for 1,000 sessions, tacitd is killed with
                                 -9: from its start to the first CONNACK, with a warm page cache

After each run to offline sessions the server is killed with -9 and started again (without
persistence: it is left running), every session comes back, and each message is counted. In runs
of their own it is killed in the middle of the load: of ..._killed_acknowledged messages
..._killed_lost are gone. Servers on core 0, the generator on core 1."""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
PUBLISHERS, WINDOW = 100, 64
WARM, MEASURED, SECONDS = 1000, 6000, 6
WAITS = 500
SETTLE_S = 1.5  # a server that has just started has things to do
QUEUED, QUEUED_SESSIONS = 1_000_000, 1000
RESTARTS = 3
KILLED_AFTER_S = 0.7
CONNECT = bytes.fromhex("100d00044d51545404020000000161")
CONNACK = bytes.fromhex("20020000")
MODES = ("memory", "durable", "relaxed", "mosquitto", "mosquitto_saving")
KEEPING = ("durable", "relaxed", "mosquitto_saving")
LIMITS = """  store-bytes            = 64GiB
}
"""
WANTED = {"cpu_us_over_memory": 2, "cpu_us_over_memory_online": 2, "puback_per_fdatasync": 1.3,
          "recover_s_per_million": 2, "lost": 0, "twice": 0, "unacked": 0}


def on_disk():
    """A new folder that is on a disk: /tmp may not be."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="durable-", dir=ROOT / "build"))
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], check=True, capture_output=True,
                          text=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        folder.rmdir()
        sys.exit(f"bench/run durable: {ROOT / 'build'} is on {kind}; it has to be on a disk")
    return folder, kind


# ---- servers ----

def tacitd_argv(tools, place, mode, port):
    text = (ROOT / "bench" / "open.conf").read_text(encoding="utf-8").rstrip()
    text = text.replace("unrestricted = on", f"unrestricted = on\n  durability = {mode}")
    config = place / "tacit.conf"
    config.write_text(text.removesuffix("}") + LIMITS, encoding="utf-8")
    return [os.environ.get("TACITD", tools / "tacitd"), "--config", config, "--state",
            place / "state", "--port", port]


def mosquitto_argv(_tools, place, mode, port):
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "log_type none",
             "set_tcp_nodelay true", "max_queued_messages 0", "max_inflight_messages 0",
             "max_queued_bytes 0", "max_connections -1"]
    if mode == "mosquitto_saving":
        lines += ["persistence true", f"persistence_location {place / 'state'}/",
                  "autosave_on_changes true", "autosave_interval 1"]
    else:
        lines.append("persistence false")
    if os.geteuid() == 0:
        lines.append("user root")
    config = place / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (place / "state").mkdir(exist_ok=True)
    return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config]


class Place:
    """A state folder, and the server that has it."""

    def __init__(self, tools, folder, mode):
        self.tools, self.mode = tools, mode
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{mode}-", dir=folder))
        self.server = self.port = None

    def start(self, core=subjects.SERVER_CORE):
        argv = mosquitto_argv if self.mode.startswith("mosquitto") else tacitd_argv
        self.port = subjects.free_port()
        log = open(self.folder / "log", "a", encoding="utf-8")
        self.server = subjects.Server(argv(self.tools, self.folder, self.mode, self.port),
                                      self.port, log, self.folder, core)
        return self.server

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()
        self.server.log.close()

    def keeps(self):
        return self.mode in KEEPING

    def generator(self, *arguments, streams=None):
        """What it prints: JSON in the first line, then the lengths of the streams."""
        done = subprocess.run(
            ["taskset", "-c", "1", self.tools / "bench" / "bench-durable", *map(str, arguments)],
            input=streams, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            log = (self.folder / "log").read_text(encoding="utf-8")[-500:]
            raise RuntimeError(f"{self.mode}: {arguments}: {done.stderr}{log}")
        first, _, rest = done.stdout.partition("\n")
        return (json.loads(first) if first else {}), rest

    def drain(self, streams):
        return self.generator("drain", self.port, len(streams.split()), streams=streams)[0]

    def recovered(self, streams):
        """After kill -9 where something is kept; then everything is taken."""
        if self.keeps():
            self.kill()
            self.start().wait_until_it_listens()
        return self.drain(streams)

    def end(self):
        if self.server is not None and self.server.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- figures ----

def load(place, kind, window=WINDOW):
    place.start().wait_until_it_listens()
    place.generator("join", place.port, PUBLISHERS)
    run, streams = place.generator("load", kind, place.port, place.server.process.pid, PUBLISHERS,
                                   PUBLISHERS, window, WARM if window > 1 else 50,
                                   MEASURED if window > 1 else 500, SECONDS)
    if kind == "offline":
        run |= {key: value + run[key] if key in ("lost", "twice") else value
                for key, value in place.recovered(streams).items()}
    run["cpu_us"] = run["cpu_s"] / run["messages"] * 1e6
    run["per_cpu_s"] = run["messages"] / run["cpu_s"]
    run["per_s"] = run["messages"] / run["seconds"]
    run["written"] = run["written_bytes"] / run["messages"]
    say(f"durable: {place.mode:<17}{kind:<8}window {window:>3} {run['cpu_us']:8.3f} us "
        f"{run['per_s']:10,.0f}/s {run['written']:8.0f} bytes/message, lost {run['lost']}, "
        f"twice {run['twice']}, unacked {run['unacked']}")
    return run


def wait(place):
    place.start().wait_until_it_listens()
    place.generator("join", place.port, 1)
    time.sleep(SETTLE_S)
    run, streams = place.generator("wait", place.port, WAITS, place.folder / "probe")
    run |= place.recovered(streams)
    say(f"durable: {place.mode:<17}PUBACK {run['puback_ms_p50']:.3f} ms, append and fdatasync "
        f"{run['fdatasync_ms_p50']:.3f} ms, overwritten {run['overwrite_ms_p50']:.3f} ms, "
        f"lost {run['lost']}")
    return run


def killed(place):
    """With -9 under load: which of the acknowledged messages are not there afterwards?"""
    place.start().wait_until_it_listens()
    place.generator("join", place.port, PUBLISHERS)
    run, streams = place.generator("kill", place.port, place.server.process.pid, PUBLISHERS,
                                   WINDOW, KILLED_AFTER_S)
    place.server.process.wait()
    place.start().wait_until_it_listens()
    run |= place.drain(streams)
    say(f"durable: {place.mode:<17}killed under load: {run['lost']:,} of {run['acked']:,} "
        f"acknowledged messages lost, {run['twice']} twice")
    return run


def first_connack_s(place):
    """From the start of the program."""
    begin = time.monotonic()
    place.start("0,1")
    while True:
        try:
            with socket.create_connection(("127.0.0.1", place.port), 60) as client:
                client.sendall(CONNECT)
                if client.recv(4) == CONNACK:
                    return time.monotonic() - begin
        except OSError:
            if place.server.process.poll() is not None:
                raise RuntimeError(f"{place.mode} has ended") from None
        time.sleep(0.001)


def cpu_s(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()
    return (int(words[13]) + int(words[14])) / os.sysconf("SC_CLK_TCK")


def disk_bytes(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def recover(place):
    place.start("0,1").wait_until_it_listens()
    empty = disk_bytes(place.folder / "state" / "store")
    place.generator("join", place.port, QUEUED_SESSIONS)
    joined = disk_bytes(place.folder / "state" / "store")
    run, streams = place.generator("load", "offline", place.port, place.server.process.pid,
                                   PUBLISHERS, QUEUED_SESSIONS, WINDOW, 0, QUEUED // PUBLISHERS,
                                   300)
    full = disk_bytes(place.folder / "state" / "store")
    took, cpu = [], []
    for _ in range(RESTARTS):
        place.kill()
        took.append(first_connack_s(place))
        cpu.append(cpu_s(place.server.process.pid))
        say(f"durable: {run['messages']:,} messages: first CONNACK after {took[-1]:.3f} s")
    resident = int(next(line for line in pathlib.Path(
        f"/proc/{place.server.process.pid}/status").read_text(encoding="utf-8").splitlines()
        if line.startswith("VmRSS")).split()[1]) * 1024
    run |= place.drain(streams)
    return {"s": statistics.median(took) * 1e6 / run["messages"],
            "bytes_per_message": (full - joined) / run["messages"], "empty": empty,
            "resident_per_message": resident / run["messages"],
            "lost": run["lost"], "twice": run["twice"], "unacked": run["unacked"],
            "cpu_s": statistics.median(cpu) * 1e6 / run["messages"]}


def with_place(tools, folder, mode, measure, *arguments):
    place = Place(tools, folder, mode)
    try:
        return measure(place, *arguments)
    finally:
        place.end()


def median(runs, field, digits=3):
    values = [run[field] for run in runs]
    return round(statistics.median(values), digits)


def measure_all(tools, folder, rounds, modes):
    """Rounds alternate between the modes."""
    runs = {}
    for turn in range(rounds):
        say(f"durable: round {turn + 1} of {rounds}, load {os.getloadavg()[0]:.1f}")
        for kind in ("offline", "online"):
            for mode in modes:
                runs.setdefault((kind, mode), []).append(
                    with_place(tools, folder, mode, load, kind))
        for mode in ("memory", "durable"):
            runs.setdefault(("window1", mode), []).append(
                with_place(tools, folder, mode, load, "offline", 1))
        for mode in modes:
            runs.setdefault(("wait", mode), []).append(with_place(tools, folder, mode, wait))
            if mode in KEEPING:
                runs.setdefault(("killed", mode), []).append(
                    with_place(tools, folder, mode, killed))
    return runs


def cost_figures(runs, modes):
    found = {}
    for kind, suffix in (("offline", ""), ("online", "_online")):
        for mode in modes:
            name = f"{mode}{suffix}"
            found[f"cpu_us_per_message_{name}"] = median(runs[kind, mode], "cpu_us")
            found[f"messages_per_cpu_s_{name}"] = median(runs[kind, mode], "per_cpu_s", 0)
            found[f"messages_per_s_{name}"] = median(runs[kind, mode], "per_s", 0)
            found[f"written_bytes_per_message_{name}"] = median(runs[kind, mode], "written", 1)
        found[f"cpu_us_over_memory{suffix}"] = round(
            found[f"cpu_us_per_message_durable{suffix}"]
            - found[f"cpu_us_per_message_memory{suffix}"], 3)
    for mode in ("memory", "durable"):
        found[f"cpu_us_per_message_{mode}_window1"] = median(runs["window1", mode], "cpu_us")
    for share in ("p50", "p99"):
        found[f"puback_100_publishers_ms_{share}"] = median(runs["window1", "durable"],
                                                            f"puback_ms_{share}", 4)
    return found


def latency_figures(runs, modes):
    found = {}
    for share in ("p50", "p99"):
        for mode in modes:
            found[f"{mode}_puback_ms_{share}"] = median(runs["wait", mode],
                                                        f"puback_ms_{share}", 4)
        found[f"puback_ms_{share}"] = found[f"durable_puback_ms_{share}"]
        for what in ("fdatasync", "overwrite"):
            found[f"{what}_ms_{share}"] = median(runs["wait", "durable"], f"{what}_ms_{share}", 4)
    return found


def damage_figures(runs, recovery):
    """What tacitd lost, at every level: only its process was killed. And mosquitto, likewise."""
    ours = [run for (_, mode), done in runs.items() for run in done
            if not mode.startswith("mosquitto")] + recovery
    found = {field: sum(run.get(field, 0) for run in ours)
             for field in ("lost", "twice", "unacked", "bad_acks")}
    for (kind, mode), done in runs.items():
        if kind == "killed":
            found[f"{mode}_killed_acknowledged"] = sum(run["acked"] for run in done)
            found[f"{mode}_killed_lost"] = sum(run["lost"] for run in done)
    return found


def run(rounds=3):
    rounds = max(rounds, 3)  # a disk has its moods
    tools = build("tacitd", "bench-durable")
    folder, kind = on_disk()
    modes = [mode for mode in MODES if not mode.startswith("mosquitto")
             or subjects.missing("mosquitto", None) is None]
    begin = os.getloadavg()[0]
    try:
        runs = measure_all(tools, folder, rounds, modes)
        recovery = [with_place(tools, folder, "durable", recover) for _ in range(rounds)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report = {"name": "durable", "rounds": rounds, "file_system": kind,
              "load_average": f"{begin:.1f} to {os.getloadavg()[0]:.1f}",
              "publishers": PUBLISHERS, "window": WINDOW}
    report |= cost_figures(runs, modes)
    report |= latency_figures(runs, modes)
    report["puback_per_fdatasync"] = round(
        median(runs["wait", "durable"], "puback_ms_p50", 6)
        / median(runs["wait", "durable"], "fdatasync_ms_p50", 6), 3)
    report["puback_per_overwrite"] = round(
        report["puback_ms_p50"] / report["overwrite_ms_p50"], 3)
    report["queued_messages"], report["queued_sessions"] = QUEUED, QUEUED_SESSIONS
    report["recover_s_per_million"] = median(recovery, "s")
    report["recover_cpu_s_per_million"] = median(recovery, "cpu_s")
    report["disk_bytes_per_queued_message"] = median(recovery, "bytes_per_message", 1)
    report["resident_bytes_per_queued_message"] = median(recovery, "resident_per_message", 1)
    report |= damage_figures(runs, recovery)
    report["wanted_at_most"] = WANTED
    report["missed"] = [name for name, most in WANTED.items() if report[name] > most]
    report["ok"] = not report["missed"]
    return report
