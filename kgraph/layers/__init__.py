"""Layers: the base class, and one class for each layer. OBJECTS is the table of the names that configs may use.

Args:
    activation, recurrent_activation: a function of the outputs (of gates), or its name; None: none.
    use_bias: whether a bias is added.
    *_initializer: what a weight begins as: see kgraph.initializers.
    *_regularizer: what a weight adds to the loss: see kgraph.regularizers; None: nothing.
    *_constraint: a function of a weight after each update: see kgraph.constraints; None: none.
    units: size of the outputs' last axis, an int above 0.
    filters: number of output channels, an int above 0.
    rate: a share in [0, 1].
    dropout, recurrent_dropout: the share that is dropped in training, of the inputs or weights, and of the state.
    seed: an int for the same numbers each time, or a SeedGenerator; None: kgraph's own.
    data_format: "channels_last" or "channels_first"; None: kgraph.config.image_data_format().
    axis: an axis, from 0 with the batch axis or from the end below 0, or several.
    epsilon: added to the variance, against division by 0.
    center, scale: whether there is a summand beta and a factor gamma.
    layer: a layer.
    sparse, ragged: accepted for Keras's sake; True is an error.
    quantization_config: how `quantize` does it by default: see kgraph.quantizers.
    flash_attention: True: never hold the scores; False: hold them; None: as is faster.
    sliding_window: a query sees values less than so many steps away, before and after it; None: all.
    use_gate: multiply the result by the sigmoid of a projection of the query.
    height, width: of the results, in pixels.
    value_range: the least and the largest value of the images.
    interpolation: "nearest" or "bilinear".
    fill_mode: what is outside of an image: "reflect", "wrap", "constant" (fill_value) or "nearest".
    fill_value: what "constant" fills with.
    factor: how strong: a number f, or two for the least and the largest strength.
    inputs: a list of tensors.
    encoding: of texts given as bytes; "utf-8".
    salt: a number, or two, that the hash begins with; None: the hash that Keras has without one.
    name, dtype: as for every layer.
    input_shape: of the inputs, None for a size that varies; of several inputs, in their structure.
    training: whether this is a step of training.
    mask, previous_mask: bools, which steps of the inputs count; None: all.
    args, data: what the layer is called with.
    states, initial_state: the state before the step, a tensor or several.
    sequences: [batch, steps, ...].
    batch_size: how many rows.
    images, image: [batch, height, width, channels], or one of them.
    labels, label, segmentation_masks, segmentation_mask, bounding_boxes, bounding_box: what belongs to the images.
    transformation: what get_random_transformation gave.
    query, key, value: [batch, steps, features].
    config: what get_config gave.
    store: a dict of arrays by name.
    vocabulary, idf_weights: the tokens, and a weight for each.
    include_special_tokens: with those for padding and unknown ones. True by default.
    files: an opened archive's folder.
    steps: how many batches of data are looked at; None: all.
    sequences_shape, query_shape, value_shape, key_shape, initial_state_shape: of what is called with.
    return_attention_scores, use_causal_mask: give the weights too; no look at later values.
    custom_objects, safe_mode: {name: class} of what is not kgraph's; refuse code.
    x: a tensor.
    reverse: give scores for vectors rather than vectors for ids.
    count_weights: what each class counts; None: 1.
"""
import inspect

