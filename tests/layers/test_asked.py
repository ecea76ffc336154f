"""Methods that a subclass overrides are asked, wherever Keras's own layers call them by name."""
import numpy as np
import pytest

from kgraph import Input, KerasTensor, Model, Operation, Sequential, callbacks, initializers, layers, metrics, ops

L = layers
ONES = np.ones((2, 3), "float32")


# --- shapes -----------------------------------------------------------------------------------------------------------

def test_compute_output_spec_is_asked():
    asked = []

    class Doubled(L.Layer):
        def call(self, x):
            return x * 2

        def compute_output_spec(self, x):
            asked.append(x.shape)
            return KerasTensor(x.shape, dtype=x.dtype)

    i = Input((3,))
    model = Model(i, Doubled()(i))
    assert asked == [(None, 3)]
    np.testing.assert_array_equal(model.predict(ONES, verbose=0), 2 * ONES)


def test_compute_output_shape_is_asked_after_build():
    asked = []

    class Projected(L.Layer):
        def build(self, input_shape):
            asked.append("build")
            self.w = self.add_weight((input_shape[-1], 7), "ones")

        def call(self, x):
            return ops.matmul(x, self.w)

        def compute_output_shape(self, input_shape):
            asked.append(input_shape)
            return (*input_shape[:-1], 7)

    assert Projected()(Input((3,))).shape == (None, 7) and asked == ["build", (None, 3)]


def test_compute_output_shape_of_several_arguments_and_outputs():
    class Pair(L.Layer):
        def call(self, a, b):
            return [a, {"b": ops.cast(b, "int32")}]

        def compute_output_shape(self, a_shape, b_shape):
            return [a_shape, {"b": b_shape}]

    one, two = Pair()(Input((3,)), Input((2,)))
    assert one.shape == (None, 3) and two["b"].shape == (None, 2) and two["b"].dtype == "int32"


def test_a_size_that_only_the_layer_knows():
    """Flatten and Dense need the number of steps; the compiled program checks it."""
    class Fixed(L.Layer):
        def call(self, x):
            return x

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 6, 4)

    i = Input((None, 4))
    y = Fixed()(i)
    assert y.shape == (None, 6, 4)
    model = Model(i, L.Dense(2)(L.Flatten()(y)))
    assert model.predict(np.ones((2, 6, 4)), verbose=0).shape == (2, 2)
    with pytest.raises(ValueError, match="== 24, received 20 and 24"):
        model.predict(np.ones((2, 5, 4)), verbose=0)


def test_a_call_that_cannot_be_traced():
    class Reversed(L.Layer):
        def call(self, x):
            return ops.convert_to_tensor(np.asarray(x)[:, ::-1].copy())

        def compute_output_shape(self, input_shape):
            return input_shape

    i = Input((3,))
    model = Model(i, Reversed()(i))
    model.compile("sgd", "mse", run_eagerly=True)
    np.testing.assert_array_equal(model.predict(np.arange(6.0).reshape(2, 3), verbose=0), [[2, 1, 0], [5, 4, 3]])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError):
        model.predict(ONES, verbose=0)


def test_a_shape_that_is_not_so():
    class Wrong(L.Layer):
        def call(self, x):
            return ops.concatenate([x, x], axis=-1)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 99)

    with pytest.warns(UserWarning, match=r"says \(None, 99\), but call\(\) gives \(None, 6\)"):
        assert Wrong()(Input((3,))).shape == (None, 6)


def test_an_operation_of_ones_own():
    class AddOne(Operation):
        def call(self, x):
            return x + 1

        def compute_output_spec(self, x):
            return KerasTensor(x.shape, dtype=x.dtype)

    i = Input((3,))
    np.testing.assert_array_equal(Model(i, AddOne()(i)).predict(ONES, verbose=0), ONES + 1)


def test_symbolic_call_is_asked():
    class Noted(L.Layer):
        def symbolic_call(self, *args, **kwargs):
            self.noted = True
            return super().symbolic_call(*args, **kwargs)

        def call(self, x):
            return x

    layer = Noted()
    layer(Input((3,)))
    assert layer.noted


