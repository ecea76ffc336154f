# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import DataFormat, Float, Int, Interpolation, Range, Seed, Structure
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.image_base import Coloured, RandomImage
from typing import Any, Self


class Pipeline(Layer):
    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None: ...
    @property
    def layers(self) -> list[Any]: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any) -> Self: ...
    def __call__(self, inputs: Structure, training: bool = True) -> Any: ...

class RandomColorJitter(Coloured):
    value_range: Sequence[float]
    described: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), brightness_factor: Range | None = None, contrast_factor: Range | None = None, saturation_factor: Range | None = None, hue_factor: Range | None = None, seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...

class _Choice(RandomImage):
    value_range: Sequence[float]
    interpolation: str
    factor: Any
    def __init__(self, value_range: Sequence[float], factor: Range, interpolation: Interpolation, seed: Seed, data_format: DataFormat, **kwargs: Any) -> None: ...

class RandAugment(_Choice):
    num_ops: int
    described: tuple[Any, ...]
    choices: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), num_ops: Int = 2, factor: Range = 0.5, interpolation: Interpolation = 'bilinear', seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any: ...

class AugMix(_Choice):
    choices: tuple[Any, ...]
    num_chains: float
    chain_depth: float
    alpha: float
    all_ops: bool
    described: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), num_chains: Float = 3, chain_depth: Float = 3, factor: Range = 0.3, alpha: Float = 1.0, all_ops: bool = True, interpolation: Interpolation = 'bilinear', seed: Seed | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def get_random_transformation(self, data: Any, training: Any = True, seed: Any = None) -> Any: ...
    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any = None, training: Any = True) -> Any: ...
    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any = None, training: Any = True) -> Any: ...

__all__ = [
    "AugMix",
    "Pipeline",
    "RandAugment",
    "RandomColorJitter",
]
