"""The batches that an ImageDataGenerator makes, without end: from arrays, and from files."""
from __future__ import annotations

import os

import numpy as np

from kgraph.training.data import PyDataset
from kgraph.utils.images import img_to_array, load_img
from kgraph.utils.numerical import to_categorical

__all__ = ["ArrayBatches", "FileBatches"]

CLASS_MODES = ("categorical", "binary", "sparse", "input", "raw", None)


class _Batches(PyDataset):
    """Batch i of an epoch by ``self[i]``; ``next(self)`` goes on for ever. The order is drawn anew for each epoch."""

    def __init__(self, generator, rows, batch_size, shuffle, seed):
        super().__init__()
        if not len(rows):
            raise ValueError("ImageDataGenerator: expected at least one image, received none")
        self.generator, self.rows, self.batch_size, self.shuffle, self.seed = generator, rows, batch_size, shuffle, seed
        self.n, self.epoch, self.batch_index = len(rows), 0, 0
        self._order = self._draw_order()

    def _draw_order(self):
        rng = np.random.default_rng(None if self.seed is None else (self.seed, self.epoch))
        return rng.permutation(self.rows) if self.shuffle else np.asarray(self.rows)

    def __len__(self):
        return -(-self.n // self.batch_size)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        rng = np.random.default_rng(None if self.seed is None else (self.seed, self.epoch, index))
        return self._batch(self._order[index * self.batch_size:(index + 1) * self.batch_size], rng)

    def _batch(self, rows, rng):
        raise NotImplementedError(f"{type(self).__name__} has no _batch()")

    def _changed(self, image, rng):
        return self.generator.standardize(self.generator.random_transform(image, rng))

    def on_epoch_end(self):
        self.epoch += 1
        self._order = self._draw_order()

    def reset(self):
        """Begin with the first batch again."""
        self.batch_index = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.batch_index == len(self):
            self.batch_index = 0
            self.on_epoch_end()
        self.batch_index += 1
        return self[self.batch_index - 1]

    next = __next__


class ArrayBatches(_Batches):
    """Batches of arrays held in memory. x may be a pair (images, other arrays that go with them)."""

    def __init__(self, generator, x, y, weights, batch_size, shuffle, seed, rows):
        self.others = []
        if isinstance(x, tuple):
            x, others = x
            self.others = [np.asarray(o) for o in (others if isinstance(others, (list, tuple)) else [others])]
            rows = np.arange(len(x))
        self.x = np.asarray(x, generator.dtype)
        if self.x.ndim != 4:
            raise ValueError(f"flow: expected images of rank 4, received shape {self.x.shape}")
        self.y = None if y is None else np.asarray(y)
        self.weights = None if weights is None else np.asarray(weights)
        for name, array in (("y", self.y), ("sample_weight", self.weights)):
            if array is not None and len(array) != len(self.x):
                raise ValueError(f"flow: expected {name} of the length of x, {len(self.x)}, received {len(array)}")
        super().__init__(generator, rows, batch_size, shuffle, seed)

    def _batch(self, rows, rng):
        x = np.stack([self._changed(self.x[i], rng) for i in rows]).astype(self.generator.dtype)
        x = [x, *(o[rows] for o in self.others)] if self.others else x
        parts = [x, *(a[rows] for a in (self.y, self.weights) if a is not None)]
        return tuple(parts) if len(parts) > 1 else x


class FileBatches(_Batches):
    """Batches of image files. filenames, filepaths, classes (class numbers), class_indices (name -> number)."""

    def __init__(self, generator, directory, names, labels, classes, class_mode, batch_size, shuffle, seed, loading):
        if class_mode not in CLASS_MODES:
            raise ValueError(f"class_mode: expected one of {', '.join(map(str, CLASS_MODES))}, received {class_mode!r}")
        self.directory, self.filenames, self.loading = directory, names, loading
        self.classes, self.class_mode = np.asarray(labels), class_mode
        self.class_indices = {name: i for i, name in enumerate(classes)}
        self.num_classes, self.samples = len(classes), len(names)
        channels = {"rgb": 3, "rgba": 4, "grayscale": 1}[loading["color_mode"]]
        size = tuple(loading["target_size"])
        self.image_shape = (*size, channels) if generator.data_format == "channels_last" else (channels, *size)
        super().__init__(generator, np.arange(len(names)), batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list:
        return [os.path.join(self.directory, name) for name in self.filenames]

    def _batch(self, rows, rng):
        x = np.stack([self._changed(self._image(i), rng) for i in rows]).astype(self.generator.dtype)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        labels = self.classes[rows]
        if self.class_mode == "categorical":
            return x, to_categorical(labels, self.num_classes).astype(self.generator.dtype)
        return x, labels.astype(self.generator.dtype) if self.class_mode == "binary" else labels

    def _image(self, row):
        return img_to_array(load_img(self.filepaths[row], **self.loading), self.generator.data_format,
                            self.generator.dtype)
