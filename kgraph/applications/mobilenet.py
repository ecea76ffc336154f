"""MobileNet (A. Howard and others, arXiv:1704.04861)."""
from functools import partial

from kgraph import config
from kgraph.applications.family import ADDRESS, COMMON, Family, chain, channel_axis
from kgraph.applications.imagenet_utils import decode_predictions, obtain_input_shape, standardizer
from kgraph.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)
from kgraph.naming import warn_at_user

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]

BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
          (1024, 2), (1024, 1)]   # filters and strides
conv = partial(Conv2D, padding="same", use_bias=False)


def _active(name):
    return BatchNormalization(axis=channel_axis(), name=f"{name}_bn"), ReLU(6.0, name=f"{name}_relu")


def spatial(shape) -> tuple:
    """(rows, columns) of a shape without the batch axis."""
    return tuple(shape[1:] if config.image_data_format() == "channels_first" else shape[:2])


class SizedFamily(Family):
    """Has weights for square pictures of several sizes, and for several widths `alphas`."""

    sizes: tuple = ()
    alphas: tuple = ()

    def shape(self, a):
        rows, columns = spatial(a.input_shape or self.shape_of_tensor(a) or (None,) * 3)
        size = rows if rows == columns and rows in self.sizes else self.size
        shape = obtain_input_shape(a.input_shape, size, self.smallest, config.image_data_format(), a.include_top,
                                   a.weights)
        rows, columns = spatial(shape)
        a.rows = rows
        if a.weights == "imagenet" and (rows != columns or rows not in self.sizes):
            a.rows = self.size
            warn_at_user(f"{self.title}: there are weights for square pictures of {', '.join(map(str, self.sizes))} "
                         f"pixels, received input_shape={shape}; those of {self.size} are loaded")
        return shape

    def shape_of_tensor(self, a):
        return None

    def check(self, a):
        super().check(a)
        if a.weights == "imagenet" and a.alpha not in self.alphas:
            raise ValueError(f"{self.title}: expected alpha to be one of {', '.join(map(str, self.alphas))} with "
                             f"weights='imagenet', received {a.alpha!r}")


class MobileNets(SizedFamily):
    """Depthwise and 1x1 convolutions in turn."""

    paper = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv:1704.04861"
    arguments = {"input_shape": None, "alpha": 1.0, "depth_multiplier": 1, "dropout": 0.001,
                 **{key: value for key, value in COMMON.items() if key != "input_shape"}}
    sizes, alphas = (128, 160, 192, 224), (0.25, 0.5, 0.75, 1.0)

    def check(self, a):
        super().check(a)
        if a.weights == "imagenet" and a.depth_multiplier != 1:
            raise ValueError(f"{self.title}: expected depth_multiplier=1 with weights='imagenet', received "
                             f"{a.depth_multiplier!r}")

    def body(self, x, a):
        x = chain(x, conv(int(32 * a.alpha), 3, strides=2, name="conv1"), *_active("conv1"))
        for i, (filters, stride) in enumerate(BLOCKS, 1):
            x = chain(
                x, ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}") if stride > 1 else None,
                DepthwiseConv2D(3, padding="valid" if stride > 1 else "same", depth_multiplier=a.depth_multiplier,
                                strides=stride, use_bias=False, name=f"conv_dw_{i}"), *_active(f"conv_dw_{i}"),
                conv(int(filters * a.alpha), 1, name=f"conv_pw_{i}"), *_active(f"conv_pw_{i}"))
        return x

    def head(self, x, a):
        return chain(x, GlobalAveragePooling2D(keepdims=True), Dropout(a.dropout, name="dropout"),
                     Conv2D(a.classes, 1, padding="same", name="conv_preds"),
                     Reshape((a.classes,), name="reshape_2"), Activation(a.classifier_activation, name="predictions"))

    def automatic_name(self, a):
        return f"mobilenet_{a.alpha:0.2f}_{a.rows}"

    def file(self, a):
        width = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[a.alpha]
        name = f"mobilenet_{width}_{a.rows}_tf{'' if a.include_top else '_no_top'}.h5"
        return name, f"{ADDRESS}mobilenet/{name}"


MobileNet = MobileNets.application("MobileNet", "mobilenet")
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
