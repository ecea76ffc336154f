# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.ops.image.filters import elastic_transform as elastic_transform, gaussian_blur as gaussian_blur, sobel_edges as sobel_edges, ssim as ssim
from kgraph.ops.image.images import affine_transform as affine_transform, crop_images as crop_images, extract_patches as extract_patches, hsv_to_rgb as hsv_to_rgb, map_coordinates as map_coordinates, pad_images as pad_images, resize as resize, rgb_to_grayscale as rgb_to_grayscale, rgb_to_hsv as rgb_to_hsv
from kgraph.ops.image.warps import perspective_transform as perspective_transform, scale_and_translate as scale_and_translate
from kgraph.ops.patches import extract_patches_3d as extract_patches_3d

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]
