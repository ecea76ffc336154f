"""Layers and activations become the operators that ONNX has for them, and give the same numbers."""
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import check  # noqa: E402

import kgraph  # noqa: E402
from kgraph import activations, layers  # noqa: E402


def kinds(path):
    return [node.op_type for node in onnx.load(path).graph.node]


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32") * 2


def exported(tmp_path, model, *shapes, opset=21):
    """The operators of the model's file, whose numbers are checked for inputs of these shapes, some of them changed."""
    rng = np.random.default_rng(1)
    for w in model.weights:
        w.assign(w.numpy() + rng.uniform(0.1, 0.3, w.shape).astype(w.dtype))
    model.export(tmp_path / "m.onnx", opset=opset)
    check(tmp_path / "m.onnx", model, *[[rows(*s)] for s in shapes])
    return kinds(tmp_path / "m.onnx")


def one(layer, *shape):
    x = kgraph.Input(shape)
    return kgraph.Model(x, layer(x))


@pytest.mark.parametrize("function, operators, opset", [
    (activations.relu, ["Relu"], 17), (activations.gelu, ["Gelu"], 20), (activations.selu, ["Selu"], 17),
    (activations.relu6, ["Clip"], 17), (lambda x: activations.relu(x, max_value=6.0), ["Clip"], 18),
    (lambda x: activations.gelu(x, approximate=True), ["Gelu"], 21), (activations.elu, ["Elu"], 17),
    (lambda x: activations.elu(x, 0.3), ["Elu"], 17), (lambda x: activations.leaky_relu(x, 0.2), ["LeakyRelu"], 17),
    (activations.softplus, ["Softplus"], 17), (activations.softsign, ["Softsign"], 17),
    (activations.hard_sigmoid, ["HardSigmoid"], 17), (activations.hard_silu, ["HardSwish"], 17),
    (activations.mish, ["Mish"], 18), (activations.silu, ["Sigmoid", "Mul"], 17),
    (activations.softmax, ["Softmax"], 17), (activations.log_softmax, ["LogSoftmax"], 17)])
def test_activation(tmp_path, function, operators, opset):
    assert exported(tmp_path, one(layers.Activation(function), 37), (3, 37), (1, 37), opset=opset) == operators


def test_gelu_before_it_came(tmp_path):
    assert "Erf" in exported(tmp_path, one(layers.Activation("gelu"), 3), (5, 3), opset=19)


@pytest.mark.parametrize("layer, shape, operators", [
    (layers.BatchNormalization(), (5,), ["BatchNormalization"]),
    (layers.BatchNormalization(center=False), (5,), ["BatchNormalization"]),
    (layers.BatchNormalization(scale=False, epsilon=0.1), (5,), ["BatchNormalization"]),
    (layers.BatchNormalization(axis=1), (3, 4, 5), ["BatchNormalization"]),
    (layers.BatchNormalization(), (3, 4, 5), ["Transpose", "BatchNormalization", "Transpose"]),
    (layers.LayerNormalization(), (4, 5), ["LayerNormalization"]),
    (layers.LayerNormalization(center=False), (4, 5), ["LayerNormalization"]),
    (layers.LayerNormalization(axis=[1, 2], scale=False), (4, 5), ["LayerNormalization"]),
    (layers.GlobalAveragePooling1D(), (4, 5), ["ReduceMean"]),
    (layers.GlobalAveragePooling1D(keepdims=True), (4, 5), ["ReduceMean", "Unsqueeze"]),
    (layers.AveragePooling2D(3, padding="same"), (2, 1, 3), ["Transpose", "AveragePool", "Transpose"]),
    (layers.Conv2D(2, 3), (5, 4, 3), ["Transpose", "Conv", "Transpose"]),
    (layers.Conv2D(2, 3, data_format="channels_first"), (3, 5, 4), ["Conv", "Add"]),
    (layers.GlobalAveragePooling1D(), (None, 5), ["ReduceSum", "Shape", "Squeeze", "Cast", "Div"]),
    (layers.AveragePooling2D(2, padding="same"), (5, 4, 3), ["Transpose", "AveragePool", "Transpose"]),
    (layers.AveragePooling2D(2), (5, 4, 3), ["Transpose", "AveragePool", "Transpose"]),
    (layers.MaxPooling1D(3), (7, 3), ["Transpose", "MaxPool", "Transpose"]),
    (layers.Dense(3), (4,), ["MatMul", "Add"]),
    (layers.Permute((2, 1)), (4, 5), ["Transpose"]), (layers.Flatten(), (4, 5), ["Reshape"])])
def test_layer(tmp_path, layer, shape, operators):
    full = lambda batch: (batch, *(n or 6 for n in shape))
    assert exported(tmp_path, one(layer, *shape), full(3), full(1)) == operators


