"""Layers: the base class, and one class for each layer. OBJECTS is the table of the names that configs may use."""
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
from kgraph.layers.embedding import Embedding
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
from kgraph.layers.preprocessing.colours import (
    AutoContrast,
    RandomColorDegeneration,
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
from kgraph.layers.preprocessing.images import (
    CenterCrop,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Resizing,
)
from kgraph.layers.preprocessing.lookup import IntegerLookup, StringLookup
from kgraph.layers.preprocessing.mixing import MixUp, Pipeline, RandomShear
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
           "AdditiveAttention", "AlphaDropout", "Attention", "AutoContrast", "Average", "AveragePooling1D",
           "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
           "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D",
           "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Convolution1D",
           "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D",
           "Convolution3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D", "CuDNNGRU", "CuDNNLSTM", "Dense",
           "DepthwiseConv1D", "DepthwiseConv2D", "Discretization", "Dot", "Dropout", "ELU", "EinsumDense", "Embedding",
           "Flatten", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
           "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D",
           "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
           "GlobalMaxPooling3D", "GroupNormalization", "GroupQueryAttention", "GroupedQueryAttention", "HashedCrossing",
           "Hashing", "Identity", "Input", "InputLayer", "InputSpec", "IntegerLookup", "LSTM", "LSTMCell", "Lambda",
           "Layer", "LayerNormalization", "LeakyReLU", "LocallyConnected1D", "LocallyConnected2D", "Masking",
           "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Maximum",
           "MelSpectrogram", "Minimum", "MixUp", "MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute",
           "Pipeline", "RMSNormalization", "RNN", "RandomBrightness", "RandomColorDegeneration", "RandomContrast",
           "RandomCrop", "RandomFlip", "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPosterization",
           "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
           "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "STFTSpectrogram", "SeparableConv1D",
           "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell",
           "Softmax", "Solarization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
           "SpectralNormalization", "StackedRNNCells", "StringLookup", "Subtract", "TextVectorization",
           "ThresholdedReLU", "TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D",
           "Wrapper", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "add", "average", "concatenate", "deserialize",
           "dot", "maximum", "minimum", "multiply", "serialize", "subtract"]
OBJECTS = {name: x for name in __all__ if inspect.isclass(x := globals().get(name)) and issubclass(x, Layer)}


def serialize(layer):
    """The config of a layer, as Keras 3 writes it."""
    return serialization.serialize_keras_object(layer)


def deserialize(config, custom_objects=None):
    """A layer from its config, of Keras 3 or of an older Keras."""
    layer = serialization.deserialize_keras_object(config, custom_objects=custom_objects, module_objects=OBJECTS)
    if not isinstance(layer, Layer):
        raise ValueError(f"expected the config of a layer, received {config!r}")
    return layer


def __getattr__(name):
    return lookup(__name__, name, __all__)
