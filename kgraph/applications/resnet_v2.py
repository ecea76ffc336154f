"""Residual networks of the second version (K. He and others, arXiv:1603.05027)."""
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.applications.resnet import ResNetV2

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

ResNet50V2 = ResNetV2.application("ResNet50V2", "resnet50v2", depths=(3, 4, 6, 3), digests=(
    "3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"))
ResNet101V2 = ResNetV2.application("ResNet101V2", "resnet101v2", depths=(3, 4, 23, 3), digests=(
    "6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"))
ResNet152V2 = ResNetV2.application("ResNet152V2", "resnet152v2", depths=(3, 8, 36, 3), digests=(
    "a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"))
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
