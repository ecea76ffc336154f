"""Where the boxes of a graph are drawn, and the ways of its edges between them.

Boxes stand in rows by longest path; an edge over several rows has a lane of its own through each, so it crosses no
box; rows are ordered by the mean of the neighbours, then boxes move to the mean of theirs as far as there is room,
but hardly for an edge that skips what leads to the same box (Sugiyama et al., "Methods for visual
understanding of hierarchical system structures", 1981). Long graphs are cut between rows into columns, where few edges
are cut; these go down, up between the columns, and along above them.
"""
from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import NamedTuple

import networkx

__all__ = ["layout"]

GAP_ACROSS, GAP_ALONG = 24, 34  # between boxes, in pixels
LANE = 8                        # the width of an edge that passes a row
SWEEPS = 8
LONG = 1200                     # pixels along, below which one column does
CUT = 300                       # pixels by which a column is rather too long or too short than cut two edges or more
SKIP = 1e-3                     # the weight of an edge beside a longer way from the same box to the same


def layout(graph, sizes, sideways=False, aspect=None) -> tuple:
    """({node: its centre}, {(a, b): the points that the edge goes through, from box to box}).

    Args:
        graph: a networkx.DiGraph whose nodes are in the order of their first calls; edges against that order are drawn
            upwards, those of a node to itself not at all
        sizes: {node: (width, height)}
        sideways: rows are columns, from left to right
        aspect: width by height that is aimed at, by several columns; None: one
    """
    ranks = _ranks(graph)
    if sideways:
        sizes, aspect = {n: (h, w) for n, (w, h) in sizes.items()}, aspect and 1 / aspect
    column_of = _columns(graph, ranks, sizes, aspect)
    laned, ways = _with_lanes(graph, ranks, column_of)
    extents = {n: sizes.get(n, (LANE, LANE)) for n in laned.nodes}
    rows = _in_order(laned, ranks)
    leaving = defaultdict(list)    # column -> the ways from there to others
    for way in ways.values():
        if way.cut:
            leaving[column_of[ranks[way.upper]]].append(way)
    centres, rights = _placed(laned, rows, extents, column_of, leaving)
    sides = _sides(rows, centres, extents)
    tracks, rise = _tracks(leaving, centres, sides, column_of, rights)
    beside = {n: sides[ranks[n]] for n in centres}
    turn = (lambda x, y: (y + rise, x)) if sideways else (lambda x, y: (x, y + rise))
    routes = {e: _points(w, centres, sizes, tracks, beside)[::1 if e[0] == w.upper else -1] for e, w in ways.items()}
    return {n: turn(*centres[n]) for n in graph.nodes}, {e: [turn(*p) for p in way] for e, way in routes.items()}


class _Way(NamedTuple):
    """An edge as it is drawn, downwards: the lanes in the column where it begins, and in that where it ends."""
    upper: object
    lower: object
    lanes: tuple
    after: tuple
    cut: bool


def _ranks(graph) -> dict:
    """node -> the length of the longest path to it."""
    ranks: dict = {}
    for n in graph.nodes:
        ranks[n] = 1 + max((ranks[p] for p in graph.predecessors(n) if p in ranks and p != n), default=-1)
    return ranks


def _columns(graph, ranks, sizes, aspect) -> list:
    """The column of each rank."""
    count = max(ranks.values(), default=-1) + 1
    width, depth, crossing = [0.0] * count, [0.0] * count, [0] * (count + 1)
    for n, r in ranks.items():
        width[r] += sizes[n][0] + GAP_ACROSS
        depth[r] = max(depth[r], sizes[n][1] + GAP_ALONG)
    for n in graph.nodes:   # lines cut below each row: those from one box count as one
        for r in range(ranks[n], max((ranks[m] for m in graph.successors(n)), default=0)):
            crossing[r] += 1
    ends = list(itertools.accumulate(depth, initial=0.0))
    columns = 1 if aspect is None or ends[-1] < LONG else max(1, round(math.sqrt(aspect * ends[-1] / max(width))))
    column_of, start = [], 0
    for c in range(columns):
        wanted = ends[start] + (ends[-1] - ends[start]) / (columns - c)
        cost = lambda r, wanted=wanted: abs(ends[r + 1] - wanted) + CUT * min(crossing[r], 2)
        stop = count if c == columns - 1 else min(range(start, count), key=cost, default=start - 1) + 1
        column_of += [c] * (stop - start)
        start = stop
    return column_of


