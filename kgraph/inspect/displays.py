"""What a notebook shows of models, tensors, histories, profiles, programs and kernels, as HTML and SVG of its own."""
from __future__ import annotations

import re
from html import escape

import numpy as np

from kgraph.inspect.pictures import plot_model
from kgraph.naming import printable

__all__ = ["array", "history", "kernel", "model", "profile", "program"]

MOST_ROWS, MOST_COLUMNS = 10, 12     # of a table of values
MOST_LAYERS = 1000                   # of a model whose picture is drawn
COLOURS = ("#3457c9", "#c9543a", "#2f8f4e", "#8b4ec9", "#b8860b", "#0f8a8a")
PLOT = (420, 160)                    # pixels of a curve
_PARTS = re.compile(r"(?P<note>#.*$)|(?P<value>%\w+)|(?P<type>\b(?:f|bf|i|u|b)\d+(?:\[[^\]]*\])?)"
                    r"|(?P<word>\b(?:def|for|while|if|else|in|range|return|let|buffer|share|serial)\b)")
_STYLES = {"note": "color:#778", "value": "color:#3457c9", "type": "color:#2f8f4e", "word": "font-weight:bold"}


def model(x) -> str:
    """The summary, and the picture of a model that has a graph and is not too large."""
    lines: list = []
    if not x.built:
        return f"<pre>{_text(repr(x))}</pre>"
    x.summary(print_fn=lines.append)
    picture = plot_model(x, None, show_shapes=True) if x.is_functional and len(x.layers) <= MOST_LAYERS else ""
    return f"<pre>{_text(chr(10).join(lines))}</pre>" + (
        f"<details><summary>Picture</summary>{picture}</details>" if picture else "")


def array(values, title) -> str:
    """A table of the values of an array: its last two axes, at the first place of the others."""
    head = f"<div><code>{_text(title)}</code></div>"
    if values.size == 0 or values.ndim == 0:
        return head + f"<code>{_text(str(values))}</code>"
    shown = values.reshape(-1, values.shape[-1]) if values.ndim > 1 else values[None]
    rows = shown[:MOST_ROWS, :MOST_COLUMNS]
    more = ("<td>…</td>" if shown.shape[1] > MOST_COLUMNS else "")
    body = "".join("<tr>" + "".join(f"<td>{_text(_number(v))}</td>" for v in row) + more + "</tr>" for row in rows)
    left = shown.shape[0] - rows.shape[0]
    return f"{head}<table>{body}</table>" + (f"<div>… and {left:,} rows more</div>" if left > 0 else "")


def history(x) -> str:
    """The curves of a fit: a plot for each quantity, its validation in the same."""
    plots = [n for n in x.history if not n.startswith("val_") and _is_curve(x.history[n])]
    width, height = PLOT[0] + 120, (PLOT[1] + 30) * max(1, len(plots))
    parts = [part for i, name in enumerate(plots) for part in _curves(x.history, name, i * (PLOT[1] + 30))]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="monospace" '
            f'font-size="12" role="img" aria-label="history of a fit">{"".join(parts)}</svg>')


def _is_curve(values) -> bool:
    return all(np.ndim(v) == 0 for v in values)


def _curves(found, name, top) -> list:
    curves = [(n, np.asarray(found[n], "float64")) for n in (name, f"val_{name}") if n in found and _is_curve(found[n])]
    finite = np.concatenate([v[np.isfinite(v)] for _, v in curves])
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    parts = [f'<text x="4" y="{top + 14}">{_text(name)}: {low:.4g} to {high:.4g}</text>']
    for i, (n, v) in enumerate(curves):
        x = 8 + (PLOT[0] - 16) * np.arange(len(v)) / max(len(v) - 1, 1)
        y = top + 24 + (PLOT[1] - 32) * (high - v) / ((high - low) or 1.0)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y) if np.isfinite(b))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[i]}" stroke-width="2"/>'
                     f'<text x="{PLOT[0]}" y="{top + 40 + 18 * i}" fill="{COLOURS[i]}">{_text(n)}</text>')
    return parts


def profile(x) -> str:
    """The kernels of a step, longest first, each with a bar."""
    first, *_ = str(x).split("\n")
    most = max((r.seconds for r in x.rows), default=1.0) or 1.0
    bar = f"background:{COLOURS[0]};height:.8em;width"
    rows = "".join(
        f'<tr><td>{1e6 * r.seconds:.2f}</td><td>{r.gflops:.1f}</td><td>{r.gbytes:.1f}</td><td>{r.share:.0%}</td>'
        f'<td><div style="{bar}:{100 * r.seconds / most:.1f}px"></div></td><td>{_text(", ".join(r.scopes))}</td></tr>'
        for r in sorted(x.rows, key=lambda r: -r.seconds))
    return (f"<div>{_text(first)}</div><table><tr><th>us</th><th>GFLOP/s</th><th>GB/s</th><th>limit</th><th></th>"
            f"<th>layers</th></tr>{rows}</table>")


def program(text) -> str:
    """Text of a program, a loop nest or a kernel, with its parts in colours."""
    return f'<pre style="line-height:1.3">{chr(10).join(map(_line, text.split(chr(10))))}</pre>'


def kernel(x) -> str:
    """A KernelInfo: whom it serves, its source and its loop nest."""
    return (f"<div><code>{_text(x.name)}</code> for {_text(', '.join(x.layers))}</div>{program(x.source)}"
            f"<details><summary>Loop nest</summary>{program(x.nest)}</details>")


def _line(line) -> str:
    parts, at = [], 0
    for found in _PARTS.finditer(line):
        coloured = f'<span style="{_STYLES[found.lastgroup]}">{_text(found.group())}</span>'
        parts += [_text(line[at:found.start()]), coloured]
        at = found.end()
    return "".join([*parts, _text(line[at:])])


def _number(value) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)


def _text(text) -> str:
    return escape(printable(text, keep="\n"))
