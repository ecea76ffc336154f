# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import DataFormat, Ints, Range, Seed
from kgraph.layers.preprocessing.image_base import Coloured
from typing import Any


class _Ranged(Coloured):
    factor: Any
    value_range: Sequence[float]
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class Solarization(_Ranged):
    addition_factor: Any
    threshold_factor: Any
    described: tuple[Any, ...]
    def __init__(self, addition_factor: Range = 0.0, threshold_factor: Range = 0.0, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, **kwargs: Any) -> None: ...

class AutoContrast(_Ranged):
    described: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...

class RandomGrayscale(Coloured):
    factor: Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 0.5, data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomInvert(_Ranged):
    def __init__(self, factor: Range = 1.0, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomHue(_Ranged):
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomSaturation(RandomHue):
    least: float

class RandomPosterization(_Ranged):
    least: float
    most: float
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomSharpness(_Ranged):
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomColorDegeneration(_Ranged):
    least: float
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomGaussianBlur(_Ranged):
    kernel_size: Any
    sigma: Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, kernel_size: Ints = 3, sigma: Range = 1.0, value_range: Sequence[float] = (0, 255), data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

__all__ = [
    "AutoContrast",
    "RandomColorDegeneration",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "Solarization",
]
