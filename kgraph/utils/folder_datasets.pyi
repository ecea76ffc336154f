# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, DataFormat, Float, Int, Interpolation, Ints, PathLike, Seed, Verbose
from kgraph.utils.pipeline import Dataset
from typing import Any

def image_dataset_from_directory(directory: PathLike, labels: ArrayLike = 'inferred', label_mode: str | None = 'int', class_names: Sequence[Any] | None = None, color_mode: str = 'rgb', batch_size: Int = 32, image_size: Ints = (256, 256), shuffle: bool = True, seed: Seed | None = None, validation_split: Float | None = None, subset: str | None = None, interpolation: Interpolation = 'bilinear', follow_links: bool = False, crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, data_format: DataFormat | None = None, format: str = 'tf', verbose: Verbose = True) -> Dataset: ...
def smart_resize(x: Any, size: Ints, interpolation: Interpolation = 'bilinear', data_format: DataFormat = 'channels_last', **kwargs: Any) -> Dataset: ...
def text_dataset_from_directory(directory: PathLike, labels: ArrayLike = 'inferred', label_mode: str | None = 'int', class_names: Sequence[Any] | None = None, batch_size: Int = 32, max_length: Int | None = None, shuffle: bool = True, seed: Seed | None = None, validation_split: Float | None = None, subset: str | None = None, follow_links: bool = False, format: str = 'tf', verbose: Verbose = True) -> Dataset: ...
def audio_dataset_from_directory(directory: PathLike, labels: ArrayLike = 'inferred', label_mode: str | None = 'int', class_names: Sequence[Any] | None = None, batch_size: Int = 32, sampling_rate: Int | None = None, output_sequence_length: Int | None = None, ragged: bool = False, shuffle: bool = True, seed: Seed | None = None, validation_split: Float | None = None, subset: str | None = None, follow_links: bool = False, verbose: Verbose = True) -> Dataset: ...

__all__ = [
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "smart_resize",
    "text_dataset_from_directory",
]
