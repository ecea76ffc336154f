"""Files of a folder with their classes: which, in which order, and which part of them."""
from __future__ import annotations

import os

import numpy as np

from kgraph.utils.numerical import to_categorical
from kgraph.utils.pipeline import Dataset, as_tensor, row_numbers

__all__ = ["FolderArguments"]

LABEL_MODES = ("int", "categorical", "binary", None)


class FolderArguments:
    """What the functions *_dataset_from_directory share.

    Args:
        directory: a folder that holds a folder for each class; files of folders inside belong to the class too
        labels: "inferred" by the folders; a list of int, one for each file in the order of the sorted paths; or None
        label_mode: "int"; "categorical": one-hot; "binary": 0.0 or 1.0 of shape [batch, 1]; None: no labels
        class_names: the folders to use and their order, else all in the order of their names
        validation_split, subset: a share of the files, the last ones, is the subset "validation", the others
            "training"; "both" gives the two datasets; shuffled files then need a seed
    """

    def __init__(self, what, formats, directory, labels="inferred", label_mode="int", class_names=None, batch_size=32,
                 shuffle=True, seed=None, validation_split=None, subset=None, follow_links=False, verbose=True):
        self.what, self.formats, self.directory, self.batch_size = what, formats, directory, batch_size
        self.shuffle, self.verbose, self.subset, self.validation_split = shuffle, verbose, subset, validation_split
        self.label_mode = None if labels is None else label_mode
        labels = None if label_mode is None else labels
        self._check(labels, label_mode, class_names, seed)
        self.seed = np.random.randint(1e6) if seed is None else seed
        self.paths, self.labels, self.class_names = self._indexed(labels, class_names, follow_links)
        if self.label_mode == "binary" and len(self.class_names) != 2:
            raise ValueError(f"label_mode 'binary': expected two classes, received {self.class_names}")
        if shuffle:
            for rows in (self.paths, self.labels):
                if rows is not None:
                    np.random.RandomState(self.seed).shuffle(rows)

    def _check(self, labels, label_mode, class_names, seed):
        expect = [
            (isinstance(labels, (list, tuple)) or labels is None or labels == "inferred",
             f"labels 'inferred', None or a list of int, received {labels!r}"),
            (label_mode in LABEL_MODES,
             f"label_mode among {', '.join(map(str, LABEL_MODES))}, received {label_mode!r}"),
            (not class_names or labels == "inferred",
             f"class_names with labels='inferred' only, received {class_names!r}"),
            (not self.validation_split or 0 < self.validation_split < 1,
             f"validation_split in (0, 1), received {self.validation_split!r}"),
            (bool(self.validation_split) == bool(self.subset), f"subset and validation_split together, received "
             f"subset={self.subset!r} and validation_split={self.validation_split!r}"),
            (self.subset in ("training", "validation", "both", None),
             f"subset 'training', 'validation' or 'both', received {self.subset!r}"),
            (not (self.validation_split and self.shuffle and seed is None),
             "a seed where files are shuffled and split, so that the parts do not overlap, received seed=None"),
        ]
        for fine, sentence in expect:
            if not fine:
                raise ValueError(f"{self.what} files: expected {sentence}")

    def _indexed(self, labels, class_names, follow_links):
        """(paths, labels, names of classes), in order."""
        if labels == "inferred":
            folders = sorted(e.name for e in os.scandir(self.directory) if e.is_dir() and not e.name.startswith("."))
            unknown = sorted(set(class_names or ()) - set(folders))
            if unknown:
                raise ValueError(f"class_names: expected folders of {self.directory}, which are {folders}, received "
                                 f"{unknown}")
            names = list(class_names or folders)
            found = [self._files(os.path.join(self.directory, name), follow_links) for name in names]
            labels = np.repeat(np.arange(len(names), dtype="int32"), [len(paths) for paths in found])
            paths = [path for part in found for path in part]
        else:
            paths, names = self._files(self.directory, follow_links), None
            if labels is not None:
                if len(labels) != len(paths):
                    raise ValueError(f"labels: expected one for each of the {len(paths)} files in {self.directory}, "
                                     f"received {len(labels)}")
                names, labels = [str(label) for label in sorted(set(labels))], np.array(labels, "int32")
        self._say(f"Found {len(paths)} files" + (f" belonging to {len(names)} classes." if names is not None else "."))
        return paths, labels, names

    def _files(self, folder, follow_links) -> list:
        walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda found: found[0])
        return [os.path.join(root, name) for root, _, names in walk for name in sorted(names)
                if name.lower().endswith(self.formats)]

    def _say(self, text):
        if self.verbose:
            print(text)

    def dataset(self, load, join=np.stack):
        """The dataset, or the two of subset "both". load(path) reads a file; join makes a batch of what it gave."""
        count = len(self.paths)
        held = int(self.validation_split * count) if self.validation_split else 0
        if self.validation_split and not held:
            raise ValueError(f"validation_split: expected a share of the {count} {self.what} files in {self.directory} "
                             f"that is at least one file, received {self.validation_split}")
        parts = {None: slice(0, count), "training": slice(0, count - held), "validation": slice(count - held, count)}
        if self.subset != "both":
            return self._part(parts[self.subset], self.shuffle, load, join)
        return [self._part(parts["training"], self.shuffle, load, join),
                self._part(parts["validation"], False, load, join)]

    def _part(self, part, shuffle, load, join) -> Dataset:
        paths, labels = self.paths[part], self._targets(part)
        if self.subset:
            self._say(f"Using {len(paths)} files for {'training' if part.start == 0 else 'validation'}.")
        if not paths:
            raise ValueError(f"expected {self.what} files ({', '.join(self.formats)}) in {self.directory}: found none")

        def batch(rows):
            x = as_tensor(load(paths[rows]) if np.ndim(rows) == 0 else join([load(paths[i]) for i in rows]))
            return x if labels is None else (x, as_tensor(labels[rows]))
        found = row_numbers(len(paths), self.batch_size, shuffle, self.seed).map(batch)
        found.class_names, found.file_paths = self.class_names, paths
        return found

    def _targets(self, part):
        if self.labels is None:
            return None
        labels = self.labels[part]
        if self.label_mode == "categorical":
            return to_categorical(labels, len(self.class_names)).astype("float32")
        return labels[:, None].astype("float32") if self.label_mode == "binary" else labels
