"""`Primitive`: everything there is to know about one operation, in one record; and the table of them."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype

__all__ = ["FROM_DEFINITION", "KINDS", "NOT_DIFFERENTIABLE", "PRIMITIVES", "Primitive"]

KINDS = ("elementwise", "reduce", "move", "contract", "window", "index", "random", "loop", "composite", "linalg",
         "host", "collective")
PRIMITIVES: dict[str, Primitive] = {}


def NOT_DIFFERENTIABLE(ct, out, *inputs, **params):
    """The vjp of a primitive through which no gradient flows."""
    return (None,) * len(inputs)


def FROM_DEFINITION(ct, out, *inputs, **params):
    """The vjp of a composite whose gradient is that of what it stands for: kgraph.compiler.autodiff finds it."""
    raise NotImplementedError("a composite's gradient from its definition is found by kgraph.compiler.autodiff")


@dataclass(frozen=True, eq=False)
class Primitive:
    """One operation. Every field but the facts is required, so that forgetting one fails at import.

    kind       one of KINDS; passes look at kinds, not at names
    infer      (*TensorType, **params) -> TensorType or a tuple of them: the only shape rule. Raises ValueError.
    reference  (*ndarray, **params) -> ndarray or a tuple: the meaning, in NumPy
    vjp        (ct, out, *inputs, **params) -> a tuple with one cotangent (or None) for each input, written with other
               primitives. ct and out are tuples where infer gives a tuple. Or NOT_DIFFERENTIABLE, or FROM_DEFINITION.
    lower      how a kernel computes it; its form belongs to the kind (see kgraph/compiler/lowering)
    examples   (rng) -> a list of (args, params): ndarrays from which the tests make themselves

    Facts that passes ask for, None or False unless said:

    view       "part": its result may be a part of its input's memory (from ``starts`` on, if it has that param);
               "whole": its inputs may be parts of its result's memory
    in_place   input 0 may lie where its result does: of that it reads nothing, what it does not write stays
    branches   an element comes from one of several places, by a test
    costly     an element takes some twenty operations or more: kept rather than computed twice
    batch_rule   what becomes of a batch on axis 0 (kgraph.compiler.prims.batch); None: rows of it may meet
    lift_rule    how it is done for all steps of a loop at once (kgraph.compiler.prims.steps); None: it is not
    shape_param  the param that begins with the size of the result's axis 0
    whole        of a composite that has a kernel too: (*TensorType, **params) -> whether it is done by that kernel
                 rather than written out
    """

    name: str
    kind: str
    infer: Callable
    reference: Callable
    vjp: Callable
    lower: object
    examples: Callable
    view: str | None = None
    in_place: bool = False
    branches: bool = False
    costly: bool = False
    batch_rule: Callable | None = None
    lift_rule: object = None
    shape_param: str | None = None
    whole: Callable | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"primitive {self.name}: expected a kind among {', '.join(KINDS)}, received {self.kind}")
        if self.name in PRIMITIVES:
            raise ValueError(f"primitive {self.name} is defined twice")
        PRIMITIVES[self.name] = self

    def compute(self, *arrays, **params):
        """The reference, with floats of 16 bits (and 8) computed in float32 and what comes out rounded."""
        wide = [_widened(a) for a in arrays]
        named = DTYPES.get(params.get("dtype"))
        rounds = named is not None and named.is_narrow
        if self.kind in ("loop", "host") or not rounds and all(a is b for a, b in zip(wide, arrays)):
            return self.reference(*arrays, **params)
        inferred = self.infer(*(TensorType(a.shape, a.dtype.name) for a in arrays), **params)
        results = self.reference(*wide, **({**params, "dtype": "float32"} if rounds else params))
        if isinstance(inferred, tuple):
            return tuple(map(_rounded, results, inferred))
        return _rounded(results, inferred)

    def __repr__(self):
        return self.name

    def __reduce__(self):
        return _find, (self.name,)


def _widened(array):
    """Floats that are computed in float32, as such; other arrays as they are."""
    letter, size = array.dtype.kind, array.dtype.itemsize
    return array.astype("float32") if letter == "V" or letter == "f" and size == 2 else array


def _rounded(array, type: TensorType):
    """A result in the dtype that it is to have."""
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(numpy_dtype(type.dtype), copy=False)


def _find(name):
    return PRIMITIVES[name]
