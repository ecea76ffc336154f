"""`check_layer`: one call per layer, made of small checks with names."""
import json
import warnings

import numpy as np

from kgraph import Input, Model, layers, ops, saving, tree
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.trace import Tensor
from kgraph.function import build
from kgraph.gradient import GradientTape
from kgraph.graph import get_mask, set_mask
from kgraph.layers.base import is_shape

BATCH = 4


class Case:
    """A layer class with its arguments, and random inputs for it.

    shapes  a shape without the batch axis, or a list of them for a layer that takes a list of tensors
    high    draw integers below it, in place of floats
    """

    def __init__(self, cls, kwargs, shapes, high=None, call=None, seed=0):
        self.cls, self.kwargs, self.high, self.call = cls, dict(kwargs or {}), high, call or {}
        self.many = isinstance(shapes, list)
        self.shapes = shapes if self.many else [shapes]
        self.rng = np.random.default_rng(seed)

    def layer(self, **extra):
        return self.cls(**self.kwargs, **extra)

    def arrays(self, batch=BATCH, dtype="float32"):
        if self.high is not None:
            return [self.rng.integers(0, self.high, (batch, *s)).astype("int32") for s in self.shapes]
        return [self.rng.uniform(-1.2, 1.2, (batch, *s)).astype(dtype) for s in self.shapes]

    def pack(self, values):
        return list(values) if self.many else values[0]

    def input_shape(self):
        return self.pack([(None, *s) for s in self.shapes])

    def dtype(self):
        return "int32" if self.high is not None else "float32"

    def model(self, layer):
        inputs = [Input(s, dtype=self.dtype()) for s in self.shapes]
        return Model(inputs, layer(self.pack(inputs), **self.call))


def check_layer(cls, kwargs, shapes, *, high=None, call=None, gradient=True, float64=True, outputs=None):
    """Every check on one layer. Returns the layer, built.

    gradient  whether the outputs are differentiable; outputs: the expected shape(s), without the batch axis
    """
    case = Case(cls, kwargs, shapes, high, call)
    check_config(case)
    layer = check_shapes(case, outputs)
    check_weights(case, layer)
    check_graph_against_eager(case)
    check_mask(case)
    if float64:
        check_float64(case)
    if gradient:
        check_gradient(case)
    return layer


def check_config(case):
    """The config is JSON, and makes an equal layer, by the class and by the name of the class."""
    layer = case.layer(name="under_test")
    config = layer.get_config()
    text = json.dumps(config)
    assert json.dumps(case.cls.from_config(json.loads(text)).get_config()) == text
    entry = json.loads(json.dumps(saving.serialize_keras_object(layer)))
    again = layers.deserialize(entry, custom_objects={case.cls.__name__: case.cls})
    assert type(again) is case.cls and json.dumps(again.get_config()) == text


def check_shapes(case, expected=None):
    """What is inferred, what compute_output_shape says, and what comes out agree."""
    layer = case.layer()
    model = case.model(layer)
    assert layer.built
    results = tree.flatten(layer(case.pack(case.arrays()), **case.call))
    inferred = [(x.shape, x.dtype) for x in model.outputs]
    assert [((None, *y.shape[1:]), y.dtype) for y in results] == [((None, *s[1:]), d) for s, d in inferred]
    if not case.call:
        computed = layer.compute_output_shape(case.input_shape())
        assert [s for s, _ in inferred] == ([computed] if is_shape(computed) else list(computed))
    if expected is not None:
        assert [s[1:] for s, _ in inferred] == (expected if isinstance(expected, list) else [expected])
    return layer


