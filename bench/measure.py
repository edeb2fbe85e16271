# SPDX-License-Identifier: Apache-2.0
"""One scenario with the independent load generator: each server in turn, several rounds, medians.

The generator and the floor are found in $TACIT_SHARED (../shared) and built into build/bench."""
import contextlib
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

from scenarios import MTLS, PLAIN
import subjects
from subjects import say

ROOT = subjects.ROOT
TOOLS = ROOT / "build" / "bench"
CLIENT_CORE = 1
DAMAGE = ("lost", "duplicated", "reordered", "corrupt", "misrouted", "bad_acks", "unacked")
FIGURES = {"messages": ("deliveries_per_cpu_s", "deliveries per second of broker CPU"),
           "memory": ("rss_bytes_per_conn", "bytes of resident memory per idle connection"),
           "connections": ("connections_per_cpu_s", "connections per second of broker CPU")}


def build_generator():
    """mqload and floor, compiled out of their tree; None when they are not there."""
    shared = pathlib.Path(os.environ.get("TACIT_SHARED", ROOT.parent / "shared")) / "mqload"
    if not (shared / "Makefile").exists():
        return None
    TOOLS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "-f", str(shared / "Makefile"), f"VPATH={shared}",
                    "mqload", "floor"], cwd=TOOLS, check=True, stdout=sys.stderr)
    return TOOLS


def generator_argv(tools, server, arguments, wire, place, duration):
    argv = [str(tools / "mqload"), *arguments, "--port", str(server.port), "--cpu",
            str(CLIENT_CORE), "--broker-pid", str(server.process.pid), "--duration",
            str(duration)]
    certs = place / "certs"
    if wire != PLAIN:
        argv += ["--tls", "--cafile", str(certs / "ca.crt"), "--tls-min", "1.3"]
    if wire == MTLS:
        argv += ["--cert", str(certs / "client.crt"), "--key", str(certs / "client.key")]
    return argv


def measure(subject, tools, place, scenario, duration):
    """One run: the generator's JSON, with what went wrong under "fault"."""
    arguments = scenario.floor_arguments if subject == "floor" else scenario.arguments
    with subjects.start(subject, tools, place, scenario) as server:
        if scenario.kind == "memory":
            server.wait_until_its_memory_is_steady()
        done = subprocess.run(
            generator_argv(tools, server, arguments, scenario.wire, place, duration),
            capture_output=True, text=True, timeout=240, check=False)
    try:
        run = json.loads(done.stdout)
    except ValueError:
        return {"fault": (done.stderr or done.stdout).strip()[-300:] or f"exit {done.returncode}"}
    if done.returncode != 0 or run.get("refused") or run.get("connect_errors"):
        run["fault"] = done.stderr.strip()[-300:] or run.get("first_problem") or "connections were refused"
    if subject == "tacitd" and server.exit_code != 0:
        run["fault"] = f"tacitd ended with exit code {server.exit_code}"
    return run


def second_opinion(tools, place, scenario, duration):
    """The same with the project's own generator, where it has the scenario."""
    tacit = ROOT / "build" / "release" / "tacit"
    if scenario.kind != "messages" or scenario.arguments[0] != "p2p" or not tacit.exists():
        return None
    with subjects.start("tacitd", tools, place, scenario) as server:
        argv = ["taskset", "-c", str(CLIENT_CORE), str(tacit), "bench", *scenario.arguments,
                "--json", "--duration", str(duration), "--broker-pid", str(server.process.pid),
                "-h", "127.0.0.1", "-p", str(server.port)]
        if scenario.wire != PLAIN:
            argv += ["--cafile", str(place / "certs" / "ca.crt")]
        if scenario.wire == MTLS:
            argv += ["--cert", str(place / "certs" / "client.crt"),
                     "--key", str(place / "certs" / "client.key")]
        # mqload speaks of versions as 3 and 5, the tool as mosquitto_pub does.
        if "--mqtt" in argv:
            argv[argv.index("--mqtt")] = "-V"
        done = subprocess.run(argv, capture_output=True, text=True, timeout=240, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"fault": done.stderr.strip()[-300:] or f"exit {done.returncode}"}


def median(values):
    return statistics.median(values) if values else None


def ratio(part, whole):
    return round(part / whole, 4) if part is not None and whole else None


def verdict(scenario, result):
    """Does it reach what is wanted? None where nothing is."""
    if result["faults"] or any(result[kind] for kind in DAMAGE):
        return False
    if result["tacitd"] is None:
        return None
    if scenario.kind == "memory":
        return result["ratio_to_mosquitto"] is None or result["ratio_to_mosquitto"] <= 1
    if scenario.want is None or result["share_of_floor"] is None:
        return None
    return result["share_of_floor"] >= scenario.want


def alternate(name, scenarios, tools, place, options):
    """Rounds in which each subject has its turn: runs by subject, and what went wrong. `scenarios`:
    by subject, in the order of the turns."""
    runs, faults = {}, []
    for subject, scenario in scenarios.items():
        why = subjects.missing(subject, scenario)
        if why:
            say(f"{name}: SKIPPED {subject}: {why}")
        else:
            runs[subject] = []
    for turn in range(options.rounds):
        for subject, done in runs.items():
            scenario = scenarios[subject]
            run = measure(subject, tools, place, scenario, options.duration)
            field = FIGURES[scenario.kind][0]
            if "fault" in run:
                faults.append(f"{subject}: {run['fault']}")
                say(f"{name}: {subject}: {run['fault']}")
            elif run.get(field) is not None:
                done.append(run)
                say(f"{name} {turn + 1}/{options.rounds} {subject:<10}{run[field]:>16,.0f}")
    return runs, faults


def medians(runs, field):
    return {subject: median([run[field] for run in runs.get(subject, [])])
            for subject in subjects.ARGV}


def damage(runs):
    """What became of tacitd's messages, over all rounds."""
    return {kind: sum(run.get("check", {}).get(kind, 0) for run in runs.get("tacitd", []))
            for kind in DAMAGE}


def run_scenario(name, scenario, tools, place, options):
    field, unit = FIGURES[scenario.kind]
    runs, faults = alternate(name, {subject: scenario for subject in
                                    ("floor", "tacitd", "mosquitto")}, tools, place, options)
    figures = medians(runs, field)
    result = {
        "name": name, "arguments": " ".join(scenario.arguments), "wire": scenario.wire,
        "unit": unit, **figures,
        "share_of_floor": ratio(figures["tacitd"], figures["floor"]),
        "mosquitto_share_of_floor": ratio(figures["mosquitto"], figures["floor"]),
        "ratio_to_mosquitto": ratio(figures["tacitd"], figures["mosquitto"]),
        "want": scenario.want, "goal": scenario.goal, "rounds": options.rounds, "faults": faults,
    } | damage(runs)
    result["broker_cpu_util"] = {subject: median([run["broker"]["cpu_util"] for run in done])
                                 for subject, done in runs.items() if done}
    if options.second_opinion and "tacitd" in runs:
        result["tacit_bench"] = second_opinion(tools, place, scenario, options.duration)
    result["ok"] = verdict(scenario, result)
    return result


@contextlib.contextmanager
def place_with_certificates():
    """A folder for one command, with what bench/certs makes in `certs`; gone afterwards."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="tacit-bench-"))
    try:
        subprocess.run([str(ROOT / "bench" / "certs"), str(place / "certs")], check=True)
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def machine():
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(),
            "date": datetime.date.today().isoformat()}
