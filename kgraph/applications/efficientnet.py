"""EfficientNet B0 to B7 (M. Tan, Q. Le, arXiv:1905.11946)."""
import math
from functools import partial

from kgraph.applications.family import Family, chain, channel_axis, divisible
from kgraph.applications.imagenet_utils import correct_pad, decode_predictions, standardizer
from kgraph.initializers import VarianceScaling
from kgraph.layers import (
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Multiply,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
)

__all__ = ["EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5",
           "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input"]

FOLDER = "https://storage.googleapis.com/keras-applications/"
DROP = 0.2          # the share of samples that the last block leaves out in training
SQUEEZE = 0.25
STAGES = [(3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2),
          (3, 1, 320, 6, 1)]     # window, repeats, filters, expansion, stride
swish = partial(Activation, "swish")


def conv(filters, size, **options):
    start = VarianceScaling(2.0, "fan_out", "truncated_normal")
    return Conv2D(filters, size, **{"padding": "same", "use_bias": False, "kernel_initializer": start, **options})


def norm(name, momentum=0.99):
    return BatchNormalization(axis=channel_axis(3), momentum=momentum, name=name)


def expand(x, filters, name, momentum=0.99, size=1, strides=1):
    return chain(x, conv(filters, size, strides=strides, name=f"{name}expand_conv"),
                 norm(f"{name}expand_bn", momentum), swish(name=f"{name}expand_activation"))


def depthwise(x, size, name, layer_name, momentum=0.99, **options):
    start = VarianceScaling(2.0, "fan_out", "truncated_normal")
    return chain(x, DepthwiseConv2D(size, use_bias=False, depthwise_initializer=start, name=f"{name}{layer_name}",
                                    **options),
                 norm(f"{name}bn", momentum), swish(name=f"{name}activation"))


def squeeze_excite(x, filters_in, name):
    """x times a gate for each channel, from the means over the picture."""
    filters = x.shape[channel_axis(3)]
    shape = (filters, 1, 1) if channel_axis(3) == 1 else (1, 1, filters)
    gate = chain(x, GlobalAveragePooling2D(name=f"{name}se_squeeze"), Reshape(shape, name=f"{name}se_reshape"),
                 conv(max(1, int(filters_in * SQUEEZE)), 1, activation="swish", use_bias=True, name=f"{name}se_reduce"),
                 conv(filters, 1, activation="sigmoid", use_bias=True, name=f"{name}se_expand"))
    return Multiply(name=f"{name}se_excite")([x, gate])


def residual(x, entry, drop, name):
    """x + entry; in training x is left out for a share `drop` of the samples."""
    if drop:
        x = Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return Add(name=f"{name}add")([x, entry])


class EfficientNet(Family):
    """Inverted residual blocks with squeeze-and-excite; width, depth: factors of filters and repeats."""

    paper = "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv:1905.11946"
    pool_names = ("avg_pool", "max_pool")
    dropout = 0.2

    def body(self, x, a):
        x = self.stem(x, a)
        x = self.blocks(x)
        return chain(x, conv(self.width_of(1280), 1, name="top_conv"), self.norm("top_bn"),
                     swish(name="top_activation"))

    def width_of(self, filters) -> int:
        return divisible(filters * self.width)

    def norm(self, name):
        return norm(name)

    def stem(self, x, a):
        x = Normalization(axis=channel_axis(3))(Rescaling(1.0 / 255.0)(x))
        if a.weights == "imagenet":   # the files were trained with square roots of the deviations
            x = Rescaling([1.0 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
        return chain(x, ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad"),
                     conv(self.width_of(32), 3, strides=2, padding="valid", name="stem_conv"), self.norm("stem_bn"),
                     swish(name="stem_activation"))

    def blocks(self, x):
        repeats = [math.ceil(self.depth * stage[1]) for stage in STAGES]
        done = 0
        for i, (size, _, filters, expansion, stride) in enumerate(STAGES):
            for j in range(repeats[i]):
                x = self.block(x, f"block{i + 1}{chr(97 + j)}_", size, self.width_of(filters), expansion,
                               1 if j else stride, DROP * done / sum(repeats))
                done += 1
        return x

    def block(self, x, name, size, filters, expansion, stride, drop):
        entry, filters_in = x, x.shape[channel_axis(3)]
        if expansion > 1:
            x = expand(x, filters_in * expansion, name)
        if stride > 1:
            x = ZeroPadding2D(correct_pad(x, size), name=f"{name}dwconv_pad")(x)
        x = depthwise(x, size, name, "dwconv", strides=stride, padding="valid" if stride > 1 else "same")
        x = squeeze_excite(x, filters_in, name)
        x = chain(x, conv(filters, 1, name=f"{name}project_conv"), norm(f"{name}project_bn"))
        return residual(x, entry, drop, name) if stride == 1 and filters == filters_in else x

    def head(self, x, a):
        return chain(x, GlobalAveragePooling2D(name="avg_pool"), Dropout(self.dropout, name="top_dropout"),
                     Dense(a.classes, activation=a.classifier_activation, name="predictions", **self.head_start()))

    def head_start(self) -> dict:
        """The classifier's initializers."""
        return {"kernel_initializer": VarianceScaling(1 / 3, "fan_out", "uniform")}

    def file(self, a):
        name = f"{self.name}{'' if a.include_top else '_notop'}.h5"
        return name, f"{self.folder}{name}"

    folder = FOLDER


def _application(number, width, depth, size, dropout, *digests):
    return EfficientNet.application(f"EfficientNetB{number}", f"efficientnetb{number}", width=width, depth=depth,
                                    size=size, dropout=dropout, digests=digests)


EfficientNetB0 = _application(0, 1.0, 1.0, 224, 0.2, "902e53a9f72be733fc0bcb005b3ebbac",
                              "50bc09e76180e00e4465e1a485ddc09d")
EfficientNetB1 = _application(1, 1.0, 1.1, 240, 0.2, "1d254153d4ab51201f1646940f018540",
                              "74c4e6b3e1f6a1eea24c589628592432")
EfficientNetB2 = _application(2, 1.1, 1.2, 260, 0.3, "b15cce36ff4dcbd00b6dd88e7857a6ad",
                              "111f8e2ac8aa800a7a99e3239f7bfb39")
EfficientNetB3 = _application(3, 1.2, 1.4, 300, 0.3, "ffd1fdc53d0ce67064dc6a9c7960ede0",
                              "af6d107764bb5b1abb91932881670226")
EfficientNetB4 = _application(4, 1.4, 1.8, 380, 0.4, "18c95ad55216b8f92d7e70b3a046e2fc",
                              "ebc24e6d6c33eaebbd558eafbeedf1ba")
EfficientNetB5 = _application(5, 1.6, 2.2, 456, 0.4, "ace28f2a6363774853a83a0b21b9421a",
                              "38879255a25d3c92d5e44e04ae6cec6f")
EfficientNetB6 = _application(6, 1.8, 2.6, 528, 0.5, "165f6e37dce68623721b423839de8be5",
                              "9ecce42647a20130c1f39a5d4cb75743")
EfficientNetB7 = _application(7, 2.0, 3.1, 600, 0.5, "8c03f828fec3ef71311cd463b6759d99",
                              "cbcfe4450ddf6f3ad90b1b398090fe4a")
preprocess_input = standardizer(None)


def __dir__():
    return sorted(__all__)