def test_nothing_is_computed_in_vain(tmp_path):
    x = kgraph.Input((5, 8))
    found = exported(tmp_path, kgraph.Model(x, layers.MultiHeadAttention(2, 4)(x, x)), (2, 5, 8))
    assert found.count("Softmax") == 1 and "Exp" not in found  # attention gives the logarithm of its weights' sum too
    nodes = onnx.load(tmp_path / "m.onnx").graph
    read = {name for node in nodes.node for name in node.input} | {o.name for o in nodes.output}
    assert all(read & set(node.output) for node in nodes.node) and read >= {i.name for i in nodes.initializer}


def test_embedding_is_one_gather(tmp_path):
    x = kgraph.Input((None,), dtype="int32")
    model = kgraph.Model(x, layers.Embedding(9, 4)(x))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [np.array([[1, 2, -1], [8, 0, 3]], "int32")])
    assert kinds(tmp_path / "m.onnx") == ["Gather"]


def test_images_keep_their_channels_first(tmp_path):
    x = kgraph.Input((9, 9, 3))
    y = layers.Conv2D(4, 3, padding="same", strides=2)(x)
    y = layers.Activation("relu")(layers.BatchNormalization()(y))
    y = layers.Add()([y, layers.SeparableConv2D(4, 3, padding="same")(y)])
    y = layers.Concatenate()([y, layers.MaxPooling2D(3, 1, padding="same")(y)])
    found = exported(tmp_path, kgraph.Model(x, layers.GlobalAveragePooling2D()(y)), (2, 9, 9, 3))
    assert found.count("Transpose") == 1 and found[-1] == "ReduceMean"


@pytest.mark.parametrize("layer, operator", [
    (layers.LSTM(4), "LSTM"), (layers.LSTM(4, use_bias=False, go_backwards=True, return_sequences=True), "LSTM"),
    (layers.LSTM(4, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True), "LSTM"),
    (layers.GRU(4, return_sequences=True), "GRU"), (layers.GRU(4, reset_after=False, activation="linear"), "GRU"),
    (layers.GRU(4, use_bias=False, return_state=True), "GRU"), (layers.LSTM(4, return_state=True), "LSTM"),
    (layers.SimpleRNN(4, return_sequences=True), "RNN"),
    (layers.SimpleRNN(4, activation="relu", use_bias=False), "RNN"),
    (layers.Bidirectional(layers.GRU(3, return_sequences=True)), "GRU"),
    (layers.RNN(layers.LSTMCell(3)), "LSTM")])
@pytest.mark.parametrize("length", [7, None])
def test_recurrent_layer(tmp_path, layer, operator, length):
    layer = type(layer).from_config(layer.get_config())
    found = exported(tmp_path, one(layer, length, 3), (2, 7, 3), (1, 7, 3))
    assert operator in found and "Scan" not in found


def test_states_that_are_given(tmp_path):
    x, h, c = kgraph.Input((None, 3), name="x"), kgraph.Input((4,), name="h"), kgraph.Input((4,), name="c")
    model = kgraph.Model([x, h, c], layers.LSTM(4, return_sequences=True)(x, initial_state=[h, c]))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(2, 5, 3), rows(2, 4), rows(2, 4)])
    assert "LSTM" in kinds(tmp_path / "m.onnx")


class Halved(layers.LSTMCell):
    def call(self, inputs, states, training=False):
        y, states = super().call(inputs, states, training)
        return y * 0.5, states


@pytest.mark.parametrize("layer", [lambda: layers.RNN(Halved(4), return_sequences=True),
                                   lambda: layers.LSTM(4, activation="softplus"),
                                   lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])])
def test_other_steps_are_scans(tmp_path, layer):
    assert "Scan" in exported(tmp_path, one(layer(), None, 3), (2, 7, 3), (1, 1, 3))


def test_masks_make_a_scan(tmp_path):
    x = kgraph.Input((None, 3))
    model = kgraph.Model(x, layers.LSTM(4)(layers.Masking()(x)))
    model.export(tmp_path / "m.onnx")
    given = rows(3, 6, 3)
    given[0, 2:], given[1, :3] = 0, 0
    check(tmp_path / "m.onnx", model, [given])
    assert "Scan" in kinds(tmp_path / "m.onnx")


def test_exporting_leaves_names_and_seeds_alone(tmp_path):
    model, found = one(layers.LSTM(4), None, 3), []
    for export in (True, False):
        kgraph.utils.set_random_seed(3)
        before = layers.Dense(2)
        if export:
            model.export(tmp_path / "m.onnx")
        layer = layers.Dense(2)
        layer.build((None, 3))
        found.append((layer.kernel.numpy(), *(int(x.name.rpartition("_")[2]) for x in (before, layer))))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert [last - first for _, first, last in found] == [1, 1]
