"""VGG16, and the family of VGG (K. Simonyan, A. Zisserman, arXiv:1409.1556)."""
from kgraph.applications.family import Family, chain
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.layers import Conv2D, Dense, Flatten, MaxPooling2D

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]


class VGG(Family):
    """Five blocks of 3x3 convolutions; depths: how many in each."""

    paper = "Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv:1409.1556"

    def body(self, x, a):
        for i, (depth, filters) in enumerate(zip(self.depths, (64, 128, 256, 512, 512)), 1):
            for j in range(1, depth + 1):
                x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{i}_conv{j}")(x)
            x = MaxPooling2D(2, strides=2, name=f"block{i}_pool")(x)
        return x

    def head(self, x, a):
        return chain(x, Flatten(name="flatten"), Dense(4096, activation="relu", name="fc1"),
                     Dense(4096, activation="relu", name="fc2"),
                     Dense(a.classes, activation=a.classifier_activation, name="predictions"))


VGG16 = VGG.application("VGG16", "vgg16", folder="vgg16", depths=(2, 2, 3, 3, 3), digests=(
    "64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc"))
preprocess_input = standardizer("caffe")


def __dir__():
    return sorted(__all__)
