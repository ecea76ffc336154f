"""Inception v3 (C. Szegedy and others, arXiv:1512.00567)."""
from functools import partial

from kgraph.applications.family import Family, channel_axis
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.layers import Activation, AveragePooling2D, BatchNormalization, Concatenate, Conv2D, MaxPooling2D

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

wide = partial(AveragePooling2D, 3, strides=1, padding="same")   # poolings that begin a branch
halving = partial(MaxPooling2D, 3, strides=2)
STEM = [(32, 3, 2), (32, 3, 1, "valid"), (64, 3), halving, (80, 1, 1, "valid"), (192, 3, 1, "valid"), halving]


def unit(x, filters, size=1, strides=1, padding=None, name=None):
    """Convolution, normalisation and relu; strided ones do not pad unless they are told to."""
    padding = padding or ("same" if strides == 1 else "valid")
    x = Conv2D(filters, size, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = BatchNormalization(axis=channel_axis(3), scale=False, name=name and f"{name}_bn")(x)
    return Activation("relu", name=name and f"{name}_ac")(x)


def path(x, steps):
    """steps: arguments of `unit`, or layers to be made."""
    for step in steps:
        x = step()(x) if callable(step) else unit(x, *step)
    return x


def mixed(x, branches, name=None):
    """The branches side by side; each is a list of steps."""
    return join([path(x, steps) for steps in branches], name)


def join(parts, name=None):
    return Concatenate(axis=channel_axis(3), name=name)(parts)


def _square(pooled):
    """Branches with 5x5 and 3x3 windows."""
    return [(64, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [wide, (pooled, 1)]


def _crossed(n):
    """Branches with 1x7 and 7x1 windows, of n filters inside."""
    row, column = (1, 7), (7, 1)
    return ([(192, 1)], [(n, 1), (n, row), (192, column)],
            [(n, 1), (n, column), (n, row), (n, column), (192, row)], [wide, (192, 1)])


MIXED = [_square(32), _square(64), _square(64),
         ([(384, 3, 2)], [(64, 1), (96, 3), (96, 3, 2)], [halving]),
         _crossed(128), _crossed(160), _crossed(160), _crossed(192),
         ([(192, 1), (320, 3, 2)], [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3, 2)], [halving])]


def _forked(x, number):
    """The last two blocks: two of their branches end in a row and a column beside each other."""
    ends = [(384, (1, 3))], [(384, (3, 1))]
    plain = unit(x, 320)
    shallow = mixed(unit(x, 384), ends, f"mixed9_{number}")
    deep = mixed(path(x, [(448, 1), (384, 3)]), ends)
    return join([plain, shallow, deep, path(x, [wide, (192, 1)])], f"mixed{9 + number}")


class Inception(Family):
    """Blocks of branches with windows of several sizes."""

    paper = "Rethinking the Inception Architecture for Computer Vision, arXiv:1512.00567"
    size, smallest = 299, 75
    folder = "inception_v3"

    def body(self, x, a):
        x = path(x, STEM)
        for number, branches in enumerate(MIXED):
            x = mixed(x, branches, f"mixed{number}")
        return _forked(_forked(x, 0), 1)


InceptionV3 = Inception.application("InceptionV3", "inception_v3", digests=(
    "9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"))
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
