# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import DataFormat, FillMode, Float, Interpolation, Range, Seed
from kgraph.layers.preprocessing.image_base import RandomImage
from typing import Any


class _Moved(RandomImage):
    fill_mode: str
    interpolation: str
    fill_value: float
    fill_modes: tuple[Any, ...]
    def __init__(self, fill_mode: FillMode = 'reflect', interpolation: Interpolation = 'bilinear', seed: Seed | None = None, fill_value: Float = 0.0, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any: ...

class RandomRotation(_Moved):
    factor: Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range, fill_mode: FillMode = 'reflect', interpolation: Interpolation = 'bilinear', seed: Seed | None = None, fill_value: Float = 0.0, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomZoom(_Moved):
    height_factor: Any
    width_factor: Any
    height_lower: Any
    height_upper: Any
    width_lower: Any
    width_upper: Any
    described: tuple[Any, ...]
    def __init__(self, height_factor: Range, width_factor: Range | None = None, fill_mode: FillMode = 'reflect', interpolation: Interpolation = 'bilinear', seed: Seed | None = None, fill_value: Float = 0.0, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomTranslation(_Moved):
    height_factor: Any
    width_factor: Any
    height_lower: Any
    height_upper: Any
    width_lower: Any
    width_upper: Any
    described: tuple[Any, ...]
    def __init__(self, height_factor: Range, width_factor: Range, fill_mode: FillMode = 'reflect', interpolation: Interpolation = 'bilinear', seed: Seed | None = None, fill_value: Float = 0.0, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomShear(_Moved):
    x_factor: Any
    y_factor: Any
    described: tuple[Any, ...]
    def __init__(self, x_factor: Range = 0.0, y_factor: Range = 0.0, interpolation: Interpolation = 'bilinear', fill_mode: FillMode = 'reflect', fill_value: Float = 0.0, data_format: DataFormat | None = None, seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomPerspective(_Moved):
    factor: Any
    scale: Any
    described: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, scale: Range = 1.0, interpolation: Interpolation = 'bilinear', fill_value: Float = 0.0, seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomElasticTransform(_Moved):
    factor: Any
    scale: Any
    value_range: Sequence[float]
    described: tuple[Any, ...]
    fill_modes: tuple[Any, ...]
    def __init__(self, factor: Range = 1.0, scale: Range = 1.0, interpolation: Interpolation = 'bilinear', fill_mode: FillMode = 'reflect', fill_value: Float = 0.0, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...

__all__ = [
    "RandomElasticTransform",
    "RandomPerspective",
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
]
