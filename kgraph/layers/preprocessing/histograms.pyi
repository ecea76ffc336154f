# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, DataFormat, Float, Ints
from kgraph.compiler.ir import TensorLike
from kgraph.layers.preprocessing.image_base import ImageLayer, Still
from typing import Any


class Equalization(Still, ImageLayer):
    value_range: Sequence[float]
    bins: Any
    described: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), bins: ArrayLike = 256, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> Any: ...

class ContrastLimitedAdaptiveHistogramEqualization(Still, ImageLayer):
    value_range: Sequence[float]
    clip_limit: float
    tile_grid_size: Any
    described: tuple[Any, ...]
    def __init__(self, value_range: Sequence[float] = (0, 255), clip_limit: Float = 4.0, tile_grid_size: Ints = (8, 8), data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
    def transform_images(self, images: Any, transformation: Any = None, training: Any = True) -> TensorLike: ...

__all__ = [
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Equalization",
]
