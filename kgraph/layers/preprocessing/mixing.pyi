# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import DataFormat, Float, Range, Seed
from kgraph.layers.preprocessing.image_base import RandomImage, Still
from typing import Any


class MixUp(RandomImage):
    alpha: float
    described: tuple[Any, ...]
    def __init__(self, alpha: Float = 0.2, data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any: ...

class _Parts(RandomImage): ...

class CutMix(_Parts):
    factor: Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_labels(self, labels: Any, transformation: Any = None, training: Any = True) -> Any: ...

class RandomErasing(Still, _Parts):
    factor: Any
    scale: Any
    value_range: Sequence[float]
    fill_value: float | Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, scale: Range = (0.02, 0.33), fill_value: Float | None = None, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

__all__ = [
    "CutMix",
    "MixUp",
    "RandomErasing",
]
