"""Pictures of graphs, laid out by kgraph.inspect.layout: no graphviz, no other program. SVG here, PNG in pixels.py."""
from __future__ import annotations

import importlib.util
import warnings
from html import escape
from pathlib import Path
from typing import NamedTuple

from kgraph.inspect.folding import ENTRY, EXIT, boxes
from kgraph.inspect.graphs import to_dot, to_json, to_networkx
from kgraph.inspect.layout import layout
from kgraph.inspect.pixels import to_png

__all__ = ["Picture", "edge_path", "model_to_dot", "plot_model", "to_svg"]

CHARACTER, LINE, PADDING = 7.2, 18, 10     # pixels of a 12-pixel monospaced font
ASPECT = 1.6                               # width by height of a long model's picture, about that of a screen
ARROW = ' marker-end="url(#arrow)"'


class Picture(str):
    """SVG text that a notebook shows as a picture."""

    def _repr_svg_(self):
        return str(self)


class Box(NamedTuple):
    """A rectangle with lines of text, or a frame around others with its title: its left upper corner, its size."""
    x: float
    y: float
    width: float
    height: float
    lines: tuple
    framed: bool


class Drawing(NamedTuple):
    """Where everything lies, in pixels of an SVG: boxes, frames before what they hold, and edges, each as the points it
    goes through and whether it is an arrow."""
    boxes: list
    edges: list
    sideways: bool
    width: float
    height: float
    line: float = LINE

    def moved(self, x, y) -> tuple:
        """Boxes and edges, so much to the right and down."""
        return ([b._replace(x=b.x + x, y=b.y + y) for b in self.boxes],
                [([(p + x, q + y) for p, q in points], arrow) for points, arrow in self.edges])


def plot_model(model, to_file="model.svg", show_shapes=False, show_dtype=False, show_layer_names=True, rankdir="TB",
               expand_nested=False, dpi=200, show_layer_activations=False, show_trainable=False,
               splines="ortho", fold=None, **kwargs):
    """Draw a model into an SVG or PNG file, and return the picture. Arguments as in Keras; splines has no effect.

    Long models stand in several columns, and models inside a model, with expand_nested, in frames. PNG needs Pillow,
    the extra ``image``. Without it, and for other formats, the .svg beside is written and said.

    Args:
        to_file: ends in .svg or .png (.dot and .json write the graph as text); None writes nothing
        rankdir: "TB" from top to bottom, "LR" from left to right
        dpi: dots an inch of a PNG; None: 200
        fold: True: layers that only finish the one before (normalisation, activation) share its box, and a block that
            repeats is drawn once, in a frame that says how often; False: a box for each layer; None: as True where
            there are more than 40 layers

    Returns:
        A Picture, which a notebook shows.

    Example:
        >>> model = kgraph.Sequential([kgraph.Input((2,)), layers.Dense(1)])
        >>> picture = kgraph.utils.plot_model(model, None, show_shapes=True)
    """
    labels = {"show_shapes": show_shapes, "show_dtype": show_dtype, "show_layer_names": show_layer_names,
              "show_layer_activations": show_layer_activations, "show_trainable": show_trainable}
    graph = to_networkx(model, expand_nested=expand_nested)
    drawing = arranged(graph, rankdir, fold, **labels)
    picture = _svg(drawing)
    if to_file is not None:
        path = Path(to_file)
        contents = {".svg": lambda: picture.encode(), ".png": lambda: to_png(drawing, dpi or 200),
                    ".dot": lambda: to_dot(graph, rankdir, **labels).encode(), ".json": lambda: to_json(graph).encode()}
        if path.suffix not in contents or (path.suffix == ".png" and importlib.util.find_spec("PIL") is None):
            why = " (PNG needs Pillow: pip install 'kgraph[image]')" if path.suffix == ".png" else ""
            warnings.warn(f"plot_model writes SVG: {path.with_suffix('.svg')} in place of {path}{why}", stacklevel=2)
            path = path.with_suffix(".svg")
        path.write_bytes(contents[path.suffix]())
    return picture


def model_to_dot(model, show_shapes=False, show_dtype=False, show_layer_names=True, rankdir="TB", expand_nested=False,
                 dpi=200, subgraph=False, show_layer_activations=False, show_trainable=False, splines="ortho",
                 **kwargs) -> str:
    """A model as DOT text. Arguments as in Keras; dpi, subgraph and splines have no effect."""
    return to_dot(to_networkx(model, expand_nested=expand_nested), rankdir, show_shapes=show_shapes,
                  show_dtype=show_dtype, show_layer_names=show_layer_names,
                  show_layer_activations=show_layer_activations, show_trainable=show_trainable)


