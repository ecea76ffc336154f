"""kgraph.backend against NumPy, on arrays and on KTensors."""
import numpy as np
import pytest

from kgraph import Input, Model, Sequential, layers, losses
from kgraph import backend as K

RNG = np.random.default_rng(0)
A, B, C = (RNG.normal(size=s).astype("float32") for s in ((3, 4), (3, 4), (3, 4, 5)))
IMAGES = RNG.normal(size=(2, 4, 4, 3)).astype("float32")

CASES = {
    "sum": (lambda: K.sum(A, axis=1, keepdims=True), A.sum(1, keepdims=True)),
    "mean": (lambda: K.mean(A, axis=(0, 1)), A.mean()),
    "std": (lambda: K.std(A, axis=0), A.std(0)),
    "clip": (lambda: K.clip(A, -0.5, 0.5), A.clip(-0.5, 0.5)),
    "pow": (lambda: K.pow(A, 2), A**2),
    "concatenate": (lambda: K.concatenate([A, B], axis=-1), np.concatenate([A, B], -1)),
    "permute_dimensions": (lambda: K.permute_dimensions(C, (2, 0, 1)), C.transpose(2, 0, 1)),
    "expand_dims": (lambda: K.expand_dims(A), A[..., None]),
    "argmax": (lambda: K.argmax(A), A.argmax(-1)),
    "cumsum": (lambda: K.cumsum(A), A.cumsum(0)),
    "batch_flatten": (lambda: K.batch_flatten(C), C.reshape(3, 20)),
    "flatten": (lambda: K.flatten(C), C.ravel()),
    "repeat": (lambda: K.repeat(A, 2), A[:, None].repeat(2, 1)),
    "repeat_elements": (lambda: K.repeat_elements(A, 2, 1), A.repeat(2, 1)),
    "reverse": (lambda: K.reverse(A, 1), A[:, ::-1]),
    "gather": (lambda: K.gather(A, np.array([2, 0])), A[[2, 0]]),
    "slice": (lambda: K.slice(A, [1, 0], [2, 3]), A[1:3, :3]),
    "one_hot": (lambda: K.one_hot(np.array([1, 0]), 3), np.eye(3)[[1, 0]]),
    "arange": (lambda: K.arange(5), np.arange(5)),
    "batch_dot": (lambda: K.batch_dot(A, B, axes=1), (A * B).sum(1, keepdims=True)),
    "batch_dot matrices": (lambda: K.batch_dot(C, C, axes=2), np.einsum("bij,bkj->bik", C, C)),
    "batch_dot vector": (lambda: K.batch_dot(A, C, axes=(1, 1)), np.einsum("bi,bij->bj", A, C)),
    "batch_dot default": (lambda: K.batch_dot(C, C.transpose(0, 2, 1)), C @ C.transpose(0, 2, 1)),
    "l2_normalize": (lambda: K.l2_normalize(A, axis=1), A / np.linalg.norm(A, axis=1, keepdims=True)),
    "switch": (lambda: K.switch(A[:, 0] > 0, A, B), np.where(A[:, :1] > 0, A, B)),
    "switch scalar": (lambda: K.switch(K.constant(1), lambda: A, lambda: B), A),
    "foldl": (lambda: K.foldl(lambda a, x: a * 0.5 + x, A), (A[0] * 0.5 + A[1]) * 0.5 + A[2]),
    "foldr": (lambda: K.foldr(lambda a, x: a * 0.5 + x, A), (A[2] * 0.5 + A[1]) * 0.5 + A[0]),
    "map_fn": (lambda: K.map_fn(lambda row: row * 2, A), A * 2),
    "relu": (lambda: K.relu(A, alpha=0.1, max_value=0.6), np.where(A > 0, A.clip(max=0.6), 0.1 * A)),
    "hard_sigmoid": (lambda: K.hard_sigmoid(A), (0.2 * A + 0.5).clip(0, 1)),
    "bias_add": (lambda: K.bias_add(IMAGES, np.arange(3.0)), IMAGES + np.arange(3)),
    "bias_add first": (lambda: K.bias_add(IMAGES, np.arange(4.0), "channels_first"),
                       IMAGES + np.arange(4).reshape(4, 1, 1)),
    "spatial_2d_padding": (lambda: K.spatial_2d_padding(IMAGES, ((1, 0), (0, 2))),
                           np.pad(IMAGES, ((0, 0), (1, 0), (0, 2), (0, 0)))),
    "temporal_padding": (lambda: K.temporal_padding(C, (1, 2)), np.pad(C, ((0, 0), (1, 2), (0, 0)))),
    "resize_images": (lambda: K.resize_images(IMAGES, 2, 3, "channels_last"), IMAGES.repeat(2, 1).repeat(3, 2)),
    "pool2d": (lambda: K.pool2d(IMAGES, (2, 2), (2, 2), pool_mode="avg"),
               IMAGES.reshape(2, 2, 2, 2, 2, 3).mean((2, 4))),
    "conv2d": (lambda: K.conv2d(IMAGES, np.ones((1, 1, 3, 2), "float32")),
               IMAGES.sum(-1, keepdims=True).repeat(2, -1)),
    "cast_to_floatx": (lambda: K.cast_to_floatx([1, 2]), np.array([1, 2], "float32")),
    "in_train_phase": (lambda: K.in_train_phase(lambda: A, B, training=True), A),
    "in_test_phase": (lambda: K.in_test_phase(A, B), A),
}
RNG_5 = RNG.normal(size=(5, 2)).astype("float32")
ONES, PARTS = np.float32([[1, 0, 1]]), np.float32([[.7, .2, .4]])   # and what Keras gives
CASES["binary focal"] = (lambda: K.binary_focal_crossentropy(ONES, PARTS), [[.03210073, .00892573, .3298646]])
CASES["balanced focal"] = (lambda: K.binary_focal_crossentropy(ONES, PARTS, True, .3, 1.5),
                           [[.0175823, .01397098, .12775601]])
