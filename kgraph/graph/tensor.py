"""`KTensor`, a tensor of the recorded graph; and the masks that travel with tensors of every kind."""
from __future__ import annotations

import re
import weakref
from typing import NamedTuple

from kgraph import tree
from kgraph.compiler.dims import Dim, dim
from kgraph.compiler.ir import TensorLike, TensorType
from kgraph.compiler.shapes import Shape
from kgraph.config import floatx
from kgraph.naming import auto_name

__all__ = ["Attached", "KTensor", "any_symbolic", "get_mask", "set_mask", "shape_with_none", "symbolic_shape"]


class KerasHistory(NamedTuple):
    """The call that made a KTensor: which of its operation, and which of its results."""

    operation: object
    node_index: int
    tensor_index: int

    layer = property(lambda self: self.operation)


class KTensor(TensorLike):
    """A tensor of the recorded graph: a shape and a dtype, and the call that makes it.

    record_history is accepted for Keras's sake.

    Args:
        shape: ints, None or Dims; None on axis 0 is the batch size B, any other None gets a name of its own
        dtype: a NumPy name, by default config.floatx()
        name: by default keras_tensor, keras_tensor_1 ...
        sparse: whether sparse matrices will come
        ragged: True is an error
        record_history, node, index: where it comes from; set by kgraph.

    Raises:
        ValueError: ragged is True.
    """

    __slots__ = ("type", "name", "node", "index", "sparse", "mask", "__weakref__")
    is_symbolic, record_history = True, True
    ragged, ragged_rank, row_splits_dtype = False, None, None   # Keras's words: there are no ragged tensors

    def __init__(self, shape, dtype=None, sparse=False, ragged=False, record_history=True, name=None, node=None,
                 index=0):
        if ragged:
            raise ValueError("KTensor: expected ragged=False: rows of one length each, filled up and masked; received "
                             f"ragged={ragged!r}")
        self.name = name or auto_name("keras_tensor")
        self.type = TensorType(symbolic_shape(shape, self.name), dtype or floatx())
        self.node = node
        self.index = index
        self.sparse = sparse
        self.mask = None

    @property
    def shape(self) -> tuple:
        """The shape, with None for each size that is not known yet."""
        return Shape(shape_with_none(self.type.shape))

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    @property
    def operation(self):
        """The operation whose call made this tensor, or None."""
        return self.node.operation if self.node else None

    @property
    def _keras_history(self):
        """Where it comes from, as Keras keeps it: (operation, node_index, tensor_index), None where that is nowhere."""
        return None if self.node is None else KerasHistory(self.node.operation, self.node.index, self.index)

    def numpy(self):
        """Refused: there are no values yet.

        Raises:
            TypeError: always: a KTensor has no values.
        """
        raise TypeError(f"{self!r} has no value: it stands for a tensor of a graph. Make a Model of it and call that.")

    def __array__(self, dtype=None, copy=None):
        return self.numpy()

    def __bool__(self):
        raise TypeError(f"{self!r} has no truth value: it stands for a tensor of a graph")

    def __iter__(self):
        if not self.type.shape or isinstance(self.type.shape[0], Dim):
            raise TypeError(f"cannot iterate over {self!r}: its first size is not known")
        return (self[i] for i in range(self.type.shape[0]))

    def __repr__(self):
        return f"<KTensor {self.name} shape={self.shape} dtype={self.dtype}>"


def symbolic_shape(shape, name: str = "") -> tuple:
    """shape with a Dim for each None: B on axis 0, a name made of `name` and the axis elsewhere."""
    prefix = re.sub(r"\W", "_", name) or "size"
    named = [dim("B" if axis == 0 else f"{prefix}_{axis}") if size is None else size for axis, size in enumerate(shape)]
    return tuple(size if isinstance(size, Dim) else int(size) for size in named)


def shape_with_none(shape) -> tuple:
    """shape with None for each Dim, as Keras shows it."""
    return tuple(None if isinstance(size, Dim) else size for size in shape)


def any_symbolic(x) -> bool:
    """Whether there is a KTensor among the leaves of x."""
    return any(isinstance(leaf, KTensor) for leaf in tree.flatten(x))


# ------------------------------------------------------------------ masks
class Attached:
    """Tensor -> something, such as its mask: by identity, for as long as the tensor lives."""

    def __init__(self):
        self._entries = {}

    def get(self, x):
        entry = self._entries.get(id(x))
        return entry[1] if entry is not None and entry[0]() is x else None

    def set(self, x, value):
        key = id(x)
        self._entries[key] = (weakref.ref(x, lambda _: self._entries.pop(key, None)), value)

    def drop(self, x):
        self._entries.pop(id(x), None)


_masks = Attached()


def get_mask(x):
    """The mask that a layer attached to tensor x (booleans, True where x counts), or None."""
    return x.mask if isinstance(x, KTensor) else _masks.get(x)


def set_mask(x, mask):
    """Attach a mask to tensor x; None takes it away."""
    if isinstance(x, KTensor):
        x.mask = mask
    elif mask is None:
        _masks.drop(x)
    else:
        _masks.set(x, mask)


# What Keras calls it; programs read it and set it.
TensorLike._keras_mask = property(get_mask, set_mask)
