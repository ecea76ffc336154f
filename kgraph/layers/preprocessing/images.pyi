# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import DataFormat, FillMode, Float, Int, Interpolation, Range, Seed
from kgraph.layers.preprocessing.image_base import Coloured, ImageLayer, RandomImage
from kgraph.random import SeedGenerator
from typing import Any


class Resizing(ImageLayer):
    height: int
    width: int
    interpolation: str
    antialias: bool
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    fill_mode: str
    fill_value: float
    described: tuple[Any, ...]
    def __init__(self, height: Int, width: Int, interpolation: Interpolation = 'bilinear', crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_mode: FillMode = 'constant', fill_value: Float = 0.0, antialias: bool = False, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any: ...

class CenterCrop(ImageLayer):
    height: int
    width: int
    described: tuple[Any, ...]
    def __init__(self, height: Int, width: Int, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...

class RandomCrop(CenterCrop):
    seed: Any
    generator: SeedGenerator
    described: tuple[Any, ...]
    def __init__(self, height: Int, width: Int, seed: Seed | None = None, data_format: DataFormat | None = None, name: str | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...

class MaxNumBoundingBoxes(ImageLayer):
    max_number: int
    fill_value: int
    described: tuple[Any, ...]
    def __init__(self, max_number: Int, fill_value: Float = -1, **kwargs: Any) -> None: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> dict[str, Any]: ...
    def get_config(self) -> dict[str, Any]: ...

class RandomFlip(RandomImage):
    mode: Any
    described: tuple[Any, ...]
    def __init__(self, mode: str = 'horizontal_and_vertical', seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

class RandomContrast(Coloured):
    factor: Any
    value_range: tuple[Any, ...]
    described: tuple[Any, ...]
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, **kwargs: Any) -> None: ...

class RandomBrightness(Coloured):
    factor: Any
    value_range: tuple[Any, ...]
    described: tuple[Any, ...]
    def __init__(self, factor: Range, value_range: Sequence[float] = (0, 255), seed: Seed | None = None, **kwargs: Any) -> None: ...

__all__ = [
    "CenterCrop",
    "MaxNumBoundingBoxes",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "Resizing",
]
