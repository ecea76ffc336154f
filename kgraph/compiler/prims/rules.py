"""What the primitives' rules are written with: type checks, the small algebra of vjps, lowering records.

A vjp applies other primitives by name (`apply`), so the files of this folder need not import each other.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.nodes import Expression, call
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import assume_sizes, bind

FLOATS = tuple(d for d, t in DTYPES.items() if t.is_float and t.compute)
INTEGERS = tuple(d for d, t in DTYPES.items() if t.kind in ("int", "uint"))
NUMBERS = FLOATS + INTEGERS
BITS = INTEGERS + ("bool",)
ANY = NUMBERS + ("bool",)
MOST_INT32 = 2**31 - 1
LONG = 256  # terms of a product that NumPy may add up in their own type


@dataclass(frozen=True)
class Pointwise:
    """lower of an elementwise primitive: a function of the language of loop nests by its name, or one that makes an
    expression of the inputs' elements."""

    function: str | Callable

    def __call__(self, e, op, index) -> Expression:
        elements = [e.read(k, index) for k in range(len(op.inputs))]
        return call(self.function, *elements) if isinstance(self.function, str) else self.function(*elements)


@dataclass(frozen=True)
class Reducer:
    """lower of a reduction: ``init(dtype)`` is the neutral value, ``combine`` names the function of loop nests that
    makes one of a value so far and an element."""

    init: Callable
    combine: str


def is_float(x) -> bool:
    return x.dtype in FLOATS


def require(condition, message: Callable):
    """Raise ValueError(message()) unless the condition holds. A callable, as texts of types take time to write."""
    if not condition:
        raise ValueError(message())


def require_order(name: str, *sizes):
    """Raise ValueError unless the sizes ascend. What depends on sizes that are not known yet, the trace assumes."""
    for a, b in zip(sizes, sizes[1:]):
        if isinstance(a, int) and isinstance(b, int):
            require(a <= b, lambda: f"{name}: expected {' <= '.join(map(str, sizes))}")
        elif dims.maximum(a, b) != b:
            assume_sizes(a, "<=", b, name)


def index_dtype(name: str, size) -> str:
    """The dtype of positions and counts on an axis of that size: int32, as Keras has it, unless that cannot hold them.
    Sizes that are not known yet are assumed to be small enough."""
    if isinstance(size, int):
        return "int32" if size <= MOST_INT32 else "int64"
    assume_sizes(size, "<=", MOST_INT32, f"{name}: positions in int32")
    return "int32"


def check_dtype(name: str, type: TensorType, accepted):
    """Raise ValueError when the dtype of an input is not one of those accepted."""
    require(type.dtype in accepted, lambda: f"{name}: expected a dtype among {', '.join(accepted)}, received {type}")


def apply(name: str, *args, **params):
    """Bind a primitive by its name."""
    return bind(PRIMITIVES[name], *args, **params)


def constant(value, like):
    """A tensor of one repeated number with the shape and dtype of another."""
    scalar = apply("full", shape=(), value=value, dtype=like.dtype)
    return apply("broadcast", scalar, shape=like.shape, axes=()) if like.shape else scalar


def _both(a, b):
    if isinstance(a, (int, float)):
        return constant(a, b), b
    return a, constant(b, a) if isinstance(b, (int, float)) else b


def add(a, b):
    return apply("add", *_both(a, b))


def sub(a, b):
    return apply("subtract", *_both(a, b))


def mul(a, b):
    return apply("multiply", *_both(a, b))


def div(a, b):
    return apply("divide", *_both(a, b))


def neg(a):
    return apply("neg", a)


def where(condition, a, b):
    """Elements of a where the condition holds, else of b; one of them may be a Python number."""
    return apply("where", condition, *_both(a, b))


def cast(x, dtype: str):
    return x if x.dtype == dtype else apply("cast", x, dtype=dtype)


def spread(x, axes, shape):
    """A reduction's result repeated over the axes that it lost: the reverse of ``reduce(axes)``."""
    return apply("broadcast", x, shape=shape, axes=tuple(i for i in range(len(shape)) if i not in axes))


def summing_dtype(dtype) -> str:
    """What numbers of a dtype are added up in: reals in float64, where large sums still see small terms."""
    return "float64" if np.dtype(dtype).kind == "f" else np.dtype(dtype).name


def array_sum(x, axes, keepdims=False):
    """NumPy's sum over axes, in x's dtype."""
    return np.sum(x, axis=axes, keepdims=keepdims, dtype=summing_dtype(x.dtype)).astype(x.dtype)


def matrix_product(a, b, dtype=None):
    """NumPy's matrix products of two stacks; of a large depth in parts, which are added up in float64. dtype int32:
    that of int8 with exact sums, which float64 holds."""
    with np.errstate(all="ignore"):
        if dtype == "int32":
            return np.matmul(a.astype("float64"), b.astype("float64")).astype("int64").astype("int32")
        if a.shape[-1] <= LONG or a.dtype.kind != "f":
            return np.matmul(a, b).astype(a.dtype, copy=False)  # of floats of 8 bits NumPy makes float32
        return sum(np.matmul(a[..., k:k + LONG], b[..., k:k + LONG, :]).astype("float64")
                   for k in range(0, a.shape[-1], LONG)).astype(a.dtype)


def quiet(f):
    """f without NumPy's floating-point warnings: NaN and infinity are values here."""
    def silent(*args, **params):
        with np.errstate(all="ignore"):
            return f(*args, **params)
    return silent
