"""Layers that only applications have, under the names that Keras gives them in files."""
from __future__ import annotations

import inspect

from kgraph import initializers, ops, random
from kgraph.layers import Layer

__all__ = ["OBJECTS", "CustomScaleLayer", "LayerScale", "StochasticDepth"]


class _OfApplication(Layer):
    """Keras names these classes by the module they are in."""

    family = ""

    def _keras_identity(self):
        name = type(self).__name__
        return f"keras.src.applications.{self.family}", name, name


class LayerScale(_OfApplication):
    """x * gamma, a weight for each channel that begins at init_values (H. Touvron and others, arXiv:2103.17239).

    projection_dim: the number of channels.
    """

    family = "convnext"

    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(self.projection_dim,), initializer=initializers.Constant(self.init_values))

    def call(self, x):
        return x * self.gamma

    def get_config(self):
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


class StochasticDepth(_OfApplication):
    """In training, x of a sample as a whole is dropped with probability drop_path_rate; the others are scaled up
    (G. Huang and others, arXiv:1603.09382)."""

    family = "convnext"

    def __init__(self, drop_path_rate, **kwargs):
        super().__init__(**kwargs)
        self.drop_path_rate = drop_path_rate

    def call(self, x, training=None):
        if not training:
            return x
        kept = 1 - self.drop_path_rate
        draw = random.uniform((ops.shape(x)[0], *[1] * (len(x.shape) - 1)))
        return x / kept * ops.floor(kept + draw)

    def get_config(self):
        return {**super().get_config(), "drop_path_rate": self.drop_path_rate}


class CustomScaleLayer(_OfApplication):
    """first + second * scale, of two inputs."""

    family = "inception_resnet_v2"

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        return inputs[0] + inputs[1] * self.scale

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


OBJECTS = {name: x for name, x in list(globals().items()) if inspect.isclass(x) and name in __all__}