# --- masks ------------------------------------------------------------------------------------------------------------

def test_compute_mask_is_asked():
    class Positive(L.Layer):
        def compute_mask(self, inputs, mask=None):
            return ops.any(inputs > 0, axis=-1)

        def compute_output_shape(self, input_shape):
            return input_shape

        def call(self, x):
            return x

    class NotTheFirst(L.Embedding):
        def compute_mask(self, inputs, mask=None):
            return ops.not_equal(inputs, 1)

    x = np.float32([[[1], [2], [-1], [-1]]])
    i = Input((4, 1))
    rnn = L.SimpleRNN(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
    np.testing.assert_array_equal(Model(i, rnn(Positive()(i))).predict(x, verbose=0), [[3]])
    i = Input((4,), dtype="int32")
    table = NotTheFirst(3, 1, mask_zero=True, weights=[[[5.0], [7.0], [9.0]]])
    pooled = Model(i, L.GlobalAveragePooling1D()(table(i)))
    np.testing.assert_array_equal(pooled.predict(np.int32([[0, 1, 1, 2]]), verbose=0), [[7]])


# --- products, loops, statistics --------------------------------------------------------------------------------------

@pytest.mark.parametrize("cls, rank", [(L.Conv1D, 1), (L.Conv2D, 2), (L.Conv3D, 3)])
@pytest.mark.parametrize("kwargs", [{}, {"padding": "same", "activation": "relu"}, {"strides": 2, "use_bias": False}])
def test_convolution_op(cls, rank, kwargs):
    class Doubled(cls):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, 2 * kernel)

    x = np.random.default_rng(0).normal(size=(2, *[5] * rank, 2)).astype("float32")
    plain, doubled = cls(3, 3, **kwargs), Doubled(3, 3, **kwargs)
    plain.build((None, *x.shape[1:]))
    doubled.build((None, *x.shape[1:]))
    doubled.set_weights(plain.get_weights())
    model = Sequential([Input(x.shape[1:]), doubled])
    np.testing.assert_allclose(model.predict(x, verbose=0), 2 * np.asarray(plain(x)), rtol=1e-5, atol=1e-5)