def check_weights(case, layer):
    """Weights go through get_weights and set_weights, and through a store, into an equal layer."""
    other = case.layer()
    case.model(other)
    assert [w.name for w in other.weights] == [w.name for w in layer.weights]
    assert [w.path.rpartition("/")[2] for w in layer.weights] == [w.name for w in layer.weights]
    other.set_weights(layer.get_weights())
    given = case.layer(weights=layer.get_weights())
    case.model(given)
    for a, b in zip(given.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    x = case.pack(case.arrays())
    for a, b in zip(tree.flatten(layer(x, **case.call)), tree.flatten(other(x, **case.call))):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def check_graph_against_eager(case):
    """The compiled call gives what the eager one gives: training or not, for a full and a short batch."""
    layer = case.layer()
    model = case.model(layer)
    types = [TensorType((dim("B"), *s), case.dtype()) for s in case.shapes]
    start = [v.numpy() for v in model.variables]
    for training in (False, True):
        compiled = build("call", lambda *x, t=training: tree.flatten(model(list(x), training=t)), types)
        for batch in (BATCH, BATCH - 1):
            arrays = case.arrays(batch)
            assign(model, start)
            eager = [y.numpy() for y in tree.flatten(model(arrays, training=training))]
            after = [v.numpy() for v in model.variables]
            assign(model, start)
            for a, b in zip(compiled(*arrays), eager, strict=True):
                np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
            for v, b in zip(model.variables, after, strict=True):
                np.testing.assert_allclose(v.numpy(), b, rtol=2e-5, atol=2e-6)


def assign(model, arrays):
    for variable, array in zip(model.variables, arrays, strict=True):
        variable.assign(array)


def check_mask(case):
    """A layer that supports masks attaches one to its output or ends it; another warns once when it drops one."""
    if case.many or not case.shapes[0] or case.high is not None:
        return
    layer = case.layer()
    x = Tensor(case.arrays()[0])
    set_mask(x, Tensor(np.arange(BATCH * case.shapes[0][0]).reshape(BATCH, -1) % 3 > 0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            y = layer(x, **case.call)
    about = [w for w in caught if "does not support masks" in str(w.message)]
    assert len(about) == (0 if layer.supports_masking else 1)
    if not layer.supports_masking:
        assert all(get_mask(out) is None for out in tree.flatten(y) if out is not x)


def check_float64(case):
    """With dtype float64, weights and outputs are float64."""
    layer = case.layer(dtype="float64")
    results = tree.flatten(layer(case.pack(case.arrays(dtype="float32")), **case.call))
    assert all(y.dtype == "float64" for y in results if y.dtype.startswith("float"))
    assert all(w.dtype == "float64" for w in layer.weights)


def check_gradient(case, step=1e-5):
    """The gradient along one random direction, of inputs and weights together, against a central difference."""
    layer = case.layer(dtype="float64")
    arrays = case.arrays(dtype="float64")
    layer(case.pack(arrays), **case.call)
    rng = case.rng
    weights = layer.trainable_weights
    for w in weights:
        w.assign(w.numpy() + rng.uniform(0.05, 0.2, w.shape))
    moving = [a for a in arrays if a.dtype.kind == "f"] + [w.numpy() for w in weights]
    directions = [rng.choice([-1.0, 1.0], a.shape) for a in moving]
    projections = None

    def value(scale):
        nonlocal projections
        moved = iter([a + scale * d for a, d in zip(moving, directions)])
        tensors = [ops.convert_to_tensor(next(moved) if a.dtype.kind == "f" else a) for a in arrays]
        for w in weights:
            w.assign(next(moved))
        with GradientTape() as tape:
            results = [y for y in tree.flatten(layer(case.pack(tensors), **case.call)) if y.dtype.startswith("float")]
            if projections is None:
                projections = [rng.uniform(0.5, 1.5, y.shape) for y in results]
            total = sum(ops.sum(y * p) for y, p in zip(results, projections))
        sources = [t for t in tensors if t.dtype.startswith("float")] + weights
        return float(total), tape.gradient(total, sources)

    _, gradients = value(0.0)
    expected = (value(step)[0] - value(-step)[0]) / (2 * step)
    found = sum(float(np.sum(np.asarray(g) * d)) for g, d in zip(gradients, directions) if g is not None)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
