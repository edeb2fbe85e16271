# SPDX-License-Identifier: Apache-2.0
"""The bounds of the client library: bounds.txt, one a row."""
import pathlib

TABLE = pathlib.Path(__file__).resolve().with_name("bounds.txt")


def rows(text=None):
    """{name: (is the bound an upper one, bound, target)}"""
    found = {}
    for line in (TABLE.read_text(encoding="utf-8") if text is None else text).splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            found[words[0]] = (words[1] == "most", float(words[2]), float(words[3]))
    return found


def missed(values, column, text=None):
    """Names among `values` that are on the wrong side of "bound" or "target"."""
    at = {"bound": 1, "target": 2}[column]
    table = rows(text)
    return [name for name in values if name in table and
            (values[name] > table[name][at] if table[name][0] else values[name] < table[name][at])]
