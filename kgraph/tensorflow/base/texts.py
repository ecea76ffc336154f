"""Tensors of text. They live on the host: no compiled program holds them."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.tensorflow.base.dtypes import DType, TensorShape

__all__ = []


class StringTensor:
    """A tensor of byte strings, as TensorFlow's tensors of dtype tf.string.

    values: bytes, texts (encoded in UTF-8) or nested lists and arrays of them
    """

    dtype = DType("string")
    __array_priority__ = 1000

    def __init__(self, values):
        array = values.numpy_array() if isinstance(values, StringTensor) else _objects(values)
        self._array = np.frompyfunc(_as_bytes, 1, 1)(array) if array.size else array.astype(object)
        if not isinstance(self._array, np.ndarray):
            self._array = _scalar(self._array)

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self._array.shape)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def get_shape(self) -> TensorShape:
        return self.shape

    def numpy_array(self) -> np.ndarray:
        """The byte strings as an array of objects, without axes too."""
        return self._array

    def numpy(self):
        """The bytes of a tensor without axes, else an array of them."""
        return self._array if self._array.ndim else self._array.item()

    def tolist(self):
        return self._array.tolist()

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype)

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key):
        if isinstance(key, Tensor):
            key = key.numpy()
        elif isinstance(key, tuple):
            key = tuple(k.numpy() if isinstance(k, Tensor) else k for k in key)
        return StringTensor(self._array[key])

    def __add__(self, other):
        return StringTensor(self._array + StringTensor(other)._array)

    def __radd__(self, other):
        return StringTensor(StringTensor(other)._array + self._array)

    def __eq__(self, other):
        if not isinstance(other, (StringTensor, str, bytes, list, np.ndarray)):
            return NotImplemented
        return Tensor(np.asarray(self._array == StringTensor(other)._array, bool))

    def __ne__(self, other):
        found = self.__eq__(other)
        return found if found is NotImplemented else Tensor(~found.numpy())

    __hash__ = object.__hash__

    def __bool__(self):
        return bool(self.numpy())

    def __str__(self):
        return f"tf.Tensor({self.numpy()!r}, shape={tuple(self.shape)}, dtype=string)"

    def __repr__(self):
        return f"<tf.Tensor: shape={tuple(self.shape)}, dtype=string, numpy={self.numpy()!r}>"


def _objects(values) -> np.ndarray:
    if isinstance(values, (str, bytes)):
        return _scalar(values)
    if isinstance(values, (list, tuple)):
        values = [v.numpy_array() if isinstance(v, StringTensor) else v for v in values]
    return np.asarray(values, dtype=object)


def _scalar(value) -> np.ndarray:
    array = np.empty((), object)
    array[()] = value
    return array


def _as_bytes(value) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"expected text or bytes, received {value!r}")


def is_text(x) -> bool:
    """Whether x is text, bytes, or an array or list of nothing else."""
    if isinstance(x, (StringTensor, str, bytes)):
        return True
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "SU" or x.dtype.kind == "O" and x.size > 0 and isinstance(x.flat[0], (str, bytes))
    return isinstance(x, (list, tuple)) and len(x) > 0 and is_text(x[0])


def text_of(x) -> str:
    """The text of one string, whether it is a text, bytes, a path or a StringTensor without axes."""
    x = x.numpy() if isinstance(x, StringTensor) else x
    return x.decode() if isinstance(x, bytes) else str(x)


def bytes_of(x) -> bytes:
    """The bytes of one string."""
    return _as_bytes(x.numpy() if isinstance(x, StringTensor) else x)


def map_texts(f, x, out=None):
    """f(bytes) of each string of x: a StringTensor, or a tensor of dtype `out`."""
    array = StringTensor(x).numpy_array()
    found = [f(b) for b in array.flat]
    if out is None:
        result = np.empty(len(found), object)
        result[:] = found
        return StringTensor(result.reshape(array.shape))
    return Tensor(np.asarray(found, out).reshape(array.shape))
