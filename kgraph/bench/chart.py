"""Horizontal bar charts as SVG."""
from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Panel", "bar_chart"]

LABELS, BARS, TEXTS = 250, 420, 130      # pixels across: names, the longest bar, the numbers behind it
BAR, GAP, TITLE, MARGIN = 12, 6, 34, 12  # pixels down
COLOURS = ("#4c78a8", "#b9c7d9", "#f58518", "#54a24b", "#b279a2", "#e45756", "#9d755d")


@dataclass(frozen=True)
class Bar:
    """series: what the colour stands for; value: its length; text: what is written behind it."""

    series: str
    value: float
    text: str


@dataclass(frozen=True)
class Panel:
    """Groups of bars under a title: [(label, [Bar])]. A bar longer than `most` is cut off there, with a gap to show it;
    `line` is where a dashed line stands."""

    title: str
    groups: list
    most: float
    line: float | None = None


def bar_chart(title, panels) -> str:
    """The SVG text of all panels, one below the other."""
    series = list(dict.fromkeys(bar.series for p in panels for _, bars in p.groups for bar in bars))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(series)}
    parts, y = [_text(MARGIN, MARGIN + BAR, title, bold=True)], 2 * MARGIN + BAR
    x = MARGIN
    for name in series if len(series) > 1 else ():
        parts += [_rect(x, y, BAR, colours[name]), _text(x + BAR + 4, y + BAR - 2, name)]
        x += BAR + 24 + 7 * len(name)
    y += BAR + GAP
    for panel in panels:
        drawn, y = _panel(panel, colours, y)
        parts += drawn
    width, height = LABELS + BARS + TEXTS + 2 * MARGIN, y + MARGIN
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                      f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
                      f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>", ""])


def _panel(panel, colours, top):
    """(what is drawn, where the next one may begin)."""
    y, left = top + TITLE, MARGIN + LABELS
    parts = [_text(MARGIN, y - GAP - 2, panel.title, bold=True)]
    for label, bars in panel.groups:
        height = len(bars) * BAR
        parts.append(_text(left - GAP, y + height / 2 + 4, label, anchor="end"))
        for bar in bars:
            parts += _bar(bar, panel.most, colours[bar.series], left, y)
            y += BAR
        y += GAP
    if panel.line is not None:
        x = left + BARS * panel.line / panel.most
        parts.append(f'<path d="M{x:.1f},{top + TITLE - 3} V{y - GAP + 3}" stroke="#444" stroke-dasharray="3,3"/>')
    return parts, y


def _bar(bar, most, colour, x, y) -> list:
    length = BARS * min(bar.value / most, 1.0)
    parts = [_rect(x, y + 1, length, colour), _text(x + length + 5, y + BAR - 2, bar.text)]
    if bar.value > most:
        parts.append(_rect(x + length - 14, y + 1, 4, "white"))
    return parts


def _rect(x, y, width, colour) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{BAR - 2}" fill="{colour}"/>'


def _text(x, y, text, anchor="start", bold=False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
