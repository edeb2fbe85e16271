# SPDX-License-Identifier: Apache-2.0
"""What docs/performance.md says of `bench/run parts`: the tables of the program's bytes and of an idle connection's,
between two marks each."""
from like_for_like import IDLE
from performance_page import PAGE, replaced
from speed_page import cell, where

BEGIN, END = "<!-- parts {} -->", "<!-- end of parts {} -->"
WANTED = {wire: most for _, wire, most in IDLE}


def binary_rows(report):
    figures = report["binary"]
    code = figures["sections"]["code"]
    known = sum(module["bytes"] for module in figures["modules"].values())
    yield (f"Stripped {figures['bytes']:,} bytes, wanted: {figures['wanted_at_most']:,}. {figures['tables']:,} bytes of "
           "the constants are tables with a name, the others texts and what the compiler made. A function stands in the "
           "module where it was written, with what was inlined into it: after link-time optimisation there are no "
           "objects that could be measured; debug information says where each begins.")
    yield ""
    yield "| the program | bytes | share |"
    yield "|---|--:|--:|"
    for kind, size in figures["sections"].items():
        yield f"| {kind} | {size:,} | {100 * size / figures['bytes']:.1f} % |"
    yield f"| in all | {figures['bytes']:,} | 100 % |"
    yield ""
    yield "| code of | functions | bytes | share of the code |"
    yield "|---|--:|--:|--:|"
    for module, found in figures["modules"].items():
        yield f"| {module} | {found['functions']:,} | {found['bytes']:,} | {100 * found['bytes'] / code:.1f} % |"
    yield f"| between functions | – | {code - known:,} | {100 * (code - known) / code:.1f} % |"
    yield ""
    yield "The largest functions: " + ", ".join(f"`{name}` ({module}) {size:,}"
                                                for name, module, size in figures["largest"]) + "."


def idle_rows(report):
    rows = report["idle"]
    commands = "; ".join(f"{row['wire']}: `mqload {row['args']}`" for row in rows)
    yield f"{commands}. Medians; rounds: {report['rounds']}."
    yield ""
    yield "| bytes of a connection | " + " | ".join(row["wire"] for row in rows) + " |"
    yield "|---|" + "--:|" * len(rows)
    for name in dict.fromkeys(name for row in rows for name in row["blocks"]):
        yield f"| `struct {name}` | " + " | ".join(cell(row["blocks"].get(name)) for row in rows) + " |"
    sums = [sum(row["blocks"].values()) for row in rows]
    lines = (("texts and tickets, the allocator's share, tables that find them",
              [row["heap"] - known for row, known in zip(rows, sums)]),
             ("pages of the program and of libraries", [row["rss"] - row["heap"] for row in rows]),
             ("resident, in all", [row["rss"] for row in rows]),
             ("wanted, at most", [WANTED[row["wire"]] for row in rows]))
    for text, values in lines:
        yield f"| {text} | " + " | ".join(cell(value) for value in values) + " |"


def section(report, name, rows):
    yield BEGIN.format(name)
    yield ""
    yield from where(report)
    yield from rows
    yield ""
    yield END.format(name)


def write(report, page=PAGE):
    text = page.read_text(encoding="utf-8")
    for name, rows in (("binary", binary_rows(report)), ("idle", idle_rows(report))):
        text = replaced(text, name, BEGIN.format(name), END.format(name), "\n".join(section(report, name, rows)))
    page.write_text(text, encoding="utf-8")
