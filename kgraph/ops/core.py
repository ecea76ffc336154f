"""What every function of kgraph.ops stands on: the table of them, dtypes and promotion, broadcasting, conversion.

Primitives are strict; here inputs are converted, promoted as Keras 3 does (Python numbers are weak), and broadcast.
"""
from __future__ import annotations

import functools

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike, Value
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.prims.elementwise import cast_p, stop_gradient_p
from kgraph.compiler.prims.move import broadcast_p, full_p, size_value_p
from kgraph.compiler.prims.rules import index_dtype
from kgraph.compiler.trace import Tensor, assume_sizes, bind, current_trace, to_tensor
from kgraph.config import floatx
from kgraph.naming import nearest

__all__ = ["array", "cast", "convert_to_numpy", "convert_to_tensor", "dtype", "is_tensor", "ndim", "saturate_cast",
           "shape", "size", "stop_gradient"]

OPS: dict = {}           # name -> public function
record_symbolic = None   # (function, args, kwargs) -> KTensors; set by kgraph.graph


def op(f):
    """Make f a public operation: listed in OPS, and recorded instead of run when an argument is a KTensor."""
    @functools.wraps(f)
    def call(*args, **kwargs):
        if _symbolic(args) or (kwargs and _symbolic(kwargs)):
            return record_symbolic(call, args, kwargs)
        return f(*args, **kwargs)
    OPS[f.__name__] = call
    return call


def _symbolic(x) -> bool:
    if isinstance(x, TensorLike):
        return x.is_symbolic
    if isinstance(x, (tuple, list)):
        return any(map(_symbolic, x))
    if isinstance(x, dict):
        return any(map(_symbolic, x.values()))
    return isinstance(x, slice) and _symbolic((x.start, x.stop, x.step))


# ------------------------------------------------------------------ dtypes
# The lattice of JAX's type promotion, which Keras 3 shares: "int" and "float" are Python's weak numbers.
# https://docs.jax.dev/en/latest/type_promotion.html
_ABOVE = {"bool": ("int",), "int": ("uint8", "int8"), "uint8": ("uint16", "int16"), "uint16": ("uint32", "int32"),
          "uint32": ("uint64", "int64"), "uint64": ("float",), "int8": ("int16",), "int16": ("int32",),
          "int32": ("int64",), "int64": ("float",), "float": ("float16",), "float16": ("float32",),
          "float32": ("float64", "complex64"), "float64": ("complex128",), "complex64": ("complex128",),
          "complex128": ()}
COMPLEX = ("complex64", "complex128")  # of concrete tensors only: graphs have no complex numbers
_PYTHON = {bool: "bool", int: "int", float: "float"}


@functools.cache
def _bounds(kind) -> frozenset:
    return frozenset({kind}).union(*map(_bounds, _ABOVE[kind]))


@functools.cache
def _join(kinds: frozenset) -> str:
    common = frozenset.intersection(*map(_bounds, kinds))
    return next(k for k in common if common <= _bounds(k))


def result_type(*kinds) -> str:
    """The dtype that dtypes (names, or Python's bool, int and float, which are weak) have in common.

    >>> result_type("int32", "float32"), result_type("float16", float), result_type("int64", float)
    ('float32', 'float16', 'float32')
    """
    joined = _join(frozenset(_PYTHON[k] if isinstance(k, type) and k in _PYTHON else standardize_dtype(k)
                             for k in kinds))
    return {"int": "int32", "float": floatx()}.get(joined, joined)


def standardize_dtype(dtype) -> str:
    """A dtype as its NumPy name; None is floatx. Raises ValueError for what is no dtype of kgraph."""
    if dtype in DTYPES or dtype in COMPLEX:
        return dtype
    if dtype is None or dtype is float:
        return floatx()
    if dtype is int:
        return "int32"
    if hasattr(dtype, "name") and dtype.name in DTYPES:
        return dtype.name
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = dtype
    if name not in DTYPES:
        raise ValueError(f"expected a dtype among {', '.join(DTYPES)}, received {dtype!r}.{nearest(dtype, DTYPES)}")
    return name


def is_float_dtype(dtype: str) -> bool:
    return dtype.startswith("float")


def _kind(x):
    """What x brings to a promotion: its dtype, or the Python type of a number."""
    return type(x) if type(x) in _PYTHON else x.dtype


