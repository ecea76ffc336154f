"""Densely connected networks (G. Huang and others, arXiv:1608.06993)."""
from functools import partial

from kgraph.applications.family import Family, chain
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.applications.resnet import norm, relu
from kgraph.layers import AveragePooling2D, Concatenate, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

GROWTH = 32
conv = partial(Conv2D, use_bias=False)


class DenseNet(Family):
    """Four stages in which each block sees what all before it gave; depths: how many blocks in each."""

    paper = "Densely Connected Convolutional Networks, arXiv:1608.06993"
    pool_names = ("avg_pool", "max_pool")
    knows_channels_first = False
    folder = "densenet"

    def body(self, x, a):
        x = chain(x, ZeroPadding2D(((3, 3), (3, 3))), conv(64, 7, strides=2, name="conv1_conv"), norm("conv1_bn"),
                  relu(name="conv1_relu"), ZeroPadding2D(((1, 1), (1, 1))), MaxPooling2D(3, strides=2, name="pool1"))
        for i, depth in enumerate(self.depths, 2):
            for j in range(1, depth + 1):
                x = _grow(x, f"conv{i}_block{j}")
            x = _halve(x, f"pool{i}") if i < 5 else chain(x, norm("bn"), relu(name="relu"))
        return x


def _grow(x, name):
    new = chain(x, norm(f"{name}_0_bn"), relu(name=f"{name}_0_relu"), conv(4 * GROWTH, 1, name=f"{name}_1_conv"),
                norm(f"{name}_1_bn"), relu(name=f"{name}_1_relu"),
                conv(GROWTH, 3, padding="same", name=f"{name}_2_conv"))
    return Concatenate(axis=3, name=f"{name}_concat")([x, new])


def _halve(x, name):
    return chain(x, norm(f"{name}_bn"), relu(name=f"{name}_relu"), conv(x.shape[3] // 2, 1, name=f"{name}_conv"),
                 AveragePooling2D(2, strides=2, name=f"{name}_pool"))


DenseNet121 = DenseNet.application("DenseNet121", "densenet121", depths=(6, 12, 24, 16), digests=(
    "9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"))
DenseNet169 = DenseNet.application("DenseNet169", "densenet169", depths=(6, 12, 32, 32), digests=(
    "d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"))
DenseNet201 = DenseNet.application("DenseNet201", "densenet201", depths=(6, 12, 48, 32), digests=(
    "1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"))
preprocess_input = standardizer("torch")


def __dir__():
    return sorted(__all__)
