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


def section(report, row):
    name = row["row"]
    yield BEGIN.format(name)
    yield ""
    yield from where(report | {"name": f"flame {name}"})
    samples = " and ".join(f"{count:,} of {subject}" for subject, count in row["samples"].items())
    yield f"`mqload {row['args']}`, {row['wire']}; samples: {samples}, {report['tool']}."
    yield ""
    yield f"![Flame graph of tacitd, {name}](plots/flame-{name}.svg)"
    yield ""
    yield from table(row)
    yield ""
    yield END.format(name)


def with_row(text, report, row):
    """The page with what stands between the marks replaced; a section for a row that has none."""
    begin, end = BEGIN.format(row["row"]), END.format(row["row"])
    new = "\n".join(section(report, row))
    if begin not in text:
        return f"{text.rstrip()}\n\n## {row['row']}\n\n{new}\n"
    before, rest = text.split(begin, 1)
    return before + new + rest.split(end, 1)[1]


def write(report, page=PAGE, folder=FOLDER):
    folder.mkdir(exist_ok=True)
    text = page.read_text(encoding="utf-8")
    for row in report["rows"]:
        (folder / f"flame-{row['row']}.svg").write_text(flame_graph(row, report["tool"]), encoding="utf-8")
        text = with_row(text, report, row)
    page.write_text(text, encoding="utf-8")
