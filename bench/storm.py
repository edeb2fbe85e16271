# SPDX-License-Identifier: Apache-2.0
"""Messages while strangers connect: a fixed rate of messages among devices that are there, quiet, and then
while 500 others a second make a full handshake with a certificate and go again. The same broker, tacitd and
mosquitto in turn; all of it over TLS 1.3 with certificates.

  quiet, storm      latency_us by percentile, of the messages alone: from when one was due by a plan that
                    does not wait for the broker (open loop)
  p999_ratio        the 99.9th percentile in the storm, by that when it is quiet
  handshakes_per_s  what came of the storm: connections that had their CONNACK

The broker is on core 0, both generators are on core 1. Where the machine allows it, the broker and the
one of the messages run before everything else, the storm's own work included: what is measured is the
broker."""
import json
import subprocess

from measure import damage, generator_argv, median, ratio
from scenarios import MTLS, Scenario
from siege import before_all_others, before_the_rest
import subjects
from subjects import say

LOAD = "p2p --pairs 100 --qos 1 --rate {rate}"
STORM = "conn --churn --conn-rate {rate} --concurrency 256 --client-prefix storm"
RATE, RATE_SHORT = 5_000, 500
STORM_RATE, STORM_RATE_SHORT = 500, 20
DURATION_S = 10  # 50,000 messages: 50 are beyond the percentile
LEAD_S = 1  # the storm is there before what is measured begins, and longer than that
PERCENTILES = ("p50", "p99", "p999")
SUBJECTS = ("tacitd", "mosquitto")
WANTED = {"p999_ratio": 3}
LEAST_OF_STORM = .9  # else there was none worth its name


def read(text):
    try:
        return json.loads(text)
    except ValueError:
        return {}


def begin(tools, server, arguments, place, duration):
    return subprocess.Popen(generator_argv(tools, server, arguments.split(), MTLS, place, duration),
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def measure_messages(tools, server, place, rate, duration):
    load = begin(tools, server, LOAD.format(rate=rate), place, duration)
    before_all_others(load.pid)
    return read(load.communicate(timeout=120)[0])


def measure_once(subject, tools, place, sizes):
    """The messages' JSON of a quiet time and of a storm, and the storm's own."""
    rate, storm_rate, duration = sizes
    with subjects.start(subject, tools, place, Scenario("p2p", MTLS)) as server:
        before_all_others(server.process.pid)
        quiet = measure_messages(tools, server, place, rate, duration)
        storm = begin(tools, server, STORM.format(rate=storm_rate), place, duration + 3 * LEAD_S)
        try:
            loud = measure_messages(tools, server, place, rate, duration)
            came = read(storm.communicate(timeout=120)[0])
        finally:
            storm.kill()
            storm.wait()
    return {"quiet": quiet, "storm": loud, "came": came}


def faults_of(subject, run, storm_rate):
    for name in ("quiet", "storm"):
        if "latency_us" not in run[name] or run[name].get("connect_errors"):
            yield f"{subject}, {name}: no figures"
    if run["came"].get("connections_per_s", 0) < LEAST_OF_STORM * storm_rate:
        yield f"{subject}: only {run['came'].get('connections_per_s', 0):.0f} handshakes a second"


def summary(runs):
    found = {name: {percentile: median([run[name]["latency_us"][percentile] for run in runs])
                    for percentile in PERCENTILES} for name in ("quiet", "storm")}
    found["p999_ratio"] = ratio(found["storm"]["p999"], found["quiet"]["p999"])
    found["handshakes_per_s"] = median([run["came"]["connections_per_s"] for run in runs])
    found["cpu_util_storm"] = median([run["storm"]["broker"]["cpu_util"] for run in runs])
    return found


def run(options, tools, place):
    sizes = (RATE_SHORT, STORM_RATE_SHORT, 1) if options.short else (RATE, STORM_RATE, DURATION_S)
    rounds = 1 if options.short else options.rounds
    runs, faults = {subject: [] for subject in SUBJECTS}, []
    for turn in range(rounds):
        for subject in SUBJECTS:
            why = subjects.missing(subject, Scenario("p2p", MTLS))
            if why:
                say(f"storm: SKIPPED {subject}: {why}")
                continue
            with before_the_rest():
                done = measure_once(subject, tools, place, sizes)
            wrong = list(faults_of(subject, done, sizes[1]))
            faults += wrong
            if not wrong:
                runs[subject].append(done)
                say(f"storm {turn + 1}/{rounds} {subject}: p99.9 {done['quiet']['latency_us']['p999']:.0f} us "
                    f"quiet, {done['storm']['latency_us']['p999']:.0f} us in the storm")
    report = {"name": "storm", "rounds": rounds, "messages_per_s": sizes[0],
              "storm_per_s": sizes[1], "duration_s": sizes[2], "tls": "1.3", "client_certificates": True}
    report |= {subject: summary(done) for subject, done in runs.items() if done}
    harm = damage({"tacitd": [run[name] for run in runs["tacitd"] for name in ("quiet", "storm")]})
    report |= harm | {"faults": faults, "wanted_at_most": WANTED}
    figures = report.get("tacitd", {})
    report["missed"] = [name for name, most in WANTED.items()
                        if figures.get(name) is None or figures[name] > most]
    report["ok"] = not (report["missed"] or faults or any(harm.values()))
    return report
