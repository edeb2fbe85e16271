# SPDX-License-Identifier: Apache-2.0
"""Who owns which bytes of a linked program: reads the map that GNU ld writes."""
import re

# " .text.name  0x... 0x12 path.o", the name alone on its line when it is long.
INPUT = re.compile(r"^ (\.[\w.$]+|COMMON)(?:\n)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S.*)$", re.M)
KINDS = {".text": "code", ".rodata": "code", ".data": "data", ".bss": "bss", "COMMON": "bss"}


def shares(text):
    """{(object as the linker names it, "code" | "data" | "bss"): bytes}"""
    placed = text.split("Linker script and memory map", 1)[1]
    placed = placed.split("/DISCARD/")[0]
    found = {}
    for section, address, size, owner in INPUT.findall(placed):
        kind = KINDS.get(section if section == "COMMON" else "." + section.split(".")[1])
        if kind and int(size, 16):
            found[(owner, kind)] = found.get((owner, kind), 0) + int(size, 16)
    return found


def total(found, kind, belongs):
    return sum(size for (owner, what), size in found.items() if what == kind and belongs(owner))
