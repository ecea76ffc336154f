"""What a user sees of `model.export(path, format="onnx")`: names, opsets, open sizes, states, files, errors."""
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exported import check, equal, session  # noqa: E402

import kgraph  # noqa: E402
from kgraph import layers, ops  # noqa: E402
from kgraph.__main__ import main  # noqa: E402


def dense():
    model = kgraph.Sequential([kgraph.Input((4,), name="x"), layers.Dense(3, activation="relu", name="hidden"),
                               layers.Dense(2, activation="softmax", name="out")], name="small")
    return model


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("opset", range(17, 25))
def test_opset(tmp_path, opset):
    model = dense()
    model.export(tmp_path / "m.onnx", opset=opset)
    assert [o.version for o in onnx.load(tmp_path / "m.onnx").opset_import] == [opset]
    check(tmp_path / "m.onnx", model, [rows(5, 4)], [rows(1, 4)], [rows(0, 4)])


def test_opset_by_default_and_in_keras_words(tmp_path):
    for words, opset in (({}, 21), ({"opset_version": 18}, 18)):
        dense().export(str(tmp_path / "m.any"), "onnx", False, **words)
        assert onnx.load(tmp_path / "m.any").opset_import[0].version == opset


@pytest.mark.parametrize("opset", [16, 25, "21", True, 18.0])
def test_an_opset_that_is_not_there(tmp_path, opset):
    with pytest.raises(ValueError, match=f"expected an opset from 17 to 24 .*received {opset!r}"):
        dense().export(tmp_path / "m.onnx", opset=opset)
    assert not list(tmp_path.iterdir())


def test_names_and_open_sizes(tmp_path):
    model = dense()
    model.compile("sgd", "mse")
    model.fit(rows(8, 4), rows(8, 2), verbose=0)  # after which weights are parts of one buffer
    model.export(tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert graph.name == "small"
    assert [(i.name, i.type.tensor_type.shape.dim[0].dim_param) for i in graph.input] == [("x", "B")]
    assert [o.name for o in graph.output] == ["out"]
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for w in model.weights:
        np.testing.assert_array_equal(arrays[w.path], w.numpy())
    assert {n.name for n in graph.node} >= {"hidden/MatMul", "out/Softmax"}


def test_several_inputs_and_outputs(tmp_path):
    a, b = kgraph.Input((3,), name="a"), kgraph.Input((None, 3), name="b")
    mixed = layers.Add(name="mixed")([layers.RepeatVector(4)(a), b[:, :4]])
    model = kgraph.Model({"a": a, "b": b}, {"first": mixed, "again": a, "both": ops.concatenate([b, mixed], axis=1)})
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(2, 3), rows(2, 4, 3)], [rows(1, 3), rows(1, 9, 3)])


def test_sizes_are_computed(tmp_path):
    def compute(x):
        n = ops.shape(x)
        y = ops.reshape(x, (n[0] * n[1], n[2], 3))
        y = ops.concatenate([y, ops.zeros((n[0] * n[1], 1, 3))], axis=1)
        return ops.reshape(y[:, ::2], (n[0], n[1], n[2] // 2 + 1, 3)) / ops.cast(n[2], "float32")
    x = kgraph.Input((None, None, 3), name="x")
    model = kgraph.Model(x, layers.Lambda(compute)(x))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(2, 3, 5, 3)], [rows(3, 1, 4, 3)])


def test_a_fixed_signature(tmp_path):
    model = dense()
    model.export(tmp_path / "m.onnx", input_signature=[kgraph.InputSpec(shape=(7, 4))])
    assert session(tmp_path / "m.onnx").get_inputs()[0].shape == [7, 4]
    check(tmp_path / "m.onnx", model, [rows(7, 4)])
    with pytest.raises(ValueError, match=r"expected shape \(None, 4\) for the input 'x', received \(7, 5\)"):
        model.export(tmp_path / "m.onnx", input_signature=[kgraph.InputSpec(shape=(7, 5))])


class Own(kgraph.Model):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(2)

    def call(self, x):
        return {"double": 2 * self.inner(x), "plain": self.inner(x)}


