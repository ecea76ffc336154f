"""Recording calls on KTensors: shapes, nodes, masks, errors."""
import gc
import pickle
import weakref

import numpy as np
import pytest

from kgraph import Input, KTensor, Model, layers, ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import Value
from kgraph.graph import Graph, get_mask, infer, replay
from kgraph.naming import reset_names


@pytest.mark.parametrize("kwargs,shape", [
    ({"shape": (4,)}, (None, 4)), ({"shape": ()}, (None,)), ({"shape": (None, 3)}, (None, None, 3)),
    ({"shape": (4,), "batch_size": 2}, (2, 4)), ({"batch_shape": (5, 2)}, (5, 2)),
    ({"batch_shape": (None, 2)}, (None, 2)), ({"tensor": np.zeros((3, 2), "int32")}, (3, 2))])
def test_input_shapes(kwargs, shape):
    x = Input(**kwargs)
    assert x.shape == shape and x.ndim == len(shape)
    assert x.dtype == ("int32" if "tensor" in kwargs else "float32")


def test_sizes_have_names():
    x, y = Input((None, 3), name="text"), Input((None, 3), name="other")
    assert x.type.shape == (dim("B"), dim("text_1"), 3)
    assert y.type.shape[0] == x.type.shape[0] and y.type.shape[1] != x.type.shape[1]
    assert layers.Flatten()(x).type.shape == (dim("B"), 3 * dim("text_1"))


@pytest.mark.parametrize("kwargs,message", [
    ({}, "expected shape or batch_shape"), ({"shape": 4}, r"write \(4,\)"), ({"shape": (-1,)}, "at least 0"),
    ({"shape": (4,), "batch_size": "int32"}, r"received 'int32' in batch_shape=\('int32', 4\)"),
    ({"shape": ("4",)}, "sizes"), ({"shape": (4,), "batch_shape": (2, 4)}, "expected shape or batch_shape"),
    ({"shape": (4,), "ragged": True}, "no ragged"), ({"shape": (4,), "dtype": "floot32"}, "float32")])
def test_bad_input(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Input(**kwargs)


def test_automatic_names():
    reset_names()
    x = Input((3,))
    names = [layers.Dense(2).name, layers.Dense(2).name, layers.LeakyReLU().name, layers.PReLU().name,
             layers.SpatialDropout1D(0.1).name, layers.Add().name, (x + x).operation.name, ops.relu(x).operation.name]
    assert [x.operation.name, *names] == ["input_layer", "dense", "dense_1", "leaky_re_lu", "p_re_lu",
                                          "spatial_dropout1d", "add", "add_1", "relu"]


OPERATORS = {
    "add": lambda x, y: x + y,
    "radd": lambda x, y: 2.0 + x,
    "sub": lambda x, y: x - y,
    "rsub": lambda x, y: 1 - x,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / 2,
    "rdiv": lambda x, y: 1 / (x * x + 1),
    "neg": lambda x, y: -x,
    "pow": lambda x, y: x**2,
    "abs": lambda x, y: abs(x),
    "floordiv": lambda x, y: x // 0.3,
    "mod": lambda x, y: x % 0.7,
    "gt": lambda x, y: x > y,
    "le": lambda x, y: x <= 0.1,
    "matmul": lambda x, y: x @ np.ones((4, 2), "float32"),
    "row": lambda x, y: x[:, 1:3],
    "last": lambda x, y: x[:, -1],
    "new": lambda x, y: x[:, None],
    "dots": lambda x, y: x[..., ::2],
    "batch": lambda x, y: x[1:],
    "array": lambda x, y: x + np.arange(4, dtype="float32"),
    "mean": lambda x, y: ops.mean(x, axis=-1, keepdims=True),
    "einsum": lambda x, y: ops.einsum("bi,bj->bij", x, y),
    "stack": lambda x, y: ops.stack([x, y], axis=1),
    "where": lambda x, y: ops.where(x > 0, x, y),
}


@pytest.mark.parametrize("f", OPERATORS.values(), ids=OPERATORS)
def test_operators_record(f):
    """A function of KTensors makes a model that computes that function of arrays, also after its config."""
    x, y = Input((4,), name="x"), Input((4,), name="y")
    model = Model([x, y], f(x, y) if f is not OPERATORS["radd"] else f(x, y))
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3, 4)).astype("float32")
    expected = np.asarray(f(ops.convert_to_tensor(a), ops.convert_to_tensor(b)))
    for m in (model, Model.from_config(model.get_config())):
        result = m([a, b])
        np.testing.assert_allclose(result, expected, rtol=1e-6)
        assert m.outputs[0].shape == (None, *expected.shape[1:]) and m.outputs[0].dtype == expected.dtype


