"""The models that are measured: built with whatever module speaks Keras's functional API.

Only NumPy is imported here: the processes of the peers load this file too. Data are random; speed alone is measured.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["BIG", "DEEP", "WORKLOADS", "Workload"]

NUMBERS = 4_000_000   # that the inputs of a model should hold together


@dataclass(frozen=True)
class Workload:
    """A model and batches for it.

    build   (Keras-like module) -> model, not compiled
    inputs  for each input its shape without the batch, and how many different integers it holds (0: floats in [0, 1))
    classes of the output: a softmax over so many, or one sigmoid for 2
    batch   samples a batch
    outputs how many outputs there are, all with the same targets
    target  shape of a sample's targets
    """

    build: object
    inputs: tuple
    classes: int
    batch: int
    outputs: int = 1
    target: tuple = (1,)

    @property
    def loss(self) -> str:
        return "sparse_categorical_crossentropy" if self.classes > 2 else "binary_crossentropy"

    @property
    def batches(self) -> int:
        """How many to measure over: more of small ones."""
        numbers = self.batch * sum(math.prod(shape) for shape, _ in self.inputs)
        return max(4, min(128, NUMBERS // numbers))

    def data(self, batches: int):
        """(list of inputs, targets) of so many batches; floats are float32, integers int32."""
        rng, rows = np.random.default_rng(0), batches * self.batch
        x = [rng.integers(0, n, (rows, *shape)).astype("int32") if n else rng.random((rows, *shape), "float32")
             for shape, n in self.inputs]
        y = rng.integers(0, self.classes, (rows, *self.target)).astype("int32" if self.classes > 2 else "float32")
        return x, y if self.outputs == 1 else [y] * self.outputs


def _head(layers, x, classes, **kwargs):
    return layers.Dense(classes if classes > 2 else 1, activation="softmax" if classes > 2 else "sigmoid", **kwargs)(x)


def dense_stack(keras, inputs, widths, classes, rate=0.0):
    """Dense layers with relu, and dropout behind each where there is a rate."""
    layers = keras.layers
    x = start = keras.Input((inputs,))
    for width in widths:
        x = layers.Dense(width, activation="relu")(x)
        x = layers.Dropout(rate)(x) if rate else x
    return keras.Model(start, _head(layers, x, classes))


def conv_stack(keras, shape, blocks, width, classes):
    """blocks: the filters of the 3x3 convolutions before each pooling. Then one wide Dense layer."""
    layers = keras.layers
    x = start = keras.Input(shape)
    for filters in blocks:
        for n in filters:
            x = layers.Conv2D(n, 3, activation="relu")(x)
        x = layers.Dropout(0.25)(layers.MaxPooling2D(2)(x))
    x = layers.Dense(width, activation="relu")(layers.Flatten()(x))
    return keras.Model(start, _head(layers, layers.Dropout(0.5)(x), classes))


def siamese_lstm(keras):
    """One LSTM that reads two sequences."""
    layers = keras.layers
    read, pair = layers.LSTM(64), [keras.Input((140, 256)), keras.Input((140, 256))]
    return keras.Model(pair, _head(layers, layers.concatenate([read(x) for x in pair]), 2))


def headline(keras):
    """Words and further numbers in, a main and an auxiliary answer out."""
    layers = keras.layers
    words, more = keras.Input((100,), dtype="int32"), keras.Input((5,))
    read = layers.LSTM(32)(layers.Embedding(10_000, 512)(words))
    x = layers.concatenate([read, more])
    for _ in range(3):
        x = layers.Dense(64, activation="relu")(x)
    return keras.Model([words, more], [_head(layers, x, 2, name="main"), _head(layers, read, 2, name="auxiliary")])


def resnet20(keras):
    """He et al., "Deep residual learning for image recognition" (2016), the form for 32x32 pixels."""
    layers = keras.layers

    def normed(x, filters, strides=1):
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    start = keras.Input((32, 32, 3))
    x = layers.ReLU()(normed(start, 16))
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for strides in (first, 1, 1):
            y = normed(layers.ReLU()(normed(x, filters, strides)), filters)
            if strides > 1:
                x = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
            x = layers.ReLU()(layers.add([x, y]))
    return keras.Model(start, _head(layers, layers.GlobalAveragePooling2D()(x), 10))


def mobilenet(keras):
    """Depthwise separable blocks: Howard et al., "MobileNets" (2017), six of them."""
    layers = keras.layers
    x = start = keras.Input((64, 64, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False)(x)
    for filters, strides in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)):
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(start, _head(layers, layers.GlobalAveragePooling2D()(x), 10))


def transformer(keras):
    """Two encoder blocks, normalised first, of width 128 with 4 heads over 64 tokens."""
    layers = keras.layers
    tokens = keras.Input((64,), dtype="int32")
    x = layers.Embedding(5000, 128)(tokens)
    for _ in range(2):
        h = layers.LayerNormalization()(x)
        x = layers.add([x, layers.MultiHeadAttention(4, 32)(h, h)])
        h = layers.Dense(512, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.add([x, layers.Dense(128)(h)])
    return keras.Model(tokens, _head(layers, layers.GlobalAveragePooling1D()(x), 2))


def resnet50(keras):
    """He et al. (2016) for 224x224 pixels, the strides in the 3x3 convolutions."""
    layers = keras.layers

    def normed(x, filters, size, strides=1):
        x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    start = keras.Input((224, 224, 3))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(layers.ReLU()(normed(start, 64, 7, 2)))
    for filters, blocks, first in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for strides in (first, *[1] * (blocks - 1)):
            y = layers.ReLU()(normed(x, filters, 1))
            y = normed(layers.ReLU()(normed(y, filters, 3, strides)), 4 * filters, 1)
            if x.shape[-1] != 4 * filters:
                x = normed(x, 4 * filters, 1, strides)
            x = layers.ReLU()(layers.add([x, y]))
    return keras.Model(start, _head(layers, layers.GlobalAveragePooling2D()(x), 1000))


def mobilenet_v2(keras):
    """Sandler et al., "MobileNetV2" (2018), for 224x224 pixels."""
    layers = keras.layers

    def normed(x, make, **kwargs):
        return layers.BatchNormalization()(make(padding="same", use_bias=False, **kwargs)(x))

    def block(x, filters, factor, strides):
        y, before = x, x.shape[-1]
        if factor > 1:
            y = layers.ReLU(6.0)(normed(y, layers.Conv2D, filters=factor * before, kernel_size=1))
        y = layers.ReLU(6.0)(normed(y, layers.DepthwiseConv2D, kernel_size=3, strides=strides))
        y = normed(y, layers.Conv2D, filters=filters, kernel_size=1)
        return layers.add([x, y]) if strides == 1 and before == filters else y

    start = keras.Input((224, 224, 3))
    x = layers.ReLU(6.0)(normed(start, layers.Conv2D, filters=32, kernel_size=3, strides=2))
    for factor, filters, count, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                          (6, 160, 3, 2), (6, 320, 1, 1)):
        for strides in (first, *[1] * (count - 1)):
            x = block(x, filters, factor, strides)
    x = layers.ReLU(6.0)(normed(x, layers.Conv2D, filters=1280, kernel_size=1))
    return keras.Model(start, _head(layers, layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x)), 1000))


def _with_places(keras, tokens, vocabulary, width):
    """Embedded tokens, to which a learnt vector of each place is added."""
    class Places(keras.layers.Layer):
        def build(self, shape):
            self.table = self.add_weight(shape=shape[1:], initializer="uniform", name="table")

        def call(self, x):
            return x + self.table

    return Places()(keras.layers.Embedding(vocabulary, width)(tokens))


def bert_base(keras, blocks=12, width=768, heads=12):
    """Devlin et al., "BERT" (2019): encoders normalised last over 128 tokens, one verdict from the first."""
    layers = keras.layers
    norm = lambda x: layers.LayerNormalization(epsilon=1e-12)(x)
    tokens = keras.Input((128,), dtype="int32")
    x = layers.Dropout(0.1)(norm(_with_places(keras, tokens, 30_522, width)))
    for _ in range(blocks):
        h = layers.Dropout(0.1)(layers.MultiHeadAttention(heads, width // heads)(x, x))
        x = norm(layers.add([x, h]))
        h = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(x))
        x = norm(layers.add([x, layers.Dropout(0.1)(h)]))
    first = layers.Dense(width, activation="tanh")(layers.Flatten()(layers.Cropping1D((0, 127))(x)))
    return keras.Model(tokens, _head(layers, layers.Dropout(0.1)(first), 2))


def gpt2_small(keras, blocks=12, width=768, heads=12):
    """Radford et al., "Language models are unsupervised multitask learners" (2019): causal decoders normalised first
    over 256 tokens, a distribution over 50,257 behind each."""
    layers = keras.layers
    norm = lambda x: layers.LayerNormalization(epsilon=1e-5)(x)
    tokens = keras.Input((256,), dtype="int32")
    x = _with_places(keras, tokens, 50_257, width)
    for _ in range(blocks):
        h = norm(x)
        x = layers.add([x, layers.MultiHeadAttention(heads, width // heads)(h, h, use_causal_mask=True)])
        h = layers.Dense(4 * width, activation="gelu")(norm(x))
        x = layers.add([x, layers.Dense(width)(h)])
    return keras.Model(tokens, _head(layers, norm(x), 50_257, use_bias=False))


def lstm_lm(keras, width=512):
    """Two LSTMs over 64 words, a distribution over 10,000 behind each."""
    layers = keras.layers
    words = keras.Input((64,), dtype="int32")
    x = layers.Embedding(10_000, width)(words)
    for _ in range(2):
        x = layers.Dropout(0.2)(layers.LSTM(width, return_sequences=True)(x))
    return keras.Model(words, _head(layers, x, 10_000))


def recommender(keras):
    """26 tables of 100,000 rows and 13 numbers."""
    layers = keras.layers
    rows, numbers = [keras.Input((1,), dtype="int32") for _ in range(26)], keras.Input((13,))
    known = [layers.Flatten()(layers.Embedding(100_000, 16)(r)) for r in rows]
    x = layers.concatenate([*known, layers.Dense(16, activation="relu")(numbers)])
    for width in (512, 256, 128):
        x = layers.Dense(width, activation="relu")(x)
    return keras.Model([*rows, numbers], _head(layers, x, 2))


WORKLOADS = {
    "tiny": Workload(lambda k: dense_stack(k, 100, (32,), 2), (((100,), 0),), 2, 32),
    "mlp": Workload(lambda k: dense_stack(k, 784, (512, 512), 10, 0.2), (((784,), 0),), 10, 128),
    "mnist_cnn": Workload(lambda k: conv_stack(k, (28, 28, 1), ((32, 64),), 128, 10), (((28, 28, 1), 0),), 10, 128),
    "vgg": Workload(lambda k: conv_stack(k, (100, 100, 3), ((32, 32), (64, 64)), 256, 10),
                    (((100, 100, 3), 0),), 10, 32),
    "resnet20": Workload(resnet20, (((32, 32, 3), 0),), 10, 32),
    "mobilenet": Workload(mobilenet, (((64, 64, 3), 0),), 10, 32),
    "transformer": Workload(transformer, (((64,), 5000),), 2, 32),
    "siamese_lstm": Workload(siamese_lstm, (((140, 256), 0), ((140, 256), 0)), 2, 32),
    "headline": Workload(headline, (((100,), 10_000), ((5,), 0)), 2, 32, outputs=2),
}

BIG = {  # at the sizes that people deploy
    "resnet50": Workload(resnet50, (((224, 224, 3), 0),), 1000, 16),
    "mobilenet_v2": Workload(mobilenet_v2, (((224, 224, 3), 0),), 1000, 16),
    "bert_base": Workload(bert_base, (((128,), 30_522),), 2, 8),
    "gpt2_small": Workload(gpt2_small, (((256,), 50_257),), 50_257, 2, target=(256,)),
    "lstm_lm": Workload(lstm_lm, (((64,), 10_000),), 10_000, 20, target=(64,)),
    "recommender": Workload(recommender, (*[((1,), 100_000)] * 26, ((13,), 0)), 2, 2048),
}

DEEP = {  # small layers, so many of them: what counts is what surrounds the kernels
    f"layers_{n}": Workload(lambda k, n=n: dense_stack(k, 16, (16,) * (n - 1), 2), (((16,), 0),), 2, 32)
    for n in (2, 25, 100)}
