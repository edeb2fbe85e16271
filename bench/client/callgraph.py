# SPDX-License-Identifier: Apache-2.0
"""The deepest stack of a program, from what gcc's -fcallgraph-info=su says of each file.

A node is a function with its frame; an edge a call. Calls through pointers are declared by hand, by
the name that is called, read from the source at the place that gcc names. Recursion, a frame that
has no fixed size and a pointer that nobody declared are errors: there would be no deepest stack."""
import pathlib
import re

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?')
CALLED = re.compile(r"([A-Za-z_]\w*)\)?\(")
FRAME = re.compile(r"(\d+) bytes \(([\w,]+)\)")
INDIRECT = "__indirect_call"


class Unbounded(Exception):
    """Why there is no deepest stack."""


def declared(text):
    """{name at the call: [function]} of the table of calls through pointers."""
    rows = (line.split(":", 1) for line in text.splitlines()
            if line.strip() and not line.startswith("#"))
    return {name.strip(): functions.split() for name, functions in rows}


def plain(title):
    """A static function is called FILE:NAME by gcc."""
    return title.rsplit(":", 1)[-1]


def called(place, root):
    """The name of the pointer that is called at FILE:LINE:COLUMN."""
    file, line, column = place.rsplit(":", 2)
    source = pathlib.Path(root, file).read_text(encoding="utf-8").splitlines()
    found = CALLED.search(source[int(line) - 1][int(column) - 1:])
    return found.group(1) if found else "?"


class Graph:
    def __init__(self, pointers, root="."):
        self.frames, self.calls, self.named = {}, {}, {}
        self.pointers, self.root = pointers, root

    def reached(self, place):
        """Functions that the call through a pointer at that place may reach."""
        name = called(place, self.root)
        if name not in self.pointers:
            raise Unbounded(f"{place}: calls the pointer {name}, which is not in the table")
        return self.pointers[name]

    def add(self, text):
        """What gcc wrote about one source file."""
        for title, label in NODE.findall(text):
            frame = FRAME.search(label)
            if frame:
                if "dynamic" in frame.group(2) and "bounded" not in frame.group(2):
                    raise Unbounded(f"{title}: the frame has no fixed size")
                self.frames[title] = int(frame.group(1))
                self.named.setdefault(plain(title), set()).add(title)
        for source, target, place in EDGE.findall(text):
            targets = self.calls.setdefault(source, set())
            targets.update(self.reached(place) if target == INDIRECT else [target])

    def find(self, target):
        """Nodes that a call of that name may mean."""
        return [target] if target in self.frames else sorted(self.named.get(target, ()))

    def depth(self, node, trail=()):
        """Bytes, and the chain of functions that needs them."""
        if node in trail:
            raise Unbounded("recursion: " + " -> ".join(map(plain, trail + (node,))))
        best, chain = 0, []
        for target in self.calls.get(node, ()):
            for callee in self.find(target):
                below, names = self.depth(callee, trail + (node,))
                if below > best:
                    best, chain = below, names
        return self.frames.get(node, 0) + best, [plain(node), *chain]

    def deepest(self, starts):
        return max(self.depth(node) for name in starts for node in self.find(name))

    def leaf(self, name, frame):
        """A function of which only the frame is known: the C library's."""
        if not self.find(name):
            self.frames[name] = frame

    def unknown(self):
        """Functions that are called and of which nothing is known."""
        return {target for targets in self.calls.values() for target in targets
                if not self.find(target)}
