"""Dtypes and shapes as TensorFlow names them: tf.float32, tf.TensorShape, tf.TensorSpec."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.dims import Dim
from kgraph.compiler.shapes import DTypeName, Shape
from kgraph.ops.core import result_type, standardize_dtype

NAMES = ("float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
         "uint64", "bool", "complex64", "complex128", "string")
__all__ = [*NAMES, "DType", "TensorShape", "TensorSpec", "as_dtype", "double", "half"]


class DType(DTypeName):
    """A dtype: a text, so that it equals the name that a tensor of kgraph has as its dtype.

    >>> float32 == "float32", float32.as_numpy_dtype, float32.is_floating
    (True, <class 'numpy.float32'>, True)
    """

    __slots__ = ()

    def __str__(self):
        return str.__str__(self)

    def __repr__(self):
        return f"tf.{self.name}"


globals().update({name: DType(name) for name in NAMES})
double, half = DType("float64"), DType("float16")


def as_dtype(type_value) -> DType:
    """The DType of a name, a NumPy dtype, a Python type or a DType. Raises ValueError for anything else."""
    if isinstance(type_value, DType):
        return type_value
    if type_value in (str, bytes, "string", "object", np.object_):
        return DType("string")
    return DType(standardize_dtype(type_value))


class TensorShape(Shape):
    """A shape: ints, and None for a size that is not known. One whose rank is not known is TensorShape(None)."""

    __slots__ = ()

    def __new__(cls, dims):
        if dims is None:
            return _UnknownShape()
        dims = (dims,) if isinstance(dims, int) else dims
        return super().__new__(cls, (None if d is None or isinstance(d, Dim) else int(d) for d in dims))

    def is_compatible_with(self, other) -> bool:
        """Whether a tensor could have both shapes."""
        other = TensorShape(other)
        return other.rank is None or len(self) == len(other) and all(
            a is None or b is None or a == b for a, b in zip(self, other))

    def concatenate(self, other):
        return TensorShape((*self, *other))

    __add__ = concatenate

    def __getitem__(self, key):
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __repr__(self):
        return f"TensorShape({list(self)})"

    __str__ = tuple.__repr__


class _UnknownShape:
    """The shape of which not even the rank is known."""

    rank = ndims = dims = None

    def is_fully_defined(self) -> bool:
        return False

    def is_compatible_with(self, other) -> bool:
        return True

    def num_elements(self):
        return None

    def __eq__(self, other):
        return isinstance(other, _UnknownShape)

    __hash__ = object.__hash__

    def __repr__(self):
        return "TensorShape(None)"


class TensorSpec:
    """The shape and dtype of a tensor, without its values.

    shape  ints and None; None: of any rank
    dtype  by default tf.float32
    """

    def __init__(self, shape, dtype="float32", name=None):
        self.shape = TensorShape(shape)
        self.dtype = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor, name=None):
        return cls(tensor.shape, tensor.dtype, name)

    def is_compatible_with(self, value) -> bool:
        return as_dtype(value.dtype) == self.dtype and self.shape.is_compatible_with(value.shape)

    def __eq__(self, other):
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self):
        return hash((repr(self.shape), self.dtype))

    def __repr__(self):
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


def common_dtype(*xs) -> DType:
    """What the dtypes of xs have in common."""
    return DType(result_type(*(x.dtype if hasattr(x, "dtype") else type(x) for x in xs)))
