# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, DataFormat, FillMode, Float, Int, Interpolation, Ints, Seed
from kgraph.compiler.ir import TensorLike

def gaussian_blur(images: ArrayLike, kernel_size: Ints = (3, 3), sigma: ArrayLike = (1.0, 1.0), data_format: DataFormat | None = None) -> TensorLike: ...
def sobel_edges(images: ArrayLike, data_format: DataFormat | None = None) -> TensorLike: ...
def ssim(image1: ArrayLike, image2: ArrayLike, max_val: Float = 1.0, filter_size: Int = 11, filter_sigma: Float = 1.5, k1: Float = 0.01, k2: Float = 0.03, data_format: DataFormat | None = None) -> TensorLike: ...
def elastic_transform(images: ArrayLike, alpha: Float = 20.0, sigma: ArrayLike = 5.0, interpolation: Interpolation = 'bilinear', fill_mode: FillMode = 'reflect', fill_value: Float = 0.0, seed: Seed | None = None, data_format: DataFormat | None = None) -> TensorLike: ...

__all__ = [
    "elastic_transform",
    "gaussian_blur",
    "sobel_edges",
    "ssim",
]
