# SPDX-License-Identifier: Apache-2.0
"""What docs/performance.md says of `bench/run flame`: for each row a flame graph and a table, between two marks
that the page has for it. All other text of the page is written by hand, and has no figures."""
import pathlib

from flame_graph import flame_graph
from plots import FOLDER
from speed_page import cell, where

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- flame {} -->", "<!-- end of flame {} -->"
LEAST = .005  # of the time: less is said together
FLOORS_OWN, OWN, OWN_TEXT = "floor", "tacit", "other code of its own"


def part_rows(row):
    """(part, share of tacitd, ns of a unit, ns of the floor), the largest first; last what is small."""
    shares, floor = row["parts"]["tacitd"], dict(row["parts"].get("floor", {}))
    floor[OWN] = floor.pop(FLOORS_OWN, 0)
    has_floor, small = "floor_ns" in row, [0, 0]
    for part in [*shares, *(part for part in floor if part not in shares)]:
        share, other = shares.get(part, 0), floor.get(part, 0)
        if max(share, other) < LEAST:
            small = [small[0] + share, small[1] + other]
        else:
            yield part, share, share * row["ns"], other * row["floor_ns"] if has_floor else None
    yield "smaller ones", small[0], small[0] * row["ns"], small[1] * row["floor_ns"] if has_floor else None


def time_cell(value):
    return cell(value, "{:,.1f}" if value is not None and abs(value) < 100 else "{:,.0f}")


def table(row):
    yield (f"| CPU of tacitd went into | share | ns per {row['of']} | the floor's, ns | the rest, ns |")
    yield "|---|--:|--:|--:|--:|"
    for part, share, own, floor in part_rows(row):
        rest = None if floor is None else own - floor
        name = OWN_TEXT if part == OWN else part
        yield f"| {name} | {100 * share:.1f} % | {time_cell(own)} | {time_cell(floor)} | {time_cell(rest)} |"
    floor = row.get("floor_ns")
    rest = None if floor is None else row["ns"] - floor
    yield f"| in all | 100 % | {time_cell(row['ns'])} | {time_cell(floor)} | {time_cell(rest)} |"


def start_rows(parts, subjects):
    """(part, ms of each), the largest of tacitd first; last what is small for all."""
    least, small = LEAST * sum(parts["tacitd"].values()), [0] * len(subjects)
    for part in dict.fromkeys(part for subject in subjects for part in parts[subject]):
        values = [parts[subject].get(part, 0) for subject in subjects]
        if max(values) < least:
            small = [sum(pair) for pair in zip(small, values)]
        else:
            yield part, values
    yield "smaller ones", small


def start_table(row):
    subjects = list(row["ms"])
    heads = " | ".join(f"{name}, ms" for name in subjects)
    yield f"| the time of a start went into | share of tacitd's | {heads} |"
    yield "|---|--:|" + "--:|" * len(subjects)
    whole = [row["ms"][name] for name in subjects]
    for part, values in [*start_rows(row["parts"], subjects), ("in all", whole)]:
        name = OWN_TEXT if part in subjects[1:] else part
        cells = " | ".join(f"{value:.2f}" for value in values)
        yield f"| {name} | {100 * values[0] / whole[0]:.1f} % | {cells} |"


def section(report, row):
    name, is_start = row["row"], "starts" in row
    yield BEGIN.format(name)
    yield ""
    yield from where(report | {"name": f"flame {name}"})
    if is_start:
        report = report | {"tool": row["tool"]}
    samples = " and ".join(f"{count:,} of {subject}" for subject, count in row["samples"].items())
    starts = f"{row['starts']} starts of each; " if is_start else ""
    yield f"`mqload {row['args']}`, {row['wire']}; {starts}samples: {samples}, {report['tool']}."
    yield ""
    yield f"![Flame graph of tacitd, {name}](plots/flame-{name}.svg)"
    yield ""
    yield from start_table(row) if is_start else table(row)
    yield ""
    yield END.format(name)


def replaced(text, title, begin, end, new):
    """The page with what stands from one mark to the other replaced; a section of this title where they are not."""
    if begin not in text:
        return f"{text.rstrip()}\n\n## {title}\n\n{new}\n"
    before, rest = text.split(begin, 1)
    return before + new + rest.split(end, 1)[1]


def with_row(text, report, row):
    name = row["row"]
    return replaced(text, name, BEGIN.format(name), END.format(name), "\n".join(section(report, row)))


def write(report, page=PAGE, folder=FOLDER):
    folder.mkdir(exist_ok=True)
    text = page.read_text(encoding="utf-8")
    for row in report["rows"]:
        picture = flame_graph(row, row.get("tool", report["tool"]))
        (folder / f"flame-{row['row']}.svg").write_text(picture, encoding="utf-8")
        text = with_row(text, report, row)
    page.write_text(text, encoding="utf-8")
