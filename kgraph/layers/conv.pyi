# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ActivationLike, ArrayLike, ConstraintLike, DataFormat, Float, InitializerLike, Int, Ints, Padding, RegularizerLike, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.lora import LowRank
from kgraph.layers.quantized_windows import QuantizedWindows
from kgraph.layers.weighted import Weighted
from kgraph.variable import Variable
from typing import Any


class _Convolution(Weighted):
    kernel_size: tuple[Any, ...]
    strides: tuple[Any, ...]
    dilation_rate: tuple[Any, ...]
    padding: str
    data_format: str
    activation: Any
    use_bias: bool
    rank: int
    paddings: tuple[Any, ...]
    def __init__(self, kernel_size: Ints, strides: Ints, padding: Padding, data_format: DataFormat, dilation_rate: Ints, activation: ActivationLike, use_bias: bool, **kwargs: Any) -> None: ...
    @property
    def channel_axis(self) -> int: ...
    def get_config(self) -> dict[str, Any]: ...

class _Conv(LowRank, QuantizedWindows, _Convolution):
    bias: Variable | Any
    kernel: Variable | Any
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', data_format: DataFormat | None = None, dilation_rate: Ints = 1, groups: Int = 1, activation: ActivationLike | None = None, use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, lora_rank: Int | None = None, lora_alpha: Float | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def convolution_op(self, inputs: Structure, kernel: ArrayLike) -> TensorLike: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class Conv1D(_Conv):
    rank: int
    paddings: tuple[Any, ...]

class Conv2D(_Conv):
    rank: int

class Conv3D(_Conv):
    rank: int

class _ConvTranspose(_Convolution):
    output_padding: tuple[Any, ...] | Any
    kernel: Variable | Any
    bias: Variable | Any
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', output_padding: Ints | None = None, data_format: DataFormat | None = None, dilation_rate: Ints = 1, activation: ActivationLike | None = None, use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class Conv1DTranspose(_ConvTranspose):
    rank: int

class Conv2DTranspose(_ConvTranspose):
    rank: int

class Conv3DTranspose(_ConvTranspose):
    rank: int
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', data_format: DataFormat | None = None, output_padding: Ints | None = None, dilation_rate: Ints = 1, activation: ActivationLike | None = None, use_bias: bool = True, kernel_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', kernel_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, kernel_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, **kwargs: Any) -> None: ...

class _DepthwiseConv(QuantizedWindows, _Convolution):
    kernel: Variable | Any
    bias: Variable | Any
    paddings: tuple[Any, ...]
    def __init__(self, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', depth_multiplier: Int = 1, data_format: DataFormat | None = None, dilation_rate: Ints = 1, activation: ActivationLike | None = None, use_bias: bool = True, depthwise_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', depthwise_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, depthwise_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class DepthwiseConv1D(_DepthwiseConv):
    rank: int

class DepthwiseConv2D(_DepthwiseConv):
    rank: int

class _SeparableConv(QuantizedWindows, _Convolution):
    bias: Variable | Any
    def __init__(self, filters: Int, kernel_size: Ints, strides: Ints = 1, padding: Padding = 'valid', data_format: DataFormat | None = None, dilation_rate: Ints = 1, depth_multiplier: Int = 1, activation: ActivationLike | None = None, use_bias: bool = True, depthwise_initializer: InitializerLike = 'glorot_uniform', pointwise_initializer: InitializerLike = 'glorot_uniform', bias_initializer: InitializerLike = 'zeros', depthwise_regularizer: RegularizerLike | None = None, pointwise_regularizer: RegularizerLike | None = None, bias_regularizer: RegularizerLike | None = None, activity_regularizer: RegularizerLike | None = None, depthwise_constraint: ConstraintLike | None = None, pointwise_constraint: ConstraintLike | None = None, bias_constraint: ConstraintLike | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class SeparableConv1D(_SeparableConv):
    rank: int
    paddings: tuple[Any, ...]

class SeparableConv2D(_SeparableConv):
    rank: int

__all__ = [
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
]
