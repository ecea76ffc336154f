# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ConstraintLike, DataFormat, InitializerLike, Int, Ints, Padding, RegularizerLike, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.weighted import Weighted
from kgraph.variable import Variable
from typing import Any


class _LocallyConnected(Weighted):
    filters: int
    kernel_size: tuple[Any, ...]
    strides: tuple[Any, ...]
    padding: str
    data_format: str
    activation: Any
    use_bias: bool
    kernel: Variable | Any
    bias: Variable | Any
    rank: int
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', data_format: DataFormat | None = None, activation: ActivationLike | None = None, use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class LocallyConnected1D(_LocallyConnected):
    rank: int

class LocallyConnected2D(_LocallyConnected): ...

__all__ = [
    "LocallyConnected1D",
    "LocallyConnected2D",
]
