"""Xception (F. Chollet, arXiv:1610.02357)."""
from functools import partial

from kgraph.applications.family import Family, chain, channel_axis
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

relu = partial(Activation, "relu")


def norm(name=None):
    return BatchNormalization(axis=channel_axis(), name=name)


def _separable(filters, name, before=None, after=None):
    """A separable convolution and its normalisation; before, after: the names of relus around them."""
    return [relu(name=before) if before else None,
            SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name), norm(f"{name}_bn"),
            relu(name=after) if after else None]


def _halving(x, number, filters, first_relu=True):
    """Two separable convolutions and a pooling beside a strided 1x1 convolution."""
    block = f"block{number}"
    beside = chain(x, Conv2D(filters[1], 1, strides=2, padding="same", use_bias=False), norm())
    x = chain(x, *_separable(filters[0], f"{block}_sepconv1", before=f"{block}_sepconv1_act" if first_relu else None),
              *_separable(filters[1], f"{block}_sepconv2", before=f"{block}_sepconv2_act"),
              MaxPooling2D(3, strides=2, padding="same", name=f"{block}_pool"))
    return Add()([x, beside])


def _plain(x, number):
    """Three separable convolutions beside the identity."""
    names = [f"block{number}_sepconv{i}" for i in (1, 2, 3)]
    return Add()([chain(x, *[layer for n in names for layer in _separable(728, n, before=f"{n}_act")]), x])


class XceptionNet(Family):
    """Separable convolutions with residual connections."""

    paper = "Xception: Deep Learning with Depthwise Separable Convolutions, arXiv:1610.02357"
    size, smallest = 299, 71
    folder = "xception"

    def body(self, x, a):
        for i, (filters, strides) in enumerate(((32, 2), (64, 1)), 1):
            name = f"block1_conv{i}"
            x = chain(x, Conv2D(filters, 3, strides=strides, use_bias=False, name=name), norm(f"{name}_bn"),
                      relu(name=f"{name}_act"))
        x = _halving(x, 2, (128, 128), first_relu=False)
        x = _halving(x, 3, (256, 256))
        x = _halving(x, 4, (728, 728))
        for number in range(5, 13):
            x = _plain(x, number)
        x = _halving(x, 13, (728, 1024))
        return chain(x, *_separable(1536, "block14_sepconv1", after="block14_sepconv1_act"),
                     *_separable(2048, "block14_sepconv2", after="block14_sepconv2_act"))


Xception = XceptionNet.application("Xception", "xception", digests=(
    "0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97"))
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
