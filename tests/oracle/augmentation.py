"""Layers on images and their bounding boxes, by given transformations (python tests/oracle/ask.py augmentation)."""
from __future__ import annotations

import numpy as np

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (2, 9, 11, 3)).astype("float32")
BOXES = np.array([[[1, 2, 6, 5], [3, 0, 11, 9], [0, 0, 0, 0]], [[7, 1, 10, 4], [2, 3, 4, 8], [5, 6, 9, 7]]], "float32")
LABELS = np.array([[3, 1, 2], [0, 4, 1]])
START = np.array([[[0, 0], [10, 0], [0, 8], [10, 8]]] * 2, "float32")
END = START + RNG.uniform(-2, 2, START.shape).astype("float32")
YES_NO, MASKS = np.array([True, False]), RNG.random((2, 9, 11, 3)) > 0.6
NORMAL = RNG.uniform(0, 255, IMAGES.shape).astype("float32")
SIZE = (2, 9, 11, 3)
FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")

CLAHE = "ContrastLimitedAdaptiveHistogramEqualization"
IMAGE_USES = [   # (layer, arguments, transformation); channels_first turns what has the layout round
    ("Equalization", {}, None), ("Equalization", {"bins": 16}, None), ("Equalization", {"value_range": (0, 300)}, None),
    *((CLAHE, {"clip_limit": limit, "tile_grid_size": grid}, None)
      for limit, grid in ((4.0, (2, 3)), (0, (3, 2)), (1.5, (1, 1)), (2.0, (9, 11)))),
    *(("RandomGaussianBlur", {"kernel_size": size},
       {"should_apply_blur": YES_NO, "blur_factor": np.float32([0.7, 0.4])})
      for size in (3, 5, (3, 5))),
    *(("RandomPerspective", {"interpolation": how, "fill_value": 7.0},
       {"apply_perspective": YES_NO, "start_points": START, "end_points": END}) for how in ("bilinear", "nearest")),
    ("RandomErasing", {}, {"apply_erasing": YES_NO, "batch_masks": MASKS, "fill_value": NORMAL}),
    ("CutMix", {}, {"permutation_order": np.array([1, 0]), "batch_masks": MASKS,
                    "mix_weight": np.float32([0.3, 0.6]).reshape(2, 1, 1, 1)}),
]
BOX_USES = [   # (layer, arguments, transformation, formats): Keras takes the boxes of some for xyxy whatever they are
    *(("RandomFlip", {"mode": mode}, {"flips": YES_NO.reshape(2, 1, 1, 1), "input_shape": SIZE}, FORMATS)
      for mode in ("horizontal", "vertical", "horizontal_and_vertical")),
    *(("CenterCrop", {"height": h, "width": w}, {"input_shape": SIZE}, FORMATS)
      for h, w in ((5, 6), (4, 11), (12, 6), (12, 15))),
    *(("Resizing", {"height": 6, "width": w, **how}, (9, 11), FORMATS)
      for w in (5, 13) for how in ({}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True})),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2},
     {"translations": np.float32([[2, -1], [-4, 3]]), "input_shape": SIZE}, FORMATS),
    ("RandomZoom", {"height_factor": 0.2},
     {"height_zoom": np.float32([[0.7], [1.3]]), "width_zoom": np.float32([[1.2], [0.8]]), "input_shape": SIZE},
     FORMATS),
    ("RandomShear", {"x_factor": 0.5, "y_factor": 0.5},
     {"shear_factor": np.float32([[0.23, -0.31], [-0.13, 0.41]]), "input_shape": SIZE}, FORMATS),
    ("RandomRotation", {"factor": 0.5}, {"angle": np.float32([20, -75]), "image_height": 9, "image_width": 11,
                                         "batch_size": 2, "input_shape": SIZE}, ("xyxy",)),
    ("RandomPerspective", {}, {"apply_perspective": YES_NO, "start_points": START, "end_points": END,
                               "input_shape": SIZE}, ("xyxy",)),
    ("Solarization", {}, None, FORMATS[:1]),
    *(("MaxNumBoundingBoxes", {"max_number": n}, None, FORMATS[:1]) for n in (2, 3, 5)),
]


def tensors(K, drawn):
    return {k: K.ops.convert_to_tensor(v) if isinstance(v, np.ndarray) else v for k, v in drawn.items()} \
        if isinstance(drawn, dict) else drawn


