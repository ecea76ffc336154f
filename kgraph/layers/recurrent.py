"""SimpleRNN, LSTM and GRU: an RNN together with its cell."""
from __future__ import annotations

import inspect

from kgraph.layers.input_spec import InputSpec
from kgraph.layers.rnn import RNN
from kgraph.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell

__all__ = ["GRU", "LSTM", "SimpleRNN"]

_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


class BuiltIn(RNN):
    """An RNN made from the settings of its cell, which can be read on the layer too."""

    cell_class: type
    cell_name: str
    size_name = "units"
    _told = ("activity_regularizer",)

    def __init_subclass__(cls, **kwargs):
        """All arguments in the signature, for help() and for messages about misspelt ones."""
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "cell_class"):
            names = dict.fromkeys(["self", *cls.cell_class._settings(), "activity_regularizer", *_LOOP, "use_cudnn"])
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            cls.__init__.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])

    def __init__(self, units, /, activity_regularizer=None, **kwargs):
        loop = {name: kwargs.pop(name) for name in _LOOP if name in kwargs}
        use_cudnn = kwargs.pop("use_cudnn", "auto")
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f"{type(self).__name__}: expected use_cudnn to be 'auto', True or False, received "
                             f"{use_cudnn!r}")
        names = {*self.cell_class._settings(), "implementation"} - {self.size_name}
        settings = {name: kwargs.pop(name) for name in names if name in kwargs}
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = self.cell_class(units, name=self.cell_name, **settings, **shared)
        super().__init__(cell, activity_regularizer=activity_regularizer, **loop, **kwargs)
        self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3)

    def __getattr__(self, name):
        if name in type(self).cell_class._settings() and "cell" in self.__dict__:
            return getattr(self.cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self):
        config = super().get_config()
        del config["cell"]
        return {**config, **self.cell.settings(*self.cell_class._settings())}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        return cls(config.pop(cls.size_name), **config)


class SimpleRNN(BuiltIn):
    """The recurrent layer of `SimpleRNNCell`; input [B, T, features], output [B, units], or [B, T, units]."""

    cell_class, cell_name = SimpleRNNCell, "simple_rnn_cell"

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", **kwargs):
        super().__init__(units, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
                         recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer, **kwargs)


class LSTM(BuiltIn):
    """The recurrent layer of `LSTMCell`; its states are h and c, [B, units] each."""

    cell_class, cell_name = LSTMCell, "lstm_cell"

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, **kwargs):
        super().__init__(units, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
                         kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                         bias_initializer=bias_initializer, unit_forget_bias=unit_forget_bias, **kwargs)


class GRU(BuiltIn):
    """The recurrent layer of `GRUCell`; its state is h, [B, units]."""

    cell_class, cell_name = GRUCell, "gru_cell"

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 **kwargs):
        super().__init__(units, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
                         kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                         bias_initializer=bias_initializer, **kwargs)
