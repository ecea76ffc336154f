# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, DataFormat, Ints, Padding, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.base import Layer
from typing import Any


class _Pooling(Layer):
    pool_size: tuple[Any, ...]
    strides: Any
    padding: str
    data_format: str
    rank: int
    def __init__(self, pool_size: Ints = 2, strides: Ints | None = None, padding: Padding = 'valid', data_format: DataFormat | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class _MaxPooling(_Pooling):
    pool_mode: str
    @staticmethod
    def pool(inputs: Structure, pool_size: Ints, strides: Ints | None = None, padding: Padding = 'valid', data_format: DataFormat | None = None) -> TensorLike: ...

class _AveragePooling(_Pooling):
    pool_mode: str
    @staticmethod
    def pool(inputs: Structure, pool_size: Ints, strides: Ints | None = None, padding: Padding = 'valid', data_format: DataFormat | None = None) -> TensorLike: ...

class MaxPooling1D(_MaxPooling):
    rank: int

class MaxPooling2D(_MaxPooling):
    rank: int

class MaxPooling3D(_MaxPooling):
    rank: int

class AveragePooling1D(_AveragePooling):
    rank: int

class AveragePooling2D(_AveragePooling):
    rank: int

class AveragePooling3D(_AveragePooling):
    rank: int

class _GlobalPooling(Layer):
    data_format: str
    keepdims: bool
    rank: int
    def __init__(self, data_format: DataFormat | None = None, keepdims: bool = False, **kwargs: Any) -> None: ...
    @property
    def space_axes(self) -> tuple[Any, ...]: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class _GlobalMaxPooling(_GlobalPooling):
    @staticmethod
    def reduce(x: ArrayLike, axis: Axis | None = None, keepdims: bool = False, initial: ArrayLike | None = None) -> TensorLike: ...

class _GlobalAveragePooling(_GlobalPooling):
    @staticmethod
    def reduce(x: ArrayLike, axis: Axis | None = None, keepdims: bool = False) -> TensorLike: ...

class GlobalMaxPooling1D(_GlobalMaxPooling):
    rank: int

class GlobalMaxPooling2D(_GlobalMaxPooling):
    rank: int

class GlobalMaxPooling3D(_GlobalMaxPooling):
    rank: int

class GlobalAveragePooling1D(_GlobalAveragePooling):
    rank: int
    def __init__(self, data_format: DataFormat | None = None, keepdims: bool = False, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def compute_mask(self, inputs: Any, mask: Any = None) -> Any: ...
    def __call__(self, inputs: Structure, mask: ArrayLike | None = None, training: bool | None = None) -> TensorLike: ...

class GlobalAveragePooling2D(_GlobalAveragePooling):
    rank: int

class GlobalAveragePooling3D(_GlobalAveragePooling):
    rank: int

class _AdaptivePooling(Layer):
    output_size: Any
    data_format: str
    rank: int
    def __init__(self, output_size: Ints, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

class _AdaptiveAveragePooling(_AdaptivePooling):
    @staticmethod
    def pool(inputs: Structure, output_size: Ints, data_format: DataFormat | None = None) -> TensorLike: ...

class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    rank: int

class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    rank: int

class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    rank: int

class _AdaptiveMaxPooling(_AdaptivePooling):
    @staticmethod
    def pool(inputs: Structure, output_size: Ints, data_format: DataFormat | None = None) -> TensorLike: ...

class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    rank: int

class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    rank: int

class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    rank: int

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]
