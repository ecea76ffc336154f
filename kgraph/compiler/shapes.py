"""What tensors give as their shape and dtype: a tuple and a text, which answer what programs of TensorFlow ask them."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.dims import Dim
from kgraph.compiler.loopnest.dtypes import DTYPES

__all__ = ["DTypeName", "Shape", "dtype_name"]


class Shape(tuple):
    """A tuple of sizes; as a list, those that are not known yet are None."""

    __slots__ = ()

    @property
    def rank(self) -> int:
        return len(self)

    ndims = rank

    @property
    def dims(self) -> list:
        return self.as_list()

    def as_list(self) -> list:
        return [None if isinstance(size, Dim) else size for size in self]

    def is_fully_defined(self) -> bool:
        return None not in self.as_list()

    def num_elements(self):
        """The product of the sizes, or None while one is not known."""
        return int(np.prod(self)) if self.is_fully_defined() else None

    def __getitem__(self, key):
        found = tuple.__getitem__(self, key)
        return Shape(found) if key.__class__ is slice else found


class DTypeName(str):
    """The name of a dtype.

    >>> DTypeName("float32").as_numpy_dtype, DTypeName("float32").is_floating
    (<class 'numpy.float32'>, True)
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self)

    @property
    def as_numpy_dtype(self):
        return np.object_ if self == "string" else np.dtype(self.name).type

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return np.dtype(self.as_numpy_dtype).itemsize

    @property
    def is_floating(self) -> bool:
        return "float" in self

    @property
    def is_integer(self) -> bool:
        return "int" in self

    @property
    def is_bool(self) -> bool:
        return self == "bool"

    @property
    def is_complex(self) -> bool:
        return self.startswith("complex")

    @property
    def base_dtype(self):
        return self

    @property
    def min(self):
        return self._limits().min

    @property
    def max(self):
        return self._limits().max

    def _limits(self):
        return (np.finfo if self.is_floating else np.iinfo)(self.as_numpy_dtype)


_KNOWN = {name: DTypeName(name) for name in (*DTYPES, "string", "complex64", "complex128")}


def dtype_name(dtype: str) -> str:
    """A dtype's name as tensors give it."""
    return _KNOWN.get(dtype, dtype)
