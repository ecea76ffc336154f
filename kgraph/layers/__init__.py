"""Layers: the base class, and one class for each layer. OBJECTS is the table of the names that configs may use."""
import inspect

from kgraph.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU
from kgraph.layers.base import Layer
from kgraph.layers.basic import Identity, Lambda, Masking, Rescaling, Wrapper
from kgraph.layers.bidirectional import Bidirectional
from kgraph.layers.dense import Dense
from kgraph.layers.embedding import Embedding
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.merging import (Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract, add, average,
                                   concatenate, dot, maximum, minimum, multiply, subtract)
from kgraph.layers.recurrent import GRU, LSTM, SimpleRNN
from kgraph.layers.regularization import (ActivityRegularization, AlphaDropout, Dropout, GaussianDropout, GaussianNoise,
                                          SpatialDropout1D, SpatialDropout2D, SpatialDropout3D)
from kgraph.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from kgraph.layers.rnn import RNN
from kgraph.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from kgraph.layers.time_distributed import TimeDistributed
from kgraph.saving import serialization

__all__ = ["Activation", "ActivityRegularization", "Add", "AlphaDropout", "Average", "Bidirectional", "Concatenate",
           "Dense", "Dot", "Dropout", "ELU", "Embedding", "Flatten", "GRU", "GRUCell", "GaussianDropout",
           "GaussianNoise", "Identity", "Input", "InputLayer", "InputSpec", "LSTM", "LSTMCell", "Lambda", "Layer",
           "LeakyReLU", "Masking", "Maximum", "Minimum", "Multiply", "PReLU", "Permute", "RNN", "ReLU",
           "RepeatVector", "Rescaling", "Reshape", "SimpleRNN", "SimpleRNNCell", "Softmax", "SpatialDropout1D",
           "SpatialDropout2D", "SpatialDropout3D", "StackedRNNCells", "Subtract", "ThresholdedReLU",
           "TimeDistributed", "Wrapper", "add", "average", "concatenate", "deserialize", "dot", "maximum", "minimum",
           "multiply", "serialize", "subtract"]
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
