"""What load_onnx makes of a file: a model like any other, and clear errors for files that are none."""
import numpy as np
import pytest

import kgraph
from kgraph import ops

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
TensorProto, helper, numpy_helper = onnx.TensorProto, onnx.helper, onnx.numpy_helper
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def value(name, shape, dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def model(nodes, inputs, outputs, opset=17, **constants):
    arrays = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "net", inputs, outputs, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def loaded(*args, **kwargs):
    return kgraph.load_onnx(model(*args, **kwargs).SerializeToString())


def compiled(net, *inputs):
    return np.asarray(kgraph.function(lambda *xs: net(list(xs) if len(xs) > 1 else xs[0]))(*inputs))


@pytest.fixture(scope="module")
def convnet():
    """A small net of pictures, whose Reshape is made of sizes, as PyTorch writes it."""
    rng = np.random.default_rng(0)
    weight = lambda *shape: rng.normal(scale=0.2, size=shape).astype("float32")
    nodes = [node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r"),
             node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]), node("Shape", "p", "s"),
             node("Gather", "s zero", "n"), node("Unsqueeze", "n axes", "n1"),
             node("Concat", "n1 rest", "shape", axis=0),
             node("Reshape", "p shape", "f"), node("MatMul", "f d", "o"), node("Softmax", "o", "y")]
    return model(nodes, [value("x", ["N", 3, 8, 8])], [value("y", ["N", 5])], w=weight(8, 3, 3, 3), b=weight(8),
                 d=weight(128, 5), zero=np.array(0), axes=np.array([0]), rest=np.array([-1])).SerializeToString()


def test_a_model_predicts_trains_and_is_saved(convnet, tmp_path, capsys):
    net = kgraph.load_onnx(convnet)
    rng = np.random.default_rng(1)
    x, labels = rng.normal(size=(7, 3, 8, 8)).astype("float32"), rng.integers(0, 5, 7)
    expected = reference.ReferenceEvaluator(onnx.load_from_string(convnet)).run(None, {"x": x})[0]
    np.testing.assert_allclose(net(x), expected, atol=1e-6)
    np.testing.assert_allclose(net({"x": x}), expected, atol=1e-6)
    assert net.get_layer("conv").weights[0].shape == (3, 3, 3, 8)
    np.testing.assert_allclose(net.predict(x, batch_size=4, verbose=0), expected, atol=1e-6)
    assert [w.path for w in net.trainable_weights] == ["conv/w", "conv/b", "mat_mul/d"]
    assert [layer.name for layer in net.layers] == ["x", "conv", "relu", "max_pool", "reshape", "mat_mul", "y"]
    net.summary()
    assert "(None, 128)" in capsys.readouterr().out
    net.compile("adam", "sparse_categorical_crossentropy")
    losses = net.fit(x, labels, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2
    net.save(tmp_path / "net.keras")
    again = kgraph.models.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), net.predict(x, verbose=0))
    again.fit(x, labels, verbose=0)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_sizes_stay_open(batch):
    """Split in heads, with the sizes of the input; a length that two inputs share by its name."""
    nodes = [node("Shape", "x", "s"), node("Gather", "s i0", "n"), node("Gather", "s i1", "t"),
             node("Concat", "n t h", "shape", axis=0), node("Reshape", "x shape", "r"),
             node("Transpose", "r", "y", perm=[0, 2, 1, 3]), node("Add", "x z", "sum")]
    net = loaded(nodes, [value("x", ["N", "T", 6]), value("z", ["N", "T", 1])],
                 [value("y", ["N", 2, "T", 3]), value("sum", ["N", "T", 6])], i0=np.array([0]), i1=np.array([1]),
                 h=np.array([2, 3]))
    assert [x.shape for x in net.outputs] == [(None, 2, None, 3), (None, None, 6)]
    x, z = np.random.default_rng(0).normal(size=(batch, 4 + batch, 6)), np.ones((batch, 4 + batch, 1))
    for run in (lambda v: net(v), lambda v: net.predict(v, verbose=0)):
        y, total = run([x.astype("float32"), z.astype("float32")])
        np.testing.assert_allclose(y, x.reshape(batch, 4 + batch, 2, 3).transpose(0, 2, 1, 3), rtol=1e-6)
        np.testing.assert_allclose(total, x + 1, atol=1e-6)


def test_weights_that_nodes_share_stay_one():
    w = np.eye(3, dtype="float32") + 1
    net = loaded([node("MatMul", "x w", "a"), node("MatMul", "a w", "y")], [value("x", ["N", 3])],
                 [value("y", ["N", 3])], w=w)
    assert [v.shape for v in net.trainable_weights] == [(3, 3)]
    np.testing.assert_allclose(net(np.ones((2, 3), "float32")), np.ones((2, 3)) @ w @ w)


