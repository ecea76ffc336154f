"""The base of layers that NumPy and Python run, on text mostly; a model runs them before its compiled part."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorLike, TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.trace import Tensor, bind
from kgraph.layers.base import Layer

__all__ = ["HostLayer", "as_data", "batches_of"]


class HostLayer(Layer):
    """A subclass defines _compute(*arrays) -> array, and _output_type(*TensorType) -> TensorType.

    In a model, what it is called on has to be an input of the model or the output of another such layer.
    """

    takes_text = True
    on_host = True

    def call(self, inputs):
        arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if any(isinstance(x, Value) for x in arrays):
            return bind(host_p, *arrays, function=self._compute, type=self._output_type(*[x.type for x in arrays]))
        result = self._compute(*map(as_data, arrays))
        return result if result.dtype.kind in "OU" else Tensor(result)

    def _bind(self, args, kwargs):
        """Lists of strings are arrays, not structures of tensors."""
        return super()._bind((self._gather(args[0]), *args[1:]) if args else args, kwargs)

    def _gather(self, inputs):
        return inputs if isinstance(inputs, TensorLike) else as_data(inputs)

    def _compute(self, *arrays):
        raise NotImplementedError(f"{type(self).__name__} has no _compute()")

    def _output_type(self, *types) -> TensorType:
        raise NotImplementedError(f"{type(self).__name__} has no _output_type()")


def as_data(x) -> np.ndarray:
    """x as an array of numbers or of str; bytes are UTF-8. Text is kept as objects: a long one costs its own size."""
    if isinstance(x, TensorLike):
        return x.numpy()
    array = x.to_numpy() if hasattr(x, "to_numpy") else x if isinstance(x, np.ndarray) else np.array(x, dtype=object)
    if array.dtype.kind == "S":
        array = array.astype(object)
    if array.dtype.kind != "O":
        return array
    first = array.flat[0] if array.size else ""
    if not isinstance(first, (str, bytes)):
        return np.array(array.tolist())
    flat = [t.decode("utf-8") if isinstance(t, bytes) else str(t) for t in array.flat]
    return np.array(flat, dtype=object).reshape(array.shape)


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
