# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ConstraintLike, DataFormat, Float, InitializerLike, Int, Ints, Padding, RegularizerLike, Seed
from kgraph.layers.recurrent import BuiltIn
from typing import Any


class _ConvLSTM(BuiltIn):
    cell_name: str
    size_name: str
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', data_format: DataFormat | None = None, dilation_rate: Ints = 1, activation: ActivationLike = 'tanh', recurrent_activation: ActivationLike = 'sigmoid', use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', recurrent_initializer: InitializerLike = 'orthogonal', bias_initializer: InitializerLike = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: RegularizerLike | None = None, recurrent_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, recurrent_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, dropout: Float = 0.0, recurrent_dropout: Float = 0.0, seed: Seed | None = None, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, stateful: bool = False, **kwargs: Any) -> None: ...

class ConvLSTM1D(_ConvLSTM): ...

class ConvLSTM2D(_ConvLSTM): ...

class ConvLSTM3D(_ConvLSTM): ...

__all__ = [
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
]