def _with_lanes(graph, ranks, column_of) -> tuple:
    """The graph with a node for each row that an edge passes in its columns (their ranks are added), without edges from
    column to column; and {edge: its _Way}."""
    laned, ways = networkx.DiGraph(), {}
    laned.add_nodes_from(graph.nodes)
    laned.graph["boxes"] = set(graph.nodes)
    skips = {e for e in graph.edges if _skips(graph, *e, ranks)}
    for edge in graph.edges:
        upper, lower = edge if ranks[edge[0]] < ranks[edge[1]] else edge[::-1]
        if upper == lower:
            continue
        first, last = (column_of[ranks[n]] for n in (upper, lower))
        between = [("lane", *edge, r) for r in range(ranks[upper] + 1, ranks[lower])
                   if column_of[r] in (first, last)]
        ranks.update((lane, lane[3]) for lane in between)
        parts = [tuple(n for n in between if column_of[n[3]] == c) for c in (first, last)]
        way = _Way(upper, lower, parts[0], parts[1] if first != last else (), first != last)
        for chain in ((upper, *way.lanes), (*way.after, lower)) if way.cut else ((upper, *way.lanes, lower),):
            laned.add_nodes_from(chain)
            laned.add_edges_from(zip(chain, chain[1:]), weight=SKIP if edge in skips else 1.0)
        ways[edge] = way
    return laned, ways


def _skips(graph, a, b, ranks) -> bool:
    """Whether another way leads from a to b."""
    seen, waiting = {a}, [n for n in graph.successors(a) if n != b and ranks[a] < ranks[n] < ranks[b]]
    while waiting:
        n = waiting.pop()
        if graph.has_edge(n, b):
            return True
        seen.add(n)
        waiting += [m for m in graph.successors(n) if m not in seen and ranks[n] < ranks[m] < ranks[b]]
    return False


def _in_order(graph, ranks) -> list:
    """The rows of nodes, ordered so that few edges cross."""
    rows = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for n in graph.nodes:
        rows[ranks[n]].append(n)
    place = {n: i for row in rows for i, n in enumerate(row)}
    for sweep in range(SWEEPS):
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = {n: [place[m] for m in neighbours(n)] for n in row}
            row.sort(key=lambda n: sum(near[n]) / len(near[n]) if near[n] else place[n])
            place.update((n, i) for i, n in enumerate(row))
    return rows


def _placed(graph, rows, extents, column_of, leaving) -> tuple:
    """({node: its centre}, the right side of each column)."""
    centres, rights, left = {}, [], 0.0
    for c in range(column_of[-1] + 1 if column_of else 0):
        own = [row for row, column in zip(rows, column_of) if column == c]
        across, along = _across(graph, own, extents), _along(own, extents)
        centres.update((n, (left + across[n], y)) for row, y in zip(own, along) for n in row)
        rights.append(max(centres[n][0] + extents[n][0] / 2 for row in own for n in row))
        left = rights[-1] + GAP_ACROSS + LANE * len(leaving[c])
    return centres, rights


def _across(graph, rows, extents) -> dict:
    """node -> its place in its row. At last boxes stand below those that lead to them, so that chains are straight."""
    place = {}
    for row in rows:
        at = 0.0
        for n in row:
            place[n] = at + extents[n][0] / 2
            at += extents[n][0] + GAP_ACROSS
    before = {n: [(m, d["weight"]) for m, d in graph.pred[n].items()] for n in graph}
    after = {n: [(m, d["weight"]) for m, d in graph.succ[n].items()] for n in graph}
    for sweep in range(SWEEPS):
        down, last = sweep % 2 == 0, sweep == SWEEPS - 1
        for row in rows if down or last else reversed(rows):
            _settle(row, [before[n] if last else before[n] + after[n] for n in row], extents, place)
    _straighten(graph, rows, extents, place)
    least = min((place[n] - extents[n][0] / 2 for n in place), default=0.0)
    return {n: x - least + GAP_ACROSS / 2 for n, x in place.items()}


