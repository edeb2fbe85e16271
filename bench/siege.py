# SPDX-License-Identifier: Apache-2.0
"""A broker under siege (promises A1 and A3): hostile peers, each from an address of its own, while
honest devices with certificates publish to each other at QoS 1 and further ones connect. Before,
meanwhile and after: the same plan of the honest, which does not wait for the broker. tacitd and
Debian's mosquitto, one at a time, with two listeners each: one demands certificates of devices, the
other takes names and passwords, and TLS 1.2 besides 1.3.

  hostile          peers that attack all the time; what they do: bench/siege/attacks.def
  honest           devices, which are connected before and are to stay so
  rss_peak_bytes   most resident memory of the broker, from its start to its end
  rss_bound_bytes  what it may be by the limits of tacitd, see rss_bound()
  honest_lost      messages that were due and did not come
  p99_ratio        99th percentile of the time from when a message was due until it came: during the
                   siege, over that before it
  connect_ms_p99   the same for a device that nobody has seen before, until it has its CONNACK,
                   during the siege; one that is turned away tries again, and after 10 s has failed

The same of mosquitto is in "mosquitto", which has no bound. What the hostile peers reached is in
"siege", by kind. The broker is on core 0, both sides of the load on core 1. Where the machine allows
it, the broker and the honest side run before everything else, so that the figures are the broker's
and not those of what else runs here; *_late_ms says how late the honest side itself was.

Rounds alternate between the brokers. Figures are medians, but what may never happen is the worst:
most memory, and lost messages of all rounds."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import subjects
from subjects import say

ROOT = subjects.ROOT
CLIENT_CORE = "1"
PRIORITY = -15
SESSION = pathlib.Path("/proc/self/autogroup")
FILES = 20000


class Size:
    """How many, how often, how long."""

    def __init__(self, hostile, pace, honest, per_s, phases):
        self.hostile, self.pace = hostile, pace  # 1: as often as attacks.def says
        self.honest, self.per_s = honest, per_s
        self.phases = phases  # name: seconds


WHOLE = Size(10000, 1, 1000, 5000, {"quiet": 10, "siege": 40, "after": 10})
SHORT = Size(500, 4, 50, 250, {"quiet": 2, "siege": 6, "after": 1})
BROKERS = ("tacitd", "mosquitto")
PROBES, PROBE_EVERY_MS = 100, 100
PEERS_PER_NETWORK = 4
HUGE_BYTES, HUGE_SENT_BYTES = 200_000_000, 262144
LEGAL_BYTES = 65000
WANTED = {"honest_lost": 0, "honest_twice": 0, "p99_ratio": 1.5, "connect_ms_p99": 1000}
# Of a connection that has proved nothing: what it is by itself, its places in tables, and what
# OpenSSL holds in the middle of a handshake. An address that is known has a place, too.
BARE_BYTES, PLACE_BYTES, HANDSHAKE_BYTES, KNOWN_BYTES = 512, 90, 49152, 16

TACITD = """listener "devices" {{
  address = "127.0.0.1" port = {devices} client-certificates = required
}}
listener "people" {{
  address = "127.0.0.1" port = {people} client-certificates = optional passwords = on
  tls-min = "1.2"
}}
enrolment {{ port = off }}
role "device" {{ publish = {{ "devices/%{{device}}/state" }} subscribe = {{ "devices/+/state" }} }}
role "panel" {{ subscribe = {{ "devices/panel/set" }} }}
log {{ level = error }}
"""
MOSQUITTO = """per_listener_settings true
log_type none
persistence false
set_tcp_nodelay true
max_connections -1
listener {devices} 127.0.0.1
cafile {place}/ca.crt
certfile {place}/server.crt
keyfile {place}/server.key
require_certificate true
use_identity_as_username true
acl_file {place}/acl
listener {people} 127.0.0.1
certfile {place}/server.crt
keyfile {place}/server.key
tls_version tlsv1.2
allow_anonymous false
password_file {place}/passwords
"""
ACL = "pattern write devices/%u/state\npattern read devices/+/state\n"


def build():
    """Two of our own, of which the latter enrols; and the broker, unless another one is named."""
    wanted = ["bench-siege", "bench-revoke"]
    if "TACITD" not in os.environ:
        wanted += ["tacitd", "tacit"]
    return subjects.build(*wanted)


def tacitd(tools):
    return os.environ.get("TACITD", tools / "tacitd")


def raise_file_limit():
    """Enough for all connections, of a side and of the broker."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, FILES), most))


@contextlib.contextmanager
def before_the_rest():
    """A priority over the rest of the machine, where it gives one. Where the scheduler shares by
    sessions it is this one's: the shell keeps its own. The file is empty for a process of the first
    session of all, as those of a container may be: that one is not shared out."""
    before = None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
        shared = SESSION.read_text(encoding="ascii").split() if SESSION.exists() else []
        if shared:
            before = shared[-1]
            SESSION.write_text(str(PRIORITY), encoding="ascii")
    except OSError:
        say("siege: the machine gives no priority; it should have nothing else to do")
    try:
        yield
    finally:
        if before is not None:
            SESSION.write_text(before, encoding="ascii")


