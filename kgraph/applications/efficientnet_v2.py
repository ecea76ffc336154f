"""EfficientNetV2 B0 to B3, S, M and L (M. Tan, Q. Le, arXiv:2104.00298)."""
import math

from kgraph.applications.efficientnet import (
    DROP,
    EfficientNet,
    conv,
    depthwise,
    expand,
    norm,
    residual,
    squeeze_excite,
    swish,
)
from kgraph.applications.family import ADDRESS, COMMON, chain, channel_axis, nearest_multiple
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.initializers import Constant, VarianceScaling
from kgraph.layers import Normalization, Rescaling

__all__ = ["EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2L",
           "EfficientNetV2M", "EfficientNetV2S", "decode_predictions", "preprocess_input"]

MOMENTUM = 0.9
# fused (one convolution in place of two), repeats, filters, expansion, stride; the first number: filters of the stem
B = (32, [(1, 1, 16, 1, 1), (1, 2, 32, 4, 2), (1, 2, 48, 4, 2), (0, 3, 96, 4, 2), (0, 5, 112, 6, 1), (0, 8, 192, 6, 2)])
S = (24, [(1, 2, 24, 1, 1), (1, 4, 48, 4, 2), (1, 4, 64, 4, 2), (0, 6, 128, 4, 2), (0, 9, 160, 6, 1),
          (0, 15, 256, 6, 2)])
M = (24, [(1, 3, 24, 1, 1), (1, 5, 48, 4, 2), (1, 5, 80, 4, 2), (0, 7, 160, 4, 2), (0, 14, 176, 6, 1),
          (0, 18, 304, 6, 2), (0, 5, 512, 6, 1)])
L = (32, [(1, 4, 32, 1, 1), (1, 7, 64, 4, 2), (1, 7, 96, 4, 2), (0, 10, 192, 4, 2), (0, 19, 224, 6, 1),
          (0, 25, 384, 6, 2), (0, 7, 640, 6, 1)])


class EfficientNetV2(EfficientNet):
    """EfficientNet whose first stages have full convolutions. stages: one of the tables."""

    paper = "EfficientNetV2: Smaller Models and Faster Training, arXiv:2104.00298"
    arguments = {**COMMON, "include_preprocessing": True}
    width = depth = 1.0
    folder = f"{ADDRESS}efficientnet_v2/"

    def width_of(self, filters):
        return nearest_multiple(filters * self.width)

    def norm(self, name):
        return norm(name, MOMENTUM)

    def stem(self, x, a):
        axis = channel_axis(3)
        if a.include_preprocessing and self.stages is B and a.shape[axis - 1] == 3:
            x = Normalization(mean=[0.485, 0.456, 0.406], variance=[0.229**2, 0.224**2, 0.225**2],
                              axis=axis)(Rescaling(1.0 / 255)(x))
        elif a.include_preprocessing:
            x = Rescaling(1.0 / 128.0, offset=-1)(x)
        return chain(x, conv(self.width_of(self.stages[0]), 3, strides=2, name="stem_conv"), self.norm("stem_bn"),
                     swish(name="stem_activation"))

    def blocks(self, x):
        done, count = 0, sum(repeats for _, repeats, *_ in self.stages[1])    # before they are multiplied, as in Keras
        for i, (fused, repeats, filters, expansion, stride) in enumerate(self.stages[1], 1):
            for j in range(math.ceil(self.depth * repeats)):
                x = (self.fused if fused else self.block)(
                    x, f"block{i}{chr(97 + j)}_", self.width_of(filters), expansion, 1 if j else stride,
                    DROP * done / count)
                done += 1
        return x

    def block(self, x, name, filters, expansion, stride, drop):
        entry, filters_in = x, x.shape[channel_axis(3)]
        x = expand(x, filters_in * expansion, name, MOMENTUM)
        x = depthwise(x, 3, name, "dwconv2", MOMENTUM, strides=stride, padding="same")
        x = squeeze_excite(x, filters_in, name)
        x = chain(x, conv(filters, 1, name=f"{name}project_conv"), self.norm(f"{name}project_bn"))
        return residual(x, entry, drop, name) if stride == 1 and filters == filters_in else x

    def fused(self, x, name, filters, expansion, stride, drop):
        entry, filters_in = x, x.shape[channel_axis(3)]
        if expansion > 1:
            x = expand(x, filters_in * expansion, name, MOMENTUM, size=3, strides=stride)
            x = chain(x, conv(filters, 1, name=f"{name}project_conv"), self.norm(f"{name}project_bn"))
        else:
            x = chain(x, conv(filters, 3, strides=stride, name=f"{name}project_conv"), self.norm(f"{name}project_bn"),
                      swish(name=f"{name}project_activation"))
        return residual(x, entry, drop, name) if stride == 1 and filters == filters_in else x

    def head_start(self):
        return {"kernel_initializer": VarianceScaling(1 / 3, "fan_out", "uniform"), "bias_initializer": Constant(0.0)}


def _application(which, size, stages, digests, **factors):
    return EfficientNetV2.application(f"EfficientNetV2{which}", f"efficientnetv2-{which.lower()}", size=size,
                                      stages=stages, digests=digests, **factors)


EfficientNetV2B0 = _application("B0", 224, B, (
    "21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"))
EfficientNetV2B1 = _application("B1", 240, B, (
    "069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"), depth=1.1)
EfficientNetV2B2 = _application("B2", 260, B, (
    "424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"), width=1.1, depth=1.2)
EfficientNetV2B3 = _application("B3", 300, B, (
    "1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"), width=1.2, depth=1.4)
EfficientNetV2S = _application("S", 384, S, (
    "e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"))
EfficientNetV2M = _application("M", 480, M, (
    "a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"))
EfficientNetV2L = _application("L", 480, L, (
    "27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"))
preprocess_input = standardizer(None)


def __dir__():
    return sorted(__all__)
