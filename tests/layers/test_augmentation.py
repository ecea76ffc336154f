"""Layers on images and bounding boxes give, by the same transformations, what Keras 3.15.1 gives
(tests/oracle/augmentation.py)."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build

HERE = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("augmentation", HERE / "oracle" / "augmentation.py")
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)
CASES = oracle.all_cases()
with np.load(HERE / "data" / "augmentation.npz") as stored:
    ANSWERS = dict(stored)


@pytest.mark.parametrize("case", CASES)
def test_as_keras(case):
    scale = 1 if case.startswith("boxes") else 255
    np.testing.assert_allclose(CASES[case](kgraph), ANSWERS[case], rtol=1e-5, atol=1e-5 * scale)


def boxed(form="xyxy"):
    """Every layer that moves boxes, or lets them be."""
    kwargs = {"seed": 1, "bounding_box_format": form}
    L = layers
    return [L.RandomColorJitter((0, 255), 0.2, 0.2, 0.2, 0.2, **kwargs), L.RandomErasing(**kwargs),
            L.RandomPerspective(**kwargs), L.RandomGaussianBlur(**kwargs), L.RandAugment(**kwargs),
            L.AugMix(num_chains=2, chain_depth=1, **kwargs), L.RandomFlip(**kwargs), L.RandomCrop(5, 6, **kwargs),
            L.RandomRotation(0.2, **kwargs), L.RandomZoom(0.2, **kwargs), L.RandomTranslation(0.2, 0.2, **kwargs),
            L.RandomShear(0.2, 0.2, **kwargs), L.MixUp(**kwargs)]


NEW = [*boxed()[:6], layers.CutMix(seed=4), layers.RandomElasticTransform(seed=1), layers.Equalization(),
       layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 3))]
name_of = lambda layer: type(layer).__name__


@pytest.mark.parametrize("layer", boxed(), ids=name_of)
def test_one_image_is_a_batch_of_one(layer):
    parts = {"images": oracle.IMAGES, "segmentation_masks": oracle.IMAGES[..., :1],
             "labels": np.eye(2, dtype="float32"), "bounding_boxes": {"boxes": oracle.BOXES, "labels": oracle.LABELS}}
    one = kgraph.tree.map_structure(lambda a: a[:1], parts)
    other = type(layer).from_config(layer.get_config())
    found, alone = layer(one), other(kgraph.tree.map_structure(lambda a: a[0], one))
    for a, b in zip(kgraph.tree.flatten(found), kgraph.tree.flatten(alone)):
        np.testing.assert_allclose(a[0], b, rtol=1e-6, atol=1e-4)
    assert parts["bounding_boxes"]["boxes"] is oracle.BOXES


@pytest.mark.parametrize("layer", NEW, ids=name_of)
def test_changes_in_training_alone_and_compiles(layer):
    make = lambda: type(layer).from_config(layer.get_config())
    assert make().get_config() == layer.get_config()
    eager, compiled = make(), make()
    run = build("call", lambda x: compiled(x, training=True), [TensorType((dim("B"), 9, 11, 3), "float32")])
    y = eager(oracle.IMAGES, training=True).numpy()
    np.testing.assert_allclose(run(oracle.IMAGES), y, rtol=1e-5, atol=1e-3)
    assert y.shape == oracle.IMAGES.shape and (y != oracle.IMAGES).any()
    if not name_of(layer).startswith("Contrast"):
        np.testing.assert_array_equal(layer(oracle.IMAGES, training=False), oracle.IMAGES)


def test_boxes_follow_what_they_are_around():
    """A bright rectangle stays inside its box, whichever way the images move."""
    images = np.zeros((8, 20, 24, 1), "float32")
    images[:, 6:11, 8:15] = 1.0
    given = {"boxes": np.array([[[8, 6, 15, 11]]] * 8, "float32"), "labels": np.ones((8, 1), "int32")}
    for layer in (layers.RandomFlip, layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom,
                  layers.RandomPerspective, layers.RandomCrop):
        arguments = {layers.RandomRotation: (0.1,), layers.RandomTranslation: (0.2, 0.2), layers.RandomZoom: (0.2,),
                     layers.RandomPerspective: (1.0, 0.3), layers.RandomCrop: (14, 13)}.get(layer, ())
        more = {} if layer in (layers.RandomFlip, layers.RandomCrop) else {"fill_value": 0.0}
        if layer in (layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom):
            more["fill_mode"] = "constant"
        boxes = {**given, "boxes": given["boxes"][..., [1, 0, 3, 2]] / [20, 24, 20, 24]}
        found = layer(*arguments, seed=3, bounding_box_format="rel_yxyx", **more)(
            {"images": images, "bounding_boxes": boxes})
        for image, (box,), (label,) in zip(found["images"].numpy(), found["bounding_boxes"]["boxes"].numpy(),
                                           found["bounding_boxes"]["labels"].numpy()):
            rows, columns, _ = np.nonzero(image > 0.5)
            if not len(rows):
                assert label == -1 or box[2] - box[0] < 0.2 or box[3] - box[1] < 0.2
                continue
            top, left, bottom, right = box * [*image.shape[:2], *image.shape[:2]]
            edges = [rows.min() - top, columns.min() - left, bottom - rows.max(), right - columns.max()]
            assert min(edges) > -1.1 and max(edges) < 3.5, (layer.__name__, edges)


def test_mixed_images_have_the_boxes_of_both():
    layer = layers.MixUp(bounding_box_format="xyxy")
    drawn = {"mix_weight": np.float32([0.25, 1.0]), "permutation_order": np.array([1, 0])}
    found = layer.transform_bounding_boxes({"boxes": oracle.BOXES, "labels": oracle.LABELS}, drawn)
    np.testing.assert_array_equal(found["boxes"], np.concatenate([oracle.BOXES, oracle.BOXES[::-1]], axis=1))
    np.testing.assert_array_equal(found["labels"], np.concatenate([oracle.LABELS, oracle.LABELS[::-1]], axis=1))


def test_lists_of_boxes_are_filled_up():
    data = {"images": oracle.IMAGES, "bounding_boxes": {"boxes": [[[1, 2, 6, 5]], [[0, 0, 4, 4], [5, 5, 9, 9]]],
                                                        "labels": [[3], [1, 2]]}}
    found = layers.MaxNumBoundingBoxes(2, bounding_box_format="xyxy")(data)["bounding_boxes"]
    np.testing.assert_array_equal(found["boxes"][0], [[1, 2, 6, 5], [0, 0, 0, 0]])
    np.testing.assert_array_equal(found["labels"], [[3, -1], [1, 2]])


def test_nan_stays_where_it_is():
    x = oracle.IMAGES.copy()
    x[0, 2, 3, 1] = np.nan
    for layer in (layers.Equalization(), layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))):
        np.testing.assert_array_equal(np.isnan(layer(x, training=True)), np.isnan(x))


BOXES = {"boxes": oracle.BOXES, "labels": oracle.LABELS}


@pytest.mark.parametrize("run, error, words", [
    (lambda: layers.RandomFlip()({"images": oracle.IMAGES, "bounding_boxes": BOXES}), ValueError,
     "expected a bounding_box_format"),
    (lambda: layers.RandomFlip(bounding_box_format="xyxz"), ValueError, "Did you mean 'yxyx'"),
    (lambda: layers.RandomFlip(bounding_box_format="xyxy")({"images": oracle.IMAGES, "bounding_boxes": oracle.BOXES}),
     ValueError, "dict of 'boxes' and 'labels'"),
    (lambda: layers.RandomFlip(bounding_box_format="xyxy")(
        {"images": oracle.IMAGES, "bounding_boxes": {"boxes": [[[1, 2, 3, 4]]], "labels": [[1], [2]]}}), ValueError,
     "as many labels as boxes"),
    (lambda: layers.CutMix(bounding_box_format="xyxy")({"images": oracle.IMAGES, "bounding_boxes": BOXES}),
     NotImplementedError, "CutMix does not move bounding boxes"),
    (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), NotImplementedError, "fill_mode"),
    (lambda: layers.RandomPerspective(interpolation="bicubic"), NotImplementedError, "interpolation"),
    (lambda: layers.RandomPerspective(scale=2.0), ValueError, "scale"),
    (lambda: layers.RandomGaussianBlur(kernel_size=4), ValueError, "kernel_size"),
    (lambda: layers.RandomErasing(fill_value=(1, 2)), ValueError, "fill_value"),
    (lambda: layers.RandAugment(factor=1.5), ValueError, "factor"),
])
def test_refused(run, error, words):
    with pytest.raises(error, match=words):
        run()
