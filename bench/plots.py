# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of a side-by-side bench as SVG, drawn here: bars of bytes a scene, and how latencies are
distributed."""

import math
from xml.sax.saxutils import escape

from tables import main_scenes, median, peers_of, records_of

COLOURS = {"lazaret": "#1f5fa8", "xvnc": "#c4621d", "wayvnc": "#6f7680"}
FONT = 'font-family="DejaVu Sans, sans-serif" font-size="12" fill="#202428"'
ROW, BAR = 52, 13


class Svg:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = ['<rect width="%d" height="%d" fill="#ffffff"/>' % (width, height)]
        self.text(16, 24, title, 'font-weight="bold"')

    def text(self, x, y, words, more=""):
        self.parts.append('<text x="%.1f" y="%.1f" %s %s>%s</text>' % (x, y, FONT, more,
                                                                     escape(words)))

    def line(self, x1, y1, x2, y2, colour="#d0d4d8"):
        self.parts.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>'
                          % (x1, y1, x2, y2, colour))

    def bar(self, x, y, width, height, colour):
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
                          % (x, y, max(width, 1), height, colour))

    def path(self, points, colour, dash=""):
        self.parts.append('<polyline fill="none" stroke="%s" stroke-width="2" %s points="%s"/>' % (
            colour, dash, " ".join("%.1f,%.1f" % p for p in points)))

    def legend(self, x, y, names):
        for name in names:
            self.bar(x, y - 10, 12, 12, COLOURS[name])
            self.text(x + 18, y, name)
            x += 90

    def write(self, path):
        path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n'
                        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
                        'viewBox="0 0 %d %d">\n%s\n</svg>\n' % (
                            self.width, self.height, self.width, self.height,
                            "\n".join(self.parts)), encoding="utf-8")


def plot_bytes(result, path):
    """One group of bars a scene, on a logarithmic scale."""
    scenes = [s for s in main_scenes(result) if median(result, s, "lazaret", "bytes")]
    peers = peers_of(result)
    low, high, left, width = 3, 8.3, 170, 640
    svg = Svg(left + width + 110, 70 + ROW * len(scenes), "Bytes of a scene (logarithmic)")
    svg.legend(left + width - 270, 24, peers)

    def place(value):
        return left + width * (min(max(math.log10(value), low), high) - low) / (high - low)

    for power in range(int(low), int(high) + 1):
        svg.line(place(10 ** power), 40, place(10 ** power), 50 + ROW * len(scenes))
        svg.text(place(10 ** power) - 14, 64 + ROW * len(scenes),
                 "%d %s" % ((10 ** (power - 3), "kB") if power < 6 else (10 ** (power - 6), "MB")))
    for row, scene in enumerate(scenes):
        top = 46 + ROW * row
        svg.text(16, top + 24, scene)
        for index, peer in enumerate(peers):
            value = median(result, scene, peer, "bytes")
            if value:
                svg.bar(left, top + index * (BAR + 1), place(value) - left, BAR, COLOURS[peer])
                svg.text(place(value) + 5, top + index * (BAR + 1) + 11, "%.3g MB" % (value / 1e6))
    svg.write(path)


def plot_latencies(result, path):
    """For each scene with latencies the part of them that was below a time."""
    scenes = [s for s in main_scenes(result)
              if any(r.get("latencies_ms") for r in records_of(result, s, "lazaret"))]
    width, height, gap = 300, 220, 60
    svg = Svg(gap + (width + gap) * len(scenes), height + 120,
              "Latency: share of events whose picture was there by then")
    svg.legend(gap + (width + gap) * len(scenes) - 330, 24, peers_of(result))
    for index, scene in enumerate(scenes):
        left, top = gap + (width + gap) * index, 60
        late = {p: sorted(l for r in records_of(result, scene, p) for l in r["latencies_ms"])
                for p in peers_of(result)}
        limit = 1.1 * max(values[int(0.98 * (len(values) - 1))] for values in late.values() if values)
        svg.text(left, top - 10, scene)
        for part in (0, 0.5, 0.95, 1):
            y = top + height * (1 - part)
            svg.line(left, y, left + width, y)
            svg.text(left - 32, y + 4, "%d%%" % (100 * part))
        for step in range(5):
            x = left + width * step / 4
            svg.line(x, top, x, top + height)
            svg.text(x - 8, top + height + 18, "%.0f" % (limit * step / 4))
        svg.text(left + width / 2 - 10, top + height + 36, "ms")
        for peer, values in late.items():
            points = [(left + width * min(v, limit) / limit,
                       top + height * (1 - (i + 1) / len(values))) for i, v in enumerate(values)]
            if points:
                svg.path(points, COLOURS[peer])
    svg.write(path)