def test_a_subclassed_model(tmp_path):
    model = Own()
    with pytest.raises(ValueError, match="expected input_signature="):
        model.export(tmp_path / "m.onnx")
    model.export(tmp_path / "m.onnx", input_signature=[kgraph.InputSpec(shape=(None, 3), dtype="float32", name="x")])
    running, x = session(tmp_path / "m.onnx"), rows(5, 3)
    model.export(tmp_path / "again.onnx")
    assert [o.name for o in running.get_outputs()] == ["double", "plain"]
    for got, want in zip(running.run(None, {"x": x}), model(x).values(), strict=True):
        equal(got, want.numpy())
    equal(session(tmp_path / "again.onnx").run(["plain"], {"input_0": x})[0], model(x)["plain"].numpy())


def test_states_go_in_and_come_out(tmp_path):
    model = kgraph.Sequential([kgraph.Input(batch_shape=(2, 3, 4), name="x"), layers.GRU(5, stateful=True, name="gru")])
    model.predict(rows(2, 3, 4), verbose=0)
    model.export(tmp_path / "m.onnx")
    running = session(tmp_path / "m.onnx")
    _, state = [o.name for o in running.get_outputs()]
    first, new = running.run(None, {"x": rows(2, 3, 4)})
    second, _ = running.run(None, {"x": rows(2, 3, 4), state.removesuffix("/next"): new})
    equal(first, model.predict(rows(2, 3, 4), verbose=0))
    equal(second, model.predict(rows(2, 3, 4), verbose=0))


@pytest.mark.parametrize("outside", [None, True])
def test_large_weights_lie_in_a_file_of_their_own(tmp_path, monkeypatch, outside):
    from kgraph.onnx import writer
    if outside is None:
        monkeypatch.setattr(writer, "LARGEST", 10_000)
    model = kgraph.Sequential([kgraph.Input((40,)), layers.Dense(100), layers.Dense(3)])
    model.export(tmp_path / "m.onnx", external_data=outside)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.onnx", "m.onnx.data"]
    assert (tmp_path / "m.onnx").stat().st_size < 5000
    check(tmp_path / "m.onnx", model, [rows(3, 40)])


def test_the_command(tmp_path, capsys):
    model = dense()
    model.save(tmp_path / "m.keras")
    assert main(["export", str(tmp_path / "m.keras"), str(tmp_path / "m.onnx"), "--opset", "19"]) == 0
    assert "small is exported as onnx to" in capsys.readouterr().out
    assert onnx.load(tmp_path / "m.onnx").opset_import[0].version == 19
    check(tmp_path / "m.onnx", model, [rows(3, 4)])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
@pytest.mark.parametrize("shape, stack", [
    ((7,), [layers.Dense(5, activation="relu"), layers.LayerNormalization(), layers.Dense(3, activation="softmax")]),
    ((8, 8, 3), [layers.Conv2D(4, 3, activation="gelu"), layers.BatchNormalization(), layers.MaxPooling2D(),
                 layers.GlobalAveragePooling2D()]),
    ((5, 3), [layers.LSTM(4, return_sequences=True), layers.GRU(4), layers.Dense(2, activation="elu")])])
def test_policies_of_16_bits(tmp_path, policy, shape, stack):
    layer = lambda x: type(x).from_config({**x.get_config(), "dtype": policy})
    x = kgraph.Input(shape)
    y = x
    for each in stack:
        y = layer(each)(y)
    model = kgraph.Model(x, layers.Activation("linear", dtype="float32")(y))
    model.export(tmp_path / "m.onnx")
    check(tmp_path / "m.onnx", model, [rows(3, *shape)], rtol=2e-2, atol=2e-2)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*none' for 'm.onnx'"):
        dense().export(tmp_path / "none" / "m.onnx")


def refused(layer, shape=(4,), dtype="float32"):
    x = kgraph.Input(shape, dtype=dtype, name="x")
    return kgraph.Model(x, layer(x))


def text():
    return refused(layers.TextVectorization(vocabulary=["a", "b"], name="words"), (), "string")


class Draws(layers.Layer):
    def call(self, x):
        return x + kgraph.random.normal(ops.shape(x), seed=1)


@pytest.mark.parametrize("model, says", [
    (text, "model .*received 'words'.*export kgraph.Model"),
    (lambda: refused(Draws(name="noisy")), "layer 'noisy': .*primitive 'random_bits'.*training=False"),
    (lambda: refused(layers.Lambda(lambda x: ops.linalg.cholesky(x), name="roots"), (3, 3)),
     "layer 'roots': .*primitive 'cholesky'.*outside of the model"),
    (lambda: refused(layers.Hashing(7, name="hash"), (4,), "int32"),
     "received 'hash', which look up in tables.*get_layer.'hash'..output"),
])
def test_what_cannot_be_exported_names_the_layer(model, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        model().export(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