# ------------------------------------------------------------------ conversion
def as_tensor(x, dtype=None):
    """x as a Tensor or a Value. Python floats become floatx, Python integers int32; arrays keep their dtype."""
    if isinstance(x, TensorLike):
        x = to_tensor(x)
    elif type(x) in _PYTHON:
        dtype = dtype or _number_dtype(x)
        return bind(full_p, shape=(), value=x, dtype=standardize_dtype(dtype))
    elif isinstance(x, Dim):
        return bind(size_value_p, size=x, dtype=standardize_dtype(dtype or index_dtype("size", x)))
    else:
        x = _from_data(x)
    return x if dtype is None else cast_to(x, standardize_dtype(dtype))


def _number_dtype(x):
    if isinstance(x, int) and not isinstance(x, bool) and not -2**31 <= x < 2**31:
        return "int64"
    return result_type(type(x))


def _from_data(x):
    if isinstance(x, (list, tuple)):
        if any(isinstance(v, (TensorLike, Dim)) for v in _leaves(x)):
            from kgraph.ops.shape import stack
            return stack([as_tensor(v) for v in x])
        array = np.asarray(x)
        if not any(isinstance(v, (np.ndarray, np.generic)) for v in _leaves(x)):
            array = array.astype({"f": floatx(), "i": "int32"}.get(array.dtype.kind,
                                                                   array.dtype)) if _fits(array) else array
        return Tensor(array)
    if x is None:
        raise ValueError("expected a tensor, an array or a number, received None")
    return Tensor(np.asarray(x))


def _fits(array):
    return array.dtype.kind != "i" or array.size == 0 or (array.min() >= -2**31 and array.max() < 2**31)


def _leaves(x):
    for v in x:
        if isinstance(v, (list, tuple)):
            yield from _leaves(v)
        else:
            yield v


def cast_to(x, dtype: str):
    """A tensor with that dtype; nothing is recorded when it has it already."""
    return x if x.dtype == dtype else bind(cast_p, x, dtype=dtype)


def floating(x):
    """x as a tensor of a float dtype: integers and bools become floatx."""
    x = as_tensor(x)
    return x if is_float_dtype(x.dtype) else cast_to(x, floatx())


def promote(*xs, least=None) -> list:
    """xs as tensors of the dtype that they have in common; ``least=float`` makes that a float, ``int`` no bool."""
    xs = [x if type(x) in _PYTHON else as_tensor(x) for x in xs]
    kinds = [_kind(x) for x in xs]
    dtype = result_type(*kinds, *([] if least is None else [least]))
    return [as_tensor(x, dtype) if type(x) in _PYTHON else cast_to(x, dtype) for x in xs]


# ------------------------------------------------------------------ broadcasting
def same_size(a, b, what: str):
    """One size for two that must agree, where not both are known: a; the trace notes that they have to be equal."""
    if a == b:
        return a
    if isinstance(a, int) and isinstance(b, int) or current_trace() is None:
        raise ValueError(f"{what}: expected equal sizes, received {a} and {b}")
    assume_sizes(a, "==", b, what)
    return a


def broadcast_shapes(*shapes, what="broadcast") -> tuple:
    """The shape that shapes have in common, as NumPy broadcasts. Raises ValueError when there is none."""
    rank = max(map(len, shapes))
    found = [1] * rank
    for s in shapes:
        for axis, size in enumerate(s, rank - len(s)):
            if found[axis] == 1:
                found[axis] = size
            elif size != 1 and size != found[axis]:
                if isinstance(size, int) and isinstance(found[axis], int):
                    raise ValueError(f"{what}: expected shapes that broadcast, "
                                     f"received {' and '.join(map(str, shapes))}")
                same_size(found[axis], size, what)
    return tuple(found)


def expand_to(x, shape):
    """x broadcast to a shape that it is known to fit."""
    if x.shape == shape:
        return x
    return bind(broadcast_p, x, shape=tuple(shape), axes=tuple(range(len(shape) - len(x.shape), len(shape))))


def with_sizes(x, shape, what: str):
    """x with sizes under other names, or known, in a shape of the same rank; the trace notes that they agree."""
    for a, b in zip(x.shape, shape):
        same_size(a, b, what)
    return expand_to(x, shape)


def broadcast_all(*xs, what="broadcast") -> list:
    """Tensors broadcast against each other."""
    if all(x.shape == xs[0].shape for x in xs):
        return list(xs)
    shape = broadcast_shapes(*[x.shape for x in xs], what=what)
    return [expand_to(x, shape) for x in xs]


