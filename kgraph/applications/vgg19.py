"""VGG19 (K. Simonyan, A. Zisserman, arXiv:1409.1556)."""
from kgraph.applications.vgg16 import VGG, decode_predictions, preprocess_input

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

VGG19 = VGG.application("VGG19", "vgg19", folder="vgg19", depths=(2, 2, 4, 4, 4), digests=(
    "cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"))


def __dir__():
    return sorted(__all__)