def test_scalars_integers_and_states():
    nodes = [node("Mul", "x k", "y"), node("Add", "state x", "next"), node("Cast", "next", "whole", to=INT64)]
    net = loaded(nodes, [value("x", []), value("k", [], INT64), value("state", [2, 3])],
                 [value("y", []), value("next", [2, 3]), value("whole", [2, 3], INT64)][1:])
    state, whole = net([np.float32(1.5), np.int64(2), np.zeros((2, 3), "float32")])
    assert np.asarray(state).tolist() == [[1.5] * 3] * 2 and whole.dtype == "int64"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats(dtype):
    number = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}[dtype]
    net = loaded([node("Add", "x x", "y")], [value("x", ["N", 2], number)], [value("y", ["N", 2], number)])
    y = net(np.ones((3, 2), "float32"))
    assert y.dtype == dtype and np.asarray(y).astype(float).tolist() == [[2, 2]] * 3


# ------------------------------------------------------------------ control flow
def _body(nodes, inputs, outputs):
    return helper.make_graph(nodes, "body", inputs, outputs)


def test_if_is_a_choice_in_a_graph():
    branch = lambda op: _body([node(op, "x one", "r")], [], [value("r", ["N"])])
    net = loaded([node("If", "c", "y", then_branch=branch("Add"), else_branch=branch("Sub"))],
                 [value("x", ["N"]), value("c", [], TensorProto.BOOL)], [value("y", ["N"])], one=np.float32([1]))
    x = np.arange(3, dtype="float32")
    for c in (True, False):
        expected = x + 1 if c else x - 1
        np.testing.assert_array_equal(net([x, np.array(c)]), expected)
        np.testing.assert_array_equal(compiled(net, x, np.array(c)), expected)


def test_weights_inside_branches_are_trained(tmp_path):
    """A voice detector is like that: a rate chooses between two nets, each with its weights inside."""
    def branch(k):
        w = numpy_helper.from_array(np.full((3, 2), k, "float32"), f"w{k}")
        graph = _body([node("MatMul", f"x w{k}", f"r{k}")], [], [value(f"r{k}", ["N", 2])])
        graph.initializer.append(w)
        return graph
    nodes = [node("Equal", "rate low", "c"), node("If", "c", "y", then_branch=branch(1), else_branch=branch(2))]
    net = loaded(nodes, [value("x", ["N", 3]), value("rate", [], INT64)], [value("y", ["N", 2])], low=np.array(8000))
    assert sorted(v.path for v in net.trainable_weights) == ["y/w1", "y/w2"]
    x = np.ones((4, 3), "float32")
    for rate, expected in ((8000, 3), (16000, 6)):
        assert np.asarray(net([x, np.array(rate)])).tolist() == [[expected] * 2] * 4
        assert compiled(net, x, np.array(rate)).tolist() == [[expected] * 2] * 4
    net.save(tmp_path / "net.keras")
    again = kgraph.models.load_model(tmp_path / "net.keras")
    assert np.asarray(again([x, np.array(8000)])).tolist() == [[3] * 2] * 4


def test_branches_for_other_shapes():
    """One branch cannot be computed for the sizes at hand: the other one is, on arrays."""
    wrong = _body([node("Reshape", "x six", "r")], [], [value("r", [2, 3])])
    right = _body([node("Reshape", "x four", "q")], [], [value("q", [2, 2])])
    net = loaded([node("If", "c", "y", then_branch=wrong, else_branch=right)],
                 [value("x", [4]), value("c", [], TensorProto.BOOL)], [value("y", [2, "M"])], six=np.array([2, 3]),
                 four=np.array([2, 2]))
    assert net([np.ones(4, "float32"), np.array(False)]).shape == (2, 2)
    with pytest.raises(ValueError):
        net([np.ones(4, "float32"), np.array(True)])


