"""Layers made of other layers on images: in a row, or chosen at random."""
from __future__ import annotations

import inspect

from kgraph import ops, random
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.colours import (
    AutoContrast,
    RandomColorDegeneration,
    RandomHue,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
    Solarization,
)
from kgraph.layers.preprocessing.histograms import Equalization
from kgraph.layers.preprocessing.image_base import Coloured, RandomImage
from kgraph.layers.preprocessing.images import RandomBrightness, RandomContrast
from kgraph.layers.preprocessing.moves import RandomRotation, RandomShear, RandomTranslation
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["AugMix", "Pipeline", "RandAugment", "RandomColorJitter"]


class Pipeline(Layer):
    """Layers in a row, each called on what the one before it gave: preprocessing, mostly.

    Args:
        layers: which are called one after the other.

    Example:
        >>> layers.Pipeline([layers.Resizing(4, 4), layers.Rescaling(1 / 255)])(np.ones((1, 8, 8, 3), "float32")).shape
        (1, 4, 4, 3)
    """

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


class RandomColorJitter(Coloured):
    """RandomBrightness, RandomContrast, RandomSaturation and RandomHue, in that order: those whose factor is given.

    Args:
        brightness_factor, contrast_factor, saturation_factor, hue_factor: of the layers of these names; None: not
            changed.

    Example:
        >>> layer = layers.RandomColorJitter(brightness_factor=0.2, seed=0)
        >>> layer(np.ones((1, 4, 4, 3), "float32"), training=True).shape
        (1, 4, 4, 3)
    """

    described = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor", "seed",
                 "data_format")

    def __init__(self, value_range=(0, 255), brightness_factor=None, contrast_factor=None, saturation_factor=None,
                 hue_factor=None, seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.value_range = value_range
        for name, make, factor in (("brightness", RandomBrightness, brightness_factor),
                                   ("contrast", RandomContrast, contrast_factor),
                                   ("saturation", RandomSaturation, saturation_factor),
                                   ("hue", RandomHue, hue_factor)):
            setattr(self, f"{name}_factor", factor)
            setattr(self, f"random_{name}", None if factor is None else make(
                factor, value_range=value_range, seed=seed, data_format=self.data_format, dtype=self.dtype_policy))

    def _parts(self):
        names = (f"random_{name}" for name in ("brightness", "contrast", "saturation", "hue"))
        return [(name, layer) for name in names if (layer := getattr(self, name)) is not None]

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        return {name: layer.get_random_transformation(data, seed=seed) for name, layer in self._parts()}

    def _changed(self, images, transformation):
        for name, layer in self._parts():
            images = layer.transform_images(images, transformation[name])
        return images


class _Choice(RandomImage):
    """Layers that are chosen by numbers; `choices` are their names, as attributes."""

    def __init__(self, value_range, factor, interpolation, seed, data_format, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.value_range, self.interpolation = value_range, interpolation
        self.factor = f = self._interval("factor", factor)
        shared = {"data_format": self.data_format, "dtype": self.dtype_policy,
                  "bounding_box_format": self.bounding_box_format}
        moved = {"interpolation": interpolation, "seed": seed, **shared}
        coloured = {"value_range": value_range, "seed": seed, **shared}
        makers = {
            "random_shear": lambda: RandomShear(f, f, **moved),
            "random_translation": lambda: RandomTranslation(f, f, **moved),
            "random_rotation": lambda: RandomRotation(f, **moved),
            "random_brightness": lambda: RandomBrightness(f, **coloured),
            "random_color_degeneration": lambda: RandomColorDegeneration(f, **coloured),
            "random_contrast": lambda: RandomContrast(f, **coloured),
            "random_sharpness": lambda: RandomSharpness(f, **coloured),
            "random_posterization": lambda: RandomPosterization(max(1, int(8 * f[1])), **coloured),
            "solarization": lambda: Solarization(f, f, **coloured),
            "auto_contrast": lambda: AutoContrast(value_range, **shared),
            "equalization": lambda: Equalization(value_range, **shared),
        }
        for name in self.choices:
            setattr(self, name, makers[name]())

    def _is_per_sample(self, training) -> bool:
        return not training

    def _transformations(self, data, seed) -> dict:
        return {name: getattr(self, name).get_random_transformation(data, seed=seed) for name in self.choices}

    def _chosen(self, index, what, x, transformations):
        """x changed by method `what` of the layer of that number; by none where the number is that of no layer."""
        changes = [lambda x, name=name: getattr(getattr(self, name), what)(x, transformations[name])
                   for name in self.choices]
        return ops.switch(index, [*changes, lambda x: x], x)


class RandAugment(_Choice):
    """num_ops changes one after another, chosen at random for the whole batch (Cubuk et al.,
    https://arxiv.org/abs/1909.13719).

    Args:
        factor: how strong: between the two of factor, within [0, 1]
        num_ops: how many changes each image gets, 2 by default.

    Example:
        >>> layers.RandAugment(seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("value_range", "num_ops", "factor", "interpolation", "seed", "data_format")
    choices = ("random_shear", "random_translation", "random_rotation", "random_brightness",
               "random_color_degeneration", "random_contrast", "random_sharpness", "random_posterization",
               "solarization", "auto_contrast", "equalization")

    def __init__(self, value_range=(0, 255), num_ops=2, factor=0.5, interpolation="bilinear", seed=None,
                 data_format=None, **kwargs):
        super().__init__(value_range, factor, interpolation, seed, data_format, **kwargs)
        self.num_ops = num_ops

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        return {"layer_idxes": random.randint((self.num_ops,), 0, len(self.choices), seed=seed),
                "transforms": self._transformations(data, seed)}

    def _changed(self, images, transformation):
        return self._row("transform_images", images, transformation)

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        if not self._moves(transformation, training):
            return segmentation_masks
        return self._row("transform_segmentation_masks", segmentation_masks, transformation)

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        if not self._moves(transformation, training):
            return bounding_boxes
        return self._row("transform_bounding_boxes", bounding_boxes, transformation)

    def _row(self, what, x, transformation):
        for i in range(self.num_ops):
            x = self._chosen(transformation["layer_idxes"][i], what, x, transformation["transforms"])
        return x


class AugMix(_Choice):
    """The mean of num_chains rows of chain_depth changes each, weighted at random, and mixed with the image (Hendrycks
    et al., https://arxiv.org/abs/1912.02781). Changes are chosen for the whole batch, "none" among them. Boxes stay.

    Args:
        factor: how strong: between the two of factor, within [0, 1]
        alpha: of the Dirichlet and Beta distributions of the weights
        all_ops: False: without brightness, colour, contrast and sharpness
        num_chains, chain_depth: how many chains are mixed, and how many changes are in one: 3 and 3.

    Example:
        >>> layers.AugMix(seed=0)(np.ones((1, 8, 8, 3), "float32"), training=True).shape
        (1, 8, 8, 3)
    """

    described = ("value_range", "num_chains", "chain_depth", "factor", "alpha", "all_ops", "interpolation", "seed",
                 "data_format")

    def __init__(self, value_range=(0, 255), num_chains=3, chain_depth=3, factor=0.3, alpha=1.0, all_ops=True,
                 interpolation="bilinear", seed=None, data_format=None, **kwargs):
        self.choices = ("random_shear", "random_translation", "random_rotation", "random_posterization",
                        "solarization", "auto_contrast", "equalization")
        if all_ops:
            self.choices += ("random_brightness", "random_color_degeneration", "random_contrast", "random_sharpness")
        super().__init__(value_range, factor, interpolation, seed, data_format, **kwargs)
        self.num_chains, self.chain_depth = num_chains, chain_depth
        self.alpha, self.all_ops = alpha, all_ops

    def get_random_transformation(self, data, training=True, seed=None):
        if not training:
            return None
        seed = self.generator if seed is None else seed
        weights = random.gamma((self.num_chains,), self.alpha, seed=seed)
        return {"chain_mixing_weights": weights / ops.sum(weights),
                "weight_sample": random.beta((), self.alpha, self.alpha, seed=seed),
                "layer_idxes": random.randint((self.num_chains, self.chain_depth), 0, len(self.choices) + 1, seed=seed),
                "chain_transforms": [[self._transformations(data, seed) for _ in range(self.chain_depth)]
                                     for _ in range(self.num_chains)]}

    def _changed(self, images, transformation):
        return ops.clip(self._mixed("transform_images", images, transformation), *self.value_range)

    def transform_segmentation_masks(self, segmentation_masks, transformation=None, training=True):
        if not self._moves(transformation, training):
            return segmentation_masks
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        return self._mixed("transform_segmentation_masks", masks, transformation)

    def transform_bounding_boxes(self, bounding_boxes, transformation=None, training=True):
        return bounding_boxes

    def _mixed(self, what, x, transformation):
        total = ops.zeros_like(x)
        for i, chain in enumerate(transformation["chain_transforms"]):
            y = x
            for index, transformations in zip(transformation["layer_idxes"][i], chain):
                y = self._chosen(index, what, y, transformations)
            total = total + y * ops.cast(transformation["chain_mixing_weights"][i], x.dtype)
        weight = ops.cast(transformation["weight_sample"], x.dtype)
        return weight * x + (1 - weight) * total
