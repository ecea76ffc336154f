"""The line of the user's program where a call of a graph stands is kept, and named in errors, graphs and messages."""
import inspect
import os

import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.compiler import pipeline
from kgraph.compiler.ir import ProgramError
from kgraph.graph import places

HERE = os.path.relpath(__file__)


def line() -> int:
    """The line of the caller."""
    return inspect.currentframe().f_back.f_lineno


class Refuses(kgraph.Layer):
    def call(self, inputs):
        if not ops.is_tensor(inputs) or inputs.shape[0] == 3:
            raise ValueError("three rows")
        return inputs


def notes(error) -> list:
    return getattr(error.value, "__notes__", [])


def test_nodes_keep_the_line_of_the_call():
    x = kgraph.Input((3,)); at_input = line()  # noqa: E702
    y = layers.Dense(2)(x); at_layer = line()  # noqa: E702
    z = y * 2 + ops.sum(
        y); at_op = line()  # noqa: E702
    assert x.node.place == (__file__, at_input) and y.node.place == (__file__, at_layer)
    assert z.node.place[0] == __file__ and at_op - 1 <= z.node.place[1] <= at_op
    assert places.text(y.node.place) == f"{HERE}:{at_layer}"


def test_text_of_files_elsewhere():
    assert places.text(("<stdin>", 3)) == "<stdin>:3" and places.text(("/nowhere/a.py", 1)) == "/nowhere/a.py:1"


def test_an_error_inside_a_layer_names_the_call():
    x = kgraph.Input((2,), batch_size=None)
    y = Refuses(name="refuses")(x); at = line()  # noqa: E702
    model = kgraph.Model(x, layers.Dense(1)(y))
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(ValueError, match="three rows") as error:
        model.fit(np.ones((3, 2), "float32"), np.ones((3, 1), "float32"), verbose=0)
    assert [n for n in notes(error) if "was called at" in n] == [f"'refuses' was called at {HERE}:{at}"]


@pytest.mark.parametrize("eagerly", [False, True])
def test_an_index_outside_names_the_call_in_a_nested_model(eagerly):
    ids = kgraph.Input((1,), dtype="int32")
    inner = kgraph.Model(ids, layers.Embedding(4, 2, name="table")(ids), name="inner"); at = line()  # noqa: E702
    outer = kgraph.Input((1,), dtype="int32")
    model = kgraph.Model(outer, layers.Flatten()(inner(outer)))
    model.compile("sgd", "mse", run_eagerly=eagerly)
    with pytest.raises(IndexError, match="table: index 9") as error:
        model.predict(np.int32([[9]]), verbose=0)
    assert any(n.endswith(f"was called at {HERE}:{at}") and "table" in n for n in notes(error))


@pytest.mark.parametrize("stage", ["pass", "plan", "lowering"])
def test_errors_of_the_compiler_name_the_call(stage, monkeypatch):
    """Passes, plan and lowering say nothing of places: the op that they had in hand has a scope."""
    def fails(op, *args):
        raise RuntimeError(f"{op.prim.name} is not to be")
    x = kgraph.Input((2,))
    model = kgraph.Model(x, layers.Softmax(name="third")(x)); at = line()  # noqa: E702
    monkeypatch.setattr(pipeline, *{"pass": ("PLAIN_PASSES", [("odd", lambda p: [fails(op) for op in p.ops])]),
                                    "plan": ("_same_memory", fails), "lowering": ("_describe", fails)}[stage])
    with pytest.raises(RuntimeError if stage != "pass" else ProgramError, match="is not to be") as error:
        model.predict(np.ones((3, 2), "float32"), verbose=0)
    assert f"'third' was called at {HERE}:{at}" in notes(error)


def test_sizes_that_do_not_fit_name_the_call():
    a, b = kgraph.Input((None,)), kgraph.Input((None,))
    model = kgraph.Model([a, b], layers.Add(name="sum")([a, b])); at = line()  # noqa: E702
    with pytest.raises(ValueError, match="expected .* == .*, received 2 and 3") as error:
        model.predict([np.ones((1, 2), "float32"), np.ones((1, 3), "float32")], verbose=0)
    assert notes(error) == [f"'sum' was called at {HERE}:{at}"]


def test_graphs_and_messages_have_the_place():
    x = kgraph.Input((1,))
    shared = layers.Dense(1, name="shared")
    a = shared(x); first = line()  # noqa: E702
    b = shared(a); second = line()  # noqa: E702
    model = kgraph.Model(x, b)
    nodes = kgraph.inspect.to_networkx(model).nodes
    assert nodes["shared"]["place"] == f"{HERE}:{first}, {HERE}:{second}"
    assert places.of_scope(model._graph, "shared/backward") == nodes["shared"]["place"]
    assert places.of_scope(model._graph, "sgd") == ""