CASES["focal logits"] = (lambda: K.binary_focal_crossentropy(ONES, PARTS, from_logits=True),
                         [[.04439052, .2412913, .08262191]])
CASES["focal classes"] = (lambda: K.categorical_focal_crossentropy(np.float32([[0, 1, 0]]), np.float32([[.2, .5, .3]])),
                          [.0433217])
CASES["random_bernoulli"] = (lambda: K.random_bernoulli((3,), 1.0), np.ones(3))
CASES["dot"] = (lambda: K.dot(C, RNG_5), C @ RNG_5)


@pytest.mark.parametrize("name", CASES)
def test_values(name):
    use, expected = CASES[name]
    np.testing.assert_allclose(np.asarray(use()), expected, rtol=1e-5, atol=1e-5)


def test_all_names_are_there():
    assert len(set(K.__all__)) == len(K.__all__) > 140
    assert all(hasattr(K, name) for name in K.__all__)


def test_variables():
    v = K.variable([[1, 2.5]], name="mine")
    assert K.is_variable(v) and v.dtype == K.floatx() and K.int_shape(v) == (1, 2) and K.count_params(v) == 2
    K.set_value(v, [[3, 4]])
    K.update_add(v, [[1, 1]])
    np.testing.assert_array_equal(K.get_value(v), [[4, 5]])
    K.moving_average_update(v, np.zeros((1, 2)), 0.5)
    np.testing.assert_array_equal(K.eval(v), [[2, 2.5]])
    assert K.zeros((2,)).numpy().tolist() == [0, 0] and K.get_uid("x") == 1 and K.get_uid("x") == 2
    assert K.random_binomial((100,), 0.3, seed=1).numpy().mean() < 0.6


def test_a_custom_loss_of_keras_2():
    def loss(y_true, y_pred):
        return K.mean(K.square(K.clip(y_pred, K.epsilon(), 1) - y_true), axis=-1)
    model = Sequential([Input((3,)), layers.Dense(2, activation="sigmoid")])
    model.compile("sgd", loss)
    x, y = RNG.normal(size=(8, 3)), RNG.uniform(size=(8, 2))
    first = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(first, np.mean((model.predict(x, verbose=0) - y) ** 2), rtol=1e-5, atol=1e-6)
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y, verbose=0) < first


