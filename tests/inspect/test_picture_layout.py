"""Boxes do not overlap, and edges cross none; what folding leaves out and says."""
import networkx
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.inspect.folding import ENTRY, EXIT, boxes
from kgraph.inspect.layout import layout
from kgraph.inspect.pictures import arranged
from kgraph.inspect.pixels import _curve


def random_graph(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 30))
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(count))
    for b in range(1, count):
        graph.add_edges_from((int(a), b) for a in {b - 1, *rng.integers(0, b, int(rng.integers(0, 3)))})
    if seed % 3 == 0:
        graph.add_edge(count - 1, 0)  # a shared layer: upwards
        graph.add_edge(1, 1)
    return graph, {n: (float(rng.integers(30, 200)), float(rng.integers(20, 60))) for n in graph}


def inside(point, centre, size, margin=0.5):
    return all(abs(p - c) < s / 2 - margin for p, c, s in zip(point, centre, size))


@pytest.mark.parametrize("aspect", [None, 2.0])
@pytest.mark.parametrize("sideways", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_boxes_and_edges(seed, sideways, aspect):
    graph, sizes = random_graph(seed)
    centres, routes = layout(graph, sizes, sideways, aspect)
    assert set(centres) == set(graph) and set(routes) == {(a, b) for a, b in graph.edges if a != b}
    for a in graph:
        for b in graph:
            apart = [abs(p - q) - (s + t) / 2 for p, q, s, t in zip(centres[a], centres[b], sizes[a], sizes[b])]
            assert a == b or max(apart) >= 0
    for (a, b), points in routes.items():
        assert not inside(points[0], centres[a], sizes[a]) and not inside(points[-1], centres[b], sizes[b])
        for point in _curve(points, sideways):
            assert not any(inside(point, centres[n], sizes[n]) for n in graph)


def test_nothing():
    assert layout(networkx.DiGraph(), {}) == ({}, {})


def test_long_chains_stand_in_columns():
    graph = networkx.path_graph(40, networkx.DiGraph)
    centres, routes = layout(graph, dict.fromkeys(graph, (100.0, 30.0)), aspect=1.5)
    assert len({x for x, _ in centres.values()}) == 6 and centres[0][1] == min(y for _, y in centres.values())
    assert max(y for _, y in centres.values()) < 40 * 30 / 2
    assert len({x for x, _ in layout(graph, dict.fromkeys(graph, (100.0, 30.0)))[0].values()}) == 1


@pytest.fixture(scope="module")
def blocks():
    """Three residual blocks, the last of another size; a model inside, called twice."""
    x = i = kgraph.Input((8,), name="in")
    for n, units in ((1, 8), (2, 8), (3, 9)):
        h = layers.ReLU(name=f"b{n}_relu")(layers.BatchNormalization(name=f"b{n}_bn")(layers.Dense(units)(x)))
        h = layers.Dense(units, name=f"b{n}_out")(layers.Dense(3)(h))
        x = layers.Add(name=f"b{n}_add")([h, layers.Dense(units)(x) if units == 9 else x])
    inner = kgraph.Sequential([kgraph.Input((9,)), layers.Dense(9, name="within")], name="<inner>\x1b[0m")
    return kgraph.Model(i, inner(inner(x)))


def test_folding(blocks):
    graph = boxes(kgraph.inspect.to_networkx(blocks, expand_nested=True), fold=True)
    frames = {a["frame"].title: a["frame"].graph for _, a in graph.nodes(data=True) if "frame" in a}
    assert list(frames) == ["2 x 6 layers", "<inner>\\x1b[0m"] and ["within (Dense)", "(None, 9)"] in [
        a["lines"] for a in frames["<inner>\\x1b[0m"].nodes.values()]
    block = frames["2 x 6 layers"]
    shapes = [a["lines"][-1] for a in block.nodes.values() if a["lines"]]
    assert shapes == ["(None, 8)", "(None, 3)", "(None, 8)", "(None, 8)"]
    dense, add = list(block)[1], "b1_add"
    assert block.nodes[dense]["lines"][1:] == ["b1_bn (BatchNormalization)", "b1_relu (ReLU)", "(None, 8)"]
    assert set(block.edges) >= {(ENTRY, dense), (ENTRY, add), ("b1_out", add), (add, EXIT)}
    assert len(boxes(kgraph.inspect.to_networkx(blocks))) == len(blocks.layers)   # not by itself: few layers


@pytest.mark.parametrize("fold", [False, True])
def test_frames_hold_their_boxes(blocks, fold):
    drawing = arranged(kgraph.inspect.to_networkx(blocks, expand_nested=True), fold=fold)
    frames, held = [b for b in drawing.boxes if b.framed], [b for b in drawing.boxes if not b.framed]
    assert len(frames) == (2 if fold else 1)
    for b in held:
        for f in frames:
            apart = b.x + b.width <= f.x or f.x + f.width <= b.x or b.y + b.height <= f.y or f.y + f.height <= b.y
            assert apart or (f.x <= b.x and b.x + b.width <= f.x + f.width and b.y + b.height <= f.y + f.height)
        assert 0 <= b.x and b.x + b.width <= drawing.width and 0 <= b.y and b.y + b.height <= drawing.height


def test_blocks_that_grow_and_long_names():
    x = i = kgraph.Input((4, 4, 2))
    for _ in range(3):
        x = layers.Concatenate()([x, layers.Conv2D(3, 1)(layers.Conv2D(5, 1)(x))])
    model = kgraph.Model(i, layers.Flatten(name="f" * 20_000)(x))
    text = kgraph.inspect.plot_model(model, None, show_shapes=True, fold=True)
    assert "3 x 3 layers" in text and "(None, 4, 4, 5…11)" in text and len(text) < 10_000
