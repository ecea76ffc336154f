"""Graphs of many layers made small enough to be read: layers that only finish the one before stand in its box, blocks
that repeat are drawn once, models inside a model in a frame of their own."""
from __future__ import annotations

import os
import re
from typing import NamedTuple

import networkx

from kgraph.inspect.graphs import label_lines
from kgraph.naming import printable

__all__ = ["ENTRY", "EXIT", "Frame", "boxes"]

MANY = 40             # layers, above which a graph is folded unless it is said
LONGEST = 60          # characters of a line
PERIOD = 8            # the most parts that a block has
SAVED = 3             # the least boxes that a frame must save
ENTRY, EXIT = "\0in", "\0out"   # the ends of a block in its frame


class Frame(NamedTuple):
    """What is drawn around other boxes: a title, and the graph of what it holds."""
    title: str
    graph: networkx.DiGraph


def boxes(graph, fold=None, **labels):
    """A graph of kgraph.inspect.to_networkx as it is drawn: each node has ``lines`` of text, or is a ``frame``.

    Args:
        fold: None: where there are more than 40 nodes
        labels: see kgraph.inspect.graphs.label_lines
    """
    drawn = networkx.DiGraph()
    for n, a in graph.nodes(data=True):
        lines = [_short(line) for line in label_lines(a, n, **labels)]
        drawn.add_node(n, lines=lines, kinds=(_kind(a),), within=a.get("within", ()), adds=_only_adds(graph, n),
                       names=(n.rpartition("/")[2],))
    drawn.add_edges_from((a, b) for a, b in graph.edges if a != b)
    return _by_model(drawn, len(drawn) > MANY if fold is None else fold)


def _short(line) -> str:
    line = printable(line)
    return line if len(line) <= LONGEST else f"{line[:LONGEST // 2]}…{line[-LONGEST // 2:]}"


def _kind(attributes) -> tuple:
    """(what a layer is, its shape without batch and channels, its channels): alike in layers that repeat."""
    shape = attributes.get("shape")
    shape = shape if isinstance(shape, tuple) else (shape,)
    return attributes.get("class_name") or attributes.get("prim"), shape[1:-1], shape[-1:]


def _only_adds(graph, n) -> bool:
    """Whether a layer follows one other and nothing else does, keeps the shape, and has few numbers a channel."""
    before = list(graph.predecessors(n))
    if len(before) != 1 or graph.out_degree(before[0]) != 1 or "class_name" not in graph.nodes[n]:
        return False
    a, b = graph.nodes[before[0]], graph.nodes[n]
    shape = b["shape"]
    return a.get("within") == b.get("within") and a["shape"] == shape and isinstance(shape, tuple) and len(shape) > 1 \
        and b["params"] <= 4 * (shape[-1] or 0) and a["class_name"] != "InputLayer"


# ------------------------------------------------------------------ models inside a model
def _by_model(graph, fold, depth=0):
    """The graph with a frame for each model inside it; folded in each."""
    home = {n: a["within"][:depth + 1] if len(a["within"]) > depth else n for n, a in graph.nodes(data=True)}
    inner: dict = {}
    for n, h in home.items():
        inner.setdefault(h, []).append(n)
    outer = networkx.DiGraph()
    for h, members in inner.items():
        if h in graph:
            outer.add_node(h, **graph.nodes[h])
        else:
            outer.add_node(h, frame=Frame(_short(h[-1]), _by_model(_part(graph, members), fold, depth + 1)), lines=(),
                           kinds=((h, (), ()),), names=(h[-1],), adds=False)
    outer.add_edges_from((home[a], home[b]) for a, b in graph.edges if home[a] != home[b])
    return _repeats(_stacked(outer)) if fold else outer


def _part(graph, members):
    """The graph of some nodes, in this order."""
    part, known = networkx.DiGraph(), set(members)
    part.add_nodes_from((n, graph.nodes[n]) for n in members)
    part.add_edges_from((a, b) for a, b in graph.edges if a in known and b in known)
    return part


# ------------------------------------------------------------------ layers in one box
def _stacked(graph):
    """The graph with what only adds to the layer before it in the box of that layer."""
    box: dict = {}
    stacked = networkx.DiGraph()
    for n, a in graph.nodes(data=True):
        before = next(graph.predecessors(n), None)
        if a["adds"] and before in box:
            head = box[n] = box[before]
            kept = stacked.nodes[head]
            kept["parts"].append(a["lines"])
            kept["kinds"] += a["kinds"]
            kept["names"] += a["names"]
        else:
            box[n] = n
            stacked.add_node(n, **a, parts=[a["lines"]])
    for _, a in stacked.nodes(data=True):
        if "frame" not in a:
            a["lines"] = _together(a["parts"])
    stacked.add_edges_from((box[a], box[b]) for a, b in graph.edges if box[a] != box[b])
    return stacked


