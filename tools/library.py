# SPDX-License-Identifier: Apache-2.0
"""What libtacit consists of: the sources that its modules declare, without what only the broker or
a test uses."""
import pathlib
import re

LAYERS = ("base", "codec", "ratchet", "client")
# The broker's or the tests', not the library's: they want a C library or an operating system.
HOSTED = {"base/bytes_map.c", "base/invariant.c", "base/pool.c", "ratchet/record.c"}


def sources(layer, root="."):
    """What the library compiles: the module's own list, so fixtures stay outside."""
    text = pathlib.Path(root, f"src/{layer}/CMakeLists.txt").read_text(encoding="utf-8")
    listed = re.search(r"SOURCES\s+((?:[\w./-]+\.c\s*)+)", text)
    return [name for name in listed.group(1).split() if f"{layer}/{name}" not in HOSTED]


# Of base, the library itself calls no more than this.
BASE = {"wipe.c"}


def product(root="."):
    """Paths of all sources that a firmware compiles, from the top of the tree."""
    return [f"src/{layer}/{name}" for layer in LAYERS for name in sources(layer, root)
            if layer != "base" or name in BASE]
