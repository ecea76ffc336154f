# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DataFormat, Ints
from kgraph.compiler.ir import TensorLike

def unfold(x: ArrayLike, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> TensorLike: ...
def fold(x: ArrayLike, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> TensorLike: ...
def extract_patches_3d(volumes: ArrayLike, size: Ints, strides: Ints | None = None, dilation_rate: Ints = 1, padding: Ints = 'valid', data_format: DataFormat | None = None) -> TensorLike: ...

__all__ = [
    "extract_patches_3d",
    "fold",
    "unfold",
]
