"""Small models whose numbers depend on what a layer means: steps one by one, masks. ask.py keeps Keras's answers."""
from __future__ import annotations

import functools
import warnings

import numpy as np


def numbers(*arrays):
    return np.concatenate([np.ravel(np.asarray(a, "float32")) for a in arrays])


def fill(model, seed=0):
    """Weights that both libraries get alike."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in model.get_weights()])
    return model


def trained(K, model, x, y, steps=2, **compile_arguments):
    """Losses of some steps of training, the weights after them, and what the model predicts then."""
    fill(model).compile(K.optimizers.SGD(0.1), "mse", **compile_arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = [model.train_on_batch(x, y) for _ in range(steps)]
    return numbers(losses, *model.get_weights(), model.predict(x, verbose=0))


# ------------------------------------------------------------------ TimeDistributed
X = np.random.default_rng(1).normal(size=(4, 3, 5)).astype("float32") * np.arange(1, 4)[:, None].astype("float32")
PICTURES = np.random.default_rng(2).normal(size=(3, 4, 6, 6, 2)).astype("float32") * np.float32([1, 2, 3, 4])[
    :, None, None, None]
MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]], bool)


def custom(K):
    class BatchShare(K.layers.Layer):
        """Each sample less the mean of its batch, with a loss."""

        def call(self, x, training=None):
            self.add_loss(K.ops.mean(K.ops.square(x)) * 0.1)
            return x - K.ops.mean(x, axis=0, keepdims=True)

        def compute_output_shape(self, shape):
            return shape

    return BatchShare()


def masked(K):
    class Kept(K.layers.Layer):
        def call(self, x, mask=None):
            return x if mask is None else x * K.ops.cast(mask, x.dtype)[:, None]

        def compute_output_shape(self, shape):
            return shape

    return Kept()


def counting(K):
    class Counting(K.layers.Layer):
        """Adds how many calls there were before."""

        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign(self.count + 1.0)
            return x + self.count

        def compute_output_shape(self, shape):
            return shape

    return Counting()


STEPWISE = {
    "batch_normalization": lambda K: K.layers.BatchNormalization(momentum=0.5),
    "frozen": lambda K: K.layers.BatchNormalization(momentum=0.5, trainable=False),
    "sequential": lambda K: K.Sequential([K.layers.Dense(3), K.layers.BatchNormalization(momentum=0.9),
                                          K.layers.Activation("tanh")]),
    "layer_normalization": lambda K: K.layers.LayerNormalization(),
    "regularized": lambda K: K.layers.Dense(2, activity_regularizer=K.regularizers.L2(0.1)),
    "inner_regularized": lambda K: K.Sequential([K.layers.Dense(2, activity_regularizer=K.regularizers.L2(0.1))]),
    "batch_share": custom, "counting": counting,
    "lambda": lambda K: K.layers.Lambda(lambda x: x - K.ops.max(x, axis=0),
                                        output_shape=lambda shape: shape),
}


def stepwise(K, make, length):
    i = K.Input((length, 5))
    model = K.Model(i, K.layers.Dense(2)(K.layers.TimeDistributed(make(K))(i)))
    return trained(K, model, X, np.ones((4, 3, 2), "float32"))


def pictures(K):
    inner = K.Sequential([K.Input((6, 6, 2)), K.layers.Conv2D(3, 3), K.layers.BatchNormalization(momentum=0.8),
                          K.layers.ReLU(), K.layers.GlobalAveragePooling2D()])
    i = K.Input((4, 6, 6, 2))
    model = K.Model(i, K.layers.LSTM(2)(K.layers.TimeDistributed(inner)(i)))
    return trained(K, model, PICTURES, np.ones((3, 2), "float32"))


def steps_with_masks(K):
    return numbers(K.layers.TimeDistributed(masked(K))(X, mask=MASK))


# ------------------------------------------------------------------ masks
IDS = np.array([[1, 2, 0, 0], [3, 0, 1, 0], [2, 2, 2, 2]])
AFTER = {
    "add": lambda K, e: e + 1.0, "twice": lambda K, e: e * 2.0, "relu": lambda K, e: K.ops.relu(e),
    "sum": lambda K, e: e + e, "slice": lambda K, e: e[:, 1:], "all": lambda K, e: e[:, :],
    "same_dtype": lambda K, e: K.ops.cast(e, "float32"), "stop_gradient": lambda K, e: K.ops.stop_gradient(e),
    "layer": lambda K, e: K.layers.Add()([e, e]), "activation": lambda K, e: K.layers.Activation("tanh")(e),
    "lambda": lambda K, e: K.layers.Lambda(lambda x: x * 2, mask=lambda x, m: m)(e),
}


def after_embedding(K, f, head):
    i = K.Input((4,), dtype="int32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        h = f(K, K.layers.Embedding(4, 3, mask_zero=True)(i))
        model = K.Model(i, K.layers.LSTM(2)(h) if head == "lstm" else h)
    y = np.ones((3, *model.output_shape[1:]), "float32")
    return trained(K, model, IDS, y)


def with_state(K, make, explicit=False):
    """Recurrent layers called with an initial state, on sequences that carry a mask."""
    i, s = K.Input((4,), dtype="int32"), K.Input((2,))
    e = K.layers.Embedding(4, 3, mask_zero=True)(i)
    layer = make(K.layers)
    count = 2 * len(layer.forward_layer.state_size) if hasattr(layer, "forward_layer") else len(
        K.tree.flatten(layer.state_size))
    given = {"mask": K.ops.not_equal(i, 0)} if explicit else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = layer(e, initial_state=[s] * count, **given)
        model = K.Model([i, s], K.tree.flatten(y))
        fill(model)
        return numbers(*K.tree.flatten(model.predict([IDS, np.ones((3, 2), "float32")], verbose=0)))


RECURRENT = {
    "lstm": lambda L: L.LSTM(2), "gru_sequences": lambda L: L.GRU(2, return_sequences=True),
    "rnn_state": lambda L: L.SimpleRNN(2, return_sequences=True, return_state=True),
    "backwards": lambda L: L.GRU(2, go_backwards=True),
    "cell": lambda L: L.RNN(L.GRUCell(2)),
    "bidirectional": lambda L: L.Bidirectional(L.LSTM(2, return_sequences=True)),
}


def all_cases() -> dict:
    cases = {f"steps/{name}/{length}": functools.partial(stepwise, make=make, length=length)
             for name, make in STEPWISE.items() for length in (3, None)}
    cases |= {"steps/pictures": pictures, "steps/masks": steps_with_masks}
    cases |= {f"mask/{name}/{head}": functools.partial(after_embedding, f=f, head=head)
              for name, f in AFTER.items() for head in ("lstm", "none")}
    cases |= {f"state/{name}/{explicit}": functools.partial(with_state, make=make, explicit=explicit)
              for name, make in RECURRENT.items() for explicit in (False, True)}
    unable = {"steps/batch_share/None", "mask/stop_gradient/none"}  # of losses in vectorized steps, of training
    return {name: run for name, run in cases.items() if name not in unable}
