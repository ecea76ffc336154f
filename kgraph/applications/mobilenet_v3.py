"""MobileNet v3, small and large (A. Howard and others, arXiv:1905.02244)."""
from functools import partial

from kgraph import config
from kgraph.applications.family import ADDRESS, Family, chain, channel_axis, divisible
from kgraph.applications.imagenet_utils import correct_pad, decode_predictions, standardizer
from kgraph.applications.mobilenet import conv, spatial
from kgraph.applications.mobilenet_v2 import check_input_tensor, norm
from kgraph.graph import KTensor
from kgraph.layers import (
    Activation,
    Add,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Multiply,
    ReLU,
    Rescaling,
    ZeroPadding2D,
)
from kgraph.naming import warn_at_user

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]

hard_swish = partial(Activation, "hard_swish")
# expansion, filters, stride, window 5 instead of 3, squeeze-and-excite, hard_swish instead of relu
SMALL = [(1, 16, 2, 0, 1, 0), (4.5, 24, 2, 0, 0, 0), (88 / 24, 24, 1, 0, 0, 0), (4, 40, 2, 1, 1, 1),
         (6, 40, 1, 1, 1, 1), (6, 40, 1, 1, 1, 1), (3, 48, 1, 1, 1, 1), (3, 48, 1, 1, 1, 1), (6, 96, 2, 1, 1, 1),
         (6, 96, 1, 1, 1, 1), (6, 96, 1, 1, 1, 1)]
LARGE = [(1, 16, 1, 0, 0, 0), (4, 24, 2, 0, 0, 0), (3, 24, 1, 0, 0, 0), (3, 40, 2, 1, 1, 0), (3, 40, 1, 1, 1, 0),
         (3, 40, 1, 1, 1, 0), (6, 80, 2, 0, 0, 1), (2.5, 80, 1, 0, 0, 1), (2.3, 80, 1, 0, 0, 1), (2.3, 80, 1, 0, 0, 1),
         (6, 112, 1, 0, 1, 1), (6, 112, 1, 0, 1, 1), (6, 160, 2, 1, 1, 1), (6, 160, 1, 1, 1, 1), (6, 160, 1, 1, 1, 1)]


def _squeeze_excite(x, filters, name):
    y = chain(x, GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool"),
              Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{name}conv"), ReLU(name=f"{name}relu"),
              Conv2D(filters, 1, padding="same", name=f"{name}conv_1"))
    return Multiply(name=f"{name}mul")([x, ReLU(6.0)(y + 3.0) * (1.0 / 6.0)])


def _block(x, number, expansion, filters, stride, window, squeeze, active):
    """Expanded, depthwise convolution, squeeze-and-excite, projected."""
    axis, entry = channel_axis(), x
    name = f"expanded_conv_{number}_" if number else "expanded_conv_"
    wide = divisible(x.shape[axis] * expansion)
    if number:
        x = chain(x, conv(wide, 1, name=f"{name}expand"), norm(f"{name}expand_bn"), active())
    x = chain(x, ZeroPadding2D(correct_pad(x, window), name=f"{name}depthwise_pad") if stride > 1 else None,
              DepthwiseConv2D(window, strides=stride, padding="valid" if stride > 1 else "same", use_bias=False,
                              name=f"{name}depthwise"),
              norm(f"{name}depthwise_bn"), active())
    if squeeze:
        x = _squeeze_excite(x, wide, f"{name}squeeze_excite_")
    x = chain(x, conv(filters, 1, name=f"{name}project"), norm(f"{name}project_bn"))
    return Add(name=f"{name}add")([entry, x]) if stride == 1 and entry.shape[axis] == filters else x


class MobileNetsV3(Family):
    """Inverted residual blocks with squeeze-and-excite. blocks: see SMALL; last: filters before the classifier."""

    paper = "Searching for MobileNetV3, arXiv:1905.02244"
    arguments = {"input_shape": None, "alpha": 1.0, "minimalistic": False, "include_top": True, "weights": "imagenet",
                 "input_tensor": None, "classes": 1000, "pooling": None, "dropout_rate": 0.2,
                 "classifier_activation": "softmax", "include_preprocessing": True}
    pool_names = ("avg_pool", "max_pool")

    def check(self, a):
        super().check(a)
        check_input_tensor(self.title, a)
        alphas = (1.0,) if a.minimalistic else (0.75, 1.0)
        if a.weights == "imagenet" and a.alpha not in alphas:
            raise ValueError(f"{self.title}: expected alpha to be one of {', '.join(map(str, alphas))} with "
                             f"weights='imagenet' and minimalistic={a.minimalistic}, received {a.alpha!r}")

    def shape(self, a):
        shape = a.input_shape
        if shape is None and isinstance(a.input_tensor, KTensor):
            shape = a.input_tensor.shape[1:]
        if shape is None:
            shape = (3, None, None) if config.image_data_format() == "channels_first" else (None, None, 3)
        rows, columns = spatial(shape)
        if rows and columns and min(rows, columns) < self.smallest:
            raise ValueError(f"{self.title}: expected pictures of at least {self.smallest}x{self.smallest} pixels, "
                             f"received input_shape={tuple(shape)}")
        if a.weights == "imagenet" and (rows, columns) != (self.size, self.size):
            warn_at_user(f"{self.title}: the weights are for pictures of {self.size}x{self.size} pixels, received "
                         f"input_shape={tuple(shape)}; they are loaded all the same")
        return tuple(shape)

    def body(self, x, a):
        active = ReLU if a.minimalistic else hard_swish
        if a.include_preprocessing:
            x = Rescaling(1.0 / 127.5, offset=-1.0)(x)
        x = chain(x, conv(16, 3, strides=2, name="conv"), norm("conv_bn"), active())
        for number, (expansion, filters, stride, large, squeeze, swish) in enumerate(self.blocks):
            x = _block(x, number, expansion, divisible(filters * a.alpha), stride,
                       5 if large and not a.minimalistic else 3, squeeze and not a.minimalistic,
                       active if swish else ReLU)
        return chain(x, conv(divisible(x.shape[channel_axis()] * 6), 1, name="conv_1"), norm("conv_1_bn"), active())

    def head(self, x, a):
        last = divisible(self.last * a.alpha) if a.alpha > 1 else self.last
        return chain(x, GlobalAveragePooling2D(keepdims=True), Conv2D(last, 1, padding="same", name="conv_2"),
                     hard_swish() if not a.minimalistic else ReLU(),
                     Dropout(a.dropout_rate) if a.dropout_rate > 0 else None,
                     Conv2D(a.classes, 1, padding="same", name="logits"), Flatten(),
                     Activation(a.classifier_activation, name="predictions"))

    def file(self, a):
        name = self._kind(a).join(("weights_mobilenet_v3_", ".h5" if a.include_top else "_no_top_v2.h5"))
        return name, f"{ADDRESS}mobilenet_v3/{name}"

    def digest(self, a):
        return self.digests[self._kind(a)][0 if a.include_top else 1]

    def _kind(self, a):
        size = self.title.removeprefix("MobileNetV3").lower()
        return f"{size}{'_minimalistic' if a.minimalistic else ''}_224_{a.alpha}_float"


MobileNetV3Small = MobileNetsV3.application("MobileNetV3Small", "MobileNetV3Small", blocks=SMALL, last=1024, digests={
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4")})
MobileNetV3Large = MobileNetsV3.application("MobileNetV3Large", "MobileNetV3Large", blocks=LARGE, last=1280, digests={
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973")})
preprocess_input = standardizer(None)


def __dir__():
    return sorted(__all__)
