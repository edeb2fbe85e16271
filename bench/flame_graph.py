# SPDX-License-Identifier: Apache-2.0
"""A flame graph: boxes as wide as a function's share of all samples, its callers below it. No script; who points
at a box is told its name and share. Boxes are coloured by what they belong to: bench/stacks.py."""
from drawing import Drawing, width_of
import stacks

WIDTH, MARGIN, BOX, TOP = 1000, 10, 16, 62
LEAST = .003  # what is narrower is drawn together with its neighbours of the same kind, or not at all
GAP = .4
KINDS = ((stacks.KERNEL, "kernel", "kernel"), (stacks.OPENSSL, "openssl", "OpenSSL"),
         (stacks.LIBC, "libc", "libc"), ("tacit", "tacit", "tacit"), (stacks.OTHER, "other", "other"))
SIZE, SHORTEST = 10, 3


class Node:
    def __init__(self):
        self.count = 0
        self.children = {}


def tree(folded):
    root = Node()
    for stack, count in folded.items():
        node = root
        node.count += count
        for frame in stack.split(";"):
            node = node.children.setdefault(frame, Node())
            node.count += count
    return root


def merged(node, least):
    """Children that are wide enough, by name, and last one for all others, when they are together."""
    wide = [(frame, child) for frame, child in sorted(node.children.items()) if child.count >= least]
    rest = Node()
    rest.count = sum(child.count for child in node.children.values()) - sum(child.count for _, child in wide)
    if rest.count >= least:
        wide.append(("…@other", rest))
    return wide


def kind_of(part):
    return next((name for prefix, name, _ in KINDS if part.startswith(prefix)), "other")


def depth_of(node, least):
    return 1 + max((depth_of(child, least) for _, child in merged(node, least)), default=0)


class Graph:
    def __init__(self, folded, drawing):
        self.root, self.drawing = tree(folded), drawing
        self.total = self.root.count
        self.least = LEAST * self.total
        self.scale = (WIDTH - 2 * MARGIN) / self.total if self.total else 0
        self.bottom = TOP + BOX * (depth_of(self.root, self.least) - 1)
        drawing.height = self.bottom + MARGIN
        self.draw(self.root, MARGIN, self.bottom)

    def draw(self, node, x, bottom):
        """What `node` calls, from this place on, on top of it."""
        for frame, child in merged(node, self.least):
            name, part = frame.rsplit("@", 1)
            width = child.count * self.scale
            self.drawing.box(x, bottom - BOX + GAP, width - GAP, BOX - 2 * GAP, kind_of(part),
                             f"{name}, {part}: {100 * child.count / self.total:.1f} %")
            room = int((width - 6) / width_of("m", SIZE))
            if room >= SHORTEST:
                label = name if len(name) <= room else name[:room - 1] + "…"
                self.drawing.text(x + 3, bottom - 4.5, label, "ink tiny")
            self.draw(child, x, bottom - BOX)
            x += width


def subject_of(row, tool):
    """(what of tacitd is shown, how it was seen)."""
    if "starts" in row:
        return "time", f"from exec to CONNACK, {row['starts']} starts, {row['samples']['tacitd']} samples by {tool}"
    return "CPU", f"under mqload {row['args']} ({row['wire']}), {sum(row['stacks'].values())} samples by {tool}"


def flame_graph(row, tool):
    """The SVG of one row of `bench/run flame`."""
    what, how = subject_of(row, tool)
    drawing = Drawing(WIDTH, f"Flame graph of tacitd: {row['row']}",
                      f"Where the {what} of tacitd goes {how}. A box is as wide as the share of a function with all "
                      "that it calls, and stands on "
                      "who called it. The table beside the picture has the shares by part.")
    drawing.text(MARGIN, 24, f"{row['row']}: where the {what} of tacitd goes", "ink head")
    drawing.legend(MARGIN, 46, [(name, text) for _, name, text in KINDS])
    Graph(row["stacks"], drawing)
    return drawing.svg()
