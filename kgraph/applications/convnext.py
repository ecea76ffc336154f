"""ConvNeXt, tiny to extra large (Z. Liu and others, arXiv:2201.03545)."""
from kgraph.applications.family import ADDRESS, COMMON, Family, chain
from kgraph.applications.imagenet_utils import decode_predictions, standardizer
from kgraph.applications.layers import LayerScale
from kgraph.layers import Activation, Conv2D, Dense, GlobalAveragePooling2D, LayerNormalization, Normalization
from kgraph.models import Sequential

__all__ = ["ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "decode_predictions",
           "preprocess_input"]

SCALE = 1e-6        # what LayerScale begins with
DEEP = (3, 3, 27, 3)


def norm(name=None):
    return LayerNormalization(epsilon=1e-6, name=name)


def _block(x, filters, name):
    y = chain(x, Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv"),
              norm(f"{name}_layernorm"), Dense(4 * filters, name=f"{name}_pointwise_conv_1"),
              Activation("gelu", name=f"{name}_gelu"), Dense(filters, name=f"{name}_pointwise_conv_2"),
              LayerScale(SCALE, filters, name=f"{name}_layer_scale"), Activation("linear", name=f"{name}_identity"))
    return x + y


class ConvNeXt(Family):
    """Four stages of wide depthwise convolutions; depths: blocks in each; filters: of the first, doubled after each."""

    paper = "A ConvNet for the 2020s, arXiv:2201.03545"
    arguments = {"include_top": True, "include_preprocessing": True, **COMMON}
    knows_channels_first = False
    folder = f"{ADDRESS}convnext/"
    depths = DEEP

    def body(self, x, a):
        name = a.name
        if a.include_preprocessing and a.shape[2] == 3:
            mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
            x = Normalization(mean=[m * 255 for m in mean], variance=[(d * 255) ** 2 for d in deviation],
                              name=f"{name}_prestem_normalization")(x)
        for i, depth in enumerate(self.depths):
            filters = self.filters << i
            if i == 0:
                smaller = Sequential([Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv"),
                                      norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
            else:
                smaller = Sequential([norm(f"{name}_downsampling_layernorm_{i - 1}"),
                                      Conv2D(filters, 2, strides=2, name=f"{name}_downsampling_conv_{i - 1}")],
                                     name=f"{name}_downsampling_block_{i - 1}")
            x = smaller(x)
            for j in range(depth):
                x = _block(x, filters, f"{name}_stage_{i}_block_{j}")
        return x

    def head(self, x, a):
        return chain(x, GlobalAveragePooling2D(name=f"{a.name}_head_gap"), norm(f"{a.name}_head_layernorm"),
                     Dense(a.classes, activation=a.classifier_activation, name=f"{a.name}_head_dense"))

    def pool(self, x, a):
        return norm()(super().pool(x, a))

    def file(self, a):
        name = f"{self.name}{'' if a.include_top else '_notop'}.h5"
        return name, f"{self.folder}{name}"


ConvNeXtTiny = ConvNeXt.application("ConvNeXtTiny", "convnext_tiny", filters=96, depths=(3, 3, 9, 3), digests=(
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"))
ConvNeXtSmall = ConvNeXt.application("ConvNeXtSmall", "convnext_small", filters=96, digests=(
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"))
ConvNeXtBase = ConvNeXt.application("ConvNeXtBase", "convnext_base", filters=128, digests=(
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"))
ConvNeXtLarge = ConvNeXt.application("ConvNeXtLarge", "convnext_large", filters=192, digests=(
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd"))
ConvNeXtXLarge = ConvNeXt.application("ConvNeXtXLarge", "convnext_xlarge", filters=256, digests=(
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05"))
preprocess_input = standardizer(None)


def __dir__():
    return sorted(__all__)
