# SPDX-License-Identifier: Apache-2.0
"""What the program consists of, and what an idle connection does.

`binary` is of the program as it was built, which has to have its symbols and lines:

  bytes      of it stripped; wanted_at_most
  sections   {kind: bytes} of the stripped program
  modules    {directory of src: {"bytes", "functions"}} of its code. A function stands where it was written,
             with what was inlined into it, from wherever: after link-time optimisation there are no objects
  largest    the largest functions, [name, directory, bytes]
  tables     constants that have a name; what else there is of them are texts and what the compiler made

`idle` has bytes per idle connection by wire: blocks by the size of their type, as the program's debug
information has it, and what was measured as bench/run idle does it: `rss`, and of that `heap`, which is private and
not of a file."""
import collections
import os
import re
import shutil
import subprocess

import idle
from like_for_like import BINARY_BYTES, IDLE_CONNECTIONS, IDLE_SHORT, stripped_bytes
from measure import median
from scenarios import MTLS_DETACHED, PLAIN, SETTLE_S, idle_scenario
import stacks
import subjects
from subjects import ROOT, say

# The first kind whose pattern is found in a section's name.
KINDS = (("code", re.compile(r"^\.(text|init|fini|plt)")),
         ("constants", re.compile(r"^\.rodata")),
         ("pointers that a start has to write",
          re.compile(r"^\.(data\.rel\.ro|got|dynamic$|.*_array)")),
         ("names and relocations for the dynamic linker", re.compile(r"^\.(dyn|gnu\.|rel|interp|note)")),
         ("variables", re.compile(r"^\.(data|bss|tbss|tdata)")),
         ("tables for unwinding", re.compile(r"^\.eh_frame")))
OTHER, PADDING = "other", "headers, and padding to pages"
SECTION = re.compile(r"^\s*\[\s*\d+\] (\.\S+)\s+(\S+)\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)", re.MULTILINE)
SYMBOL = re.compile(r"^([0-9a-f]+) ([0-9a-f]+) (\w) (\S+)$", re.MULTILINE)
LARGEST = 10
BLOCKS = {PLAIN: ("session", "client", "connection", "allowance"),
          MTLS_DETACHED: ("session", "client", "connection", "allowance", "tls_records")}
TOOLS = ("strip", "readelf", "nm", "addr2line", "gdb")


def printed(*argv):
    return subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=True).stdout


def sections_of(text, whole):
    """{kind: bytes} of what `readelf -SW` prints of a program of so many bytes."""
    found = collections.Counter()
    for name, kind, size in SECTION.findall(text):
        if kind != "NOBITS":
            found[next((kind for kind, pattern in KINDS if pattern.search(name)), OTHER)] += int(size, 16)
    found[PADDING] = whole - sum(found.values())
    return dict(found.most_common())


def functions_of(symbols):
    """{address: (name, bytes)} of what `nm -S` prints, each once."""
    return {int(address, 16): (name, int(size, 16)) for address, size, kind, name in SYMBOL.findall(symbols)
            if kind in "tTwW" and int(size, 16) > 0}


def modules_of(functions, lines):
    """({directory: {"bytes", "functions"}}, the largest functions)."""
    found, every = {}, []
    for address, (name, size) in functions.items():
        file = lines.found.get(address, [("", "")])[-1][1]
        directory = stacks.SOURCE.search(file)
        module = directory.group(1) if directory else "libgcc and libc"
        one = found.setdefault(module, {"bytes": 0, "functions": 0})
        one["bytes"] += size
        one["functions"] += 1
        every.append([name.split(".")[0], module, size])
    largest = sorted(every, key=lambda row: (-row[2], row[0]))[:LARGEST]
    return dict(sorted(found.items(), key=lambda item: -item[1]["bytes"])), largest


def binary(program, place):
    whole = stripped_bytes(program, place)
    symbols = printed("nm", "-S", program)
    functions, lines = functions_of(symbols), stacks.Lines(program)
    lines.look_up(functions)
    modules, largest = modules_of(functions, lines)
    if len(modules) < 2:
        raise RuntimeError(f"{program} has no symbols or no lines")
    tables = {address: int(size, 16) for address, size, kind, _ in SYMBOL.findall(symbols) if kind in "rR"}
    return {"bytes": whole, "wanted_at_most": BINARY_BYTES,
            "sections": sections_of(printed("readelf", "-SW", place / "stripped"), whole),
            "modules": modules, "largest": largest, "tables": sum(tables.values())}


def sizes_of(program, types):
    """{type: bytes} by its debug information."""
    words = [word for name in types for word in ("-ex", f"print sizeof(struct {name})")]
    sizes = re.findall(r"^\$\d+ = (\d+)$", printed("gdb", "-batch", "-nx", *words, program), re.MULTILINE)
    if len(sizes) != len(types):
        raise RuntimeError(f"{program}: gdb does not know all of {', '.join(types)}")
    return dict(zip(types, map(int, sizes)))


def idle_row(wire, blocks, tools, place, options):
    count = IDLE_SHORT if options.short else IDLE_CONNECTIONS
    scenario = idle_scenario(f"--conns {count} --sources 1 --settle {SETTLE_S.get(wire, 1)}", wire)
    runs = [idle.measure_once("tacitd", tools, place, scenario)
            for _ in range(1 if options.short else options.rounds)]
    if any(isinstance(run, str) for run in runs):
        raise RuntimeError(f"{wire}: {runs}")
    row = {"wire": wire, "connections": count, "args": " ".join(scenario.arguments), "blocks": blocks,
           **{kind: round(median([run[kind] for run in runs]), 1) for kind in ("rss", "heap")}}
    say(f"parts: {wire}: {row['rss']} bytes, {row['heap']} of them private, {sum(blocks.values())} known by type")
    return row


def run(options, tools, place):
    report = {"name": "parts", "rounds": 1 if options.short else options.rounds}
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    why = f"{', '.join(absent)}: not here (Debian: binutils, gdb)" if absent else \
        subjects.missing("tacitd", idle_scenario("", PLAIN))
    if why:
        say(f"parts: SKIPPED: {why}")
        return report | {"skipped": why, "ok": True}
    program = os.environ.get("TACITD", ROOT / "build" / "release" / "tacitd")
    report["binary"] = binary(program, place)
    say(f"parts: {report['binary']['bytes']:,} bytes")
    types = sizes_of(program, list(dict.fromkeys(name for names in BLOCKS.values() for name in names)))
    report["idle"] = [idle_row(wire, {name: types[name] for name in names}, tools, place, options)
                      for wire, names in BLOCKS.items()]
    return report | {"ok": True}
