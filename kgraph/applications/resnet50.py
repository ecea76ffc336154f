"""ResNet50 where older programs look for it."""
from kgraph.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]


def __dir__():
    return sorted(__all__)
