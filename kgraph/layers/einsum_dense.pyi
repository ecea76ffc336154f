# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ConstraintLike, Float, InitializerLike, Int, RegularizerLike, Shape, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.float8 import TrainsInFloat8
from kgraph.layers.weighted import Weighted
from kgraph.variable import Variable
from typing import Any


class EinsumDense(TrainsInFloat8, Weighted):
    equation: str
    gptq_unpacked_column_size: Any
    partial_output_shape: tuple[Any, ...]
    activation: Any
    bias_axes: str | Any
    bias: Variable | Any
    kernel: Variable | Any
    def __init__(self, equation: str, output_shape: Shape, activation: ActivationLike | None = None, bias_axes: str | None = None, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, lora_rank: Int | None = None, lora_alpha: Float | None = None, gptq_unpacked_column_size: Any = None, quantization_config: Any = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

__all__ = [
    "EinsumDense",
]
