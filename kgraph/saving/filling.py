"""Filling variables from a file: all is found, compared and read before anything is changed."""
from __future__ import annotations

import contextlib
import warnings

from kgraph.naming import printable
from kgraph.saving.hdf5 import Dataset
from kgraph.tables import Table

__all__ = ["Filling", "Reader"]


class Filling:
    """What a file holds for variables, and what does not fit, collected before `take`.

    misfits  in words, one for each thing that does not fit
    """

    def __init__(self, file_name):
        self.file_name = file_name
        self.misfits = []
        self._sources = []    # (variable, Dataset or array)
        self._own = []        # (object whose class has its own way of loading, its Reader)

    def add(self, variables, sources):
        """Datasets or arrays of the variables' shapes."""
        self._sources += zip(variables, sources, strict=True)

    def add_own(self, x, datasets):
        """An object that takes what it likes out of {name: Dataset}, by load_own_variables."""
        self._own.append((x, Reader(datasets)))

    def settle(self, skip_mismatch=False):
        """Raise ValueError for what does not fit; skip_mismatch warns of it instead."""
        if not self.misfits:
            return
        text = "\n  ".join([f"{self.file_name}: the file does not fit the model:", *map(printable, self.misfits)])
        if not skip_mismatch:
            raise ValueError(text)
        warnings.warn(f"{text}\nThese keep their values.", stacklevel=4)

    def take(self, fresh=False):
        """Fill the variables: all or, after an exception, none.

        fresh: of a model that nobody else has yet: then nothing has to be read twice.
        """
        for _, source in () if fresh else self._sources:
            if isinstance(source, Dataset):
                source.verify()
        with contextlib.nullcontext() if fresh else _restored([v for x, _ in self._own for v in x.variables]):
            for x, reader in self._own:
                x.load_own_variables(reader)
        for variable, source in self._sources:
            if not isinstance(source, Dataset):
                variable.store(source)
            elif isinstance(variable, Table):
                source.read_rows(variable.held, variable.start)
            else:
                source.read_into(variable.buffer)
            variable.wrote()


@contextlib.contextmanager
def _restored(variables):
    """Give variables their values back when something goes wrong."""
    before = [v.numpy() for v in variables]
    try:
        yield
    except BaseException:
        for variable, value in zip(variables, before):
            variable.store(value)
        raise


class Reader:
    """What a class's own load_own_variables reads from: a mapping of names to arrays."""

    def __init__(self, datasets):
        self._datasets = datasets

    def keys(self):
        return self._datasets.keys()

    def __len__(self):
        return len(self._datasets)

    def __contains__(self, key):
        return key in self._datasets

    def __getitem__(self, key):
        dataset = self._datasets[key]
        return dataset.read(dataset.shape)