def image(K, name, arguments, drawn, first, dtype="float32"):
    swap = lambda x: K.ops.transpose(x, (0, 3, 1, 2)) if first else x
    drawn = tensors(K, drawn)
    if first and drawn:
        drawn = {k: swap(v) if k in ("batch_masks", "fill_value") else v for k, v in drawn.items()}
    layer = getattr(K.layers, name)(**arguments, data_format="channels_first" if first else "channels_last")
    y = layer.transform_images(swap(K.ops.convert_to_tensor(IMAGES.astype(dtype))), drawn, training=True)
    assert K.backend.standardize_dtype(y.dtype) == dtype
    return K.ops.convert_to_numpy(K.ops.transpose(y, (0, 2, 3, 1)) if first else y)


def boxes(K, name, arguments, drawn, form):
    layer = getattr(K.layers, name)(**arguments, bounding_box_format=form)
    given = K.utils.bounding_boxes.convert_format(BOXES, "xyxy", form, 9, 11)
    found = layer.transform_bounding_boxes({"boxes": given, "labels": K.ops.convert_to_tensor(LABELS)},
                                           tensors(K, drawn), training=True)
    return joined(K, found)


def joined(K, found):
    boxes, labels = (K.ops.convert_to_numpy(found[name]) for name in ("boxes", "labels"))
    return np.concatenate([boxes, labels[..., None]], axis=-1).astype("float32")


def labels(K):
    drawn = tensors(K, next(drawn for name, _, drawn in IMAGE_USES if name == "CutMix"))
    found = K.layers.CutMix().transform_labels(K.ops.convert_to_tensor(np.eye(2, 3, dtype="float32")), drawn)
    return K.ops.convert_to_numpy(found)


def chosen(K, what):
    """RandAugment: a shear, then solarization."""
    layer = K.layers.RandAugment(bounding_box_format="xyxy", seed=1)
    x = K.ops.convert_to_tensor(IMAGES)
    drawn = layer.get_random_transformation(x)
    drawn["layer_idxes"] = K.ops.convert_to_tensor(np.array([0, 8]))
    drawn["transforms"]["random_shear"] = tensors(K, {"shear_factor": np.float32([[0.23, -0.31], [-0.13, 0.41]]),
                                                      "input_shape": SIZE})
    drawn["transforms"]["solarization"] = tensors(K, {
        "additions": np.float32([20, 70]).reshape(2, 1, 1, 1), "thresholds": np.float32([128, 9]).reshape(2, 1, 1, 1)})
    if what == "boxes":
        given = {"boxes": K.ops.convert_to_tensor(BOXES), "labels": K.ops.convert_to_tensor(LABELS)}
        return joined(K, layer.transform_bounding_boxes(given, drawn))
    transform = layer.transform_images if what == "images" else layer.transform_segmentation_masks
    return K.ops.convert_to_numpy(transform(x, drawn))


def jitter(K):
    layer = K.layers.RandomColorJitter(brightness_factor=(0.2, 0.2), saturation_factor=(0.7, 0.7))
    return K.ops.convert_to_numpy(layer(IMAGES, training=True))


def whole(K, name, arguments, part):
    """A call on a dict, of a batch."""
    layer = getattr(K.layers, name)(**arguments, bounding_box_format="xyxy")
    data = {"images": IMAGES, "segmentation_masks": K.ops.convert_to_tensor(IMAGES[..., :1]), "labels": LABELS[:, 0],
            "bounding_boxes": {"boxes": BOXES, "labels": LABELS}}
    found = layer(data)[part]
    return joined(K, found) if part == "bounding_boxes" else K.ops.convert_to_numpy(found)


def all_cases() -> dict:
    cases = {}
    for i, (name, arguments, drawn) in enumerate(IMAGE_USES):
        for first in (False, True):
            cases[f"{name} {i} {first}"] = lambda K, a=(name, arguments, drawn, first): image(K, *a)
    cases["CLAHE of integers"] = lambda K: image(K, CLAHE, {"tile_grid_size": (2, 3)}, None, False, "uint8")
    for i, (name, arguments, drawn, formats) in enumerate(BOX_USES):
        for form in formats:
            cases[f"boxes {name} {i} {form}"] = lambda K, a=(name, arguments, drawn, form): boxes(K, *a)
    cases["labels CutMix"] = labels
    cases["RandomColorJitter"] = jitter
    for what in ("images", "masks", "boxes"):
        cases[f"RandAugment {what}"] = lambda K, w=what: chosen(K, w)
    for name, arguments in (("CenterCrop", {"height": 5, "width": 6}), ("Resizing", {"height": 6, "width": 5})):
        for part in ("images", "segmentation_masks", "labels", "bounding_boxes"):
            cases[f"call {name} {part}"] = lambda K, a=(name, arguments, part): whole(K, *a)
    return cases