def test_inner_loop_and_get_initial_state():
    class Loop(L.SimpleRNN):
        def get_initial_state(self, batch_size):
            return [ops.ones((batch_size, self.units))]

        def inner_loop(self, sequences, initial_state, mask, training=False):
            last, outputs, states = super().inner_loop(sequences, initial_state, mask, training=training)
            return last + 100, outputs, states

    layer = Loop(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
    np.testing.assert_array_equal(layer(np.ones((1, 3, 1), "float32")), [[104]])


@pytest.mark.parametrize("cls", [L.SimpleRNNCell, L.LSTMCell, L.GRUCell])
def test_masks_of_dropout_are_asked(cls):
    """A cell whose mask is always 3: with states not dropped, that is an input three times as large."""
    asked = []

    class Tripled(cls):
        def get_dropout_mask(self, step_input):
            asked.append(step_input.shape)
            return ops.full((1, 1), 3.0)

    cell, plain = Tripled(2, dropout=0.5), cls(2)
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("float32")
    rnn, other = L.RNN(cell), L.RNN(plain)
    rnn.build(x.shape)
    other.build(x.shape)
    plain.set_weights(cell.get_weights())
    np.testing.assert_allclose(rnn(x, training=True), other(3 * x), rtol=1e-5, atol=1e-6)
    assert asked[0] == (3, 5)
    np.testing.assert_allclose(rnn(x), other(x), rtol=1e-5, atol=1e-6)


def test_kept_masks_of_a_cell():
    cell = L.LSTMCell(2, dropout=0.5, recurrent_dropout=0.5)
    x, h = ops.ones((3, 5)), ops.ones((3, 2))
    first, again = cell.get_dropout_mask(x), cell.get_dropout_mask(x)
    assert first is again and len(first) == 4 and first[0].shape == (3, 5)
    assert cell.get_recurrent_dropout_mask(h)[0].shape == (3, 2)
    cell.reset_dropout_mask()
    cell.reset_recurrent_dropout_mask()
    assert cell.get_dropout_mask(x) is not first
    assert L.GRUCell(2).get_dropout_mask(x) is None


def test_normalized_weights_and_finalize_state():
    class Halved(L.SpectralNormalization):
        def normalized_weights(self):
            return self.vector_u.value, self.kernel / 2

    layer = Halved(L.Dense(2, kernel_initializer="ones", use_bias=False))
    np.testing.assert_array_equal(layer(ONES, training=True), np.full((2, 2), 1.5))
    np.testing.assert_array_equal(layer(ONES), np.full((2, 2), 1.5))

    class Noted(L.Normalization):
        called = 0

        def finalize_state(self):
            self.called += 1

    layer = Noted()
    layer.adapt(ONES)
    assert layer.called == 2


def test_interpolate_pr_auc_and_get_monitor_value():
    class Fixed(metrics.AUC):
        def interpolate_pr_auc(self):
            return ops.convert_to_tensor(0.25)

    metric = Fixed(curve="PR")
    metric.update_state([0, 1], [0.2, 0.7])
    assert float(metric.result()) == 0.25

    class Twice(callbacks.EarlyStopping):
        def get_monitor_value(self, logs):
            return 1.0

    model = Sequential([Input((3,)), L.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(ONES, ONES[:, :1], epochs=9, callbacks=[Twice("loss", patience=2)], verbose=0).epoch) == 3


def of_class(name, value):
    return type("Own", (L.Layer,), {name: value, "call": lambda self, x: x + 0})


@pytest.mark.parametrize("value", [True, property(lambda self: True)])
def test_supports_masking_of_a_class(value):
    x = np.ones((1, 4, 2), "float32")
    x[:, 2:] = 0
    i = Input((4, 2))
    rnn = L.SimpleRNN(1, activation=None, kernel_initializer="ones", recurrent_initializer="ones")
    model = Model(i, rnn(of_class("supports_masking", value)()(L.Masking()(i))))
    np.testing.assert_array_equal(model.predict(x, verbose=0), [[4]])


@pytest.mark.parametrize("value", [L.InputSpec(ndim=3), property(lambda self: L.InputSpec(ndim=3))])
def test_input_spec_of_a_class(value):
    with pytest.raises(ValueError, match="expected ndim=3"):
        of_class("input_spec", value)()(Input((3,)))


@pytest.mark.parametrize("make, shape", [
    (L.Dense, (None, 3)), (L.EinsumDense, (None, 3)), (L.Embedding, (None, 3)), (L.Conv1D, (None, 5, 3)),
    (L.DepthwiseConv2D, (None, 5, 5, 3)), (L.SeparableConv1D, (None, 5, 3)), (L.BatchNormalization, (None, 3)),
    (L.LayerNormalization, (None, 3)), (L.RMSNormalization, (None, 3)), (L.PReLU, (None, 3)), (L.SimpleRNNCell, (2, 3)),
    (L.GRUCell, (2, 3)), (L.LocallyConnected1D, (None, 5, 3))])
def test_add_weight_gets_its_arguments_by_name(make, shape):
    """So a subclass can change any of them."""
    class Sevens(make):
        def add_weight(self, **kwargs):
            return super().add_weight(**{**kwargs, "initializer": initializers.Constant(7.0)})

    args = {L.EinsumDense: ("ab,bc->ac", 2), L.Embedding: (4, 2), L.Conv1D: (2, 2), L.SeparableConv1D: (2, 2),
            L.DepthwiseConv2D: (2,), L.Dense: (2,), L.SimpleRNNCell: (2,), L.GRUCell: (2,),
            L.LocallyConnected1D: (2, 2)}
    layer = Sevens(*args.get(make, ()))
    layer.build(shape)
    assert layer.get_weights() and all(np.all(w == 7) for w in layer.get_weights())


def test_add_variable_is_add_weight():
    class Noted(L.Layer):
        def add_weight(self, *args, **kwargs):
            return super().add_weight(*args, **{**kwargs, "name": "noted"})

    assert Noted().add_variable((2,), "ones").name == "noted"
