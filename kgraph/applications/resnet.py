"""Residual networks, and their second version (K. He and others, arXiv:1512.03385 and arXiv:1603.05027)."""
from functools import partial

from kgraph.applications.family import Family, chain, channel_axis
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

relu = partial(Activation, "relu")
pad = partial(ZeroPadding2D, ((1, 1), (1, 1)))


def norm(name):
    return BatchNormalization(axis=channel_axis(3), epsilon=1.001e-5, name=name)


class ResNet(Family):
    """Four stages of bottlenecks, of 64, 128, 256 and 512 filters inside; depths: how many in each."""

    paper = "Deep Residual Learning for Image Recognition, arXiv:1512.03385"
    pool_names = ("avg_pool", "max_pool")
    folder = "resnet"

    def body(self, x, a):
        x = chain(x, *self.stem(), pad(name="pool1_pad"), MaxPooling2D(3, strides=2, name="pool1_pool"))
        for i, depth in enumerate(self.depths):
            for j in range(1, depth + 1):
                x = self.block(x, 64 << i, j == 1, self.stride(i, j), f"conv{i + 2}_block{j}")
        return x

    def stem(self):
        return [ZeroPadding2D(((3, 3), (3, 3)), name="conv1_pad"), Conv2D(64, 7, strides=2, name="conv1_conv"),
                norm("conv1_bn"), relu(name="conv1_relu")]

    def stride(self, stage, place):
        """Of the block at that place, from 1."""
        return 2 if stage and place == 1 else 1

    def block(self, x, filters, first, stride, name):
        shortcut = x
        if first:
            shortcut = chain(x, Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv"), norm(f"{name}_0_bn"))
        x = chain(
            x, Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv"), norm(f"{name}_1_bn"),
            relu(name=f"{name}_1_relu"),
            Conv2D(filters, 3, padding="same", name=f"{name}_2_conv"), norm(f"{name}_2_bn"),
            relu(name=f"{name}_2_relu"), Conv2D(4 * filters, 1, name=f"{name}_3_conv"), norm(f"{name}_3_bn"))
        return relu(name=f"{name}_out")(Add(name=f"{name}_add")([shortcut, x]))


class ResNetV2(ResNet):
    """The same with normalisation and activation before the convolutions, and strides at the end of a stage."""

    paper = "Identity Mappings in Deep Residual Networks, arXiv:1603.05027"

    def body(self, x, a):
        return chain(super().body(x, a), norm("post_bn"), relu(name="post_relu"))

    def stem(self):
        return super().stem()[:2]

    def stride(self, stage, place):
        return 2 if stage < 3 and place == self.depths[stage] else 1

    def block(self, x, filters, first, stride, name):
        before = chain(x, norm(f"{name}_preact_bn"), relu(name=f"{name}_preact_relu"))
        if first:
            shortcut = Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(before)
        else:
            shortcut = MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
        x = chain(
            before, Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv"), norm(f"{name}_1_bn"),
            relu(name=f"{name}_1_relu"), pad(name=f"{name}_2_pad"),
            Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv"), norm(f"{name}_2_bn"),
            relu(name=f"{name}_2_relu"), Conv2D(4 * filters, 1, name=f"{name}_3_conv"))
        return Add(name=f"{name}_out")([shortcut, x])


ResNet50 = ResNet.application("ResNet50", "resnet50", depths=(3, 4, 6, 3), digests=(
    "2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"))
ResNet101 = ResNet.application("ResNet101", "resnet101", depths=(3, 4, 23, 3), digests=(
    "f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"))
ResNet152 = ResNet.application("ResNet152", "resnet152", depths=(3, 8, 36, 3), digests=(
    "100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"))
preprocess_input = standardizer("caffe")


def __dir__():
    return sorted(__all__)
