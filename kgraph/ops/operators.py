"""Python's operators, indexing, len() and iteration for every tensor: concrete, traced, recorded and Variables."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike, Value
from kgraph.compiler.trace import Tensor, current_trace
from kgraph.ops import contract, elementwise, shape
from kgraph.ops.core import as_tensor, cast
from kgraph.ops.getitem import get_item

_BINARY = {"add": elementwise.add, "sub": elementwise.subtract, "mul": elementwise.multiply,
           "truediv": elementwise.divide, "floordiv": elementwise.floor_divide, "mod": elementwise.mod,
           "pow": elementwise.power, "matmul": contract.matmul, "lshift": elementwise.left_shift,
           "rshift": elementwise.right_shift, "and": elementwise.bitwise_and, "or": elementwise.bitwise_or,
           "xor": elementwise.bitwise_xor}
_COMPARE = {"lt": elementwise.less, "le": elementwise.less_equal, "gt": elementwise.greater,
            "ge": elementwise.greater_equal}
_OPERANDS = (TensorLike, int, float, np.ndarray, np.generic, list, tuple, Dim)


def _forward(f):
    return lambda self, other: f(self, other) if isinstance(other, _OPERANDS) else NotImplemented


def _reflected(f):
    return lambda self, other: f(other, self) if isinstance(other, _OPERANDS) else NotImplemented


def _same(self, other):
    """Elementwise for concrete tensors and, while a graph is traced, for its values. Identity otherwise: the compiler
    keeps Values in tuples, a model its Variables in lists, and `in` has to find them there."""
    if not isinstance(other, _OPERANDS) or self is other and not isinstance(self, Tensor):
        return NotImplemented
    if isinstance(self, Tensor) or isinstance(other, Tensor):
        return elementwise.equal(self, other)
    if isinstance(self, Value) and current_trace() is None or isinstance(other, type(self)) and not isinstance(self,
                                                                                                               Value):
        return NotImplemented
    return elementwise.equal(self, other)


def _different(self, other):
    result = _same(self, other)
    return result if result is NotImplemented else elementwise.logical_not(result)


def _length(self):
    if not self.shape:
        raise TypeError("len() of a tensor without axes")
    if isinstance(self.shape[0], Dim) or self.shape[0] is None:
        raise TypeError(f"len() of {self!r}: its first size is not known while a graph is recorded")
    return self.shape[0]


def _iterate(self):
    return (self[i] for i in range(len(self)))


def _no_truth(self):
    raise TypeError(f"{self!r} has no truth value while a graph is recorded: use ops.where or ops.cond, or "
                    "compile(run_eagerly=True)")


def install():
    """Give TensorLike its operators."""
    for name, f in _BINARY.items():
        setattr(TensorLike, f"__{name}__", _forward(f))
        setattr(TensorLike, f"__r{name}__", _reflected(f))
    for name, f in _COMPARE.items():
        setattr(TensorLike, f"__{name}__", _forward(f))
    methods = {"__neg__": elementwise.negative, "__abs__": elementwise.abs, "__pos__": as_tensor,
               "__invert__": elementwise.bitwise_not, "__round__": lambda self, n=0: elementwise.round(self, n or 0),
               "__eq__": _same, "__ne__": _different, "__hash__": object.__hash__, "__getitem__": get_item,
               "__len__": _length, "__iter__": _iterate, "astype": cast,
               "reshape": lambda self, *s: shape.reshape(self, s[0] if len(s) == 1 else s),
               "squeeze": shape.squeeze, "T": property(shape.transpose)}
    for name, f in methods.items():
        setattr(TensorLike, name, f)
    Value.__bool__ = _no_truth


install()
