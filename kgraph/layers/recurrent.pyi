# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ConstraintLike, Float, InitializerLike, Int, RegularizerLike, Seed
from kgraph.layers.rnn import RNN
from typing import Any, Self


class BuiltIn(RNN):
    cell_class: type[Any]
    cell_name: str
    use_cudnn: bool | str
    size_name: str
    def __init__(self, activity_regularizer: RegularizerLike | None = None, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str | None) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class SimpleRNN(BuiltIn):
    cell_name: str
    def __init__(self, units: Int, activation: ActivationLike = 'tanh', use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', recurrent_initializer: InitializerLike = 'orthogonal', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, recurrent_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, recurrent_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, dropout: Float = 0.0, recurrent_dropout: Float = 0.0, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False, seed: Seed | None = None, **kwargs: Any) -> None: ...

class LSTM(BuiltIn):
    cell_name: str
    def __init__(self, units: Int, activation: ActivationLike = 'tanh', recurrent_activation: ActivationLike = 'sigmoid', use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', recurrent_initializer: InitializerLike = 'orthogonal', bias_initializer: InitializerLike = 'zeros', unit_forget_bias: bool = True, kernel_regularizer: RegularizerLike | None = None, recurrent_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, recurrent_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, dropout: Float = 0.0, recurrent_dropout: Float = 0.0, seed: Seed | None = None, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False, use_cudnn: bool | str = 'auto', **kwargs: Any) -> None: ...

class GRU(BuiltIn):
    cell_name: str
    def __init__(self, units: Int, activation: ActivationLike = 'tanh', recurrent_activation: ActivationLike = 'sigmoid', use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', recurrent_initializer: InitializerLike = 'orthogonal', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, recurrent_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, recurrent_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, dropout: Float = 0.0, recurrent_dropout: Float = 0.0, seed: Seed | None = None, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False, reset_after: bool = True, use_cudnn: bool | str = 'auto', **kwargs: Any) -> None: ...

__all__ = [
    "GRU",
    "LSTM",
    "SimpleRNN",
]