def _together(parts) -> list:
    """The lines of several layers; what those of one say like those of the next is said once, at the end."""
    return [line for part, then in zip(parts, [*parts[1:], []])
            for line in (part if part[1:] != then[1:] else part[:1])]


# ------------------------------------------------------------------ blocks that repeat
def _repeats(graph):
    """The graph with a frame for each run of blocks that are built alike."""
    segments = _segments(graph)
    kinds = [_alike(graph, s) for s in segments]
    home, folded, at = {}, networkx.DiGraph(), 0
    while at < len(segments):
        period, times = _run(kinds, at)
        if times == 1:
            home.update((n, n) for n in segments[at])
            folded.add_nodes_from((n, graph.nodes[n]) for n in segments[at])
        else:
            copies = [[n for s in segments[i:i + period] for n in s] for i in range(at, at + times * period, period)]
            name = ("run", copies[0][0])
            home.update((n, name) for copy in copies for n in copy)
            folded.add_node(name, frame=_frame(graph, copies), lines=(), kinds=(), names=(), adds=False)
        at += period * times
    folded.add_edges_from((home[a], home[b]) for a, b in graph.edges if home[a] != home[b])
    return folded


def _segments(graph) -> list:
    """The nodes in order, cut after each that all ways lead through."""
    order = list(graph.nodes)
    place = {n: i for i, n in enumerate(order)}
    reach, segments, start = 0, [], 0
    spans = {}
    for a, b in graph.edges:
        low, high = sorted((place[a], place[b]))
        spans[low] = max(spans.get(low, 0), high)
    for i in range(len(order)):
        if reach <= i and (i in spans or i == len(order) - 1):
            segments.append(order[start:i + 1])
            start = i + 1
        reach = max(reach, spans.get(i, 0))
    return [*segments, order[start:]] if start < len(order) else segments


def _alike(graph, segment) -> tuple:
    """(how a segment is built, its channels): each node's kinds, and which before it in the segment it follows."""
    place = {n: i for i, n in enumerate(segment)}
    built = tuple((tuple(k[:2] for k in graph.nodes[n]["kinds"]), tuple(sorted(place.get(p, -1) for p in
                                                                              graph.predecessors(n))))
                  for n in segment)
    return built, tuple(k[2] for n in segment for k in graph.nodes[n]["kinds"])


def _run(kinds, at) -> tuple:
    """(segments in a block, how often it comes from here on) of the run that saves most; (1, 1) where none does."""
    best, most = (1, 1), SAVED - 1
    for period in range(1, min(PERIOD, (len(kinds) - at) // 2) + 1):
        block = kinds[at:at + period]
        size = sum(len(built) for built, _ in block)
        grows = period == 1 and size > 1   # a block may have more channels each time, as DenseNet's
        alike = (lambda a, b: [x for x, _ in a] == [x for x, _ in b]) if grows else (lambda a, b: a == b)
        times = 1
        while alike(kinds[at + times * period:at + (times + 1) * period], block):
            times += 1
        if (times - 1) * size > most:
            best, most = (period, times), (times - 1) * size
    return best


def _frame(graph, copies) -> Frame:
    """The first of several blocks, for all of them; numbers in which they differ from the first to the last."""
    first, last = copies[0], copies[-1]
    inner = networkx.DiGraph()
    inner.add_node(ENTRY, lines=())
    for n, m in zip(first, last):
        inner.add_node(n, **{**graph.nodes[n], "lines": list(map(_from_to, graph.nodes[n]["lines"],
                                                                 graph.nodes[m]["lines"]))})
    inner.add_node(EXIT, lines=())
    known = set(first)
    for n in first:
        inner.add_edges_from((p if p in known else ENTRY, n) for p in graph.predecessors(n))
    inner.add_edge(first[-1], EXIT)
    layers = sum(len(graph.nodes[n]["names"]) for n in first)
    names = [os.path.commonprefix([x for n in copy for x in graph.nodes[n]["names"]]).rstrip("_-/. ")
             for copy in (first, last)]
    named = f": {names[0]} to {names[1]}" if names[0] != names[1] and all(names) else ""
    return Frame(_short(f"{len(copies)} x {layers} layers{named}"), inner)


def _from_to(a, b) -> str:
    """The line of a shape, its numbers from those of one to those of the other where they differ."""
    if a == b or a[:1] not in ("(", "["):
        return a
    numbers = iter(re.findall(r"\d+", b))
    return re.sub(r"\d+", lambda m: m[0] if (other := next(numbers, m[0])) == m[0] else f"{m[0]}…{other}", a)
