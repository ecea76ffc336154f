# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, DTypeLike, DataFormat, FillMode, Float, Int, Interpolation, Ints, PathLike, Seed
from kgraph.preprocessing.batches import ArrayBatches, FileBatches
from kgraph.utils.folder_datasets import image_dataset_from_directory as image_dataset_from_directory, smart_resize as smart_resize
from kgraph.utils.images import array_to_img as array_to_img, img_to_array as img_to_array, load_img as load_img, save_img as save_img
from typing import Any

def apply_affine_transform(x: ArrayLike, theta: Float = 0, tx: Float = 0, ty: Float = 0, shear: Float = 0, zx: Float = 1, zy: Float = 1, row_axis: Float = 0, col_axis: Float = 1, channel_axis: Float = 2, fill_mode: FillMode = 'nearest', cval: Float = 0.0, order: Int = 1) -> Any: ...

class ImageDataGenerator:
    data_format: str | Any
    dtype: str | Any
    zoom_range: Any
    mean: Any
    std: Any
    zca_whitening_matrix: Any
    def __init__(self, featurewise_center: bool = False, samplewise_center: bool = False, featurewise_std_normalization: bool = False, samplewise_std_normalization: bool = False, zca_whitening: bool = False, zca_epsilon: Float = 1e-06, rotation_range: Float = 0, width_shift_range: Float = 0.0, height_shift_range: Float = 0.0, brightness_range: Any = None, shear_range: Float = 0.0, zoom_range: Float = 0.0, channel_shift_range: Float = 0.0, fill_mode: FillMode = 'nearest', cval: Float = 0.0, horizontal_flip: bool = False, vertical_flip: bool = False, rescale: Any = None, preprocessing_function: Any = None, data_format: DataFormat | None = None, validation_split: Float = 0.0, interpolation_order: Float = 1, dtype: DTypeLike | None = None) -> None: ...
    def flow(self, x: ArrayLike, y: ArrayLike | None = None, batch_size: Int = 32, shuffle: bool = True, sample_weight: ArrayLike | None = None, seed: Seed | None = None, save_to_dir: Any = None, save_prefix: str = '', save_format: str = 'png', ignore_class_split: bool = False, subset: str | None = None) -> ArrayBatches: ...
    def flow_from_directory(self, directory: PathLike, target_size: Ints = (256, 256), color_mode: str = 'rgb', classes: Sequence[str] | None = None, class_mode: str | None = 'categorical', batch_size: Int = 32, shuffle: bool = True, seed: Seed | None = None, save_to_dir: Any = None, save_prefix: str = '', save_format: str = 'png', follow_links: bool = False, subset: str | None = None, interpolation: Interpolation = 'nearest', keep_aspect_ratio: bool = False) -> FileBatches: ...
    def flow_from_dataframe(self, dataframe: Any, directory: PathLike | None = None, x_col: str = 'filename', y_col: str = 'class', weight_col: Any = None, target_size: Ints = (256, 256), color_mode: str = 'rgb', classes: Sequence[str] | None = None, class_mode: str | None = 'categorical', batch_size: Int = 32, shuffle: bool = True, seed: Seed | None = None, subset: str | None = None, interpolation: Interpolation = 'nearest', **kwargs: Any) -> FileBatches: ...
    def fit(self, x: ArrayLike, augment: bool = False, rounds: Float = 1, seed: Seed | None = None) -> None: ...
    def standardize(self, x: ArrayLike) -> Any: ...
    def get_random_transform(self, img_shape: Any, seed: Seed | None = None) -> dict[str, Any]: ...
    def apply_transform(self, x: ArrayLike, transform_parameters: Any) -> Any: ...
    def random_transform(self, x: ArrayLike, seed: Seed | None = None) -> Any: ...

__all__ = [
    "ImageDataGenerator",
    "apply_affine_transform",
    "array_to_img",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "save_img",
    "smart_resize",
]
