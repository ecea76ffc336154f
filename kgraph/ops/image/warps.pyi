# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DataFormat, Float, Interpolation, Ints, Shape
from kgraph.compiler.ir import TensorLike

def perspective_transform(images: ArrayLike, start_points: ArrayLike, end_points: ArrayLike, interpolation: Interpolation = 'bilinear', fill_value: Float = 0, data_format: DataFormat | None = None) -> TensorLike: ...
def scale_and_translate(images: ArrayLike, output_shape: Shape, scale: ArrayLike, translation: ArrayLike, spatial_dims: Ints, method: str, antialias: bool = True) -> TensorLike: ...

__all__ = [
    "perspective_transform",
    "scale_and_translate",
]
