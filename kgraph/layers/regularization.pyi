# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import DataFormat, Float, Policy, Range, Seed, Shape, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.base import Layer
from kgraph.random import SeedGenerator
from typing import Any


class _Random(Layer):
    seed: Any
    seed_generator: SeedGenerator | Any
    setting: str
    def __init__(self, strength: Range, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool = False) -> TensorLike: ...

class _Masked(_Random): ...

class Dropout(_Masked):
    noise_shape: tuple[Any, ...]
    def __init__(self, rate: Float, noise_shape: Shape | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class _SpatialDropout(Dropout):
    data_format: str | Any
    rank: int
    def __init__(self, rate: Float, data_format: DataFormat | None = None, seed: Seed | None = None, name: str | None = None, dtype: Policy | None = None, **kwargs: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class SpatialDropout1D(_SpatialDropout):
    def __init__(self, rate: Float, seed: Seed | None = None, name: str | None = None, dtype: Policy | None = None, **kwargs: Any) -> None: ...

class SpatialDropout2D(_SpatialDropout):
    rank: int

class SpatialDropout3D(_SpatialDropout):
    rank: int

class GaussianDropout(_Random):
    def __init__(self, rate: Float, seed: Seed | None = None, **kwargs: Any) -> None: ...

class GaussianNoise(_Random):
    setting: str
    def __init__(self, stddev: Float, seed: Seed | None = None, **kwargs: Any) -> None: ...

class AlphaDropout(_Masked):
    noise_shape: tuple[Any, ...]
    def __init__(self, rate: Float, noise_shape: Shape | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class ActivityRegularization(Layer):
    l1: float
    l2: float
    def __init__(self, l1: Float = 0.0, l2: Float = 0.0, **kwargs: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> TensorLike: ...

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]
