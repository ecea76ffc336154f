"""Recurrent layers: their formulas in NumPy, masks, states, errors; and check_layer for each."""
import numpy as np
import pytest
from check_layer import check_layer

import kgraph
from kgraph import Input, Model, layers, ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build
from kgraph.graph import get_mask

L = layers


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn(x, w, units):
    kernel, recurrent, bias = w
    h, found = np.zeros((len(x), units)), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ kernel + h @ recurrent + bias)
        found.append(h)
    return found


def lstm(x, w, units):
    kernel, recurrent, bias = w
    h = c = np.zeros((len(x), units))
    found = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return found


def gru(x, w, units, reset_after):
    kernel, recurrent, bias = w
    input_bias, own_bias = (bias[0], bias[1]) if reset_after else (bias, np.zeros(3 * units))
    h, found = np.zeros((len(x), units)), []
    for t in range(x.shape[1]):
        x_z, x_r, x_h = np.split(x[:, t] @ kernel + input_bias, 3, axis=1)
        h_z, h_r, h_h = np.split(h @ recurrent + own_bias, 3, axis=1)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        inner = r * h_h if reset_after else (r * h) @ recurrent[:, 2 * units:]
        h = z * h + (1 - z) * np.tanh(x_h + inner)
        found.append(h)
    return found


KINDS = {
    "SimpleRNN": (L.SimpleRNN, {}, simple_rnn),
    "LSTM": (L.LSTM, {}, lstm),
    "GRU": (L.GRU, {}, lambda x, w, u: gru(x, w, u, True)),
    "GRU-before": (L.GRU, {"reset_after": False}, lambda x, w, u: gru(x, w, u, False)),
}


def random_weights(layer, seed=0):
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(size=w.shape).astype(w.dtype) * 0.5 for w in layer.get_weights()])
    return layer.get_weights()


def compiled(f, *arrays):
    """f on arrays, as a graph with a symbolic batch and length."""
    named = lambda a: tuple(dim(n) if i < 2 else size for i, (n, size) in enumerate(zip(("B", "T", *"xyz"), a.shape)))
    types = [TensorType(named(a) if a.ndim > 1 else a.shape, a.dtype.name) for a in arrays]
    return build("layer", f, types)(*arrays)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("batch,steps", [(1, 1), (3, 7), (9, 4)])
def test_formula(kind, mode, batch, steps):
    cls, more, reference = KINDS[kind]
    layer = cls(4, return_sequences=True, **more)
    layer.build((None, None, 3))
    weights = random_weights(layer)
    x = np.random.default_rng(1).normal(size=(batch, steps, 3)).astype("float32")
    y = layer(x) if mode == "eager" else compiled(layer, x)
    np.testing.assert_allclose(np.asarray(y), np.stack(reference(x, weights, 4), axis=1), rtol=1e-4, atol=1e-5)


CHECKED = [
    (L.SimpleRNN, {"units": 3}, (5, 2)), (L.LSTM, {"units": 3}, (5, 2)), (L.GRU, {"units": 3}, (5, 2)),
    (L.SimpleRNN, {"units": 3, "activation": "relu", "use_bias": False, "return_sequences": True}, (5, 2)),
    (L.LSTM, {"units": 3, "return_sequences": True, "unit_forget_bias": False, "recurrent_activation": "hard_sigmoid"},
     (5, 2)),
    (L.LSTM, {"units": 2, "go_backwards": True, "unroll": True}, (4, 3)),
    (L.GRU, {"units": 2, "reset_after": False, "return_sequences": True, "zero_output_for_mask": True}, (4, 3)),
    (L.LSTM, {"units": 3, "kernel_regularizer": "l2", "recurrent_constraint": "max_norm", "bias_initializer": "ones"},
     (4, 3)),
    (L.RNN, {"cell": L.SimpleRNNCell(3)}, (4, 2)), (L.RNN, {"cell": [L.LSTMCell(3), L.GRUCell(2)]}, (4, 2)),
    (L.Bidirectional, {"layer": L.LSTM(3)}, (4, 2)),
    (L.Bidirectional, {"layer": L.GRU(3, return_sequences=True), "merge_mode": "sum"}, (4, 2)),
    (L.Bidirectional, {"layer": L.SimpleRNN(3, return_sequences=True), "merge_mode": None}, (4, 2)),
    (L.TimeDistributed, {"layer": L.Dense(3)}, (4, 2)),
]


@pytest.mark.parametrize("cls,kwargs,shape", CHECKED)
def test_layer(cls, kwargs, shape):
    plain = not {"layer", "cell"} & set(kwargs)  # a layer inside has a dtype of its own
    check_layer(cls, kwargs, shape, float64=plain, gradient=plain)