from kgraph import serialization
from kgraph.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU
from kgraph.layers.attention import (
    AdditiveAttention,
    Attention,
    GroupedQueryAttention,
    GroupQueryAttention,
    MultiHeadAttention,
)
from kgraph.layers.base import Layer
from kgraph.layers.basic import Identity, Lambda, Masking, Rescaling, Wrapper
from kgraph.layers.bidirectional import Bidirectional
from kgraph.layers.conv import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from kgraph.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from kgraph.layers.dense import Dense
from kgraph.layers.einsum_dense import EinsumDense
from kgraph.layers.embedding import Embedding, ReversibleEmbedding
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from kgraph.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from kgraph.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    SpectralNormalization,
    UnitNormalization,
)
from kgraph.layers.pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from kgraph.layers.preprocessing.chains import AugMix, Pipeline, RandAugment, RandomColorJitter
from kgraph.layers.preprocessing.colours import (
    AutoContrast,
    RandomColorDegeneration,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomSaturation,
    RandomSharpness,
    Solarization,
)
from kgraph.layers.preprocessing.encoding import CategoryEncoding, Discretization
from kgraph.layers.preprocessing.hashing import HashedCrossing, Hashing
from kgraph.layers.preprocessing.histograms import ContrastLimitedAdaptiveHistogramEqualization, Equalization
from kgraph.layers.preprocessing.images import (
    CenterCrop,
    MaxNumBoundingBoxes,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    Resizing,
)
from kgraph.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kgraph.layers.preprocessing.mixing import CutMix, MixUp, RandomErasing
from kgraph.layers.preprocessing.moves import (
    RandomElasticTransform,
    RandomPerspective,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from kgraph.layers.preprocessing.normalization import Normalization
from kgraph.layers.preprocessing.spectrograms import MelSpectrogram, STFTSpectrogram
from kgraph.layers.preprocessing.text import TextVectorization
from kgraph.layers.recurrent import GRU, LSTM, SimpleRNN
from kgraph.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from kgraph.layers.resampling import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from kgraph.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from kgraph.layers.rnn import RNN
from kgraph.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from kgraph.layers.time_distributed import TimeDistributed
from kgraph.legacy.paths import lookup

# Other names of Keras for the same layers.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
CuDNNGRU = GRU
CuDNNLSTM = LSTM
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

__all__ = ["Activation", "ActivityRegularization", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D",
           "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "Add",
           "AdditiveAttention", "AlphaDropout", "Attention", "AugMix", "AutoContrast", "Average", "AveragePooling1D",
           "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
           "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate",
           "ContrastLimitedAdaptiveHistogramEqualization", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose",
           "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Convolution1D",
           "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D",
           "Convolution3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D", "CuDNNGRU", "CuDNNLSTM", "CutMix",
           "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "Discretization", "Dot", "Dropout", "ELU", "EinsumDense",
           "Embedding", "Equalization", "Flatten", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise",
           "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D",
           "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D",
           "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization",
           "GroupQueryAttention", "GroupedQueryAttention", "HashedCrossing", "Hashing", "Identity", "Input",
           "InputLayer", "InputSpec", "IntegerLookup", "LSTM", "LSTMCell", "Lambda", "Layer", "LayerNormalization",
           "LeakyReLU", "LocallyConnected1D", "LocallyConnected2D", "Masking", "MaxNumBoundingBoxes", "MaxPool1D",
           "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Maximum", "MelSpectrogram",
           "Minimum", "MixUp", "MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute", "Pipeline",
           "RMSNormalization", "RNN", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
           "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing", "RandomFlip",
           "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
           "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear",
           "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing",
           "ReversibleEmbedding", "STFTSpectrogram", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D",
           "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell", "Softmax", "Solarization", "SpatialDropout1D",
           "SpatialDropout2D", "SpatialDropout3D", "SpectralNormalization", "StackedRNNCells", "StringLookup",
           "Subtract", "TextVectorization", "ThresholdedReLU", "TimeDistributed", "UnitNormalization", "UpSampling1D",
           "UpSampling2D", "UpSampling3D", "Wrapper", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "add",
           "average", "concatenate", "deserialize", "dot", "maximum", "minimum", "multiply", "serialize", "subtract"]
OBJECTS = {name: x for name in __all__ if inspect.isclass(x := globals().get(name)) and issubclass(x, Layer)}


def serialize(layer):
    """The config of a layer, as Keras 3 writes it.

    Args:
        layer: a layer.

    Returns:
        A dict.

    Example:
        >>> layers.serialize(layers.Dense(3, name="d"))["class_name"]
        'Dense'
    """
    return serialization.serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """A layer from its config, of Keras 3 or of an older Keras.

    Args:
        config: a dict as serialize gives it.
        custom_objects: {name: class} of classes that are not kgraph's.

    Returns:
        A layer, not built.

    Raises:
        ValueError: the config is of something else, or names a class that is not known.

    Example:
        >>> layers.deserialize(layers.serialize(layers.Dense(3, name="d"))).units
        3
    """
    layer = serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=OBJECTS)
    if not isinstance(layer, Layer):
        raise ValueError(f"expected the config of a layer, received {config!r}")
    return layer


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
