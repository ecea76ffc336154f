"""Layers that shear images, mix the images of a batch, and put layers in a row."""
from __future__ import annotations

import inspect

from kgraph import ops, random
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.images import _Moved, _RandomImage
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["MixUp", "Pipeline", "RandomShear"]


class RandomShear(_Moved):
    """Shears images: rows by shares of up to x_factor of their distance from the top, columns by y_factor likewise.

    x_factor, y_factor  a number f for [-f, f], or (lower, upper); half of the images go the other way
    fill_mode           as for RandomRotation
    """

    described = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value", "data_format")

    def __init__(self, x_factor=0.0, y_factor=0.0, interpolation="bilinear", fill_mode="reflect", fill_value=0.0,
                 data_format=None, seed=None, **kwargs):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor, self.y_factor = (self._shares(name, value) for name, value in (
            ("x_factor", x_factor), ("y_factor", y_factor)))

    def _shares(self, name, value):
        if not isinstance(value, (tuple, list)):
            self._bounds(name, (0, value), 0.0, 1.0)
        return self._bounds(name, value)   # negative ends too: a config has them

    def _drawn(self, draw, height, width):
        side = ops.where(draw((), 1) > 0.5, -1.0, 1.0)
        y, x = draw(self.y_factor, 1), draw(self.x_factor, 1)
        return {"shear_factor": ops.concatenate([x, y], axis=1) * side}

    def _matrix(self, transformation, height, width):
        x, y = transformation["shear_factor"][:, 0], transformation["shear_factor"][:, 1]
        one, none = ops.ones_like(x), ops.zeros_like(x)
        return [one, x, none, y, one, none]


class MixUp(_RandomImage):
    """Each image and its label mixed with another of the batch, by weights of the Beta distribution of alpha and alpha
    (Zhang et al., https://arxiv.org/abs/1710.09412). Labels are one-hot or other floats."""

    described = ("alpha", "seed", "data_format")

    def __init__(self, alpha=0.2, data_format=None, seed=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        shape = self._shape(data)
        count = shape[0] if len(shape) == 4 else 1
        seed = self.generator if seed is None else seed
        order = ops.argsort(random.uniform((count,), seed=seed))
        return {"mix_weight": random.beta((count,), self.alpha, self.alpha, seed=seed), "permutation_order": order}

    def _changed(self, images, transformation):
        weight = ops.cast(transformation["mix_weight"], images.dtype)
        weight = ops.reshape(weight, (-1,) + (1,) * (len(images.shape) - 1))
        return weight * images + (1.0 - weight) * ops.take(images, transformation["permutation_order"], axis=0)

    def transform_labels(self, labels, transformation=None, training=True):
        return self.transform_images(labels, transformation, training)


class Pipeline(Layer):
    """Layers in a row, each called on what the one before it gave: preprocessing, mostly."""

    def __init__(self, layers, name=None):
        super().__init__(name=name)
        self._pipeline_layers = list(layers)

    @property
    def layers(self) -> list:
        return self._pipeline_layers

    def call(self, inputs, training=True):
        for layer in self._pipeline_layers:
            takes_training = "training" in inspect.signature(layer.call).parameters
            inputs = layer(inputs, training=training) if takes_training else layer(inputs)
        return inputs

    def get_config(self):
        return {"layers": serialize_keras_object(self._pipeline_layers), "name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layers": [deserialize_keras_object(layer) for layer in config["layers"]]})
