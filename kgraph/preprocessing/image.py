"""ImageDataGenerator: batches of images, changed at random. New code uses layers such as RandomFlip."""
from __future__ import annotations

import math
import os

import numpy as np

from kgraph import ops
from kgraph.config import floatx, image_data_format
from kgraph.preprocessing.batches import ArrayBatches, FileBatches
from kgraph.utils.folder_datasets import image_dataset_from_directory, smart_resize
from kgraph.utils.images import array_to_img, img_to_array, load_img, save_img

__all__ = ["ImageDataGenerator", "apply_affine_transform", "array_to_img", "image_dataset_from_directory",
           "img_to_array", "load_img", "save_img", "smart_resize"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff", ".gif", ".webp")


def apply_affine_transform(x, theta=0, tx=0, ty=0, shear=0, zx=1, zy=1, row_axis=0, col_axis=1, channel_axis=2,
                           fill_mode="nearest", cval=0.0, order=1):
    """An image turned by theta degrees, shifted by tx columns and ty rows, sheared by degrees, zoomed by zx and zy.

    fill_mode  what is outside: "constant" (cval), "nearest", "reflect" or "wrap"; order: 0 nearest, 1 linear
    """
    theta, shear = math.radians(theta), math.radians(shear)
    cos, sin = math.cos(theta), math.sin(theta)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ [[1, 0, tx], [0, 1, ty], [0, 0, 1]]
    matrix = matrix @ [[1, -math.sin(shear), 0], [0, math.cos(shear), 0], [0, 0, 1]] @ np.diag([zx, zy, 1])
    x = np.moveaxis(np.asarray(x), (row_axis, col_axis, channel_axis), (0, 1, 2))
    middle = np.array([[1, 0, x.shape[1] / 2 - 0.5], [0, 1, x.shape[0] / 2 - 0.5], [0, 0, 1]])
    places = np.array([*(middle @ matrix @ np.linalg.inv(middle))[:2].ravel(), 0, 0], "float32")
    y = ops.image.affine_transform(x, places, "bilinear" if order else "nearest", fill_mode, cval, "channels_last")
    return np.moveaxis(y.numpy(), (0, 1, 2), (row_axis, col_axis, channel_axis))


def _refuse_saving(save_to_dir):
    if save_to_dir is not None:
        raise ValueError("ImageDataGenerator: expected save_to_dir=None: batches are not written to files, received "
                         f"save_to_dir={save_to_dir!r}. Write them with kgraph.utils.save_img")


class ImageDataGenerator:
    """Batches of images, changed at random, for fit.

    featurewise_center, featurewise_std_normalization, zca_whitening   by the statistics that fit(x) found
    samplewise_center, samplewise_std_normalization   by those of each image
    rotation_range, shear_range   degrees, both ways
    width_shift_range, height_shift_range   a share below 1, a number of pixels, or a list to choose from
    zoom_range          a number z for [1 - z, 1 + z], or (lower, upper); brightness_range (lower, upper)
    channel_shift_range, horizontal_flip, vertical_flip, fill_mode, cval, rescale, preprocessing_function
    validation_split    the last (of arrays: first) share is the subset "validation"
    interpolation_order 0 nearest, 1 linear
    """

    def __init__(self, featurewise_center=False, samplewise_center=False, featurewise_std_normalization=False,
                 samplewise_std_normalization=False, zca_whitening=False, zca_epsilon=1e-6, rotation_range=0,
                 width_shift_range=0.0, height_shift_range=0.0, brightness_range=None, shear_range=0.0, zoom_range=0.0,
                 channel_shift_range=0.0, fill_mode="nearest", cval=0.0, horizontal_flip=False, vertical_flip=False,
                 rescale=None, preprocessing_function=None, data_format=None, validation_split=0.0,
                 interpolation_order=1, dtype=None):
        settings = {name: value for name, value in locals().items() if name != "self"}
        vars(self).update(settings)
        self.data_format, self.dtype = data_format or image_data_format(), dtype or floatx()
        if not 0 <= validation_split < 1:
            raise ValueError(f"ImageDataGenerator: expected validation_split in [0, 1), received {validation_split!r}")
        pair = np.ravel(zoom_range).tolist()
        if len(pair) not in (1, 2):
            raise ValueError(f"ImageDataGenerator: expected zoom_range to be a number or two, received {zoom_range!r}")
        self.zoom_range = pair if len(pair) == 2 else [1 - pair[0], 1 + pair[0]]
        if brightness_range is not None and np.size(brightness_range) != 2:
            raise ValueError("ImageDataGenerator: expected brightness_range of two numbers, received "
                             f"{brightness_range!r}")
        self.mean = self.std = self.zca_whitening_matrix = None
        last = self.data_format == "channels_last"
        self._axes = (0, 1, 2) if last else (1, 2, 0)  # rows, columns, channels of one image

    # ------------------------------------------------------------------ where batches come from
    def flow(self, x, y=None, batch_size=32, shuffle=True, sample_weight=None, seed=None, save_to_dir=None,
             save_prefix="", save_format="png", ignore_class_split=False, subset=None):
        """Batches (x, y) or (x, y, weights), or x alone, of arrays [samples, height, width, channels]."""
        _refuse_saving(save_to_dir)
        return ArrayBatches(self, x, y, sample_weight, batch_size, shuffle, seed, self._part(len(x), subset))

    def flow_from_directory(self, directory, target_size=(256, 256), color_mode="rgb", classes=None,
                            class_mode="categorical", batch_size=32, shuffle=True, seed=None, save_to_dir=None,
                            save_prefix="", save_format="png", follow_links=False, subset=None,
                            interpolation="nearest", keep_aspect_ratio=False):
        """Batches of image files: each folder in the directory is a class.

        class_mode  "categorical" (one-hot rows), "binary", "sparse", "input" (the images) or None (no labels)
        """
        _refuse_saving(save_to_dir)
        classes = list(classes or sorted(e.name for e in os.scandir(directory) if e.is_dir()))
        names, labels = [], []
        for number, name in enumerate(classes):
            found = _files_in(os.path.join(directory, name), follow_links)
            chosen = self._part(len(found), subset)
            names += [os.path.join(name, found[i]) for i in chosen]
            labels += [number] * len(chosen)
        print(f"Found {len(names)} images belonging to {len(classes)} classes.")
        return FileBatches(self, directory, names, labels, classes, class_mode, batch_size, shuffle, seed,
                           {"target_size": target_size, "color_mode": color_mode, "interpolation": interpolation,
                            "keep_aspect_ratio": keep_aspect_ratio})

    def flow_from_dataframe(self, dataframe, directory=None, x_col="filename", y_col="class", weight_col=None,
                            target_size=(256, 256), color_mode="rgb", classes=None, class_mode="categorical",
                            batch_size=32, shuffle=True, seed=None, subset=None, interpolation="nearest", **kwargs):
        """Batches of the image files that a column of a pandas frame names; labels are in another column.

        class_mode  as for flow_from_directory, or "raw": the columns' own values
        """
        rows = self._part(len(dataframe), subset)
        names = [str(dataframe[x_col].iloc[i]) for i in rows]
        if class_mode == "raw":
            labels, classes = dataframe[y_col].to_numpy()[rows], []
        elif class_mode in (None, "input"):
            labels, classes = [0] * len(names), []
        else:
            values = [str(dataframe[y_col].iloc[i]) for i in rows]
            classes = list(classes or sorted(set(values)))
            labels = [classes.index(value) for value in values]
        return FileBatches(self, directory or "", names, labels, classes, class_mode, batch_size, shuffle, seed,
                           {"target_size": target_size, "color_mode": color_mode, "interpolation": interpolation})

    def _part(self, count, subset) -> np.ndarray:
        """The numbers of the samples of a subset: None (all), "training" or "validation"."""
        if subset not in (None, "training", "validation"):
            raise ValueError(f"subset: expected 'training', 'validation' or None, received {subset!r}")
        at = int(count * self.validation_split)
        return np.arange(count) if subset is None else np.arange(at) if subset == "validation" else np.arange(at, count)

    # ------------------------------------------------------------------ statistics
    def fit(self, x, augment=False, rounds=1, seed=None):
        """Find mean, deviation and whitening of images [samples, height, width, channels], after rescale."""
        x = np.asarray(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"ImageDataGenerator.fit: expected images of rank 4, received shape {x.shape}")
        x = x if self.rescale is None else x * np.asarray(self.rescale, self.dtype)
        if augment:
            rng = np.random.default_rng(seed)
            x = np.stack([self.random_transform(image, rng) for _ in range(rounds) for image in x])
        channels = self._axes[2] + 1
        axes = tuple(i for i in range(4) if i != channels)
        if self.featurewise_center:
            self.mean = x.mean(axes, keepdims=True)[0]
            x = x - self.mean
        if self.featurewise_std_normalization:
            self.std = x.std(axes, keepdims=True)[0]
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
            self.zca_whitening_matrix = u / np.sqrt(s + self.zca_epsilon) @ u.T

    def standardize(self, x):
        """One image after preprocessing_function, rescale and the normalizations that were asked for."""
        x = x if self.preprocessing_function is None else self.preprocessing_function(x)
        x = np.asarray(x, self.dtype) * (1 if self.rescale is None else self.rescale)
        x = x - x.mean(keepdims=True) if self.samplewise_center else x
        x = x / (x.std(keepdims=True) + 1e-6) if self.samplewise_std_normalization else x
        for wanted, statistic in (("featurewise_center", self.mean), ("featurewise_std_normalization", self.std),
                                  ("zca_whitening", self.zca_whitening_matrix)):
            if getattr(self, wanted) and statistic is None:
                raise ValueError(f"ImageDataGenerator: expected fit(x) before batches are made, since {wanted}=True")
        x = x if self.mean is None else x - self.mean
        x = x if self.std is None else x / (self.std + 1e-6)
        return x if self.zca_whitening_matrix is None else (x.ravel() @ self.zca_whitening_matrix).reshape(x.shape)

    # ------------------------------------------------------------------ changes
    def get_random_transform(self, img_shape, seed=None) -> dict:
        """Random numbers for apply_transform. seed: an int, or a NumPy Generator."""
        rng = np.random.default_rng(seed)
        low, high = self.zoom_range
        zoom = (1, 1) if low == high == 1 else rng.uniform(low, high, 2)
        around = lambda width: rng.uniform(-width, width) if width else 0
        return {
            "theta": around(self.rotation_range), "shear": around(self.shear_range), "zx": zoom[0], "zy": zoom[1],
            "tx": _shift(rng, self.width_shift_range, img_shape[self._axes[1]]),
            "ty": _shift(rng, self.height_shift_range, img_shape[self._axes[0]]),
            "flip_horizontal": bool(self.horizontal_flip and rng.random() < 0.5),
            "flip_vertical": bool(self.vertical_flip and rng.random() < 0.5),
            "channel_shift_intensity": around(self.channel_shift_range) or None,
            "brightness": None if self.brightness_range is None else rng.uniform(*self.brightness_range)}

    def apply_transform(self, x, transform_parameters):
        """One image changed as the numbers say, see get_random_transform."""
        p = transform_parameters
        moved = {name: p[name] for name in ("theta", "tx", "ty", "shear", "zx", "zy") if name in p}
        row, column, channel = self._axes
        if any(value != (1 if name in ("zx", "zy") else 0) for name, value in moved.items()):
            x = apply_affine_transform(x, **moved, row_axis=row, col_axis=column, channel_axis=channel,
                                       fill_mode=self.fill_mode, cval=self.cval, order=self.interpolation_order)
        if p.get("channel_shift_intensity") is not None:
            x = np.clip(x + p["channel_shift_intensity"], x.min(), x.max())
        x = np.flip(x, column) if p.get("flip_horizontal") else x
        x = np.flip(x, row) if p.get("flip_vertical") else x
        if p.get("brightness") is not None:
            x = np.clip(np.asarray(x, self.dtype) * p["brightness"], 0, 255)
        return x

    def random_transform(self, x, seed=None):
        """One image, changed at random."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))


def _shift(rng, amount, size):
    """A shift in pixels: of a share, of a number of pixels, or one of a list."""
    if np.ndim(amount):
        shift = rng.choice(amount) * rng.choice([-1, 1])
    elif isinstance(amount, int) and amount:
        shift = rng.integers(-amount, amount + 1)
    else:
        shift = rng.uniform(-amount, amount)
    return shift * size if np.max(np.abs(amount)) < 1 else shift


def _files_in(folder, follow_links) -> list:
    """Paths of the image files in a folder and below it, relative to it, in order."""
    return sorted(os.path.relpath(os.path.join(root, name), folder)
                  for root, _, names in os.walk(folder, followlinks=follow_links)
                  for name in names if name.lower().endswith(SUFFIXES))


def __dir__():
    return sorted(__all__)