def to_svg(graph, rankdir="TB", fold=False, **labels) -> Picture:
    """A networkx.DiGraph as SVG. labels: see kgraph.inspect.graphs.label_lines.

    Args:
        fold: see plot_model

    Raises:
        ValueError: another rankdir.
    """
    return _svg(arranged(graph, rankdir, fold, **labels))


def arranged(graph, rankdir="TB", fold=False, **labels) -> Drawing:
    """A graph laid out. Raises ValueError for another rankdir."""
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"expected rankdir 'TB' or 'LR', received {rankdir!r}")
    return _arranged(boxes(graph, fold, **labels), rankdir == "LR")


def _arranged(graph, sideways) -> Drawing:
    """A graph of boxes and frames laid out, the insides of frames first."""
    inside = {n: _arranged(a["frame"].graph, sideways) for n, a in graph.nodes(data=True) if "frame" in a}
    lines = {n: [a["frame"].title] if n in inside else a["lines"] for n, a in graph.nodes(data=True)}
    sizes = {n: _size(lines[n], inside.get(n)) for n in graph.nodes}
    centres, routes = layout(graph, sizes, sideways, ASPECT)
    found, edges = [], [(points, b is not EXIT) for (_, b), points in routes.items()]
    for n, (x, y) in centres.items():
        (width, height), drawn = sizes[n], inside.get(n)
        if not (drawn or lines[n]):
            continue
        found.append(Box(x - width / 2, y - height / 2, width, height, tuple(lines[n]), drawn is not None))
        if drawn:
            boxed, ways = drawn.moved(x - drawn.width / 2, y + height / 2 - drawn.height)
            found += boxed
            edges += ways
    reach = [(b.x + b.width, b.y + b.height) for b in found] + [p for points, _ in edges for p in points]
    width, height = (max((p[i] for p in reach), default=0) + PADDING for i in (0, 1))
    drawing = Drawing(found, edges, sideways, width, height)
    return drawing if ENTRY not in centres or sideways else _about(drawing, centres[ENTRY][0])


def _about(drawing, x) -> Drawing:
    """A drawing made wider, so that x is its middle."""
    width = 2 * max(x, drawing.width - x)
    found, edges = drawing.moved(width / 2 - x, 0)
    return drawing._replace(boxes=found, edges=edges, width=width)


def _size(lines, inside) -> tuple:
    width, height = max(map(len, lines), default=0) * CHARACTER + 2 * PADDING, len(lines) * LINE + PADDING
    if inside:
        return max(width, inside.width), height + inside.height
    return (width, height) if lines else (0, 0)


def _svg(drawing: Drawing) -> Picture:
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{drawing.width:.0f}" height="{drawing.height:.0f}" '
             f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}" font-family="monospace" font-size="12" '
             'style="background:white">',
             '<defs><marker id="arrow" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
             '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>']
    parts += map(_box, (b for b in drawing.boxes if b.framed))
    parts += [f'<path d="{edge_path(points, drawing.sideways)}" fill="none" stroke="black"'
              f'{ARROW if arrow else ""}/>' for points, arrow in drawing.edges]
    parts += map(_box, (b for b in drawing.boxes if not b.framed))
    return Picture("\n".join([*parts, "</svg>"]))


def edge_path(points, sideways=False) -> str:
    """The d of an SVG path through points, as a smooth curve."""
    d = "M{:.1f},{:.1f}".format(*points[0])
    for (x1, y1), (x2, y2) in zip(points, points[1:]):
        if x1 == x2 or y1 == y2:
            d += f" L{x2:.1f},{y2:.1f}"
            continue
        bend = (((x1 + x2) / 2, y1), ((x1 + x2) / 2, y2)) if sideways else ((x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2))
        d += " C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in (*bend, (x2, y2)))
    return d


def _box(box: Box) -> str:
    style = 'fill="#f7f7f2" stroke="#888"' if box.framed else 'fill="#eef" stroke="black"'
    text = "".join(f'<text x="{box.x + box.width / 2:.1f}" y="{box.y + LINE * (i + 0.9):.1f}" text-anchor="middle">'
                   f"{escape(line)}</text>" for i, line in enumerate(box.lines))
    return f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="4" ' \
           f'{style}/>{text}'
