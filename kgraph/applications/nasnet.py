"""NASNet-A, mobile and large (B. Zoph and others, arXiv:1707.07012)."""
from functools import partial

from kgraph.applications.family import ADDRESS, COMMON, Family, chain, channel_axis
from kgraph.applications.imagenet_utils import correct_pad, decode_predictions, standardizer
from kgraph.layers import (
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Cropping2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
)

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

relu = partial(Activation, "relu")
smooth = partial(AveragePooling2D, 3, strides=1, padding="same")
halving = {"strides": 2, "padding": "valid"}


def conv(filters, name, size=1, **options):
    return Conv2D(filters, size, use_bias=False, kernel_initializer="he_normal", name=name,
                  **{"padding": "same", **options})


def norm(name):
    return BatchNormalization(axis=channel_axis(), momentum=0.9997, epsilon=1e-3, name=name)


def join(parts, name=None):
    return Concatenate(axis=channel_axis(), name=name)(parts)


def _separable(x, filters, name, size=3, stride=1):
    """relu, separable convolution and normalisation, twice; the first may halve the picture."""
    x = relu()(x)
    if stride > 1:
        x = ZeroPadding2D(correct_pad(x, size), name=f"separable_conv_1_pad_{name}")(x)
    return chain(
        x, SeparableConv2D(filters, size, strides=stride, padding="valid" if stride > 1 else "same", use_bias=False,
                           name=f"separable_conv_1_{name}"), norm(f"separable_conv_1_bn_{name}"),
        relu(), SeparableConv2D(filters, size, padding="same", use_bias=False, name=f"separable_conv_2_{name}"),
        norm(f"separable_conv_2_bn_{name}"))


def _adjust(before, x, filters, name):
    """The output of the cell before the last, with the size and the filters that this one needs."""
    if before is None:
        return x
    if before.shape[2] != x.shape[2]:
        before = relu(name=f"adjust_relu_1_{name}")(before)
        parts = [
            chain(before, AveragePooling2D(1, **halving, name=f"adjust_avg_pool_1_{name}"),
                  conv(filters // 2, f"adjust_conv_1_{name}")),
            chain(before, ZeroPadding2D(((0, 1), (0, 1))), Cropping2D(((1, 0), (1, 0))),
                  AveragePooling2D(1, **halving, name=f"adjust_avg_pool_2_{name}"),
                  conv(filters // 2, f"adjust_conv_2_{name}"))]
        return norm(f"adjust_bn_{name}")(join(parts))
    if before.shape[channel_axis()] != filters:
        return chain(before, relu(), conv(filters, f"adjust_conv_projection_{name}"), norm(f"adjust_bn_{name}"))
    return before


def _enter(kind, x, before, filters, name):
    before = _adjust(before, x, filters, name)
    return before, chain(x, relu(), conv(filters, f"{kind}_conv_1_{name}"), norm(f"{kind}_bn_1_{name}"))


def _normal(x, before, filters, name):
    """A cell that keeps the size; gives its output and its input."""
    p, h = _enter("normal", x, before, filters, name)
    add = lambda number, parts: Add(name=f"normal_add_{number}_{name}")(parts)
    separable = lambda y, place, size=3: _separable(y, filters, f"normal_{place}_{name}", size)
    pooled = lambda y, place: smooth(name=f"normal_{place}_{name}")(y)
    parts = [p, add(1, [separable(h, "left1", 5), separable(p, "right1")]),
             add(2, [separable(p, "left2", 5), separable(p, "right2")]),
             add(3, [pooled(h, "left3"), p]),
             add(4, [pooled(p, "left4"), pooled(p, "right4")]),
             add(5, [separable(h, "left5"), h])]
    return join(parts, f"normal_concat_{name}"), x


def _reduction(x, before, filters, name):
    """A cell that halves the picture; gives its output and its input."""
    p, h = _enter("reduction", x, before, filters, name)
    padded = ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)
    named = lambda place: f"reduction_{place}_{name}"
    separable = lambda y, place, size, stride=2: _separable(y, filters, named(place), size, stride)
    x1 = Add(name=named("add_1"))([separable(h, "left1", 5), separable(p, "right1", 7)])
    x2 = Add(name=named("add_2"))([MaxPooling2D(3, **halving, name=named("left2"))(padded),
                                   separable(p, "right2", 7)])
    x3 = Add(name=named("add3"))([AveragePooling2D(3, **halving, name=named("left3"))(padded),
                                  separable(p, "right3", 5)])
    x4 = Add()([x2, smooth(name=named("left4"))(x1)])
    x5 = Add(name=named("add4"))([separable(x1, "left4", 3, 1),
                                  MaxPooling2D(3, **halving, name=named("right5"))(padded)])
    return join([x2, x3, x4, x5], named("concat")), x


class NASNet(Family):
    """Cells that a search found. stem: filters of the first convolution; filters: of the first cells; cells: how many
    keep the size, in each of three stages; skip: whether a cell after a reduction sees what came before it."""

    paper = "Learning Transferable Architectures for Scalable Image Recognition, arXiv:1707.07012"
    arguments = {"input_shape": None, **{k: v for k, v in COMMON.items() if k != "input_shape"}}
    knows_channels_first = False

    def check(self, a):
        super().check(a)
        if a.weights == "imagenet" and None in (a.input_shape or ()):
            raise ValueError(f"{self.title}: expected input_shape with known sizes with weights='imagenet', received "
                             f"{tuple(a.input_shape)}")

    def shape(self, a):
        if self.name == "nasnet_mobile" and not a.include_top and a.input_shape is None:
            a.input_shape = (self.size, self.size, 3)
        return super().shape(a)

    def body(self, x, a):
        x = chain(x, conv(self.stem, "stem_conv1", 3, strides=2, padding="valid"), norm("stem_bn1"))
        x, before = _reduction(x, None, self.filters // 4, "stem_1")
        x, before = _reduction(x, before, self.filters // 2, "stem_2")
        for stage in range(3):
            filters, number = self.filters << stage, stage * self.cells
            if stage:
                x, entry = _reduction(x, before, filters, f"reduce_{number}")
                before = before if self.skip else entry
            for i in range(self.cells):
                x, before = _normal(x, before, filters, str(number + i + bool(stage)))
        return relu()(x)

    def head(self, x, a):
        return chain(x, GlobalAveragePooling2D(),
                     Dense(a.classes, activation=a.classifier_activation, name="predictions"))

    def file(self, a):
        end = "" if a.include_top else "-no-top"
        origin = f"NASNet-{self.name.removeprefix('nasnet_')}{end}.h5"
        return f"{self.name}{end.replace('-', '_')}.h5", f"{ADDRESS}nasnet/{origin}"


NASNetMobile = NASNet.application("NASNetMobile", "nasnet_mobile", stem=32, filters=44, cells=4, skip=False, digests=(
    "020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"))
NASNetLarge = NASNet.application("NASNetLarge", "nasnet_large", size=331, stem=96, filters=168, cells=6, skip=True,
                                 digests=("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"))
preprocess_input = standardizer("tf")


def __dir__():
    return sorted(__all__)