def test_pytorchs_squeeze_of_a_size_that_it_did_not_know():
    """If the size is 1, a Squeeze, else the tensor as it is: results of two ranks. In a graph the size has to be 1."""
    then = _body([node("Constant", "", "axes", value=numpy_helper.from_array(np.array([2]))),
                  node("Squeeze", "x axes", "a")], [], [value("a", ["N", 3])])
    other = _body([node("Identity", "x", "b")], [], [value("b", ["N", 3, "T"])])
    nodes = [node("Shape", "x", "s"), node("Gather", "s two", "t"), node("Equal", "t one", "c"),
             node("If", "c", "y", then_branch=then, else_branch=other), node("Add", "y y", "z")]
    net = loaded(nodes, [value("x", ["N", 3, "T"])], [value("z", ["N", 3])], two=np.array(2), one=np.array(1))
    x = np.ones((2, 3, 1), "float32")
    assert np.asarray(net(x)).tolist() == net.predict(x, verbose=0).tolist() == [[2] * 3] * 2
    with pytest.raises(ValueError, match="Squeeze.*T == 1"):
        net.predict(np.ones((2, 3, 4), "float32"), verbose=0)


def test_sizes_that_an_exporter_took_for_known():
    """A height that has to be 48, whose eighth is 6, and 1e9 for the end of an axis."""
    nodes = [node("MaxPool", "x", "p", kernel_shape=[8, 1], strides=[8, 1]), node("Shape", "p", "s"),
             node("Slice", "s three four", "w"), node("Concat", "n6 w", "shape", axis=0),
             node("Reshape", "p shape", "r"), node("Slice", "r zero far", "y")]
    net = loaded(nodes, [value("x", ["N", 1, "H", "W"])], [value("y", ["N", 6, "W"])], three=np.array([3]),
                 four=np.array([4]), n6=np.array([-1, 6]), zero=np.array([0]), far=np.array([10**9]))
    x = np.random.default_rng(0).normal(size=(2, 1, 48, 5)).astype("float32")
    expected = x.reshape(2, 6, 8, 5).max(2)
    np.testing.assert_array_equal(net(x), expected)
    np.testing.assert_array_equal(net.predict(x, verbose=0), expected)


def test_sizes_without_good_names():
    net = loaded([node("Concat", "a b", "y", axis=1)], [value("a", ["2*N", "a.b", 1]), value("b", ["2*N", "a_b", 1])],
                 [value("y", ["2*N", "c", 1])])
    y = net.predict([np.ones((2, 3, 1), "float32"), np.ones((2, 4, 1), "float32")], verbose=0)
    assert y.shape == (2, 7, 1)


def _loop(condition):
    nodes = [node("Mul", "v two", "next"), node(*condition)]
    return _body(nodes, [value("i", [], INT64), value("go", [], TensorProto.BOOL), value("v", ["N"])],
                 [value("on", [], TensorProto.BOOL), value("next", ["N"])])


@pytest.mark.parametrize("condition, count", [(("Identity", "go", "on"), 5), (("Less", "i most", "on"), 4)])
def test_loops(condition, count):
    """By a number of iterations, or until a test fails."""
    net = loaded([node("Loop", "n  x".replace("  ", " go0 "), "y", body=_loop(condition))],
                 [value("x", ["N"])], [value("y", ["N"])], n=np.array(5), go0=np.array(True), two=np.float32([2]),
                 most=np.array(3))
    x = np.arange(3, dtype="float32")
    np.testing.assert_array_equal(net(x), x * 2.0 ** count)
    np.testing.assert_array_equal(compiled(net, x), x * 2.0 ** count)


def test_scan_trains():
    body = _body([node("MatMul", "h w", "a"), node("Add", "a x", "b"), node("Tanh", "b", "new"),
                  node("Identity", "new", "out")], [value("h", [2, 3]), value("x", [2, 3])],
                 [value("new", [2, 3]), value("out", [2, 3])])
    net = loaded([node("Scan", "h0 xs", "last ys", body=body, num_scan_inputs=1)],
                 [value("xs", ["T", 2, 3])], [value("last", [2, 3]), value("ys", ["T", 2, 3])],
                 h0=np.zeros((2, 3), "float32"), w=np.eye(3, dtype="float32"))
    xs = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("float32")
    h, expected = np.zeros((2, 3)), []
    for x in xs:
        h = np.tanh(h + x)
        expected.append(h)
    np.testing.assert_allclose(net(xs)[1], expected, atol=1e-6)
    w = next(v for v in net.trainable_weights if v.shape == (3, 3))
    with kgraph.GradientTape() as tape:
        loss = ops.sum(net(xs)[0])
    assert np.abs(tape.gradient(loss, w)).sum() > 0


# ------------------------------------------------------------------ shapes that depend on values
def test_sizes_that_depend_on_values_run_on_arrays_only():
    net = loaded([node("NonZero", "x", "at"), node("Transpose", "at", "y")], [value("x", ["N"])],
                 [value("y", ["M", 1], INT64)])
    x = np.float32([0, 2, 0, 3])
    assert np.asarray(net(x)).tolist() == [[1], [3]]
    net.compile(run_eagerly=True)
    with pytest.raises((ValueError, NotImplementedError), match="run_eagerly"):
        compiled(net, x)


