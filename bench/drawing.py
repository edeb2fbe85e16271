# SPDX-License-Identifier: Apache-2.0
"""SVG by hand: a document that can be read in light and dark mode, by machine and aloud, and is the same, byte by
byte, for the same figures."""
from xml.sax.saxutils import escape

FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
# Name of the class: (light, dark). Text is never in the colour of a series.
FILLS = {"surface": ("#fcfcfb", "#1a1a19"), "ink": ("#0b0b0b", "#ffffff"),
         "soft": ("#52514e", "#c3c2b7"),
         "floor": ("#8a8984", "#8f8e88"), "mosquitto": ("#eb6834", "#d95926"),
         "tacitd": ("#2a78d6", "#3987e5"),
         "kernel": ("#c9c8c1", "#55544f"), "openssl": ("#9fdcc4", "#1d6b52"),
         "libc": ("#f3cf86", "#75540f"), "tacit": ("#a9cdf5", "#265c9c"),
         "other": ("#e3c3e8", "#6b4673")}
STROKES = {"grid": ("#e4e3de", "#33322f"), "axis": ("#9a9992", "#77766f"),
           "wanted": ("#0b0b0b", "#ffffff")}
CHARACTER = .6  # of a proportional font, in its size: what a text takes at most, about


def rules(shade):
    """As (light, dark) is."""
    for name, pair in FILLS.items():
        yield f".{name}{{fill:{pair[shade]}}}.{name}-line{{stroke:{pair[shade]};fill:none;stroke-width:2}}"
    for name, pair in STROKES.items():
        yield f".{name}{{stroke:{pair[shade]};fill:none}}"
    surface = FILLS["surface"][shade]
    yield f".ring{{stroke:{surface};stroke-width:2}}"
    yield f".halo{{stroke:{surface};stroke-width:4;stroke-linejoin:round;paint-order:stroke}}"


def style(names):
    """Only what is used, so that a file stays small."""
    light, dark = ([rule for rule in rules(shade) if any(f".{name}" in rule for name in names)]
                   for shade in (0, 1))
    return (f"<style>text{{font-family:{FONT};font-size:12px}}.small{{font-size:11px}}"
            ".tiny{font-size:10px}.head{font-size:15px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}"
            ".wanted{stroke-width:2}.dashed{stroke-dasharray:5 4;stroke-width:1.5}"
            + "".join(light) + "@media(prefers-color-scheme:dark){" + "".join(dark) + "}</style>")


def number(value):
    """Of a coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0")


def width_of(text, size=12):
    return len(text) * size * CHARACTER


class Drawing:
    """Shapes from the back to the front; the height may grow until it is written."""

    def __init__(self, width, title, description):
        self.width, self.height = width, 0
        self.title, self.description = title, description
        self.shapes, self.classes = [], {"surface", "ink"}

    def note(self, names):
        self.classes.update(names.split())
        return f' class="{names}"'

    def add(self, shape, title=None):
        self.shapes.append(f"<g><title>{escape(title)}</title>{shape}</g>" if title else shape)

    def text(self, x, y, text, names="ink"):
        self.add(f'<text x="{number(x)}" y="{number(y)}"{self.note(names)}>{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, names="grid"):
        self.add(f'<path d="M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"{self.note(names)}/>')

    def path(self, points, names):
        steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
        self.add(f'<path d="M{steps}"{self.note(names)}/>')

    def box(self, x, y, width, height, names, title=None):
        self.add(f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" '
                 f'height="{number(height)}"{self.note(names)}/>', title)

    def bar(self, x, y, width, height, names, title=None):
        """With a rounded end, square where it begins."""
        bend = min(3, width, height / 2)
        self.add(f'<path d="M{number(x)} {number(y)}h{number(width - bend)}q{number(bend)} 0 {number(bend)} '
                 f'{number(bend)}v{number(height - 2 * bend)}q0 {number(bend)} {number(-bend)} '
                 f'{number(bend)}h{number(bend - width)}z"{self.note(names)}/>', title)

    def dot(self, x, y, names, title=None, radius=4.5):
        self.add(f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
                 f'{self.note(names + " ring")}/>', title)

    def legend(self, x, y, entries):
        """[(class, text), ...] in a row; a class with "-line" at its end, or a stroke, is a line."""
        for names, text in entries:
            if names.split()[0] in STROKES:
                self.line(x, y - 4, x + 14, y - 4, names)
            else:
                self.box(x, y - 9, 10, 10, names)
            self.text(x + 18, y, text, "soft")
            x += 34 + width_of(text)

    def svg(self):
        """The document as text."""
        names = {part.removesuffix("-line") for part in self.classes}
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {number(self.height)}" '
                f'width="{self.width}" height="{number(self.height)}" role="img" '
                f'aria-labelledby="title description">\n<title id="title">{escape(self.title)}</title>\n'
                f'<desc id="description">{escape(self.description)}</desc>\n{style(names)}\n'
                f'<rect class="surface" width="100%" height="100%" rx="6"/>\n'
                + "\n".join(self.shapes) + "\n</svg>\n")
