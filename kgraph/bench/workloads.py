"""The models that are measured: built with whatever module speaks Keras's functional API.

Only NumPy is imported here: the processes of the peers load this file too. Data are random; speed alone is measured.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["WORKLOADS", "Workload"]

NUMBERS = 4_000_000   # that the inputs of a model should hold together


@dataclass(frozen=True)
class Workload:
    """A model and batches for it.

    build   (Keras-like module) -> model, not compiled
    inputs  for each input its shape without the batch, and how many different integers it holds (0: floats in [0, 1))
    classes of the output: a softmax over so many, or one sigmoid for 2
    batch   samples a batch
    outputs how many outputs there are, all with the same targets
    """

    build: object
    inputs: tuple
    classes: int
    batch: int
    outputs: int = 1

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
        y = rng.integers(0, self.classes, (rows, 1)).astype("int32" if self.classes > 2 else "float32")
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
