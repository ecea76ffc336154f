# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from kgraph._types import ArrayLike, BoxFormat, DataFormat, Float, Int, PathLike, Structure
from numpy.typing import NDArray
from typing import Any

def draw_bounding_boxes(images: ArrayLike, bounding_boxes: Structure, bounding_box_format: BoxFormat, class_mapping: dict[int, str] | None = None, color: Sequence[Any] = (128, 128, 128), line_thickness: Int = 2, text_thickness: Int = 1, font_scale: Float = 1.0, data_format: DataFormat | None = None) -> NDArray[Any]: ...
def draw_segmentation_masks(images: ArrayLike, segmentation_masks: ArrayLike, num_classes: Int | None = None, color_mapping: dict[int, str] | None = None, alpha: Float = 0.8, blend: bool = True, ignore_index: Float = -1, data_format: DataFormat | None = None) -> NDArray[Any]: ...
def plot_image_gallery(images: ArrayLike, y_true: Structure | None = None, y_pred: Structure | None = None, label_map: Any = None, rows: Int | None = None, cols: Int | None = None, value_range: Sequence[float] = (0, 255), scale: Float = 2, path: PathLike | None = None, show: bool | None = None, transparent: bool = True, dpi: Int = 60, legend_handles: Sequence[Any] | None = None, data_format: DataFormat | None = None) -> None: ...
def plot_bounding_box_gallery(images: ArrayLike, bounding_box_format: BoxFormat, y_true: Structure | None = None, y_pred: Structure | None = None, value_range: Sequence[float] = (0, 255), true_color: Sequence[Any] = (0, 188, 212), pred_color: Sequence[Any] = (255, 235, 59), line_thickness: Int = 2, font_scale: Float = 1.0, text_thickness: Int | None = None, class_mapping: dict[int, str] | None = None, ground_truth_mapping: dict[int, str] | None = None, prediction_mapping: dict[int, str] | None = None, legend: bool = False, legend_handles: Sequence[Any] | None = None, rows: Int | None = None, cols: Int | None = None, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...
def plot_segmentation_mask_gallery(images: ArrayLike, num_classes: Int, value_range: Sequence[float] = (0, 255), y_true: Structure | None = None, y_pred: Structure | None = None, color_mapping: dict[int, str] | None = None, blend: bool = True, alpha: Float = 0.8, ignore_index: Float = -1, data_format: DataFormat | None = None, **kwargs: Any) -> None: ...

__all__ = [
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "plot_bounding_box_gallery",
    "plot_image_gallery",
    "plot_segmentation_mask_gallery",
]
