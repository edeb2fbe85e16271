# SPDX-License-Identifier: Apache-2.0
"""How each server scales with what it can batch: point to point at QoS 0 with 1, 4, 16, 64 and 256 messages on
their way from each publisher, in plaintext and with TLS, beside the floor and mosquitto.

`rows` has one object per wire and window: deliveries per second of the server's CPU, and tacitd's share of the
floor. Where nothing can be batched a wake-up with its calls is what counts; where much can be, what a message
costs by itself."""
from measure import FIGURES, alternate, damage, medians, ratio
from scenarios import PLAIN, TLS, Scenario

ORDER = ("floor", "tacitd", "mosquitto")
LOAD = "p2p --pairs {pairs} --qos 0 --window {window}"
PAIRS, PAIRS_SHORT = 100, 10
WINDOWS = (1, 4, 16, 64, 256)


def measure_row(wire, window, tools, place, options):
    arguments = LOAD.format(pairs=PAIRS_SHORT if options.short else PAIRS, window=window)
    scenario = Scenario(arguments, wire, "p2p")
    runs, faults = alternate(f"window {window} {wire}", {subject: scenario for subject in ORDER}, tools,
                             place, options)
    faults += [f"tacitd: {count} {kind}" for kind, count in damage(runs).items() if count]
    figures = medians(runs, FIGURES["messages"][0])
    return {"wire": wire, "window": window, "args": arguments,
            **{subject: figures[subject] and round(figures[subject]) for subject in ORDER},
            "share_of_floor": ratio(figures["tacitd"], figures["floor"]),
            "ratio_to_mosquitto": ratio(figures["tacitd"], figures["mosquitto"]), "faults": faults}


def run(options, tools, place):
    if options.short:
        options.rounds, options.duration = 1, min(options.duration, .3)
    rows = [measure_row(wire, window, tools, place, options) for wire in (PLAIN, TLS) for window in WINDOWS]
    report = {"name": "window", "rounds": options.rounds, "duration_s": options.duration, "rows": rows}
    # What is wanted with 1 and with 64 is of like-for-like; here nothing may be lost.
    report["missed"] = [f"{row['window']} {row['wire']}" for row in rows if row["faults"]]
    report["ok"] = not report["missed"]
    return report
