# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Axis, Float, InitializerLike, Seed
from kgraph.compiler.ir import TensorLike
from typing import Any, Self


class Initializer:
    def __call__(self, shape: Any, dtype: Any = None) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...
    def clone(self) -> Any: ...

class Zeros(Initializer):
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...

class Ones(Initializer):
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...

class Constant(Initializer):
    value: Any
    def __init__(self, value: ArrayLike = 0.0) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...

class Identity(Initializer):
    gain: float
    def __init__(self, gain: Float = 1.0) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class STFT(Initializer):
    side: str
    window: Any
    scaling: str
    periodic: bool
    def __init__(self, side: str = 'real', window: Any = 'hann', scaling: str = 'density', periodic: bool = False) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class RandomInitializer(Initializer):
    seed: Any
    @property
    def by_rows(self) -> bool: ...
    def fill(self, memory: Any, shape: Any, start: Float = 0) -> None: ...
    def __init__(self, seed: Seed | None = None) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

class RandomNormal(RandomInitializer):
    mean: float
    stddev: float
    def __init__(self, mean: Float = 0.0, stddev: Float = 0.05, seed: Seed | None = None) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class TruncatedNormal(RandomNormal):
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...

class RandomUniform(RandomInitializer):
    minval: float
    maxval: float
    def __init__(self, minval: Float = -0.05, maxval: Float = 0.05, seed: Seed | None = None) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class VarianceScaling(RandomInitializer):
    scale: float
    mode: str
    distribution: str
    input_axes: Any
    output_axes: Any
    def __init__(self, scale: Float = 1.0, mode: str = 'fan_in', distribution: str = 'truncated_normal', seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class GlorotUniform(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class GlorotNormal(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class HeUniform(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class HeNormal(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class LecunUniform(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class LecunNormal(VarianceScaling):
    def __init__(self, seed: Seed | None = None, input_axes: Axis | None = None, output_axes: Axis | None = None) -> None: ...

class Orthogonal(RandomInitializer):
    gain: float
    by_rows: bool
    def __init__(self, gain: Float = 1.0, seed: Seed | None = None) -> None: ...
    def __call__(self, shape: Any, dtype: Any = None) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...
constant = Constant
identity = Identity
ones = Ones
orthogonal = Orthogonal
stft = STFT
zeros = Zeros
IdentityInitializer = Identity
OrthogonalInitializer = Orthogonal
STFTInitializer = STFT
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
def get(identifier: Any) -> Any: ...
def serialize(initializer: InitializerLike) -> dict[str, Any]: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