# ------------------------------------------------------------------ axes and sizes
def axis_of(axis, rank: int, what: str = "axis") -> int:
    """axis as a number in [0, rank). Raises ValueError outside [-rank, rank)."""
    if not -rank <= int(axis) < max(rank, 1):
        raise ValueError(f"{what}: expected an axis in [{-rank}, {rank}), received {axis}")
    return int(axis) % rank if rank else 0


def axes_of(axis, rank: int, what: str = "axis") -> tuple:
    """None (all axes), an axis or several, as an ascending tuple without repetitions."""
    if axis is None:
        return tuple(range(rank))
    many = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = sorted(axis_of(a, rank, what) for a in many)
    if len(set(found)) != len(found):
        raise ValueError(f"{what}: expected each axis once, received {axis}")
    return tuple(found)


def as_size(x):
    """An int, a Dim, or a concrete integer scalar, as a size."""
    return x if isinstance(x, Dim) else int(x)


def size_tensor(size, dtype: str):
    """A size, known or not, as a scalar tensor."""
    if isinstance(size, Dim):
        return bind(size_value_p, size=size, dtype=dtype)
    return bind(full_p, shape=(), value=float(size) if is_float_dtype(dtype) else int(size), dtype=dtype)


# ------------------------------------------------------------------ public
@op
def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """x as a tensor of that dtype. Floats of Python become floatx, its integers int32; arrays keep their dtype."""
    if sparse or ragged:
        raise ValueError("convert_to_tensor: expected sparse=False and ragged=False, received True: tensors are dense")
    return as_tensor(x, dtype)


@op
def array(x, dtype=None):
    """x as a tensor of that dtype; see convert_to_tensor."""
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x) -> np.ndarray:
    """x as a NumPy array of its own. Raises TypeError inside a graph, where no value exists yet."""
    return np.array(as_tensor(x).numpy())


@op
def cast(x, dtype):
    """x with another dtype. Gradients flow between floats only."""
    return cast_to(as_tensor(x), standardize_dtype(dtype))


@op
def saturate_cast(x, dtype):
    """x with another dtype; values outside its range become the nearest it has."""
    from kgraph.ops.elementwise import clip
    x, dtype = as_tensor(x), standardize_dtype(dtype)
    if dtype != "bool" and x.dtype != "bool":
        about = np.finfo if is_float_dtype(dtype) else np.iinfo
        own = np.finfo if is_float_dtype(x.dtype) else np.iinfo
        low, high = max(about(dtype).min, own(x.dtype).min), min(about(dtype).max, own(x.dtype).max)
        if is_float_dtype(x.dtype):
            high = float(np.nextafter(np.asarray(high, x.dtype), 0)) if float(np.asarray(high,
                                                                                         x.dtype)) > high else high
        x = cast_to(clip(x, low, high), x.dtype)
    return cast_to(x, dtype)


@op
def stop_gradient(variable):
    """The same values; no gradient flows through."""
    return bind(stop_gradient_p, as_tensor(variable))


def shape(x) -> tuple:
    """The shape: ints; Dims inside a graph, for sizes that are not known yet; None for those of a KTensor."""
    return tuple(x.shape) if hasattr(x, "shape") else tuple(as_tensor(x).shape)


def dtype(x) -> str:
    """The dtype of x as a NumPy name."""
    return standardize_dtype(x.dtype) if hasattr(x, "dtype") else as_tensor(x).dtype


def ndim(x) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x):
    """The number of elements: an int, or a Dim inside a graph; of a KTensor a KTensor, as it is not known."""
    x = x if isinstance(x, TensorLike) else as_tensor(x)
    return _size(x) if x.is_symbolic else x.type.size


def _counted(name, count):
    """A number that a tensor's type says, as a tensor, where a graph needs an operation for it."""
    def counted(x):
        return size_tensor(count(as_tensor(x)), "int32")
    counted.__name__ = counted.__qualname__ = name
    return op(counted)


_size = _counted("size", lambda x: dims.size_of(x.shape))
_counted("ndim", lambda x: len(x.shape))


def is_tensor(x) -> bool:
    """Whether x is a tensor: concrete, traced, recorded or a Variable."""
    return isinstance(x, (TensorLike, Value))