def _settle(row, near, extents, place):
    """Places nearest to the means of the neighbours, in the row's order and without overlap: weighted isotonic
    regression, by pooling neighbours that would overlap (Ayer et al., 1955)."""
    gaps = [(extents[a][0] + extents[b][0]) / 2 + GAP_ACROSS for a, b in zip(row, row[1:])]
    starts = list(itertools.accumulate(gaps, initial=0.0))
    pools: list = []
    for n, start, neighbours in zip(row, starts, near):
        weight = sum(w for _, w in neighbours)
        wanted = sum(place[m] * w for m, w in neighbours) / weight if neighbours else place[n]
        pools.append((wanted - start, weight or SKIP, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (x, v, m), (y, w, n) = pools[-2:]
            pools[-2:] = [((x * v + y * w) / (v + w), v + w, m + n)]
    settled = (x for x, _, count in pools for _ in range(count))
    place.update((n, x + start) for n, x, start in zip(row, settled, starts))


def _straighten(graph, rows, extents, place):
    """The lanes of each edge one below the other, at the left or right end of their places, where nothing is in the
    way."""
    beside, runs = {}, defaultdict(list)
    for row in rows:
        for left, n, right in zip([None, *row], row, [*row[1:], None]):
            beside[n] = left, right
            if n not in graph.graph["boxes"]:
                runs[n[:3]].append(n)
    apart = lambda n, m: (extents[n][0] + extents[m][0]) / 2 + GAP_ACROSS - 1e-6
    free = lambda n, x: all(m is None or side * (place[m] - x) >= apart(n, m) for side, m in zip((-1, 1), beside[n]))
    for lanes in runs.values():
        for x in (max(place[n] for n in lanes), min(place[n] for n in lanes)):
            if all(free(n, x) for n in lanes):
                place.update(dict.fromkeys(lanes, x))
                break


def _along(rows, extents) -> list:
    """The middle of each row."""
    middles, start = [], GAP_ACROSS / 2
    for row in rows:
        depth = max(extents[n][1] for n in row)
        middles.append(start + depth / 2)
        start += depth + GAP_ALONG
    return middles


def _sides(rows, centres, extents) -> list:
    """Where each row begins and ends."""
    deepest = [max(row, key=lambda n: extents[n][1]) for row in rows]
    return [(centres[n][1] - extents[n][1] / 2, centres[n][1] + extents[n][1] / 2) for n in deepest]


def _tracks(leaving, centres, sides, column_of, rights) -> tuple:
    """({way: its points from below its column, up beside it, to above the column where it ends}, how high they are)."""
    floor, tracks, ends = defaultdict(float), {}, []   # ends: of what lies in each track above the columns
    for c, (_, end) in zip(column_of, sides):
        floor[c] = max(floor[c], end)
    for c, group in sorted(leaving.items()):
        for i, way in enumerate(sorted(group, key=lambda w: -centres[(w.upper, *w.lanes)[-1]][0])):
            start, end = centres[(way.upper, *way.lanes)[-1]][0], centres[(*way.after, way.lower)[0]][0]
            beside, below = rights[c] + GAP_ACROSS / 2 + LANE * i, floor[c] + GAP_ALONG / 2 + LANE * i
            track = next((t for t, taken in enumerate(ends) if taken < beside), len(ends))
            ends[track:track + 1] = [max(end, beside)]
            above = -LANE * (track + 1)
            tracks[way] = [(start, below), (beside, below), (beside, above), (end, above)]
    return tracks, LANE * (len(ends) + 1) if ends else 0


def _points(way, centres, sizes, tracks, sides) -> list:
    """From the lower side of one box to the upper side of the other; straight through the rows, across between them."""
    (ax, ay), (bx, by) = centres[way.upper], centres[way.lower]
    through = [(centres[n][0], y) for n in way.lanes for y in sides[n]]
    through += tracks.get(way, ())
    through += [(centres[n][0], y) for n in way.after for y in sides[n]]
    points = [(ax, ay + sizes[way.upper][1] / 2), (ax, sides[way.upper][1]), *through,
              (bx, sides[way.lower][0]), (bx, by - sizes[way.lower][1] / 2)]
    return [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]
