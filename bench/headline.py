# SPDX-License-Identifier: Apache-2.0
"""Everything on against everything off: promise U4.

  share_qos0, share_qos1    deliveries per second of broker CPU of tacitd with TLS 1.3, client
                            certificates, an exact policy and detection (bench/headline.conf), by
                            those of the relay floor in plaintext
  ratio_qos0, ratio_qos1    by those of mosquitto in plaintext with nothing on
  detection                 does bench/headline.conf turn the detector on?

All three alternate within the same run."""
import re

from measure import DAMAGE, alternate, damage, medians, ratio
from scenarios import MTLS, Scenario
from subjects import ROOT, say

CONFIG = "headline.conf"
SENSE = re.compile(r"^\s*sense\s*\{\s*mode\s*=\s*(\w+)", re.MULTILINE)
# The certificate of the load is that of the device client0.
LOAD = "p2p --pairs {pairs} --qos {qos} --topic-prefix plant/client0"
PAIRS, PAIRS_SHORT = 100, 10
WANTED = {"share_qos0": .09, "share_qos1": .16}
FIELD = "deliveries_per_cpu_s"


def mode_of_detection():
    """What the configuration says of it; "off" where it says nothing."""
    found = SENSE.search((ROOT / "bench" / CONFIG).read_text(encoding="utf-8"))
    return found.group(1) if found else "off"


def measure_level(qos, pairs, tools, place, options):
    arguments = LOAD.format(pairs=pairs, qos=qos)
    plain = Scenario(arguments, floor="p2p")
    runs, faults = alternate(
        f"headline, QoS {qos}", {"floor": plain, "tacitd": Scenario(arguments, MTLS, config=CONFIG),
                                 "mosquitto": plain}, tools, place, options)
    figures = medians(runs, FIELD)
    level = {f"{subject}_qos{qos}": value and round(value) for subject, value in figures.items()}
    level[f"share_qos{qos}"] = ratio(figures["tacitd"], figures["floor"])
    level[f"ratio_qos{qos}"] = ratio(figures["tacitd"], figures["mosquitto"])
    level[f"mosquitto_share_qos{qos}"] = ratio(figures["mosquitto"], figures["floor"])
    return level, damage(runs), faults


def run(options, tools, place):
    if options.short:
        options.rounds, options.duration = 1, min(options.duration, 1)
    pairs = PAIRS_SHORT if options.short else PAIRS
    mode = mode_of_detection()
    report = {"name": "headline", "rounds": options.rounds, "duration_s": options.duration,
              "arguments": LOAD.format(pairs=pairs, qos="0 and 1"), "configuration": CONFIG,
              "tls": "1.3", "client_certificates": True, "policy": "exact",
              "detection": mode != "off", "detection_mode": mode}
    harm, faults = dict.fromkeys(DAMAGE, 0), []
    for qos in (0, 1):
        level, harmed, wrong = measure_level(qos, pairs, tools, place, options)
        report |= level
        harm = {kind: harm[kind] + harmed[kind] for kind in DAMAGE}
        faults += wrong
    report |= harm | {"faults": faults, "wanted_at_least": WANTED}
    report["missed"] = [name for name, least in WANTED.items()
                        if report[name] is None or report[name] < least]
    report["ok"] = not (report["missed"] or faults or any(harm.values()))
    say(f"headline: {report['share_qos0']} of the plaintext floor at QoS 0, {report['share_qos1']} at "
        f"QoS 1; detection {mode}")
    return report
