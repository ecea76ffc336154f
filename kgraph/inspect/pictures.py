"""Pictures of graphs as SVG, laid out here: no graphviz, no other program.

Layers by longest path, order within a layer by the mean of the neighbours (Sugiyama et al., "Methods for visual
understanding of hierarchical system structures", 1981), edges as smooth curves.
"""
from __future__ import annotations

import warnings
from html import escape
from pathlib import Path

from kgraph.inspect.graphs import label_lines, to_dot, to_json, to_networkx

__all__ = ["Picture", "model_to_dot", "plot_model", "to_svg"]

CHARACTER, LINE, PADDING = 7.2, 18, 10     # pixels of a 12-pixel monospaced font
GAP_ACROSS, GAP_ALONG = 24, 42
SWEEPS = 8


class Picture(str):
    """SVG text that a notebook shows as a picture."""

    def _repr_svg_(self):
        return str(self)


def plot_model(model, to_file="model.svg", show_shapes=False, show_dtype=False, show_layer_names=True, rankdir="TB",
               expand_nested=False, dpi=None, show_layer_activations=False, show_trainable=False, **kwargs):
    """Draw a model into an SVG file, and return the picture. Arguments as in Keras.

    to_file  ends in .svg (.dot and .json write the graph as text); None writes nothing
    rankdir  "TB" from top to bottom, "LR" from left to right
    Pixel formats such as .png need a renderer: then the .svg beside is written, with a warning.
    """
    labels = {"show_shapes": show_shapes, "show_dtype": show_dtype, "show_layer_names": show_layer_names,
              "show_trainable": show_trainable}
    graph = to_networkx(model, expand_nested=expand_nested)
    picture = to_svg(graph, rankdir, **labels)
    if to_file is not None:
        path = Path(to_file)
        texts = {".svg": lambda: picture, ".dot": lambda: to_dot(graph, rankdir, **labels),
                 ".json": lambda: to_json(graph)}
        if path.suffix not in texts:
            warnings.warn(f"plot_model writes SVG: {path.with_suffix('.svg')} in place of {path}", stacklevel=2)
            path = path.with_suffix(".svg")
        path.write_text(texts[path.suffix](), encoding="utf-8")
    return picture


def model_to_dot(model, show_shapes=False, show_dtype=False, show_layer_names=True, rankdir="TB", expand_nested=False,
                 dpi=None, subgraph=False, show_layer_activations=False, show_trainable=False, **kwargs) -> str:
    """A model as DOT text. Arguments as in Keras."""
    return to_dot(to_networkx(model, expand_nested=expand_nested), rankdir, show_shapes=show_shapes,
                  show_dtype=show_dtype, show_layer_names=show_layer_names, show_trainable=show_trainable)


def to_svg(graph, rankdir="TB", **labels) -> Picture:
    """A networkx.DiGraph as SVG. labels: see kgraph.inspect.graphs.label_lines."""
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"expected rankdir 'TB' or 'LR', received {rankdir!r}")
    texts = {n: label_lines(a, n, **labels) for n, a in graph.nodes(data=True)}
    sizes = {n: (max(map(len, t)) * CHARACTER + 2 * PADDING, len(t) * LINE + PADDING) for n, t in texts.items()}
    centres = _place(_in_order(graph, _ranks(graph)), sizes, rankdir == "LR")
    width = max((x + sizes[n][0] / 2 for n, (x, _) in centres.items()), default=0) + PADDING
    height = max((y + sizes[n][1] / 2 for n, (_, y) in centres.items()), default=0) + PADDING
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
             'font-family="monospace" font-size="12">',
             '<defs><marker id="arrow" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
             '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>']
    parts += [_edge(centres[a], sizes[a], centres[b], sizes[b], rankdir == "LR") for a, b in graph.edges if a != b]
    parts += [_box(centres[n], sizes[n], texts[n]) for n in graph.nodes]
    return Picture("\n".join([*parts, "</svg>"]))


def _ranks(graph) -> dict:
    """node -> the length of the longest path to it. Nodes are in the order of their first calls; an edge against it (a
    shared layer called on what came of its own output) is drawn upwards and does not count."""
    ranks: dict = {}
    for n in graph.nodes:
        ranks[n] = 1 + max((ranks[p] for p in graph.predecessors(n) if p in ranks and p != n), default=-1)
    return ranks


def _in_order(graph, ranks) -> list:
    """The rows of nodes, ordered so that few edges cross."""
    rows = [[n for n in graph.nodes if ranks[n] == r] for r in range(max(ranks.values(), default=-1) + 1)]
    place = {n: i for row in rows for i, n in enumerate(row)}
    for sweep in range(SWEEPS):
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = {n: [place[m] for m in neighbours(n)] for n in row}
            row.sort(key=lambda n: sum(near[n]) / len(near[n]) if near[n] else place[n])
            place.update((n, i) for i, n in enumerate(row))
    return rows


def _place(rows, sizes, sideways) -> dict:
    """node -> its centre. Each row is centred."""
    across, along = (1, 0) if sideways else (0, 1)
    spans = [sum(sizes[n][across] + GAP_ACROSS for n in row) for row in rows]
    centres, start = {}, PADDING
    for row, span in zip(rows, spans):
        depth = max(sizes[n][along] for n in row)
        at = PADDING + (max(spans) - span) / 2
        for n in row:
            x, y = at + sizes[n][across] / 2, start + depth / 2
            centres[n] = (y, x) if sideways else (x, y)
            at += sizes[n][across] + GAP_ACROSS
        start += depth + GAP_ALONG
    return centres


def _edge(a, size_a, b, size_b, sideways) -> str:
    if sideways:
        x1, y1, x2, y2 = a[0] + size_a[0] / 2, a[1], b[0] - size_b[0] / 2, b[1]
        bend = f"{(x1 + x2) / 2:.1f},{y1:.1f} {(x1 + x2) / 2:.1f},{y2:.1f}"
    else:
        x1, y1, x2, y2 = a[0], a[1] + size_a[1] / 2, b[0], b[1] - size_b[1] / 2
        bend = f"{x1:.1f},{(y1 + y2) / 2:.1f} {x2:.1f},{(y1 + y2) / 2:.1f}"
    return (f'<path d="M{x1:.1f},{y1:.1f} C{bend} {x2:.1f},{y2:.1f}" fill="none" stroke="black" '
            'marker-end="url(#arrow)"/>')


def _box(centre, size, lines) -> str:
    x, y = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    text = "".join(f'<text x="{centre[0]:.1f}" y="{y + LINE * (i + 0.9):.1f}" text-anchor="middle">'
                   f"{escape(line)}</text>" for i, line in enumerate(lines))
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" rx="4" fill="#eef" ' \
           f'stroke="black"/>{text}'