def before_all_others(pid):
    """All threads of the process run whenever they can, where that is given: what is measured is
    the broker, not who else wants its core."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(1))
        except OSError:
            return


# ---- the brokers ----

class Place:
    """A CA, devices with certificates, a certificate of the server: for both brokers."""

    def __init__(self, tools, folder, size, pace):
        self.tools, self.folder, self.size = tools, folder, size
        self.pace = pace * size.pace
        self.state, self.keys = folder / "state", folder / "devices"
        self.keys.mkdir()
        subprocess.run([os.environ.get("TACIT", tools / "tacit"), "ca", "init", "--state",
                        self.state], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([tools / "bench" / "bench-revoke", "enrol", self.state, self.keys,
                        str(size.honest + PROBES)], check=True)
        self.ports = {}

    def write_for_mosquitto(self):
        """The devices do not look at the server's certificate: any of this CA does."""
        for name in ("crt", "key"):
            shutil.copy(self.keys / f"panel.{name}", self.folder / f"server.{name}")
        authorities = [(self.state / "ca" / f"{name}.crt").read_text(encoding="utf-8")
                       for name in ("root", "ca")]
        (self.folder / "ca.crt").write_text("".join(authorities), encoding="utf-8")
        (self.folder / "acl").write_text(ACL, encoding="utf-8")
        (self.folder / "passwords").write_text("", encoding="utf-8")

    def argv(self, subject):
        self.ports = {"devices": subjects.free_port(), "people": subjects.free_port()}
        config = self.folder / f"{subject}.conf"
        if subject == "tacitd":
            config.write_text(TACITD.format(**self.ports), encoding="utf-8")
            return [tacitd(self.tools), "--config", config, "--state", self.state]
        self.write_for_mosquitto()
        text = MOSQUITTO.format(place=self.folder, **self.ports)
        config.write_text(text + ("user root\n" if os.geteuid() == 0 else ""), encoding="utf-8")
        return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config]

    def server(self, subject):
        argv = self.argv(subject)
        log = open(self.folder / f"{subject}.log", "a", encoding="utf-8")
        return subjects.Server(argv, self.ports["devices"], log, self.folder)

    def generator(self, side, *arguments):
        return subprocess.Popen(
            ["taskset", "-c", CLIENT_CORE, self.tools / "bench" / "bench-siege", side,
             *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def honest(self):
        return self.generator("honest", self.ports["devices"], self.keys, self.size.honest, PROBES,
                              self.size.per_s, PROBE_EVERY_MS)

    def hostile(self):
        return self.generator("hostile", self.ports["devices"], self.ports["people"],
                              self.size.hostile, PEERS_PER_NETWORK, self.pace, HUGE_BYTES,
                              HUGE_SENT_BYTES, LEGAL_BYTES)


def status(pid, field):
    """A size of the process, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024


def cpu_s(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# ---- the bound ----

def stated_limits(tools):
    """Every limit of tacitd with its default."""
    done = subprocess.run([tacitd(tools), "--help-limits"], capture_output=True, text=True,
                          check=True)
    return {name: int(value) for name, value in
            re.findall(r"^([a-z0-9-]+) = (\d+) ", done.stdout, re.MULTILINE)}


def rss_bound(limits, rss_quiet_bytes, hostile):
    """What those who have proved nothing may add to what the broker needs for the honest ones.
    There are no more of them than the limit `unproved` says, and for their handshakes and for what
    they have sent they get no more than `unproved-bytes` in all. A broker without these limits may
    need for each that attacks what each may be given."""
    unproved = limits.get("unproved", min(limits["connections"], hostile))
    most = unproved * (HANDSHAKE_BYTES + limits["connect-packet-bytes"])
    return (rss_quiet_bytes + limits.get("unproved-bytes", most)
            + unproved * (BARE_BYTES + PLACE_BYTES) + limits.get("known-addresses", 0) * KNOWN_BYTES)


# ---- a round ----

def end(process):
    """Its report; it ends with its input."""
    out, _ = process.communicate(timeout=120)
    if process.returncode != 0:
        raise RuntimeError(f"bench-siege ended with exit code {process.returncode}")
    return json.loads(out)


def phase(honest, server, name, seconds):
    """What the broker has cost in a phase, as a share of a core."""
    honest.stdin.write(name + "\n")
    honest.stdin.flush()
    pid = server.process.pid
    used, began = cpu_s(pid), time.monotonic()
    time.sleep(seconds)
    return {f"rss_{name}_bytes": status(pid, "VmRSS"),
            f"broker_cpu_{name}": round((cpu_s(pid) - used) / (time.monotonic() - began), 3)}


def run_phases(place, server, honest):
    """Facts of the broker, and the report of the hostile side."""
    seconds = place.size.phases
    if honest.stdout.readline().strip() != "ready":
        raise RuntimeError("the honest devices did not get in")
    facts = phase(honest, server, "quiet", seconds["quiet"])
    hostile = place.hostile()
    try:
        facts |= phase(honest, server, "siege", seconds["siege"])
        report = end(hostile)
    finally:
        hostile.kill()
        hostile.wait()
    facts |= phase(honest, server, "after", seconds["after"])
    facts["rss_peak_bytes"] = status(server.process.pid, "VmHWM")
    return facts, report


def measure(place, subject):
    with place.server(subject) as server:
        honest = place.honest()
        before_all_others(server.process.pid)
        before_all_others(honest.pid)
        try:
            facts, hostile = run_phases(place, server, honest)
            report = end(honest)
        finally:
            honest.kill()
            honest.wait()
    if subject == "tacitd" and server.exit_code != 0:
        raise RuntimeError(f"tacitd ended with exit code {server.exit_code}: "
                           + (place.folder / "tacitd.log").read_text(encoding="utf-8")[-4000:])
    quiet, siege = report["phases"]["quiet"], report["phases"]["siege"]
    quiet_p99, siege_p99 = quiet["delivery_ms"]["p99"], siege["delivery_ms"]["p99"]
    say(f"siege: {subject:<10}{facts['rss_peak_bytes'] / 1048576:6.0f} MiB, lost {report['lost']}, "
        f"p99 {quiet_p99:.2f} -> {siege_p99:.2f} ms, connect p99 "
        f"{quiet['connect_ms']['p99']:.1f} -> {siege['connect_ms']['p99']:.1f} ms, standing "
        f"{hostile['standing_peak']}")
    return {**facts, "honest": report, "hostile": hostile}


# ---- figures ----

def median(runs, *path):
    values = []
    for run in runs:
        for name in path:
            run = run[name]
        values.append(run)
    return round(statistics.median(values), 3)


def figures(runs, size):
    ratios = [run["honest"]["phases"]["siege"]["delivery_ms"]["p99"]
              / max(run["honest"]["phases"]["quiet"]["delivery_ms"]["p99"], 0.001) for run in runs]
    found = {"hostile": size.hostile, "honest": size.honest,
             "rss_peak_bytes": max(run["rss_peak_bytes"] for run in runs),
             "rss_bound_bytes": None,
             "honest_lost": sum(run["honest"]["lost"] for run in runs),
             "p99_ratio": round(statistics.median(ratios), 3),
             "connect_ms_p99": median(runs, "honest", "phases", "siege", "connect_ms", "p99")}
    for name in ("twice", "dropped"):
        found[f"honest_{name}"] = sum(run["honest"][name] for run in runs)
    for name in size.phases:
        for what in ("delivery_ms", "connect_ms", "late_ms"):
            for share in ("p50", "p99"):
                found[f"{name}_{what}_{share}"] = median(runs, "honest", "phases", name, what,
                                                         share)
        for what in ("probes_failed", "probe_retries"):
            found[f"{name}_{what}"] = sum(run["honest"]["phases"][name][what] for run in runs)
        found[f"rss_{name}_bytes"] = max(run[f"rss_{name}_bytes"] for run in runs)
        found[f"broker_cpu_{name}"] = median(runs, f"broker_cpu_{name}")
    found["siege"] = runs[-1]["hostile"]
    return found


def judge(report):
    """Which of the wanted figures are missed."""
    report["wanted_at_most"] = WANTED | {"rss_peak_bytes": report["rss_bound_bytes"]}
    report["missed"] = [name for name, most in report["wanted_at_most"].items()
                        if report[name] > most]
    report["ok"] = not report["missed"]
    return report


def run(rounds=1, size=WHOLE, pace=1, wanted=BROKERS):
    tools = build()
    raise_file_limit()
    names = [name for name in wanted if subjects.missing(name, None) is None]
    load = os.getloadavg()[0]
    runs = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder, before_the_rest():
        place = Place(tools, pathlib.Path(folder), size, pace)
        for _ in range(rounds):
            for name in names:
                runs[name].append(measure(place, name))
    report = {"name": "siege", "rounds": rounds, "messages_per_s": size.per_s, "pace": pace * size.pace,
              "load_average": f"{load:.1f} to {os.getloadavg()[0]:.1f}",
              **figures(runs["tacitd"], size)}
    report["rss_bound_bytes"] = rss_bound(stated_limits(tools), report["rss_quiet_bytes"],
                                          size.hostile)
    if "mosquitto" in runs:
        report["mosquitto"] = figures(runs["mosquitto"], size)
    return judge(report)
