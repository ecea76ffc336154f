"""SimpleRNN, LSTM and GRU: an RNN together with its cell."""
from __future__ import annotations

from kgraph.layers.input_spec import InputSpec
from kgraph.layers.rnn import RNN
from kgraph.layers.rnn_cells import GRUCell, LSTMCell, SimpleRNNCell
from kgraph.naming import given

__all__ = ["GRU", "LSTM", "SimpleRNN"]

_LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


class BuiltIn(RNN):
    """An RNN made from the settings of its cell, which can be read on the layer too.

    Args:
        use_cudnn: accepted: "auto", True or False.
        unit_forget_bias: the bias of the forget gate begins as ones.
        reset_after: where the reset gate applies: after the product with the state (True, as cuDNN) or before.

    Raises:
        ValueError: another use_cudnn.
    """

    cell_class: type
    cell_name: str
    size_name = "units"
    _told = ("activity_regularizer",)

    def __init__(self, activity_regularizer=None, **kwargs):
        units = kwargs.pop(self.size_name)
        loop = {name: kwargs.pop(name) for name in _LOOP if name in kwargs}
        use_cudnn = kwargs.pop("use_cudnn", "auto")
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f"{type(self).__name__}: expected use_cudnn to be 'auto', True or False, received "
                             f"{use_cudnn!r}")
        names = {*self.cell_class._settings(), "implementation", "quantization_config"} - {self.size_name}
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
        if self.cell._is_packed:
            cell = self.cell.get_config()
            config.update({name: cell[name] for name in ("dtype", "quantization_config") if name in cell})
        return {**config, **self.cell.settings(*self.cell_class._settings())}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        return cls(config.pop(cls.size_name), **config)


class SimpleRNN(BuiltIn):
    """The recurrent layer of `SimpleRNNCell`; input [B, T, features], output [B, units], or [B, T, units].

    Example:
        >>> layers.SimpleRNN(4)(np.ones((2, 3, 8), "float32")).shape
        (2, 4)
    """

    cell_class, cell_name = SimpleRNNCell, "simple_rnn_cell"

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
                 return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False,
                 seed=None, **kwargs):
        super().__init__(**given(locals()))


class LSTM(BuiltIn):
    """The recurrent layer of `LSTMCell`; its states are h and c, [B, units] each.

    Example:
        >>> layers.LSTM(4, return_sequences=True)(np.ones((2, 3, 8), "float32")).shape
        (2, 3, 4)
    """

    cell_class, cell_name = LSTMCell, "lstm_cell"

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 dropout=0.0, recurrent_dropout=0.0, seed=None, return_sequences=False, return_state=False,
                 go_backwards=False, stateful=False, unroll=False, use_cudnn="auto", **kwargs):
        super().__init__(**given(locals()))


class GRU(BuiltIn):
    """The recurrent layer of `GRUCell`; its state is h, [B, units].

    Example:
        >>> layers.GRU(4)(np.ones((2, 3, 8), "float32")).shape
        (2, 4)
    """

    cell_class, cell_name = GRUCell, "gru_cell"

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, seed=None, return_sequences=False, return_state=False, go_backwards=False,
                 stateful=False, unroll=False, reset_after=True, use_cudnn="auto", **kwargs):
        super().__init__(**given(locals()))
