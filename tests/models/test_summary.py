"""The table of model.summary()."""
import numpy as np
import pytest

from kgraph import Input, Model, Sequential, inspect, layers
from kgraph.naming import reset_names


class Blocks(Model):
    def __init__(self):
        super().__init__()
        self.block = layers.Dense(2, name="d")

    def call(self, inputs):
        return self.block(inputs)


def lines(model, length=100, **kwargs):
    found = []
    model.summary(print_fn=found.append, line_length=length, **kwargs)
    return found


def row(found, name):
    return [cell.strip() for cell in next(line for line in found if line.startswith("│ " + name)).strip("│").split("│")]


def branched():
    inner = Sequential([Input((4,), name="i"), layers.Dense(3, name="deep")], name="inner")
    x = Input((4,), name="x")
    return Model(x, layers.Add(name="sum")([inner(x), layers.Dense(3, name="side")(x)]) * 2, name="whole")


def test_chain():
    model = Sequential(
        [Input((8,)), layers.Dense(16, name="a"), layers.Dropout(0.5, name="b"), layers.Dense(3, name="c")]
    )
    found = lines(model)
    assert row(found, "a ") == ["a (Dense)", "(None, 16)", "144"] and row(found, "b ")[2] == "0"
    assert found[-3:] == [
        " Total params: 195 (780.00 B)",
        " Trainable params: 195 (780.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_connections_nested_and_trainable():
    reset_names()
    model = branched()
    model.get_layer("inner").trainable = False
    found = lines(model, expand_nested=True, show_trainable=True)
    assert row(found, "sum")[:4] == ["sum (Add)", "(None, 3)", "0", "inner[0][0],"]
    assert row(found, "inner")[-1] == "N" and row(found, "side")[-1] == "Y" and row(found, "   └ deep")[2] == "15"
    assert row(found, "multiply")[0] == "multiply (Multiply)"
    assert " Non-trainable params: 15 (60.00 B)" in found


def test_unbuilt_masks_and_range():
    assert row(lines(Sequential([layers.Dense(2, name="d")])), "d ") == ["d (Dense)", "?", "0 (unbuilt)"]
    model = Blocks()
    model(np.ones((3, 4), "float32"))
    assert row(lines(model), "d ") == ["d (Dense)", "(None, 2)", "10"]
    x = Input((5,), dtype="int32", name="x")
    with pytest.warns(UserWarning, match="'flat'"):
        model = Model(x, layers.Flatten(name="flat")(layers.Embedding(9, 2, mask_zero=True, name="emb")(x)))
    found = lines(model, show_masks=True)
    assert row(found, "emb")[-1] == "yes" and row(found, "flat")[-1] == "-"
    some = lines(model, layer_range=("emb", "em.*"))
    assert any("emb" in line for line in some) and not any("flat" in line for line in some)
    with pytest.raises(ValueError, match="received 'nothing'"):
        lines(model, layer_range=("nothing", "emb"))


def test_kernels():
    """Each layer is beside the kernels of predict that serve it: a nested model beside those of the layers inside."""
    model = branched()
    found = lines(model, 160, kernels=True, expand_nested=True)
    named = {k.layers: k.name for k in inspect.kernels(model, "predict")}
    cell = lambda name: row(found, name)[-1]
    assert cell("x (") == "-" and cell("inner") == cell("   └ deep")
    assert {k for layers, k in named.items() if "deep" in layers} == {cell("inner")}
    assert {k for layers, k in named.items() if "side" in layers} >= {cell("side")}
    with pytest.raises(ValueError, match="no predict step yet"):
        Blocks().summary(kernels=True)