def test_ktensor_has_no_value():
    x = Input((2,), name="x")
    for use in (x.numpy, lambda: np.asarray(x), lambda: bool(x), lambda: list(x)):
        with pytest.raises(TypeError, match="x"):
            use()


def test_nodes_of_a_shared_layer():
    a, b, shared = Input((3,)), Input((3,)), layers.Dense(2)
    with pytest.raises(AttributeError, match="never been called"):
        _ = shared.output
    first = shared(a)
    assert shared.input is a and shared.output is first and shared.output_shape == (None, 2)
    second = shared(b)
    with pytest.raises(AttributeError, match=r"has 2 nodes.*get_output_at"):
        _ = shared.output
    assert shared.output_shape == (None, 2) and shared.input_shape == (None, 3)
    assert shared.get_output_at(1) is second and shared.get_input_at(1) is b
    assert shared.get_input_shape_at(0) == (None, 3) and shared.get_output_shape_at(1) == (None, 2)
    with pytest.raises(ValueError, match="called 2 times.*received 5"):
        shared.get_input_at(5)
    shared(Input((7, 3)))
    with pytest.raises(AttributeError, match="different output shapes"):
        _ = shared.output_shape


def test_recording_computes_nothing():
    """Recording neither draws random numbers nor runs the layer on values."""
    seen = []

    class Look(layers.Layer):
        def call(self, x):
            seen.append(x)
            return x

    drop = layers.Dropout(0.5)
    state = drop.seed_generator.state.numpy()
    Look()(drop(Input((3,)), training=True))
    np.testing.assert_array_equal(drop.seed_generator.state.numpy(), state)
    assert len(seen) == 1 and isinstance(seen[0], Value)


def test_infer_builds_and_gives_types():
    dense = layers.Dense(3)
    out = infer(dense, KTensor((None, 4)))
    assert out.shape == (None, 3) and out.node is None and dense.built and not dense._nodes


def test_graph_orders_operations_as_keras_does():
    """By depth, then by the order in which a walk from the outputs meets them."""
    a, b = Input((2,), name="a"), Input((2,), name="b")
    left = layers.Dense(2, name="left")(a)
    right = layers.Dense(2, name="right2")(layers.Dense(2, name="right1")(b))
    out = layers.Add(name="sum")([right, left])
    graph = Graph([a, b], [out])
    assert [op.name for op in graph.operations] == ["b", "right1", "a", "right2", "left", "sum"]
    values = replay(graph, [np.ones((1, 2), "float32"), np.ones((1, 2), "float32")])
    assert values[0].shape == (1, 2)


def test_disconnected_and_duplicate():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    out = layers.Add(name="sum")([a, b])
    with pytest.raises(ValueError, match="layer 'sum' needs the input 'b'.*received 'a'"):
        Model(a, out)
    with pytest.raises(ValueError, match="needs the input 'b'"):
        Model(a, b)
    with pytest.raises(ValueError, match="'twin' is used by more than one"):
        Model(a, layers.Dense(2, name="twin")(layers.Dense(2, name="twin")(a)))
    with pytest.raises(TypeError, match="pass the KTensor to that layer"):
        layers.Lambda(lambda x: x * b)(a)


def test_unused_input_and_identity_model():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model([a, b], a)
    x = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(model([x, 2 * x]), x)
    assert {layer.name for layer in model.layers} == {"a", "b"}


def test_deep_graph():
    """Walking, running and copying a graph take no recursion over its depth."""
    x = inputs = Input((2,))
    for _ in range(1500):
        x = x + 1.0
    model = Model(inputs, x)
    assert float(model(np.zeros((1, 2), "float32")).numpy()[0, 0]) == 1500
    assert len(Model.from_config(model.get_config()).operations) == 1501


def test_models_are_collected():
    """Masks and nodes keep nothing alive."""
    x = Input((4,), dtype="int32")
    model = Model(x, layers.Dense(1)(layers.Embedding(5, 3, mask_zero=True)(x)))
    model(np.ones((2, 4), "int32"))
    alive, tensor = weakref.ref(model), weakref.ref(x)
    del model, x
    gc.collect()
    assert alive() is None and tensor() is None


def test_mask_of_a_ktensor_is_a_tensor_of_the_graph():
    x = Input((4,), dtype="int32")
    embedded = layers.Embedding(5, 3, mask_zero=True)(x)
    mask = get_mask(embedded)
    assert mask.shape == (None, 4) and mask.dtype == "bool"
    model = Model(x, ops.cast(mask, "float32"))
    for m in (model, Model.from_config(model.get_config()), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(m(np.array([[1, 0, 2, 0]])), [[1, 0, 1, 0]])
