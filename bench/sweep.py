# SPDX-License-Identifier: Apache-2.0
"""Point to point at QoS 0 in plaintext and with TLS, with one thing changed step by step, beside the floor and
mosquitto:

  window  1, 4, 16, 64 and 256 messages on their way from each publisher. Where nothing can be batched a
          wake-up with its calls is what counts; where much can be, what a message costs by itself
  size    payloads of 64 bytes to 64 KiB. The larger they are, the more it is their bytes that cost: in the kernel,
          and in the cipher

`rows` has one object per wire and step: deliveries per second of the server's CPU, and tacitd's share of the
floor."""
from measure import FIGURES, alternate, damage, medians, ratio
from scenarios import PLAIN, TLS, Scenario

ORDER = ("floor", "tacitd", "mosquitto")
PAIRS, PAIRS_SHORT = 100, 10
STEPS = {"window": (1, 4, 16, 64, 256), "size": (64, 256, 1024, 4096, 16384, 65536)}
# So many bytes are on their way at most, of large payloads as of small ones.
WINDOW_BYTES = 64 * 1024


def arguments(name, step, pairs):
    if name == "window":
        return f"p2p --pairs {pairs} --qos 0 --window {step}"
    return f"p2p --pairs {pairs} --qos 0 --size {step} --window {max(1, min(64, WINDOW_BYTES // step))}"


def measure_row(name, wire, step, bench):
    tools, place, options = bench
    scenario = Scenario(arguments(name, step, PAIRS_SHORT if options.short else PAIRS), wire, "p2p")
    runs, faults = alternate(f"{name} {step} {wire}", {subject: scenario for subject in ORDER}, tools, place,
                             options)
    faults += [f"tacitd: {count} {kind}" for kind, count in damage(runs).items() if count]
    figures = medians(runs, FIGURES["messages"][0])
    return {"wire": wire, "step": step, "args": " ".join(scenario.arguments),
            **{subject: figures[subject] and round(figures[subject]) for subject in ORDER},
            "share_of_floor": ratio(figures["tacitd"], figures["floor"]),
            "ratio_to_mosquitto": ratio(figures["tacitd"], figures["mosquitto"]), "faults": faults}


def run(options, tools, place):
    if options.short:
        options.rounds, options.duration = 1, min(options.duration, .3)
    rows = [measure_row(options.name, wire, step, (tools, place, options)) for wire in (PLAIN, TLS)
            for step in STEPS[options.name]]
    report = {"name": options.name, "rounds": options.rounds, "duration_s": options.duration, "rows": rows}
    # What is wanted of some of them is in like-for-like; here nothing may be lost.
    report["missed"] = [f"{row['step']} {row['wire']}" for row in rows if row["faults"]]
    report["ok"] = not report["missed"]
    return report
