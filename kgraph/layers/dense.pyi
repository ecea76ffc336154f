# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ConstraintLike, Float, InitializerLike, Int, RegularizerLike, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.float8 import TrainsInFloat8
from kgraph.variable import Variable
from typing import Any


class Dense(TrainsInFloat8):
    units: int
    activation: Any
    use_bias: bool
    kernel_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    bias_constraint: Any
    bias: Variable | Any
    kernel: Variable | Any
    def __init__(self, units: Int, activation: ActivationLike | None = None, use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, lora_rank: Int | None = None, lora_alpha: Float | None = None, quantization_config: Any = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

__all__ = [
    "Dense",
]