@pytest.mark.parametrize("make", [
    lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True),
    lambda: L.Bidirectional(L.LSTM(3), merge_mode="mul"),
    lambda: L.Bidirectional(L.GRU(2, return_sequences=True)), lambda: L.TimeDistributed(L.Dense(3, activation="tanh"))])
def test_gradient_of_wrappers(make):
    """The compiled gradient is that of the eager tape."""
    layer = make()
    layer.build((None, None, 2))
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    weight = np.asarray(layer(x)) + 1.0

    def loss(x):
        with kgraph.GradientTape() as tape:
            total = ops.sum(layer(x) * weight)
        return [total, *tape.gradient(total, layer.trainable_weights)]

    for a, b in zip(loss(x), build("loss", loss, [TensorType(x.shape, "float32")])(x)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_states_are_returned_and_given():
    layer = L.LSTM(3, return_state=True)
    x = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")
    whole, h, c = layer(x)
    _, h1, c1 = layer(x[:, :2])
    again, h2, c2 = layer(x[:, 2:], initial_state=[h1, c1])
    for a, b in zip((whole, h, c), (again, h2, c2)):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_initial_state_in_a_model():
    a, b = Input((None, 4)), Input((5, 2))
    _, *state = L.LSTM(3, return_state=True)(a)
    y = L.LSTM(3, return_sequences=True)(b, initial_state=state)
    model = Model([a, b], y)
    rng = np.random.default_rng(0)
    x = [rng.normal(size=s).astype("float32") for s in ((2, 6, 4), (2, 5, 2))]
    encoder, decoder = [layer for layer in model.layers if isinstance(layer, L.LSTM)]
    _, *state = encoder(x[0])
    np.testing.assert_allclose(model.predict(x, verbose=0), decoder(x[1], initial_state=state), atol=1e-6)


@pytest.mark.parametrize("make", [
    lambda **k: L.LSTM(3, **k), lambda **k: L.GRU(3, **k), lambda **k: L.RNN([L.LSTMCell(3), L.GRUCell(3)], **k),
    lambda **k: L.Bidirectional(L.LSTM(3, **k)), lambda **k: L.Bidirectional(L.GRU(3, **k), merge_mode="ave")])
@pytest.mark.parametrize("sequences", [False, True])
def test_padding_changes_nothing(make, sequences):
    layer = make(return_sequences=sequences)
    x = np.random.default_rng(0).normal(size=(3, 6, 2)).astype("float32")
    mask = np.arange(6) < np.array([6, 4, 1])[:, None]
    far = np.where(mask[:, :, None], x, 1e3).astype("float32")
    y, z = np.asarray(layer(x, mask=mask)), np.asarray(layer(far, mask=mask))
    if sequences:
        y, z = y[mask], z[mask]
    np.testing.assert_allclose(y, z, atol=1e-6)
    alone = np.asarray(layer(x[1:2, :4]))
    np.testing.assert_allclose(np.asarray(layer(x, mask=mask))[1:2, :4] if sequences else y[1:2], alone, atol=1e-6)


def test_masked_steps_repeat_or_give_zero():
    x = np.ones((1, 4, 2), "float32")
    mask = np.array([[True, False, True, False]])
    for zero in (False, True):
        layer = L.GRU(3, return_sequences=True, zero_output_for_mask=zero)
        y = np.asarray(layer(x, mask=mask))[0]
        np.testing.assert_allclose(y[1], 0 if zero else y[0])
        np.testing.assert_allclose(y[3], 0 if zero else y[2])


def test_masks_travel():
    i = Input((None,), dtype="int32")
    h = L.Embedding(9, 4, mask_zero=True)(i)
    h = L.Bidirectional(L.LSTM(3, return_sequences=True))(h)
    h = L.TimeDistributed(L.Dense(4))(h)
    assert get_mask(h) is not None
    model = Model(i, L.GRU(2)(h))
    x = np.array([[1, 2, 3], [4, 5, 0]])
    short, long = model.predict(x, verbose=0), model.predict(np.pad(x, ((0, 0), (0, 5))), verbose=0)
    np.testing.assert_allclose(short, long, atol=1e-6)


def test_go_backwards_reads_the_reversed_sequence():
    layer = L.LSTM(3, return_sequences=True, go_backwards=True)
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype("float32")
    y = layer(x)
    layer.go_backwards = False
    np.testing.assert_allclose(y, layer(x[:, ::-1]), atol=1e-6)


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul", None])
def test_merge_modes(mode):
    layer = L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode=mode)
    x = np.random.default_rng(0).normal(size=(2, 5, 2)).astype("float32")
    y = layer(x)
    a, b = np.asarray(layer.forward_layer(x)), np.asarray(layer.backward_layer(x))[:, ::-1]
    wanted = {"concat": np.concatenate([a, b], -1), "sum": a + b, "ave": (a + b) / 2, "mul": a * b, None: (a, b)}[mode]
    for got, want in zip(y if mode is None else [y], wanted if mode is None else [wanted]):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_bidirectional_with_a_layer_of_its_own_for_the_way_back():
    layer = L.Bidirectional(L.LSTM(3), backward_layer=L.GRU(2, go_backwards=True))
    assert layer(np.ones((2, 4, 3), "float32")).shape == (2, 5)
    with pytest.raises(ValueError, match="different go_backwards"):
        L.Bidirectional(L.LSTM(3), backward_layer=L.LSTM(3))
    with pytest.raises(ValueError, match="merge_mode"):
        L.Bidirectional(L.LSTM(3), merge_mode="max")


