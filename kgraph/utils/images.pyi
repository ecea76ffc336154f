# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DTypeLike, DataFormat, Float, Interpolation, Ints, PathLike
from numpy.typing import NDArray
from typing import Any

def img_to_array(img: ArrayLike, data_format: DataFormat | None = None, dtype: DTypeLike | None = None) -> NDArray[Any]: ...
def array_to_img(x: Any, data_format: DataFormat | None = None, scale: Float = True, dtype: DTypeLike | None = None) -> Any: ...
def save_img(path: PathLike, x: Any, data_format: DataFormat | None = None, file_format: str | None = None, scale: Float = True, **kwargs: Any) -> None: ...
def load_img(path: PathLike, color_mode: str = 'rgb', target_size: Ints | None = None, interpolation: Interpolation = 'nearest', keep_aspect_ratio: bool = False, grayscale: bool = False) -> Any: ...

__all__ = [
    "array_to_img",
    "img_to_array",
    "load_img",
    "save_img",
]
