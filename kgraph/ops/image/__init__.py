"""kgraph.ops.image: functions of images (height, width, channels), or batches of them; channels first where told.

Args:
    images, image1, image2: an image [height, width, channels] or a batch of them; channels first where data_format says
        so.
    interpolation: "nearest" or "bilinear" (the default).
    fill_mode: what is outside of an image: "constant", "nearest", "wrap", "mirror" or "reflect".
    fill_value: of "constant", 0 by default.
    top_cropping, left_cropping, bottom_cropping, right_cropping: pixels to take away.
    top_padding, left_padding, bottom_padding, right_padding: pixels to add.
    target_height, target_width: the size of the result.
"""
from kgraph.ops.image.filters import elastic_transform, gaussian_blur, sobel_edges, ssim
from kgraph.ops.image.images import (
    affine_transform,
    crop_images,
    extract_patches,
    hsv_to_rgb,
    map_coordinates,
    pad_images,
    resize,
    rgb_to_grayscale,
    rgb_to_hsv,
)
from kgraph.ops.image.warps import perspective_transform, scale_and_translate
from kgraph.ops.patches import extract_patches_3d

__all__ = ["affine_transform", "crop_images", "elastic_transform", "extract_patches", "extract_patches_3d",
           "gaussian_blur", "hsv_to_rgb", "map_coordinates", "pad_images", "perspective_transform", "resize",
           "rgb_to_grayscale", "rgb_to_hsv", "scale_and_translate", "sobel_edges", "ssim"]


def __dir__():
    return sorted(__all__)
