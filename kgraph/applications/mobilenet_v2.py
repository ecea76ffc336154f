"""MobileNet v2 (M. Sandler and others, arXiv:1801.04381)."""
from functools import partial

from kgraph import config
from kgraph.applications.family import ADDRESS, COMMON, chain, channel_axis, divisible
from kgraph.applications.imagenet_utils import correct_pad, decode_predictions, standardizer
from kgraph.applications.mobilenet import SizedFamily, conv
from kgraph.graph import KTensor
from kgraph.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    ReLU,
    ZeroPadding2D,
)

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

STAGES = [(16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)]
BLOCKS = [(filters, stride if first else 1) for filters, count, stride in STAGES    # count blocks, the first strided
          for first in (True, *[False] * (count - 1))]
relu6 = partial(ReLU, 6.0)


def norm(name):
    return BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)


def check_input_tensor(title, a):
    """Raises ValueError when the shape and the tensor that a caller gave do not agree."""
    if a.input_shape is None or a.input_tensor is None:
        return
    if not isinstance(a.input_tensor, KTensor):
        raise ValueError(f"{title}: expected input_tensor to be a KTensor, received {a.input_tensor!r}")
    at = 1 if config.image_data_format() == "channels_first" else 2
    if a.input_tensor.shape[at] != a.input_shape[1]:
        raise ValueError(f"{title}: expected input_tensor to have the shape input_shape={tuple(a.input_shape)}, "
                         f"received one of shape {tuple(a.input_tensor.shape)}")


def _block(x, number, filters, stride, alpha):
    """Expanded by a 1x1 convolution, depthwise convolution, projected without activation."""
    axis = channel_axis()
    name, entry, filters = f"block_{number}_" if number else "expanded_conv_", x, divisible(int(filters * alpha))
    if number:
        x = chain(x, conv(6 * x.shape[axis], 1, name=f"{name}expand"), norm(f"{name}expand_BN"),
                  relu6(name=f"{name}expand_relu"))
    x = chain(x, ZeroPadding2D(correct_pad(x, 3), name=f"{name}pad") if stride > 1 else None,
              DepthwiseConv2D(3, strides=stride, use_bias=False, padding="valid" if stride > 1 else "same",
                              name=f"{name}depthwise"),
              norm(f"{name}depthwise_BN"), relu6(name=f"{name}depthwise_relu"),
              conv(filters, 1, name=f"{name}project"), norm(f"{name}project_BN"))
    return Add(name=f"{name}add")([entry, x]) if stride == 1 and entry.shape[axis] == filters else x


class MobileNetsV2(SizedFamily):
    """Inverted residual blocks: wide inside, narrow between them."""

    paper = "MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv:1801.04381"
    arguments = {"input_shape": None, "alpha": 1.0, **{k: v for k, v in COMMON.items() if k != "input_shape"}}
    sizes, alphas = (96, 128, 160, 192, 224), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)

    def check(self, a):
        super().check(a)
        check_input_tensor(self.title, a)

    def shape_of_tensor(self, a):
        return a.input_tensor.shape[1:] if isinstance(a.input_tensor, KTensor) else None

    def body(self, x, a):
        x = chain(x, conv(divisible(32 * a.alpha), 3, strides=2, name="Conv1"), norm("bn_Conv1"),
                  relu6(name="Conv1_relu"))
        for number, (filters, stride) in enumerate(BLOCKS):
            x = _block(x, number, filters, stride, a.alpha)
        last = divisible(1280 * a.alpha) if a.alpha > 1 else 1280
        return chain(x, Conv2D(last, 1, use_bias=False, name="Conv_1"), norm("Conv_1_bn"), relu6(name="out_relu"))

    def head(self, x, a):
        return chain(x, GlobalAveragePooling2D(),
                     Dense(a.classes, activation=a.classifier_activation, name="predictions"))

    def automatic_name(self, a):
        return f"mobilenetv2_{a.alpha:0.2f}_{a.rows}"

    def file(self, a):
        name = (f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(a.alpha)}_{a.rows}"
                f"{'' if a.include_top else '_no_top'}.h5")
        return name, f"{ADDRESS}mobilenet_v2/{name}"


MobileNetV2 = MobileNetsV2.application("MobileNetV2", "mobilenetv2")
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