# ------------------------------------------------------------------ files
def test_weights_in_files_beside_the_model(tmp_path, convnet):
    proto = onnx.load_from_string(convnet)
    x = np.ones((1, 3, 8, 8), "float32")
    expected = np.asarray(kgraph.load_onnx(convnet)(x))
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    np.testing.assert_array_equal(kgraph.load_onnx(tmp_path / "m.onnx")(x), expected)
    with pytest.raises(ValueError, match="by its path"):
        kgraph.load_onnx((tmp_path / "m.onnx").read_bytes())


@pytest.mark.parametrize("location", ["/etc/passwd", "../secret", "a/../../secret", "", "link", "linked/secret", ".",
                                      "a\\b"])
def test_weights_outside_of_the_folder_are_refused(tmp_path, location):
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 16)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "linked").symlink_to(tmp_path)
    proto = model([node("Add", "x w", "y")], [value("x", [4])], [value("y", [4])], w=np.zeros(4, "float32"))
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    (folder / "m.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ValueError, match="within the model's folder"):
        kgraph.load_onnx(folder / "m.onnx")


def _break(proto, change):
    change(proto.graph)
    return proto.SerializeToString()


BROKEN = {
    "a size that the data does not have": lambda g: g.initializer[0].dims.__setitem__(0, 1 << 40),
    "a negative size": lambda g: g.initializer[0].dims.__setitem__(0, -4),
    "an operator that there is not": lambda g: setattr(g.node[0], "op_type", "Frobnicate"),
    "an attribute that there is not": lambda g: g.node[0].attribute.append(helper.make_attribute("axes", [1])),
    "a name that nothing makes": lambda g: g.node[0].input.append("nowhere"),
    "an output that nothing makes": lambda g: setattr(g.output[0], "name", "nowhere"),
    "a cycle": lambda g: g.node[0].input.__setitem__(0, "y"),
    "a name twice": lambda g: g.node.append(helper.make_node("Relu", ["x"], ["y"])),
    "an input without a type": lambda g: g.input[0].ClearField("type"),
    "shapes that do not fit": lambda g: g.input[0].type.tensor_type.shape.dim[1].__setattr__("dim_value", 9),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=list(BROKEN))
def test_broken_graphs_are_refused(change):
    proto = model([node("MatMul", "x w", "y")], [value("x", ["N", 3])], [value("y", ["N", 4])],
                  w=np.zeros((3, 4), "float32"))
    kgraph.load_onnx(proto.SerializeToString())
    with pytest.raises(ValueError):
        kgraph.load_onnx(_break(proto, change))


@pytest.mark.parametrize("op, shape", [("Expand", [1 << 20, 1 << 20]), ("Tile", [1 << 40]), ("Range", [1 << 40])])
def test_a_small_file_does_not_ask_for_much_memory(op, shape):
    constants = {"one": np.float32([1]), "shape": np.array(shape)}
    nodes = [node(op, "one shape", "big")]
    if op == "Range":
        constants = {"a": np.array(0), "b": np.array(shape[0]), "c": np.array(1)}
        nodes = [node(op, "a b c", "big")]
    nodes += [node("Shape", "big", "s"), node("Cast", "s", "f", to=FLOAT), node("ReduceSum", "f", "t"),
              node("Add", "x t", "y")]
    with pytest.raises(ValueError, match="more than the file can hold"):
        loaded(nodes, [value("x", ["N"])], [value("y", ["N"])], **constants)


def test_damaged_bytes_give_value_errors(convnet):
    rng = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(convnet)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data) if rng.integers(2) else 600)] = rng.integers(256)
        try:
            kgraph.load_onnx(bytes(data[:rng.integers(len(data))] if rng.integers(3) == 0 else data))
        except ValueError:
            pass
    for data in (b"", b"not a model", b"\x08\x07"):
        with pytest.raises(ValueError, match="expected an ONNX model"):
            kgraph.load_onnx(data)
    with pytest.raises(FileNotFoundError):
        kgraph.load_onnx("nowhere.onnx")


def test_a_saved_model_is_checked_when_it_is_read(convnet):
    net = kgraph.load_onnx(convnet)
    config = net.get_config()
    reshape = next(layer for layer in config["layers"] if layer["name"] == "reshape")
    reshape["config"]["arguments"] = [["tensor", 0], {"dtype": "object", "shape": [1], "data": ""}]
    with pytest.raises(ValueError, match="array of numbers"):
        kgraph.Model.from_config(config)
