"""Uses of the functions that make datasets and of keras.utils.bounding_boxes (python tests/oracle/ask.py
datasets_and_boxes); answers are in tests/data/datasets_and_boxes.npz."""
from __future__ import annotations

import functools
import itertools
import os
import tempfile
import wave

import numpy as np

FILES = ("b/2", "b/inner/1", "b/a10", "a/9", "a/10", "c/x", "c/.hidden/y", "top", ".d/z", "c/X")
SIZES = ((7, 5), (4, 9), (6, 6), (3, 8))


@functools.lru_cache
def folder() -> str:
    """Images, texts and sounds of three classes, made once; of every file one number."""
    from PIL import Image
    root = tempfile.mkdtemp()
    for number, name in enumerate(FILES):
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (*SIZES[number % 4], 3), "uint8")
        Image.fromarray(pixels).save(path + (".PNG" if number % 2 else ".bmp"))
        with open(path + ".txt", "w") as file:
            file.write(f"text {number} é")
        with wave.open(path + ".wav", "wb") as file:
            file.setnchannels(1 + (number == 0))
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(np.arange(number + 2, dtype="<i2").tobytes() * 200)
    return root


def plain(x) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype != object:
        return x
    return np.array([t.decode() if isinstance(t, bytes) else t for t in x.flat]).reshape(x.shape)


def told(dataset):
    """All batches in one array of numbers, by parts; the order does not count where it was shuffled."""
    parts = [b if isinstance(b, tuple) else (b,) for b in dataset]
    return [[plain(x) for x in part] for part in parts]


def flat(batches):
    return np.concatenate([np.zeros(0), *(np.ravel(x).astype("float64") for batch in batches for x in batch)])


SERIES = np.arange(23, dtype="float32") ** 2
WINDOWS = [{"sequence_length": 3}, {"sequence_length": 4, "sequence_stride": 3, "sampling_rate": 2, "batch_size": 3},
           {"sequence_length": 1, "batch_size": None}, {"sequence_length": 5, "start_index": 3, "end_index": 17},
           {"sequence_length": 22, "batch_size": 4}, {"sequence_length": 24}]
IMAGES = [{"image_size": (6, 5)}, {"image_size": 4, "interpolation": "nearest"},
          {"image_size": (9, 4), "interpolation": "lanczos3", "color_mode": "rgba"},
          {"image_size": (5, 7), "crop_to_aspect_ratio": True}, {"image_size": (5, 7), "pad_to_aspect_ratio": True},
          {"image_size": (5, 7), "data_format": "channels_first", "batch_size": None},
          {"image_size": (5, 3), "crop_to_aspect_ratio": True, "data_format": "channels_first",
           "label_mode": "categorical"}]
LABELS = [{}, {"label_mode": "categorical"}, {"label_mode": "binary", "class_names": ["c", "a"]}, {"labels": None},
          {"labels": [3, 1, 3, 0, 1, 1, 3, 2, 0, 1]}, {"class_names": ["c", "a", "b"], "batch_size": 3},
          {"validation_split": 0.3, "subset": "training"}, {"validation_split": 0.3, "subset": "validation"}]
SHUFFLED = [{"seed": 3}, {"seed": 3, "validation_split": 0.4, "subset": "validation"},
            {"seed": 3, "validation_split": 0.4, "subset": "training"}]
SOUNDS = [{}, {"output_sequence_length": 900, "class_names": ["c", "a"]}, {"label_mode": None, "batch_size": 2}]

BOXES = np.array([[[2, 3, 10, 12], [0, 1, 4, 2], [5, 5, 25, 30]],
                  [[1, 1, 1, 1], [7, 2, 9, 8], [-3, -2, 4, 5]]], "float32")
OTHER = BOXES[:, ::-1] + np.array([1, -1, 2, 3], "float32")
FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
SHAPE = (20, 16, 3)


def series_cases():
    for kw in WINDOWS:
        for name, targets in (("", SERIES[:, None] * 2), (" alone", None), (" short", SERIES[4:12])):
            if "start_index" in kw and name == " short":   # Keras reads beyond the targets
                continue
            yield f"series {kw}{name}", lambda K, kw=kw, t=targets: flat(told(
                K.utils.timeseries_dataset_from_array(SERIES, t, **kw)))
    yield "series first of shuffled", lambda K: np.sort(flat(told(K.utils.timeseries_dataset_from_array(
        SERIES, None, 2, shuffle=True, seed=5).take(1))))


