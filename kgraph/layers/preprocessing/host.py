"""The base of layers that NumPy and Python run, on text mostly; a model runs them before its compiled part."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorLike, TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.trace import Tensor, bind
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.tables import as_array

__all__ = ["HostLayer", "as_data", "batches_of"]


class Text(str):
    """One text of Texts: `numpy()` gives its bytes, as of a tensor of TensorFlow."""

    shape, ndim, dtype = (), 0, "string"

    def numpy(self) -> bytes:
        return self.encode()


class Texts(np.ndarray):
    """An array of texts, read as tensors of text are: `numpy()` gives bytes, and a single text has it too."""

    def numpy(self):
        found = np.array([str(text).encode() for text in self.flat], object).reshape(self.shape)
        return found if self.ndim else found.item()

    def __getitem__(self, key):
        found = super().__getitem__(key.numpy() if isinstance(key, TensorLike) else key)
        return Text(found) if isinstance(found, str) else found

    def __iter__(self):
        return (self[i] for i in range(len(self)))


class HostLayer(Layer):
    """A subclass defines _compute(*arrays) -> array, and _output_type(*TensorType) -> TensorType.

    In a model, what it is called on has to be an input of the model or the output of another such layer. One that can
    leave Python has a `table` as well, of `table_type`, and what is to be done with the integers that it gives.
    """

    takes_text = True
    on_host = True

    def call(self, inputs):
        arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if any(isinstance(x, Value) for x in arrays):
            return bind(host_p, *arrays, function=self._compute, type=self._output_type(*[x.type for x in arrays]))
        result = self._compute(*map(as_data, arrays))
        return result.view(Texts) if result.dtype.kind in "OU" else Tensor(result)

    def _bind(self, args, kwargs):
        """Lists of strings are arrays, not structures of tensors."""
        return super()._bind((self._gather(args[0]), *args[1:]) if args else args, kwargs)

    def _gather(self, inputs):
        return inputs if isinstance(inputs, TensorLike) else as_data(inputs)

    def _compute(self, *arrays):
        raise NotImplementedError(f"{type(self).__name__} has no _compute()")

    def _output_type(self, *types) -> TensorType:
        raise NotImplementedError(f"{type(self).__name__} has no _output_type()")

    def table(self):
        """The step of kgraph.layers.preprocessing.tables that makes integers of the inputs; `finish` does the rest.
        Raises ValueError where that takes Python.

        Returns:
            The step, which takes arrays.
        """
        raise ValueError(f"layer {self.name!r} ({type(self).__name__}): expected a layer whose work tables can do, "
                         "received one with Python of its own")

    def table_type(self, *types) -> TensorType:
        """The type of what the table gives for inputs of these types.

        Args:
            types, texts: of the inputs
        """
        return TensorType(types[0].shape, "int64")

    def finish(self, places):
        """The output, for what the table gives: arithmetic, by kgraph.ops.

        Args:
            places, bins: the table's integers

        Returns:
            A tensor.
        """
        return places


def as_data(x) -> np.ndarray:
    """x as an array of numbers or of str; see kgraph.layers.preprocessing.tables.as_array."""
    return x.numpy() if isinstance(x, TensorLike) else as_array(x)


def batches_of(data, steps=None):
    """The arrays that adapt() gets: one, from an array or a list of values; or several, from anything else."""
    values = isinstance(data, (list, tuple)) and not any(hasattr(x, "shape") for x in data[:1])
    if values or hasattr(data, "shape") or hasattr(data, "to_numpy"):
        yield as_data(data)
        return
    for i, batch in enumerate(data):
        if steps is not None and i >= steps:
            return
        yield as_data(batch[0] if isinstance(batch, tuple) else batch)
