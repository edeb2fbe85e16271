# SPDX-License-Identifier: Apache-2.0
"""What many connections cost that hardly do anything: half of them send a message in some seconds, each to one
of the other half, QoS 1, so that each of them sends a packet in that time, and none has to ping; the broker
keeps the time of all of them. In plaintext and with client certificates, at a growing number of connections, to
see whether what one costs stays the same.

`rows` has one object per wire and number of connections, with for each subject:

  cpu_us_per_connection_s  CPU for a connection in a second
  cpu_us_per_message       the same CPU by messages; acknowledgements are in it
  cpu_util                 share of a core
  rss                      resident bytes per connection
  p99_us                   latency by a plan that does not wait for the broker (open loop)

`growth` is the CPU per connection at the most connections by that at the fewest: 1 or less is linear. More
connections are more often ready together, so that less is spent on waking up: it may be less than 1. The floor
asks for no client certificates."""
from measure import DAMAGE, measure, median, ratio
from scenarios import MTLS, PLAIN, Scenario
import subjects
from subjects import say

ORDER = ("floor", "tacitd", "mosquitto")
COUNTS, COUNTS_SHORT = (5_000, 10_000, 19_000), (100, 200)
EVERY_S = 5  # a message of each publisher, and of each subscriber one to take
# The generator pings by it, too; while it connects it must not get to do so (it would end).
KEEP_ALIVE_S, CONCURRENCY = 36_000, 64
DURATION_S, SHORT_S, WARM_S = 20, 2, 2
LOAD = ("p2p --pairs {pairs} --qos 1 --rate {rate} --keepalive {keep_alive} --warmup {warm} "
        "--concurrency {concurrency} --sources 1")
LINEAR = 1.2  # most that `growth` may be
FIELDS = ("cpu_us_per_connection_s", "cpu_us_per_message", "cpu_util", "rss", "p99_us")


def scenario_of(wire, count):
    return Scenario(LOAD.format(pairs=count // 2, rate=f"{count // 2 / EVERY_S:g}", keep_alive=KEEP_ALIVE_S,
                                warm=WARM_S, concurrency=CONCURRENCY), wire, "p2p", kind="memory")


def figures_of(run, count):
    broker = run["broker"]
    return {"cpu_us_per_connection_s": 1e6 * broker["cpu_util"] / count,
            "cpu_us_per_message": 1e6 * broker["cpu_s"] / run["received"] if run["received"] else None,
            "cpu_util": broker["cpu_util"],
            "rss": (broker["rss_after_kb"] - broker["rss_before_kb"]) * 1024 / count,
            "p99_us": run["latency_us"]["p99"]}


def faults_of(subject, run):
    if "fault" in run:
        return [f"{subject}: {run['fault']}"]
    harm = {kind: run.get("check", {}).get(kind, 0) for kind in DAMAGE}
    return [f"{subject}: {count} {kind}" for kind, count in harm.items() if count and subject == "tacitd"]


def measure_row(wire, count, tools, place, sizes):
    rounds, duration = sizes
    scenario = scenario_of(wire, count)
    row = {"wire": wire, "connections": count, "args": " ".join(scenario.arguments), "faults": []}
    runs = {subject: [] for subject in ORDER if not subjects.missing(subject, scenario)}
    for _ in range(rounds):
        for subject, done in runs.items():
            run = measure(subject, tools, place, scenario, duration)
            row["faults"] += faults_of(subject, run)
            if "fault" not in run:
                done.append(figures_of(run, count))
    for subject, done in runs.items():
        if done:
            row[subject] = {field: round(median([run[field] for run in done]), 3) for field in FIELDS}
            say(f"active {wire:<6}{count:>7} {subject:<10}" + ", ".join(
                f"{field} {value:,.2f}" for field, value in row[subject].items()))
    return row


def growth(rows):
    """None when one number of connections was measured, or nothing."""
    if len(rows) < 2 or not all("tacitd" in row for row in (rows[0], rows[-1])):
        return None
    return ratio(rows[-1]["tacitd"]["cpu_us_per_connection_s"], rows[0]["tacitd"]["cpu_us_per_connection_s"])


def run(options, tools, place):
    counts = COUNTS_SHORT if options.short else COUNTS
    sizes = (1, SHORT_S) if options.short else (options.rounds, max(options.duration, DURATION_S))
    report = {"name": "active", "rounds": sizes[0], "duration_s": sizes[1], "message_every_s": EVERY_S,
              "keep_alive_s": KEEP_ALIVE_S, "rows": [], "missed": [],
              "wanted_at_most": {f"growth_{wire}": LINEAR for wire in (PLAIN, MTLS)}}
    for wire in (PLAIN, MTLS):
        rows = [measure_row(wire, count, tools, place, sizes) for count in counts]
        report["rows"] += rows
        report[f"growth_{wire}"] = growth(rows)
        # A handful of connections says nothing about thousands.
        if not options.short and (report[f"growth_{wire}"] is None or report[f"growth_{wire}"] > LINEAR):
            report["missed"].append(f"linear-{wire}")
    faults = [fault for row in report["rows"] for fault in row["faults"]]
    report["ok"] = not (report["missed"] or faults)
    return report
