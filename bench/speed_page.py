# SPDX-License-Identifier: Apache-2.0
"""What docs/benchmarks.md says of the commands about speed: lines of Markdown from their JSON."""


def where(report):
    """One sentence about the machine, and a blank line; nothing when it is not said."""
    if "machine" in report:
        machine = report["machine"]
        yield f"On {machine['date']}, {machine['cores']} cores ({machine['cpu']}), kernel " \
              f"{machine['kernel']}: `bench/run {report['name']}`."
        yield ""


def missed(report):
    if report["missed"]:
        yield ""
        yield "Not reached: " + ", ".join(report["missed"]) + "."


def cell(value, form="{:,.0f}"):
    return "–" if value is None else form.format(value)


def headline_rows(report):
    yield "## Headline: everything on against everything off"
    yield ""
    yield from where(report)
    detection = f"detection (`{report['detection_mode']}`)" if report["detection"] \
        else "no detection yet"
    yield (f"tacitd with TLS {report['tls']}, client certificates, an exact policy and {detection} "
           f"(`bench/{report['configuration']}`); the floor and mosquitto in plaintext, with nothing "
           f"on. `{report['arguments']}`, {report['rounds']} alternated rounds of "
           f"{report['duration_s']:g} s, medians, thousands of deliveries per second of broker CPU.")
    yield ""
    yield "| | floor | mosquitto | tacitd | share of floor | wanted | × mosquitto |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for qos in (0, 1):
        figures = [report[f"{subject}_qos{qos}"] for subject in ("floor", "mosquitto", "tacitd")]
        yield f"| QoS {qos} | " + " | ".join(cell(value and value / 1000) for value in figures) + \
            f" | {cell(report[f'share_qos{qos}'], '{:.3f}')} | " \
            f"{report['wanted_at_least'][f'share_qos{qos}']:.2f} | " \
            f"{cell(report[f'ratio_qos{qos}'], '{:.1f}')} |"
    yield from missed(report)


SECTIONS = {"headline": headline_rows}
