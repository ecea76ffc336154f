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


# --- outputs that are no states, masked steps, cells of all kinds -----------------------------------------------------

class Doubling(L.Layer):
    """The state is the running sum; the output is twice its first `width` numbers."""

    def __init__(self, width=2, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.width = 3, width

    def call(self, x, states):
        h = states[0] + x
        return 2 * h[:, :self.width], [h]


class PlainCell:
    """A cell that is no layer."""

    state_size, output_size = [3, 2], 5

    def call(self, x, states):
        h, c = states[0] + x, states[1] + 1
        return ops.concatenate([h, c], axis=-1), [h, c]


class CallableCell(PlainCell):
    def __call__(self, x, states):
        return super().call(x, states)

    def call(self, x, states):
        raise AssertionError("a cell that can be called is called")


def walk(x, mask, step, states, zeros=False, backwards=False):
    """(outputs, last states) of step(x, states) -> (output, states) one after the other."""
    held, found = 0 * step(x[:, 0], states)[0], []
    order = range(x.shape[1])
    for t in reversed(order) if backwards else order:
        keep = mask[:, t, None]
        output, new = step(x[:, t], states)
        states = [np.where(keep, a, b) for a, b in zip(new, states)]
        held = np.where(keep, output, 0 * output if zeros else held)
        found.append(held)
    return np.stack(found, axis=1), states


DATA = np.random.default_rng(0).integers(1, 5, (4, 6, 3)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
MODES = [{}, {"zero_output_for_mask": True}, {"go_backwards": True}, {"unroll": True}]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("first", [0.0, 2.0])
def test_masked_steps_give_the_output_before(mode, width, first):
    step = lambda x, s: (2 * (s[0] + x)[:, :width], [s[0] + x])
    states = [np.full((4, 3), first, "float32")]
    expected, last = walk(DATA, MASK, step, states, "zero_output_for_mask" in mode, "go_backwards" in mode)
    for sequences in (True, False):
        layer = L.RNN(Doubling(width), return_sequences=sequences, return_state=True, **mode)
        compiled = build("rnn", lambda x, m, s, layer=layer: layer(x, mask=m, initial_state=[s]),
                         [TensorType((dim("B"), 6, 3), "float32"), TensorType((dim("B"), 6), "bool"),
                          TensorType((dim("B"), 3), "float32")])
        for y, state in (layer(DATA, mask=MASK, initial_state=states), compiled(DATA, MASK, states[0])):
            np.testing.assert_array_equal(y, expected if sequences else expected[:, -1])
            np.testing.assert_array_equal(state, last[0])


@pytest.mark.parametrize("cls", [L.SimpleRNN, L.LSTM, L.GRU])
def test_masked_steps_before_the_first(cls):
    """They give zeros, also where the state does not begin with zeros."""
    layer = cls(3, return_sequences=True, return_state=True)
    states = [np.full((4, 3), 0.5, "float32")] * (2 if cls is L.LSTM else 1)
    y, h, *_ = layer(DATA, mask=MASK, initial_state=states)
    assert not np.any(y.numpy()[3]) and not np.any(y.numpy()[1, :2])
    np.testing.assert_array_equal(h.numpy()[3], states[0][3])
    np.testing.assert_array_equal(y.numpy()[0, 4:], np.repeat(y.numpy()[0, 3:4], 2, axis=0))


def test_gradients_flow_through_masked_steps():
    """The loss of the last output of a right-padded sequence is that of the sequence cut short."""
    cell = Doubling(2)
    x, w = DATA[:1], np.float32([[1.0, -2.0]])
    rnn = L.RNN(cell)
    grads = []
    for data, mask in ((x, MASK[:1]), (x[:, :4], None)):
        value = ops.convert_to_tensor(data)
        _, g = kgraph.value_and_grad(lambda v, mask=mask: ops.sum(rnn(v, mask=mask) * w))(value)
        grads.append(g.numpy()[:, :4])
    np.testing.assert_array_equal(grads[0], grads[1])
    assert np.any(grads[0])


@pytest.mark.parametrize("make", [PlainCell, CallableCell])
def test_a_cell_that_is_no_layer(make):
    step = lambda x, s: (np.concatenate([s[0] + x, s[1] + 1], axis=-1), [s[0] + x, s[1] + 1])
    expected, last = walk(DATA, MASK, step, [np.zeros((4, 3)), np.zeros((4, 2))])
    layer = L.RNN(make(), return_sequences=True, return_state=True)
    i, m = Input((6, 3)), Input((6,), dtype="bool")
    y, h, c = Model([i, m], layer(i, mask=m)).predict([DATA, MASK], verbose=0)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(h, last[0])
    np.testing.assert_array_equal(c, last[1])
    assert layer.compute_output_shape((None, 6, 3)) == ((None, 6, 5), (None, 3), (None, 2))
    stacked = L.RNN([make(), L.GRUCell(2)])
    assert stacked(DATA).shape == (4, 2)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("cls", [L.SimpleRNN, L.LSTM, L.GRU])
def test_stateful_layers_train(cls, batch):
    """The state goes on from batch to batch: the same losses as a loop by hand."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 5, 2)).astype("float32"), rng.normal(size=(6, 1)).astype("float32")

    def made():
        kgraph.utils.set_random_seed(3)
        model = kgraph.Sequential([cls(4, stateful=True, input_shape=(5, 2), batch_size=batch), L.Dense(1)])
        model.compile(kgraph.optimizers.SGD(0.1), "mse")
        return model

    model, other = made(), made()
    assert model.input_shape == (batch, 5, 2)
    history = model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, validation_data=(x, y)).history
    other.compile(kgraph.optimizers.SGD(0.1), "mse", run_eagerly=True)
    eager = other.fit(x, y, batch_size=batch, shuffle=False, verbose=0, validation_data=(x, y)).history
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(history[name], eager[name], rtol=1e-4)
    np.testing.assert_allclose(model.layers[0].states[0].numpy(), other.layers[0].states[0].numpy(), rtol=1e-4)


def test_a_stateful_layer_of_one_sample_in_a_subclass():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.rnn, self.dense = L.GRU(3, stateful=True), L.Dense(1)

        def call(self, x):
            return self.dense(self.rnn(x))

    model = Own()
    model(np.zeros((1, 5, 2), "float32"))
    model.compile("sgd", "mse")
    x, y = np.ones((4, 5, 2), "float32"), np.ones((4, 1), "float32")
    assert np.isfinite(model.fit(x, y, batch_size=1, verbose=0).history["loss"][0])
    with pytest.raises(ValueError, match="1"):
        model.predict(x, batch_size=2, verbose=0)


def test_shapes_of_cells():
    cells = L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(5)])
    assert cells.compute_output_shape((None, 4)) == ((None, 5), [[(None, 3), (None, 3)], [(None, 5)]])
    assert L.LSTMCell(3).compute_output_shape((2, 4)) == ((2, 3), [(2, 3), (2, 3)])
    assert L.GRUCell(3).compute_output_shape((None, 4), [(None, 3)]) == ((None, 3), [(None, 3)])
    cell = L.ConvLSTM2D(3, 2).cell
    assert cell.compute_output_shape((None, 9, 8, 4)) == ((None, 8, 7, 3), [(None, 8, 7, 3)] * 2)


def test_the_layer_of_a_bidirectional_one():
    given = L.LSTM(3, name="given")
    both = L.Bidirectional(given)
    both.build((None, 6, 2))
    assert both.layer is given and not given.built and len(both.weights) == 6
    assert L.Bidirectional.from_config(both.get_config()).layer.units == 3
