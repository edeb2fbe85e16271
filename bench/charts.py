# SPDX-License-Identifier: Apache-2.0
"""The forms of picture that docs/benchmarks.md needs: bars by share, dots over a logarithmic scale, and small
panels of lines. Each says in titles what it shows, so that nothing is told by colour alone."""
import dataclasses
import math

from drawing import Drawing, width_of

WIDTH, MARGIN = 760, 16
LABELS = 190  # room for the names of rows
VALUES = 120  # and for figures at their ends
ROW, BAR, GAP = 15, 11, 11
COLUMN, APART = 68, 4.5  # of figures beside dots; dots of one row, by which none hides another
PANEL_HEIGHT, PANEL_GAP, PANEL_LEFT, PANEL_RIGHT = 200, 26, 52, 14


@dataclasses.dataclass
class Group:
    """Rows that belong together: one value for each series, in its order; None: not measured."""
    name: str
    values: list
    wanted: float = None
    at_most: bool = False  # the wanted one is an upper bound
    labels: list = None    # what is written for the values


@dataclasses.dataclass
class Panel:
    name: str
    lines: dict            # series: [(x, y), ...]
    wanted: float = None


@dataclasses.dataclass
class Head:
    title: str
    note: str              # under the title: what is shown, in which unit
    description: str


