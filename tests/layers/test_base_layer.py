"""The base Layer: building, arguments, weights, losses, masks, configs."""
import copy
import pickle
import warnings

import numpy as np
import pytest

import kgraph
from kgraph import Input, InputSpec, Layer, Model, SeedGenerator, Variable, layers, ops
from kgraph.graph import get_mask
from kgraph.naming import reset_names

X = np.random.default_rng(0).standard_normal((3, 4)).astype("float32")


class Scale(Layer):
    """A user's layer: two weights, one of them not trained, and an inner layer."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner = layers.Dense(units)
        self.calls = Variable(0.0, trainable=False, name="calls")

    def build(self, input_shape):
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer="ones", regularizer="l2")
        self.inner.build(input_shape)

    def call(self, inputs):
        self.calls.assign(self.calls + 1.0)
        return self.inner(inputs * self.gain)


def test_users_layer():
    reset_names()
    layer = Scale(2)
    assert not layer.built and layer.path is None
    y = layer(X)
    np.testing.assert_allclose(y, X @ layer.inner.kernel.numpy(), rtol=1e-5, atol=1e-6)
    assert [w.path for w in layer.weights] == ["scale/gain", "calls", "scale/dense/kernel", "scale/dense/bias"]
    assert len(layer.trainable_weights) == 3 and layer.inner.path == "scale/dense" and layer.inner.built
    assert float(layer.calls.numpy()) == 1 and layer.count_params() == 4 + 1 + 10
    assert layer.get_build_config() == {"input_shape": (3, 4)}
    assert layer.get_config()["units"] == 2
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(twin(X), y)
        twin.gain.assign(np.zeros(4))
    assert layer.gain.numpy().all()
    fresh = Scale.from_config(layer.get_config())
    fresh.build_from_config(layer.get_build_config())
    assert [w.shape for w in fresh.weights] == [w.shape for w in layer.weights]
    store = {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    fresh.load_own_variables({k: v.numpy() + 1 for k, v in store.items()})
    np.testing.assert_array_equal(fresh.gain.numpy(), np.full(4, 2.0))
    with pytest.raises(ValueError, match="expected 2 variables .*received 1"):
        fresh.load_own_variables({"0": X})


def test_build_with_several_shapes():
    class Pair(Layer):
        def build(self, left_shape, right_shape):
            self.w = self.add_weight((left_shape[-1], right_shape[-1]), name="w")

        def call(self, left, right, factor=2.0):
            return ops.matmul(left, self.w) * right * factor

    layer = Pair()
    out = layer(Input((4,)), right=Input((3,)))
    assert out.shape == (None, 3) and layer.w.shape == (4, 3)
    assert layer.get_build_config() == {"shapes_dict": {"left_shape": (None, 4), "right_shape": (None, 3)}}
    other = Pair()
    other.build_from_config(layer.get_build_config())
    assert other.w.shape == (4, 3)

    class Wrong(Pair):
        def build(self, left_shape, other):
            raise AssertionError("not reached")

    with pytest.raises(ValueError, match="expected the parameters of build.*received 'other'"):
        Wrong()(X, X)


def test_super_build_and_second_build():
    class Deeper(Scale):
        def build(self, input_shape):
            super().build(input_shape)
            self.shift = self.add_weight((1,), name="shift")

    layer = Deeper(2)
    layer(X)
    layer.build((None, 4))
    assert [w.name for w in layer.weights] == ["gain", "shift", "calls", "kernel", "bias"]
    assert layer.gain.path == f"{layer.name}/gain"


@pytest.mark.parametrize("kwargs,declared", [
    ({"input_shape": (4,)}, (None, 4)), ({"input_dim": 4}, (None, 4)), ({"batch_input_shape": (2, 4)}, (2, 4)),
    ({"input_shape": (4,), "batch_size": 5}, (5, 4)), ({"input_dim": 4, "input_length": 7}, (None, 7, 4))])
def test_keras2_arguments(kwargs, declared):
    layer = layers.Dense(2, **kwargs)
    assert layer._declared_shape == declared
    weights = [np.ones((4, 2), "float32"), np.ones(2, "float32")]
    given = layers.Dense(2, input_shape=(4,), weights=weights)
    np.testing.assert_allclose(given(X), X.sum(1, keepdims=True).repeat(2, 1) + 1, rtol=1e-5, atol=1e-6)


def test_keras2_add_weight():
    class Old(Layer):
        def build(self, input_shape):
            self.a = self.add_weight("a", (2,), initializer="ones")
            self.b = self.add_weight("b", shape=(3,), initializer="zeros", trainable=False)
            self.c = self.add_weight("c", (2,), "float64", "ones")

        def call(self, x):
            return x

    layer = Old()
    layer(X)
    assert [(w.name, w.shape, w.dtype, w.trainable) for w in layer.weights] == [
        ("a", (2,), "float32", True), ("c", (2,), "float64", True), ("b", (3,), "float32", False)]


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: layers.Dense(3, activaton="relu"), "Dense: unknown argument 'activaton'.*Did you mean 'activation'"),
        (lambda: layers.Dense(3, activation="relo"), "known activation, received 'relo'.*Did you mean 'relu'"),
        (lambda: layers.Dense(3, kernel_initializer="glorot_unifrm"), "known initializer.*'glorot_uniform'"),
        (lambda: layers.Dense(3, kernel_regularizer="l3"), "known regularizer"),
        (lambda: layers.Dense(0), "units to be an int above 0, received units=0"),
        (lambda: layers.Dense(3, trainable="yes"), "True or False, received 'yes'"),
        (lambda: layers.Dense(3, name="a/b"), "without '/'"),
        (lambda: layers.Dense(3, dtype="float33"), "Did you mean 'float32'"),
        (lambda: layers.Dropout(1.5), r"rate in \[0, 1\], received 1.5"),
        (lambda: layers.Reshape((-1, -1)), "at most one -1"),
        (lambda: layers.Permute((1, 3)), "permutation"),
        (lambda: layers.Embedding(0, 3), "input_dim.*received 0"),
        (lambda: layers.Dot(axes="1"), "axes"),
        (lambda: layers.Lambda(3), "expected a function"),
        (lambda: layers.Wrapper(3), "expected a layer"),
        (lambda: layers.LeakyReLU(-1.0), "negative_slope"),
        (lambda: layers.Flatten(data_format="last"), "data_format"),
        (lambda: layers.GaussianNoise(2.0), "stddev"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize(
    "call,message",
    [
        (
            lambda: layers.Dense(3, name="d")(np.ones(3, "float32")),
            r"'d': expected min_ndim=2 for input 0, received shape=\(3,\)",
        ),
        (lambda: layers.Dense(3, name="d")(np.array([["a"]])), "'d': expected numbers, received an array of dtype <U1"),
    (lambda: layers.Add(name="s")(X), "'s': expected a list of inputs"),
        (lambda: layers.Add(name="s")([X, X[:2]]), "one batch size"),
        (lambda: layers.Add(name="s")([X, X[:, :3]]), "broadcast"),
        (lambda: layers.Subtract(name="s")([X, X, X]), "2 inputs, received 3"),
        (lambda: layers.Concatenate(axis=0, name="c")([X, X[:, :2]]), "agree but for axis 0"),
        (lambda: layers.Dot(axes=1, name="dot")([X, X[:, :3]]), "axes of equal size"),
        (lambda: layers.Reshape((3,), name="r")(X), r"'r': .*target_shape=\(3,\), received shape \(3, 4\)"),
        (lambda: layers.Dense(3, name="d")(X, X), r"'d' \(Dense\).*received 2 positional"),
        (lambda: layers.Dense(3, name="d")([X, X]), r"expected 1 input\(s\), received 2"),
        (lambda: layers.RepeatVector(2, name="v")(X[:, :, None]), "expected ndim=2"),
        (lambda: layers.Dense(3, name="d")(Input((None,))), "expected a shape of known sizes for the weight 'kernel'"),
    ],
)
def test_bad_inputs(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_error_inside_a_call_names_the_layer():
    with pytest.raises(ValueError) as caught:
        Model(a := Input((4,)), layers.Lambda(lambda x: ops.reshape(x, (3, 7)), name="bad")(a))(X)
    assert any("'bad' (Lambda) on inputs: (" in note for note in caught.value.__notes__)


@pytest.mark.parametrize(
    "spec,shape,problem",
    [
        ({"ndim": 2}, (None, 3), None),
        ({"ndim": 2}, (3,), "ndim=2"),
        ({"min_ndim": 2}, (3,), "min_ndim=2"),
        ({"max_ndim": 2}, (1, 2, 3), "max_ndim=2"),
        ({"axes": {-1: 3}}, (None, 4), "axis -1 of size 3"),
        ({"axes": {-1: 3}}, (None, None), None),
        ({"shape": (None, 3)}, (7, 3), None),
        ({"shape": (None, 3)}, (7, 4), "shape=(None, 3)"),
        ({"dtype": "int32"}, (2,), "dtype=int32"),
        ({"shape": (None, 3, 1), "allow_last_axis_squeeze": True}, (2, 3), None),
        ({"shape": (None, 3), "allow_last_axis_squeeze": True}, (2, 3, 1), None),
    ],
)
def test_input_spec(spec, shape, problem):
    assert InputSpec(**spec).problem(shape, "float32") == problem


def test_weights_of_the_wrong_shape_change_nothing():
    layer = layers.Dense(2, name="d")
    layer(X)
    before = layer.get_weights()
    with pytest.raises(
        ValueError, match=r"d/kernel: expected \(4, 2\), received \(3, 2\); d/bias: expected \(2,\), received \(3,\)"
    ):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    with pytest.raises(ValueError, match="expected 2 weights, received 1"):
        layer.set_weights([np.zeros((4, 2))])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="not built yet"):
        layers.Dense(2).count_params()


def test_added_losses_of_nested_layers():
    class Penalty(Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2, kernel_regularizer="l1", activity_regularizer="l2")
            self.add_loss(lambda: ops.sum(self.inner.kernel) * 0.0 + 5.0)

        def call(self, x):
            self.add_loss(ops.mean(x))
            return self.inner(x)

    layer = Penalty()
    for _ in range(2):  # each call forgets the losses of the one before
        y = layer(X).numpy()
    k = layer.inner.kernel.numpy()
    np.testing.assert_allclose([float(v) for v in layer.losses],
                               [5.0, X.mean(), 0.01 * (y ** 2).sum() / 3, 0.01 * np.abs(k).sum()], rtol=1e-4)
    layer(Input((4,)))
    assert len(layer.losses) == 2  # what was recorded has no value


def test_training_reaches_inner_layers():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5, seed=1)

        def call(self, x):
            return self.drop(x)

    layer, ones = Outer(), np.ones((4, 50), "float32")
    assert (layer(ones).numpy() == 1).all() and (layer(ones, training=True).numpy() == 0).any()
    assert len(layer.variables) == 1 and layer.weights == []


def test_seed_generators_are_found_in_containers():
    layer = Layer()
    layer.generators = {"a": [SeedGenerator(1)]}
    assert [v.name for v in layer.variables] == ["seed_generator_state"]


# ------------------------------------------------------------------ masks
IDS = np.array([[1, 2, 0, 0, 0], [3, 0, 4, 0, 0]])
MASK = IDS != 0
ANY = MASK | MASK[::-1]


def embed(ids=IDS, **kwargs):
    layer = layers.Embedding(9, 3, mask_zero=True, name="emb", **kwargs)
    return layer, layer(ids)


CARRY = {
    "embedding": (lambda e: e, MASK),
    "dense": (lambda e: layers.Dense(2)(e), MASK),
    "dropout": (lambda e: layers.Dropout(0.2)(e), MASK),
    "activation": (lambda e: layers.Activation("relu")(e), MASK),
    "flatten": (lambda e: layers.Flatten()(e), None),
    "identity": (lambda e: layers.Identity()(e), MASK),
    "prelu": (lambda e: layers.PReLU()(e), MASK),
    "add unmasked": (lambda e: layers.Add()([e, np.ones((2, 5, 3), "float32")]), None),
    "concatenate unmasked": (lambda e: layers.Concatenate()([e, np.ones((2, 5, 1), "float32")]), np.ones((2, 5), bool)),
    "concatenate steps": (lambda e: layers.Concatenate(axis=1)([e, e]), np.concatenate([MASK, MASK], 1)),
    "lambda": (lambda e: layers.Lambda(lambda x: x * 2, mask=lambda x, m: m)(e), MASK),
}


@pytest.mark.filterwarnings("ignore:layer")
@pytest.mark.parametrize("f,expected", CARRY.values(), ids=CARRY)
def test_masks_are_carried(f, expected):
    _, e = embed()
    assert_mask(f(e), expected)
    ids = Input((5,), dtype="int32")
    if "unmasked" not in next(name for name, case in CARRY.items() if case[0] is f):
        model = Model(ids, f(layers.Embedding(9, 3, mask_zero=True)(ids)))
        outer = Model(ids, model(ids))
        for m in (model, outer, copy.deepcopy(outer), Sequence(model)):
            assert_mask(m(IDS), expected)


def Sequence(model):
    from kgraph import Sequential
    return Sequential([model, layers.Identity()])


def assert_mask(x, expected):
    mask = get_mask(x)
    assert (mask is None) == (expected is None)
    if mask is not None:
        np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    "cls", [layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum]
)
def test_merged_masks(cls):
    layer, e = embed()
    assert_mask(cls()([e, layer(IDS[::-1])]), ANY)


def embedded():
    return layers.Embedding(9, 3, mask_zero=True)(Input((5,), dtype="int32"))


DROPPING = {"add": lambda e: e * 2, "negative": lambda e: -e, "relu": ops.relu, "two": lambda e: e + e,
            "cast": lambda e: ops.cast(e, "float64"), "slice": lambda e: e[:, ::-1], "all": lambda e: e[:, :]}


@pytest.mark.parametrize("f", DROPPING.values(), ids=DROPPING)
def test_functions_drop_masks_and_say_where(f):
    e = embedded()
    with pytest.warns(UserWarning, match=r"test_base_layer.py:\d+: ops.\w+ drops the mask"):
        out = f(e)
    assert get_mask(out) is None and get_mask(Model(e.node.inputs, out)(IDS)) is None


@pytest.mark.parametrize("f", [lambda e: ops.sum(e, axis=1), lambda e: ops.transpose(e, (0, 2, 1)), ops.shape,
                               lambda e: ops.not_equal(e, 0), lambda e: ops.sum(e, axis=-1)])
def test_functions_for_whose_results_no_mask_would_do_say_nothing(f):
    e = embedded()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(e)


def test_casts_that_do_nothing_hand_the_mask_on():
    e = embedded()
    assert_mask(Model(e.node.inputs, ops.cast(e, "float32"))(IDS), MASK)


def test_a_dropped_mask_is_told_once_for_each_place():
    e = embedded()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            e + 1.0
        e + 2.0
    assert len(caught) == 2
    with pytest.warns(UserWarning):
        config = Model(e.node.inputs, e * 3.0).get_config()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Model.from_config(config)


def test_mask_arguments():
    class Sum(Layer):
        def call(self, x, mask=None):
            self.given = mask
            return ops.sum(x, axis=1) if mask is None else ops.sum(ops.where(mask[:, :, None], x, 0.0), axis=1)

    class Two(Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.given = query_mask, value_mask
            return query

    layer, e = embed()
    total = Sum()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = total(e)
        total(e)
    np.testing.assert_allclose(out, (e.numpy() * MASK[:, :, None]).sum(1), rtol=1e-6, atol=1e-6)
    assert len(caught) == 1 and total.name in str(caught[0].message) and get_mask(out) is None
    explicit = total(e, mask=ops.convert_to_tensor(~MASK))
    np.testing.assert_allclose(explicit, (e.numpy() * ~MASK[:, :, None]).sum(1), rtol=1e-5, atol=1e-7)
    two = Two()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        two(e, np.ones((2, 5, 3), "float32"))
    np.testing.assert_array_equal(two.given[0], MASK)
    assert two.given[1] is None
    ids = Input((5,), dtype="int32")
    symbolic = layer(ids)
    with pytest.warns(UserWarning, match="sum"):
        model = Model(ids, Sum()(symbolic, mask=layer.compute_mask(ids)))
    np.testing.assert_allclose(model(IDS), out, rtol=1e-6, atol=1e-6)
    given = Model(x := Input((5, 3)), layers.Dense(2, name="d")(x))
    assert_mask(given(e.numpy(), mask=MASK), MASK)


def test_padding_changes_nothing():
    """Longer padding gives the same outputs through masked merges and a masked softmax."""
    ids = Input((None,), dtype="int32")
    e = layers.Embedding(9, 3, mask_zero=True)(ids)
    h = layers.Maximum()([layers.Dense(2, activation="tanh")(e), layers.Dense(2)(e)])

    class Last(Layer):
        def call(self, x, mask=None):
            return ops.sum(x * ops.cast(mask, x.dtype)[:, :, None], axis=1)

    with pytest.warns(UserWarning, match="last"):
        model = Model(ids, Last()(h))
    short, long = model(IDS), model(np.pad(IDS, ((0, 0), (0, 6))))
    np.testing.assert_allclose(short, long, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_layers_of_16_bits(dtype):
    layer = layers.Dense(2, dtype=dtype)
    inputs = Input((4,), dtype=dtype)
    model = Model(inputs, layer(inputs))
    y = model.predict(X, verbose=0)
    assert y.dtype == layer.kernel.dtype == dtype and layer.get_config()["dtype"]["config"]["name"] == dtype
    np.testing.assert_array_equal(y, layer(X).numpy())
    doubled = Model(inputs, ops.cast(inputs, "float16") * 2).predict(X, verbose=0)
    np.testing.assert_array_equal(doubled, (X.astype(y.dtype).astype("float16") * 2))
    kgraph.config.set_floatx(dtype)
    try:
        assert kgraph.config.floatx() == layers.Dense(2).compute_dtype == ops.convert_to_tensor(0.5).dtype == dtype
    finally:
        kgraph.config.set_floatx("float32")


@pytest.mark.parametrize("old,new", [
    (lambda: layers.Dense(output_dim=3, init="uniform", W_regularizer="l2", bias=False),
     lambda: layers.Dense(3, kernel_initializer="uniform", kernel_regularizer="l2", use_bias=False)),
    (lambda: layers.Convolution2D(4, 3, 2, border_mode="same", subsample=(2, 1), dim_ordering="tf"),
     lambda: layers.Conv2D(4, (3, 2), (2, 1), "same", "channels_last")),
    (lambda: layers.Convolution2D(nb_filter=4, nb_row=3, nb_col=2), lambda: layers.Conv2D(4, (3, 2))),
    (lambda: layers.Convolution1D(nb_filter=4, filter_length=3, subsample_length=2), lambda: layers.Conv1D(4, 3, 2)),
    (lambda: layers.Dropout(p=0.5), lambda: layers.Dropout(0.5)),
    (lambda: layers.LSTM(output_dim=3, inner_activation="sigmoid", dropout_U=0.5),
     lambda: layers.LSTM(3, recurrent_activation="sigmoid", recurrent_dropout=0.5)),
    (lambda: layers.Embedding(5, output_dim=3, init="ones"),
     lambda: layers.Embedding(5, 3, embeddings_initializer="ones"))])
def test_words_of_keras1(old, new):
    config = lambda layer: {k: v for k, v in layer.get_config().items() if k != "name"}
    wanted = config(new())
    if isinstance(new(), layers.Embedding):
        assert config(layers.Embedding(5, output_dim=3)) != wanted    # and no warning: output_dim is today's word
    with pytest.warns(FutureWarning, match="of Keras 1 is now"):
        assert config(old()) == wanted


def test_a_misspelled_argument_that_is_needed():
    with pytest.raises(TypeError, match=r"Dense: missing a required argument: 'units', .*Did you mean 'units'\?"):
        layers.Dense(unit=3)


def test_the_policy_of_the_process():
    kgraph.mixed_precision.set_global_policy("mixed_float16")
    try:
        assert kgraph.config.dtype_policy() == kgraph.mixed_precision.global_policy()
        layer = layers.Dense(2)
        assert layer(X).dtype == "float16"
    finally:
        kgraph.config.set_dtype_policy("float32")
    assert layer.dtype_policy.name == "mixed_float16" and layer.compute_dtype == "float16"
    assert layer.kernel.dtype == layer.variable_dtype == "float32"
    assert kgraph.config.dtype_policy() == kgraph.DTypePolicy("float32") == layers.Dense(2).dtype_policy
