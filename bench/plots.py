# SPDX-License-Identifier: Apache-2.0
"""Which pictures docs/benchmarks.md has of which run: from the JSON of `bench/run NAME` to docs/plots/*.svg. Each
shows every row of its part of the report; a part that was not measured has no picture."""
import pathlib

from charts import Group, Head, Panel, bars, dots, figure, panels

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "docs" / "plots"
SERIES = ("floor", "mosquitto", "tacitd")
WIRES = {"plain": "plaintext", "tls": "TLS 1.3", "mtls": "TLS 1.3 and client certificates"}
PERCENTILES = {"p50": "median", "p99": "99 %", "p999": "99.9 %"}


def divided(value, by):
    return value / by if value is not None and by else None


def like_for_like_shares(report):
    rows = [row for row in report["rows"] if row["of"] == "floor" and row["bound"] == "at_least"]
    if not rows:
        return None
    groups = []
    for row in rows:
        values = [divided(row[name], row["floor"]) for name in SERIES[1:]]
        groups.append(Group(row["scenario"], values, row["want"], labels=[
            "–" if value is None else f"{value:.3f}" for value in values]))
    return bars(Head("Share of the floor",
                     "Deliveries or connections per second of the server's CPU, by those of the floor in the same run.",
                     "Bars for mosquitto and tacitd, one pair for each scenario; a line at 1 is the floor, a mark what "
                     "is wanted of tacitd. More is better."),
                SERIES[1:], groups, "the floor")


def like_for_like_bounds(report):
    rows = [row for row in report["rows"] if row["of"] == "itself" or row["of"] == "mosquitto"]
    if not rows:
        return None
    groups = []
    for row in rows:
        is_share = row["of"] == "mosquitto"
        values = [row[name] if not is_share else divided(row[name], row["mosquitto"]) for name in SERIES]
        groups.append(Group(f"{row['scenario']} ({'≥' if is_share else '≤'} {row['want']:,})",
                            [divided(value, row["want"]) for value in values],
                            labels=[figure(value) for value in values]))
    return bars(Head("By what is wanted",
                     "Memory, start-up and size: at most 1 is wanted; a shared subscription, by mosquitto: at least 1.",
                     "Bars for the floor, mosquitto and tacitd: each figure by the one that is wanted of tacitd. At the "
                     "end of a bar stands the figure itself: bytes, milliseconds, or for a shared subscription "
                     "how many times mosquitto."),
                SERIES, groups, "wanted of tacitd")


def like_for_like_latency(report):
    rows = [row for row in report["rows"] if row["scenario"].startswith("latency-")]
    if not rows:
        return None
    groups = [Group(row["scenario"].removeprefix("latency-"), [row[name] for name in SERIES],
                    row["want"] and row["floor"] and row["want"] * row["floor"], True) for row in rows]
    return dots(Head("Latency at a fixed rate",
                     "Microseconds from when a message was due until it came, over a logarithmic scale. Less is better.",
                     "A row for each scenario and percentile, a dot for each server; a mark is what is wanted "
                     "of tacitd at most."),
                SERIES, groups)


def by_wire(rows, value):
    """{wire: {series: [(connections, figure), ...]}}, without what was not measured."""
    found = {}
    for row in rows:
        for name in SERIES:
            if value(row, name) is not None:
                lines = found.setdefault(row["wire"], {})
                lines.setdefault(name, []).append((row["connections"], value(row, name)))
    return found


def idle(report):
    lines = by_wire(report["rows"], lambda row, name: row.get(name, {}).get("rss"))
    wanted = report["wanted_at_most"]
    if not lines:
        return None
    return panels(Head("Resident bytes per idle connection",
                       "What is flat is linear in the number of connections. Less is better.",
                       "A panel for each wire: bytes over connections for the floor, mosquitto and tacitd, "
                       "and what is wanted of tacitd at most."),
                  SERIES, [Panel(WIRES.get(wire, wire), lines[wire], wanted.get(f"rss_{wire}")) for wire in lines],
                  "connections")


def storm(report):
    series = [name for name in ("mosquitto", "tacitd") if name in report]
    if not series:
        return None
    groups = [Group(f"{time}, {text}", [report[name][time][percentile] for name in series])
              for time in ("quiet", "storm") for percentile, text in PERCENTILES.items()]
    return dots(Head("Messages in a storm of handshakes",
                     f"Microseconds until a message came, quiet and with {report['storm_per_s']:,} handshakes a second "
                     "beside it. Less is better.",
                     "A row for each percentile, a dot for each broker, over a logarithmic scale."), series, groups)


def steps(report, head, x_name):
    """Lines over what was changed step by step."""
    lines = {}
    for row in report["rows"]:
        for name in SERIES:
            if row[name] is not None:
                lines.setdefault(row["wire"], {}).setdefault(name, []).append((row["step"], row[name] / 1000))
    if not lines:
        return None
    return panels(head, SERIES, [Panel(WIRES.get(wire, wire), lines[wire]) for wire in lines], x_name, True)


def window(report):
    return steps(report, Head("Messages that can be batched",
                              "Deliveries per second of the server's CPU, thousands, over the messages on their way "
                              "from each publisher.",
                              "A panel for plaintext and one for TLS, both scales logarithmic: the floor, mosquitto "
                              "and tacitd with 1, 4, 16, 64 and 256 messages on their way. More is better."),
                 "messages on their way")


def size(report):
    return steps(report, Head("Payloads of 64 bytes to 64 KiB",
                              "Deliveries per second of the server's CPU, thousands, over the bytes of a payload. "
                              "More is better.",
                              "A panel for plaintext and one for TLS, both scales logarithmic: the floor, mosquitto "
                              "and tacitd by size of the payload."),
                 "bytes of a payload")


def active(report):
    lines = by_wire(report["rows"], lambda row, name: row.get(name, {}).get("cpu_us_per_connection_s"))
    if not lines:
        return None
    return panels(Head("CPU of a lightly active connection",
                       f"Microseconds of CPU a second, each connection with a message in {report['message_every_s']:g} "
                       "s. What is flat is linear. Less is better.",
                       "A panel for each wire: CPU for each connection, in a second, over the number of "
                       "connections, for the floor, mosquitto and tacitd."),
                  SERIES, [Panel(WIRES.get(wire, wire), lines[wire]) for wire in lines], "connections")


# By the name of the report: (name of the file, its maker, what is said to who does not see it).
PICTURES = {
    "like-for-like": (("like-for-like", like_for_like_shares, "Shares of the floor, by scenario"),
                      ("like-for-like-bounds", like_for_like_bounds,
                       "Memory, start-up and size by what is wanted"),
                      ("like-for-like-latency", like_for_like_latency, "Latency by percentile")),
    "idle": (("idle", idle, "Bytes per idle connection over the number of connections"),),
    "storm": (("storm", storm, "Latency quiet and in the storm, by percentile"),),
    "window": (("window", window, "Deliveries over messages on their way"),),
    "size": (("size", size, "Deliveries over the size of the payload"),),
    "active": (("active", active, "CPU per lightly active connection over the number of connections"),),
}


def drawn(report):
    """[(name of the file, SVG, alternative text), ...] of this report."""
    made = [(f"{name}.svg", make(report), text) for name, make, text in PICTURES.get(report.get("name"), ())]
    return [picture for picture in made if picture[1] is not None]


def write(report, folder=FOLDER):
    for name, svg, _ in drawn(report):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(svg, encoding="utf-8")


def links(report):
    """Lines of Markdown that show them, and a blank one after each."""
    for name, _, text in drawn(report):
        yield f"![{text}](plots/{name})"
        yield ""