def figure(value):
    """Short, with three digits that count."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def begin(head, series, more):
    drawing = Drawing(WIDTH, head.title, head.description)
    drawing.text(MARGIN, 26, head.title, "ink head")
    drawing.text(MARGIN, 45, head.note, "soft")
    drawing.legend(MARGIN, 68, [(name, name) for name in series] + more)
    return drawing, 84


def wanted_entry(groups):
    return [("wanted", "wanted")] if any(group.wanted is not None for group in groups) else []


def draw_wanted(drawing, group, x, y, height):
    sign = "at most" if group.at_most else "at least"
    drawing.shapes.append("<g><title>" + f"{group.name}: wanted {sign} {figure(group.wanted)}" + "</title>")
    drawing.line(x, y - 2, x, y + height + 1, "wanted")
    drawing.shapes.append("</g>")


def bars(head, series, groups, one):
    """Horizontal bars from 0; `one`: what the line at 1 is called."""
    drawing, top = begin(head, series, wanted_entry(groups))
    left, right = MARGIN + LABELS, WIDTH - VALUES
    most = max(value for group in groups for value in (*group.values, group.wanted, 1) if value is not None)
    scale = (right - left) / most
    bottom = top + 14 + sum(ROW * len(series) + GAP for _ in groups)
    drawing.line(left, top + 8, left, bottom, "axis")
    drawing.line(left + scale, top + 8, left + scale, bottom, "axis dashed")
    drawing.text(left + scale, top + 4, one, "soft small middle")
    y = top + 14
    for group in groups:
        drawing.text(left - 8, y + ROW * len(series) / 2 + 3, group.name, "ink end")
        for index, (name, value) in enumerate(zip(series, group.values)):
            at, label = y + index * ROW, group.labels[index] if group.labels else figure(value)
            if value is not None:
                drawing.bar(left, at, max(1, value * scale), BAR, name, f"{group.name}, {name}: {label}")
            end = left + (value or 0) * scale
            if group.wanted is not None and end < left + group.wanted * scale < end + 14 + width_of(label, 11):
                end = left + group.wanted * scale  # the label stands behind the mark
            drawing.text(end + 6, at + 9.5, label, "ink small halo")
        if group.wanted is not None:
            draw_wanted(drawing, group, left + group.wanted * scale, y, ROW * len(series) - 4)
        y += ROW * len(series) + GAP
    drawing.height = bottom + MARGIN
    return drawing.svg()


def decades(low, high):
    """1, 2 and 5 times powers of ten, from below `low` to above `high`."""
    steps = [step * 10 ** power for power in range(-3, 10) for step in (1, 2, 5)]
    first = max(index for index, step in enumerate(steps) if step <= low)
    last = min(index for index, step in enumerate(steps) if step >= high)
    return steps[first:last + 1]


def draw_ticks(drawing, ticks, place, top, bottom):
    """Upright lines, with a label where there is room for one."""
    free = 0  # where the next label may begin
    for tick in ticks:
        drawing.line(place(tick), top, place(tick), bottom, "grid")
        half = width_of(f"{tick:,g}", 11) / 2
        if place(tick) - half > free:
            drawing.text(place(tick), bottom + 15, f"{tick:,g}", "soft small middle")
            free = place(tick) + half + 4


def dots(head, series, groups):
    """One row a group, a dot a series, over a logarithmic scale; the figures stand at the end."""
    drawing, top = begin(head, series, wanted_entry(groups))
    left, right = MARGIN + LABELS, WIDTH - MARGIN - COLUMN * len(series)
    every = [value for group in groups for value in (*group.values, group.wanted) if value]
    ticks = decades(min(every), max(every))
    span = math.log(ticks[-1] / ticks[0])

    def place(value):
        return left + math.log(value / ticks[0]) / span * (right - left)

    height = ROW + GAP
    bottom = top + 22 + height * len(groups)
    draw_ticks(drawing, ticks, place, top + 18, bottom)
    for index, name in enumerate(series):
        drawing.text(right + COLUMN * (index + 1), top + 8, name, "soft small end")
    for row, group in enumerate(groups):
        y = top + 22 + height * row + height / 2
        drawing.text(left - 8, y + 4, group.name, "ink end")
        if group.wanted is not None:
            draw_wanted(drawing, group, place(group.wanted), y - 7, 14)
        for index, (name, value) in enumerate(zip(series, group.values)):
            if value:
                drawing.dot(place(value), y + APART * (index - (len(series) - 1) / 2), name,
                            f"{group.name}, {name}: {figure(value)}")
            drawing.text(right + COLUMN * (index + 1), y + 4, figure(value), "ink small end")
    drawing.height = bottom + 30
    return drawing.svg()


def round_up(value):
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


class Scales:
    """From figures to places in one panel; `xs` are those of all panels."""

    def __init__(self, panel, place, is_log, xs):
        self.left, self.top, self.width = place
        ys = [y for line in panel.lines.values() for _, y in line] + [panel.wanted or 0]
        self.is_log = is_log
        if is_log:
            self.y_ticks = decades(min(y for y in ys if y), max(ys))
            self.x_ticks = xs
        else:
            step = round_up(max(ys) / 4)
            self.y_ticks = [step * index for index in range(int(math.ceil(max(ys) / step)) + 1)]
            self.x_ticks = [0, *xs]

    def x(self, value):
        low, high = self.x_ticks[0], self.x_ticks[-1]
        if self.is_log:
            share = math.log(value / low) / (math.log(high / low) or 1)
        else:
            share = (value - low) / ((high - low) or 1)
        return self.left + share * self.width

    def y(self, value):
        low, high = self.y_ticks[0], self.y_ticks[-1]
        share = math.log(value / low) / math.log(high / low) if self.is_log else (value - low) / (high - low)
        return self.top + PANEL_HEIGHT * (1 - share)


def draw_panel(drawing, panel, scales):
    right, bottom = scales.left + scales.width, scales.top + PANEL_HEIGHT
    drawing.text(scales.left, scales.top - 10, panel.name, "ink")
    for tick in scales.y_ticks:
        drawing.line(scales.left, scales.y(tick), right, scales.y(tick), "grid")
        drawing.text(scales.left - 6, scales.y(tick) + 4, f"{tick:,g}", "soft small end")
    drawing.line(scales.left, bottom, right, bottom, "axis")
    for tick in scales.x_ticks:
        drawing.text(scales.x(tick), bottom + 16, f"{tick:,g}", "soft small middle")
    if panel.wanted is not None:
        drawing.line(scales.left, scales.y(panel.wanted), right, scales.y(panel.wanted), "wanted dashed")
    for name, line in panel.lines.items():
        points = [(scales.x(x), scales.y(y)) for x, y in line]
        if len(points) > 1:
            drawing.path(points, f"{name}-line")
        for (x, y), place in zip(line, points):
            drawing.dot(*place, name, f"{panel.name}, {name}: {figure(y)} at {x:,}")


def panels(head, series, found, x_name, is_log=False):
    """Lines, beside each other; each panel has a scale of its own, and it says so by its ticks. Linear
    ones begin at 0."""
    more = [("wanted dashed", "wanted")] if any(panel.wanted is not None for panel in found) else []
    drawing, top = begin(head, series, more)
    top += 22
    xs = sorted({x for panel in found for line in panel.lines.values() for x, _ in line})
    width = (WIDTH - 2 * MARGIN - (len(found) - 1) * PANEL_GAP) / len(found)
    for index, panel in enumerate(found):
        left = MARGIN + index * (width + PANEL_GAP) + PANEL_LEFT
        place = left, top, width - PANEL_LEFT - PANEL_RIGHT
        draw_panel(drawing, panel, Scales(panel, place, is_log, xs))
        drawing.text(left + place[2] / 2, top + PANEL_HEIGHT + 34, x_name, "soft small middle")
    drawing.height = top + PANEL_HEIGHT + 48
    return drawing.svg()