@pytest.mark.parametrize("cls", [L.LSTM, L.GRU, L.SimpleRNN])
def test_stateful(cls):
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    i = Input(batch_shape=(2, None, 3))
    layer = cls(4, stateful=True)
    model = Model(i, layer(i))
    assert len(model.weights) == 3
    plain = cls(4)
    plain.build((None, None, 3))
    plain.set_weights(layer.get_weights())
    model.predict(x[:, :2], batch_size=2, verbose=0)
    np.testing.assert_allclose(model.predict(x[:, 2:], batch_size=2, verbose=0), plain(x), atol=1e-5)
    layer.reset_state()
    np.testing.assert_allclose(model.predict(x, batch_size=2, verbose=0), plain(x), atol=1e-5)


def test_stateful_training_with_dropout_is_the_same_eagerly():
    x = np.random.default_rng(0).normal(size=(8, 3, 4)).astype("float32")

    def trained(eager):
        kgraph.utils.set_random_seed(1)
        i = Input(batch_shape=(2, 3, 4))
        model = Model(i, L.Dense(1)(L.LSTM(3, stateful=True, dropout=0.2, recurrent_dropout=0.2)(i)))
        model.compile("sgd", "mse", run_eagerly=eager)
        history = model.fit(x, np.ones((8, 1)), batch_size=2, epochs=2, shuffle=False, verbose=0)
        return [*history.history["loss"], *model.get_weights()]

    for a, b in zip(trained(True), trained(False)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_initial_state_in_a_list_as_keras_2_wrote_it():
    layer = L.GRU(3)
    x, state = np.ones((2, 4, 3), "float32"), np.full((2, 3), 0.5, "float32")
    np.testing.assert_allclose(layer([x, state]), layer(x, initial_state=state))
    assert layer([Input((4, 3)), Input((3,))]).shape == (None, 3)


def test_stateful_errors_leave_states_alone():
    layer = L.GRU(3, stateful=True)
    with pytest.raises(ValueError, match="fixed batch size"):
        layer(Input((4, 2)))
    layer = L.GRU(3, stateful=True)
    layer(np.ones((2, 4, 2), "float32"))
    before = layer.states[0].numpy()
    with pytest.raises(ValueError, match="batch of 2, received 3"):
        layer(np.ones((3, 4, 2), "float32"))
    np.testing.assert_array_equal(layer.states[0].numpy(), before)


def test_errors():
    x = np.ones((2, 4, 3), "float32")
    with pytest.raises(ValueError, match=r"initial_state of shapes \[\(2, 5\)\], received \[\(2, 4\)\]"):
        L.GRU(5)(x, initial_state=np.ones((2, 4), "float32"))
    with pytest.raises(ValueError, match=r"mask of shape \(2, 4\), received \(2, 5\)"):
        L.LSTM(5)(x, mask=np.ones((2, 5), bool))
    with pytest.raises(ValueError, match="units"):
        L.LSTM(0)
    with pytest.raises(ValueError, match="state_size"):
        L.RNN(L.Dense(3))
    with pytest.raises(TypeError, match="Did you mean 'recurrent_dropout'"):
        L.LSTM(3, recurent_dropout=0.5)
    with pytest.raises(ValueError, match="unroll=True"):
        L.LSTM(3, unroll=True)(Input((None, 3)))
    with pytest.raises(ValueError, match="ndim=3"):
        L.LSTM(3)(Input((3,)))


class MinimalCell(L.Layer):
    """A user's cell."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), "uniform", name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, self.units), "uniform", name="recurrent_kernel")

    def call(self, inputs, states):
        output = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return output, [output]


def test_custom_cells():
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    i = Input((None, 3))
    layer = L.RNN([MinimalCell(4), MinimalCell(2)])
    model = Model(i, layer(i))
    np.testing.assert_allclose(model.predict(x, verbose=0), layer(x), atol=1e-6)
    assert [w.name for w in layer.weights] == ["kernel", "recurrent_kernel"] * 2


@pytest.mark.parametrize("cls,count", [(L.SimpleRNN, 1), (L.LSTM, 4), (L.GRU, 3)])
def test_dropout_masks_are_shared_by_all_steps(cls, count):
    x = np.ones((2, 5, 3), "float32")
    for rates in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"dropout": 0.3, "recurrent_dropout": 0.3}):
        eager, graph = (cls(4, seed=3, **rates) for _ in range(2))
        for layer in (eager, graph):
            layer.build((None, 5, 3))
        graph.set_weights(eager.get_weights())
        np.testing.assert_allclose(eager(x), graph(x), atol=1e-6)
        got = compiled(lambda v, layer=graph: layer(v, training=True), x)
        np.testing.assert_allclose(eager(x, training=True), got, atol=1e-5)
        assert not np.allclose(eager(x, training=True), eager(x))


def test_weights_of_cells_are_named_as_keras_names_them():
    i = Input((4, 2))
    layer = L.LSTM(3, name="first")
    layer(i)
    assert [w.path for w in layer.weights] == ["first/lstm_cell/kernel", "first/lstm_cell/recurrent_kernel",
                                               "first/lstm_cell/bias"]
    both = L.Bidirectional(L.GRU(3, name="gru"), name="both")
    both(i)
    assert both.weights[3].path == "both/backward_gru/gru_cell/kernel"


def test_two_thousand_steps():
    layer = L.LSTM(3)
    x = np.random.default_rng(0).normal(size=(2, 2000, 2)).astype("float32")
    y = Model(i := Input((None, 2)), layer(i)).predict(x, verbose=0)
    layer.build((None, None, 2))
    np.testing.assert_allclose(y, lstm(x, layer.get_weights(), 3)[-1], atol=1e-5)


def test_training_learns_to_remember():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(256, 8, 2)).astype("float32")
    y = (x[:, 0, :1] > 0).astype("float32")
    i = Input((None, 2))
    kgraph.utils.set_random_seed(0)
    model = Model(i, L.Dense(1, activation="sigmoid")(L.LSTM(8)(i)))
    model.compile(optimizer=kgraph.optimizers.Adam(0.03), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=25, verbose=0)
    assert history.history["accuracy"][-1] > 0.95


def test_time_distributed_model_and_masks():
    inner = Model(i := Input((3,)), L.Dense(2)(i))
    layer = L.TimeDistributed(inner)
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_allclose(layer(x), np.stack([inner(x[:, t]) for t in range(4)], axis=1), atol=1e-6)
    with pytest.raises(ValueError, match="mask that begins with"):
        layer(x, mask=np.ones((2, 3), bool))
    with pytest.raises(ValueError, match="at least 3 axes"):
        L.TimeDistributed(L.Dense(2))(Input((3,)))


CONV_LSTMS = [
    (L.ConvLSTM1D, {"filters": 2, "kernel_size": 3}, (3, 5, 2)),
    (L.ConvLSTM2D, {"filters": 2, "kernel_size": 2, "padding": "same", "return_sequences": True}, (3, 4, 4, 1)),
    (L.ConvLSTM2D, {"filters": 2, "kernel_size": (2, 1), "strides": 2, "go_backwards": True}, (2, 5, 4, 2)),
    (L.ConvLSTM3D, {"filters": 1, "kernel_size": 2, "padding": "same"}, (2, 3, 3, 3, 1)),
]


@pytest.mark.parametrize("cls,kwargs,shape", CONV_LSTMS)
def test_conv_lstm(cls, kwargs, shape):
    check_layer(cls, kwargs, shape)


def test_conv_lstm_over_one_place_is_an_lstm():
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    dense, conv = L.LSTM(5), L.ConvLSTM1D(5, 1)
    dense.build((None, None, 3))
    conv.build((None, None, 1, 3))
    conv.set_weights([w if w.ndim == 1 else w[None] for w in dense.get_weights()])
    np.testing.assert_allclose(conv(x[:, :, None])[:, 0], dense(x), atol=1e-5)


def test_conv_lstm_errors():
    with pytest.raises(ValueError, match="known sizes of space"):
        L.ConvLSTM2D(2, 3)(Input((None, None, 4, 1)))
    with pytest.raises(ValueError, match="as large as the kernel"):
        L.ConvLSTM1D(2, 5)(Input((None, 3, 1)))
    with pytest.raises(ValueError, match="dilation_rate"):
        L.ConvLSTM1D(2, 2, strides=2, dilation_rate=2)


def test_no_steps_leave_the_first_state():
    x, state = np.zeros((2, 0, 3), "float32"), np.ones((2, 4), "float32")
    for sequences, expected in ((False, state), (True, np.zeros((2, 0, 4)))):
        layer = layers.GRU(4, return_sequences=sequences)
        inputs = [Input((None, 3)), Input((4,))]
        model = Model(inputs, layer(inputs[0], initial_state=inputs[1]))
        for found in (layer(x, initial_state=state), model.predict([x, state], verbose=0)):
            np.testing.assert_array_equal(found, expected)