def folder_cases():
    for kw in IMAGES:
        yield f"images {kw}", lambda K, kw=kw: flat(told(
            K.utils.image_dataset_from_directory(folder(), shuffle=False, verbose=False, **kw)))
    for kw in LABELS:
        yield f"texts {kw}", lambda K, kw=kw: _texts(K, shuffle=False, **kw)
    for kw in SHUFFLED:
        yield f"paths {kw}", lambda K, kw=kw: np.array([
            os.path.relpath(p, folder()) for p in K.utils.image_dataset_from_directory(folder(), **kw).file_paths])
    for kw in SOUNDS:
        yield f"sounds {kw}", lambda K, kw=kw: flat(told(
            K.utils.audio_dataset_from_directory(folder(), shuffle=False, **kw)))


def _texts(K, **kw):
    dataset = K.utils.text_dataset_from_directory(folder(), verbose=False, **kw)
    batches = told(dataset)
    return np.array([f"{x.tolist()} {x.dtype.kind} {x.shape}" for b in batches for x in b] + [str(dataset.class_names)])


def box_cases():
    for a, b in itertools.product(FORMATS, FORMATS):
        yield f"boxes {a} to {b}", lambda K, a=a, b=b: K.utils.bounding_boxes.convert_format(BOXES, a, b, 20, 16)
    of = lambda K: K.utils.bounding_boxes
    turn = [np.array(x, "float32") for x in ([30, -70], [0.1, -0.2], [0.3, 0], [1, 1.5], [0, 10], [5, 0])]
    yield "affine", lambda K: of(K).affine_transform(BOXES, *[K.ops.convert_to_tensor(t) for t in turn], 20, 16)
    yield "affine around", lambda K: of(K).affine_transform(
        BOXES, *[K.ops.convert_to_tensor(t) for t in turn], 20, 16, 0.25, 0.75)
    for form, scale in (("xyxy", 1), ("rel_xyxy", 20)):
        for part in ("boxes", "labels"):
            yield f"clip {form} {part}", lambda K, form=form, scale=scale, part=part: of(K).clip_to_image_size(
                {"boxes": K.ops.convert_to_tensor(BOXES / scale), "labels": K.ops.convert_to_tensor(
                    np.array([[1, 2, 3], [4, 5, 6]]))}, 20, 16, form)[part]
    yield "crop", lambda K: of(K).crop(K.ops.convert_to_tensor(BOXES), 2, 3, 10, 12)
    yield "pad", lambda K: of(K).pad(K.ops.convert_to_tensor(BOXES), 2, 3)
    good = np.abs(BOXES) + np.array([0, 0, 9, 9], "float32")
    for form, code in itertools.product(("xyxy", "rel_yxyx", "xywh"), ("center_xywh", "center_yxhw")):
        for variance in (None, [0.1, 0.1, 0.2, 0.2]):
            name, kw = f"{form} {code} {variance}", {"variance": variance, "image_shape": SHAPE}
            yield f"encode {name}", lambda K, f=form, c=code, kw=kw: of(K).encode_box_to_deltas(
                good[0], good, f, "xyxy", encoding_format=c, **kw)
            yield f"decode {name}", lambda K, f=form, c=code, kw=kw: of(K).decode_deltas_to_boxes(
                good[0], K.ops.convert_to_tensor(BOXES / 30), f, f, encoded_format=c, **kw)
    for form, masked in itertools.product(("xyxy", "xywh", "rel_yxyx"), (False, True)):
        for a, b in ((BOXES, OTHER), (BOXES[0] - 6, OTHER[1]), (BOXES[0], OTHER)):
            if masked and a.ndim != b.ndim:   # Keras transposes by the rank of the first: an error
                continue
            yield f"iou {form} {masked} {a.ndim} {b.ndim}", lambda K, f=form, m=masked, a=a, b=b: of(
                K).compute_iou(a, b, f, m, image_shape=SHAPE)
    for form in ("xyxy", "center_xywh"):
        yield f"ciou {form}", lambda K, f=form: of(K).compute_ciou(BOXES, OTHER, f)


def resize_cases():
    x = np.random.default_rng(0).random((2, 7, 9, 3)).astype("float32")
    for size in ((3, 3), (5, 12), (14, 4)):
        yield f"smart {size}", lambda K, s=size: K.preprocessing.image.smart_resize(x, s)
        yield f"smart one {size}", lambda K, s=size: K.preprocessing.image.smart_resize(x[0], s, "nearest")


def all_cases() -> dict:
    return dict(itertools.chain(series_cases(), folder_cases(), box_cases(), resize_cases()))
