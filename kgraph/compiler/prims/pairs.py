"""Pairs of bfloat16: two neighbours along an axis in a word of 32 bits, the first one low. A pass brings them in for
convolutions (kgraph.compiler.passes.pairs), on machines that multiply and add up pairs in one instruction.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.rules import require

__all__ = ["WORDS", "apart", "numbers"]

WORDS = "int32"   # their type


def apart(x: TensorType, axis: int) -> TensorType:
    """The type of numbers whose pairs along an axis are of the type x; another type as it is."""
    shape = (*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis:][1:])
    return TensorType(shape, "bfloat16") if x.dtype == WORDS else x


def numbers(x: Any, axis: int) -> Any:
    """The numbers in an array of pairs, as float32; another array as it is."""
    if x.dtype != WORDS:
        return x
    found = np.stack([x << 16, x & -1 << 16], axis % x.ndim + 1).view("float32")
    return found.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis:][1:])


def _pairs_infer(x, axis):
    require(x.dtype == "bfloat16" and 0 <= axis < x.ndim,
            lambda: f"pairs: expected bfloat16 and one of its axes, received {x}, {axis}")
    return TensorType((*x.shape[:axis], (x.shape[axis] + 1) // 2, *x.shape[axis + 1:]), WORDS)


def _pairs(x, axis):
    wide = np.pad(x, [(0, x.shape[axis] % 2 * (a == axis)) for a in range(x.ndim)])
    low, high = (np.take(wide, range(k, wide.shape[axis], 2), axis).astype("float32").view(WORDS) for k in (0, 1))
    return low >> 16 & 0xFFFF | high & -1 << 16


def _pairs_lower(e, op, index):
    axis, size = op.params["axis"], op.inputs[0].shape[op.params["axis"]]
    at = lambda k: (*index[:axis], index[axis] * 2 + k, *index[axis + 1:])
    is_even = isinstance(size, int) and size % 2 == 0
    high = e.read(0, at(1)) if is_even else e.choose(e.at(index[axis] * 2 + 1) < e.size(size), lambda: e.read(0, at(1)),
                                                     lambda: e.constant(0, "bfloat16"))
    return call("pair", e.read(0, at(0)), high)


pairs_p = Primitive(
    "pairs", "move", _pairs_infer, _pairs, NOT_DIFFERENTIABLE, _pairs_lower,
    lambda rng: [([rng.normal(size=shape).astype(numpy_dtype("bfloat16"))], {"axis": axis})
                 for shape, axis in (((3,), 0), ((4, 37), 0), ((3, 5, 2), 1), ((2, 6, 7), 1), ((0, 3), 0))],
    branches=True)