def test_functions_of_graphs():
    model = Sequential([Input((4,)), layers.Dense(3, name="hidden"), layers.Dropout(0.5), layers.Dense(1)])
    hidden = K.function([model.input], [model.get_layer("hidden").output])
    np.testing.assert_allclose(hidden([A])[0], model.get_layer("hidden")(A), rtol=1e-5, atol=1e-6)
    functional = Model(model.input, model.output)
    entered = K.function([functional.layers[0].input], [model.get_layer("hidden").output])  # as Keras 2 has it
    np.testing.assert_array_equal(entered([A])[0], hidden([A])[0])
    both = K.function([model.input, K.learning_phase()], [model.output])
    np.testing.assert_allclose(both([A, 0])[0], model.predict(A, verbose=0), rtol=1e-5, atol=1e-6)
    assert not np.allclose(both([A, 1])[0], both([A, 0])[0])
    x = K.placeholder((None, 4))
    counter = K.variable(0.0)
    add = K.function([x], K.sum(x), updates=[(counter, K.sum(x))])
    np.testing.assert_allclose(add([A]), A.sum(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(K.get_value(counter), A.sum(), rtol=1e-5, atol=1e-6)


def test_gradients_of_graphs():
    inputs = Input((4,))
    hidden = layers.Dense(3, activation="tanh")(inputs)
    model = Model(inputs, layers.Dense(2)(hidden))
    by_hidden, by_input, by_kernel = K.gradients(model.output[:, 0], [hidden, inputs, model.layers[-1].kernel])
    a, b, c = K.function([inputs], [by_hidden, by_input, by_kernel])([A])
    kernel = model.layers[-1].kernel.numpy()
    np.testing.assert_allclose(a, np.tile(kernel[:, 0], (3, 1)), rtol=1e-5, atol=1e-6)
    h = np.asarray(model.layers[1](A))
    np.testing.assert_allclose(b, ((1 - h**2) * kernel[:, 0]) @ model.layers[1].kernel.numpy().T, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(c, np.stack([h.sum(0), np.zeros(3)], 1), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="GradientTape"):
        K.gradients(K.constant(1.0), [inputs])


def test_rnn_keeps_states_where_the_mask_is_false():
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    mask = np.array([[True, True, False, False], [True, False, True, True]])

    def step(x, states):
        new = states[0] * 0.5 + x
        return new, [new]
    last, outputs, states = K.rnn(step, x, [np.zeros((2, 3), "float32")], mask=mask)
    for i in range(2):
        state = np.zeros(3)
        for t in range(4):
            state = state * 0.5 + x[i, t] if mask[i, t] else state
            np.testing.assert_allclose(outputs[i, t], state, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(last[i], state, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(states[0][i], state, rtol=1e-5, atol=1e-6)
    back = K.rnn(step, x, [np.zeros((2, 3), "float32")], go_backwards=True)[0]
    np.testing.assert_allclose(back, x[:, 0] + 0.5 * x[:, 1] + 0.25 * x[:, 2] + 0.125 * x[:, 3], rtol=1e-5, atol=1e-6)


def test_ctc_of_keras_2_by_enumeration():
    p = RNG.dirichlet(np.ones(3), size=(2, 4)).astype("float32")
    labels, lengths, steps = np.array([[0, 1], [1, 0]]), np.array([[2], [1]]), np.array([[4], [3]])
    found = np.asarray(K.ctc_batch_cost(labels, p, steps, lengths))
    for row in range(2):
        wanted, total = labels[row, :lengths[row, 0]].tolist(), 0.0
        for path in np.ndindex(*(3,) * steps[row, 0]):
            merged = [c for i, c in enumerate(path) if c != 2 and (i == 0 or path[i - 1] != c)]
            if merged == wanted:
                total += np.prod([p[row, t, c] for t, c in enumerate(path)])
        np.testing.assert_allclose(found[row, 0], -np.log(total), rtol=1e-4, atol=1e-6)
    best = np.asarray(K.ctc_decode(p, steps.ravel())[0][0])
    assert best.shape[0] == 2


def test_objectives_are_losses():
    from kgraph import objectives
    assert objectives.mse is objectives.mean_squared_error is losses.mean_squared_error
    assert objectives.get("mse") is losses.mean_squared_error


def test_learning_phase():
    K.set_learning_phase(1)
    try:
        assert K.in_train_phase(1, 2) == 1
    finally:
        K.set_learning_phase(0)
    with pytest.raises(ValueError, match="0 or 1"):
        K.set_learning_phase(2)


def test_dtypes():
    assert K.standardize_dtype(np.float32) == "float32" == K.result_type("int32", "float32")
    assert K.is_float_dtype("float64") and not K.is_float_dtype("int8") and K.is_int_dtype("uint8")
