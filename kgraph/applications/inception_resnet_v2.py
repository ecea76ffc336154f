"""Inception-ResNet v2 (C. Szegedy and others, arXiv:1602.07261)."""
from kgraph.applications.family import Family, channel_axis
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.applications.inception_v3 import STEM, halving, mixed, path, unit, wide
from kgraph.applications.layers import CustomScaleLayer
from kgraph.layers import Activation, Conv2D

__all__ = ["InceptionResNetV2", "decode_predictions", "preprocess_input"]

FIRST = [(96, 1)], [(48, 1), (64, 5)], [(64, 1), (96, 3), (96, 3)], [wide, (64, 1)]
STAGES = [  # residual blocks: their name, branches, scale and number; then what makes the picture smaller
    ("block35", ([(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]), 0.17, 10,
     "mixed_6a", ([(384, 3, 2)], [(256, 1), (256, 3), (384, 3, 2)], [halving])),
    ("block17", ([(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]), 0.1, 20,
     "mixed_7a", ([(256, 1), (384, 3, 2)], [(256, 1), (288, 3, 2)], [(256, 1), (288, 3), (320, 3, 2)], [halving])),
    ("block8", ([(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]), 0.2, 9, None, None),
]


def _residual(x, branches, scale, name, active=True):
    joined = mixed(x, branches, f"{name}_mixed")
    up = Conv2D(x.shape[channel_axis(3)], 1, padding="same", name=f"{name}_conv")(joined)
    x = CustomScaleLayer(scale)([x, up])
    return Activation("relu", name=f"{name}_ac")(x) if active else x


class InceptionResNet(Family):
    """Inception blocks whose branches are added, scaled, to what came in."""

    paper = "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning, arXiv:1602.07261"
    size, smallest = 299, 75
    folder = "inception_resnet_v2"

    def body(self, x, a):
        x = mixed(path(x, STEM), FIRST, "mixed_5b")
        for name, branches, scale, count, reduction, smaller in STAGES:
            for i in range(1, count + 1):
                x = _residual(x, branches, scale, f"{name}_{i}")
            x = mixed(x, smaller, reduction) if smaller else x
        x = _residual(x, STAGES[-1][1], 1.0, "block8_10", active=False)
        return unit(x, 1536, name="conv_7b")


InceptionResNetV2 = InceptionResNet.application("InceptionResNetV2", "inception_resnet_v2", digests=(
    "e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4"))
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
