"""What every function of kgraph.ops stands on: the table of them, dtypes and promotion, broadcasting, conversion.

Primitives are strict; here inputs are converted, promoted as Keras 3 does (Python numbers are weak), and broadcast.
"""
from __future__ import annotations

import functools
import operator
import reprlib

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorLike, Value
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.loopnest.dtypes import is_float as is_float_dtype
from kgraph.compiler.prims.elementwise import cast_p, stop_gradient_p
from kgraph.compiler.prims.move import broadcast_p, concatenate_p, full_p, reshape_p, size_value_p
from kgraph.compiler.prims.rules import index_dtype
from kgraph.compiler.trace import Tensor, assume_sizes, bind, current_trace, to_tensor
from kgraph.config import floatx
from kgraph.naming import nearest

__all__ = ["array", "cast", "convert_to_numpy", "convert_to_tensor", "dtype", "is_tensor", "ndim",
           "shape", "size", "stop_gradient"]

OPS: dict = {}           # name -> public function
record_symbolic = None   # (function, args, kwargs) -> KTensors; set by kgraph.graph


def op(f, elementwise=False):
    """Make f a public operation: listed in OPS, and recorded instead of run when an argument is a KTensor.

    elementwise: each element of its results follows from those at the same place of its operands alone.
    """
    @functools.wraps(f)
    def call(*args, **kwargs):
        if _symbolic(args) or (kwargs and _symbolic(kwargs)):
            return record_symbolic(call, args, kwargs)
        return f(*args, **kwargs)
    call.elementwise = elementwise
    OPS[f.__name__] = call
    return call


elementwise_op = functools.partial(op, elementwise=True)


def chosen(names, *modules) -> dict:
    """name -> the function of that name, of the module among these that defines it."""
    defined = {n: f for m in modules for n, f in vars(m).items() if getattr(f, "__module__", None) == m.__name__}
    return {name: defined[name] for name in names}


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
          "int32": ("int64",), "int64": ("float",), "float": ("float16", "bfloat16"),
          "float16": ("float32",), "bfloat16": ("float32",),
          "float32": ("float64", "complex64"), "float64": ("complex128",), "complex64": ("complex128",),
          "complex128": ()}
COMPLEX = ("complex64", "complex128")  # of concrete tensors only: graphs have no complex numbers
_STORED = tuple(name for name, t in DTYPES.items() if not t.compute)  # nothing is computed in these
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

    Args:
        kinds: dtypes by name, or Python's bool, int and float.

    Raises:
        ValueError: they have none in common, as floats of 8 bits and others have not.

    Example:
        >>> result_type("int32", "float32"), result_type("float16", float), result_type("int64", float)
        ('float32', 'float16', 'float32')
    """
    joined = _joined(kinds)
    return {"int": "int32", "float": floatx()}.get(joined, joined)


@functools.cache
def _joined(kinds: tuple) -> str:
    if any(kind in _STORED for kind in kinds if isinstance(kind, str)):
        raise ValueError(f"expected dtypes that have one in common, received {', '.join(map(str, kinds))}: cast floats "
                         "of 8 bits first")
    return _join(frozenset(_PYTHON[k] if isinstance(k, type) and k in _PYTHON else standardize_dtype(k)
                           for k in kinds))


def standardize_dtype(dtype) -> str:
    """A dtype as its NumPy name, which NumPy knows from now on; None is floatx. Raises ValueError for what is no dtype
    of kgraph.

    Args:
        dtype: a name, a NumPy dtype or scalar type, or one of Python's bool, int and float.
    """
    name = _dtype_name(dtype)
    if name not in DTYPES and name not in COMPLEX:
        raise ValueError(f"expected a dtype among {', '.join(DTYPES)}, received {dtype!r}.{nearest(dtype, DTYPES)}")
    if name in DTYPES and DTYPES[name].foreign:
        numpy_dtype(name)
    return name


def _dtype_name(dtype):
    if dtype is None or dtype is float:
        return floatx()
    if dtype is int:
        return "int32"
    if isinstance(dtype, str) and (dtype in DTYPES or dtype in COMPLEX):
        return dtype
    name = getattr(dtype, "name", None)
    if isinstance(name, str) and name in DTYPES:
        return name
    try:
        return np.dtype(dtype).name
    except TypeError:
        return dtype


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
        if current_trace() is None:
            return Tensor(full_p.compute(shape=(), value=x, dtype=standardize_dtype(dtype)))   # nothing to record
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
            return stacked([as_tensor(v) for v in x])
        array = np.asarray(x)
        if not any(isinstance(v, (np.ndarray, np.generic)) for v in _leaves(x)):
            array = array.astype({"f": floatx(), "i": "int32"}.get(array.dtype.kind,
                                                                   array.dtype)) if _fits(array) else array
        return Tensor(_told(array, x))
    if x is None:
        raise ValueError("expected a tensor, an array or a number, received None")
    return Tensor(_told(np.asarray(x), x))


def _told(array, given):
    """array, if it holds numbers or texts. Raises TypeError for other objects of Python."""
    if array.dtype.kind == "O" and not all(isinstance(v, (str, bytes, int, float, np.generic)) for v in array.flat):
        raise TypeError(f"expected a tensor, an array, numbers or texts, received {reprlib.repr(given)}")
    return array


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


def joined(xs, axis: int, what="concatenate"):
    """Tensors joined along an axis; their other sizes agree."""
    xs = promote(*xs)
    rank = len(xs[0].shape)
    if any(len(x.shape) != rank for x in xs):
        raise ValueError(f"{what}: expected tensors of one rank, "
                         f"received shapes {', '.join(str(tuple(x.shape)) for x in xs)}")
    axis = axis_of(axis, rank, what)
    if len(xs) == 1:
        return xs[0]
    common = [n if i == axis else _agree([x.shape[i] for x in xs], what) for i, n in enumerate(xs[0].shape)]
    xs = [expand_to(x, (*common[:axis], x.shape[axis], *common[axis + 1:])) for x in xs]
    return bind(concatenate_p, *xs, axis=axis)


def _agree(sizes, what):
    for n in sizes[1:]:
        same_size(sizes[0], n, what)
    return sizes[0]


def stacked(xs, axis: int = 0):
    """Tensors of one shape joined along a new axis."""
    xs = promote(*xs)
    rank = len(xs[0].shape)
    axis = axis_of(axis, rank + 1, "stack")
    for x in xs:
        if len(x.shape) != rank:
            raise ValueError(f"stack: expected tensors of shape {tuple(xs[0].shape)}, received {tuple(x.shape)}")
    wide = lambda shape: (*shape[:axis], 1, *shape[axis:])
    return joined([bind(reshape_p, x, shape=wide(x.shape)) for x in xs], axis)


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
    """An int, a Dim, or an integer scalar, as a size; one of a graph where it was computed from sizes."""
    return x if isinstance(x, Dim) else _size_behind(x) if isinstance(x, Value) else int(x)


_OF_SIZES = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "floor_divide": operator.floordiv,
             "remainder": operator.mod, "maximum": dims.maximum, "cast": lambda x: x}


def _size_behind(value):
    """The size that a scalar of the graph being recorded stands for: programs cast sizes, and compute with them."""
    trace = current_trace()
    op = trace and next((op for op in reversed(trace.ops) if value in op.outputs), None)
    if op is None or value.shape != () or "int" not in value.dtype:
        return int(value)   # which says that there is no value yet
    if op.prim is size_value_p:
        return op.params["size"]
    if op.prim is full_p:
        return int(op.params["value"])
    if op.prim.name not in _OF_SIZES:
        return int(value)
    return _OF_SIZES[op.prim.name](*map(_size_behind, op.inputs))


def shape_tuple(shape) -> tuple:
    """A shape given as an int, a Dim, an array or a sequence, as a tuple of sizes."""
    return tuple(map(as_size, shape)) if isinstance(shape, (tuple, list, np.ndarray)) else (as_size(shape),)


def size_tensor(size, dtype: str):
    """A size, known or not, as a scalar tensor."""
    if isinstance(size, Dim):
        return bind(size_value_p, size=size, dtype=dtype)
    return bind(full_p, shape=(), value=float(size) if is_float_dtype(dtype) else int(size), dtype=dtype)


# ------------------------------------------------------------------ public
@op
def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """x as a tensor of that dtype. Floats of Python become floatx, its integers int32; arrays keep their dtype.

    Raises:
        ValueError: sparse or ragged is True; or x is None.
        TypeError: x is or holds an object that is neither number nor text.

    Example:
        >>> ops.convert_to_tensor([1, 2]), ops.convert_to_tensor(1.5)
        (<Tensor i32[2] [1 2]>, <Tensor f32[] 1.5>)
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: expected sparse=False and ragged=False, received True: tensors are dense")
    return as_tensor(x, dtype)


@op
def array(x, dtype=None):
    """x as a tensor of that dtype; see convert_to_tensor.

    Example:
        >>> ops.array([1, 2], dtype="float16")
        <Tensor f16[2] [1. 2.]>
    """
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x) -> np.ndarray:
    """x as a NumPy array of its own. Raises TypeError inside a graph, where no value exists yet.

    Returns:
        An array that is not shared with the tensor.

    Example:
        >>> ops.convert_to_numpy(ops.ones((2,)))
        array([1., 1.], dtype=float32)
    """
    return np.array(as_tensor(x).numpy())


@elementwise_op
def cast(x, dtype):
    """x with another dtype. Gradients flow between floats only.

    Example:
        >>> ops.cast([1.7, -1.7], "int32")
        <Tensor i32[2] [ 1 -1]>
    """
    return cast_to(as_tensor(x), standardize_dtype(dtype))


@elementwise_op
def stop_gradient(variable):
    """The same values; no gradient flows through.

    Example:
        >>> ops.stop_gradient([1.0])
        <Tensor f32[1] [1.]>
    """
    return bind(stop_gradient_p, as_tensor(variable))


def shape(x) -> tuple:
    """The shape: ints; Dims inside a graph, for sizes that are not known yet; None for those of a KTensor.

    Returns:
        A tuple.

    Example:
        >>> ops.shape(ops.ones((2, 3)))
        (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else tuple(as_tensor(x).shape)


def dtype(x) -> str:
    """The dtype of x as a NumPy name.

    Example:
        >>> ops.dtype(ops.ones((2,)))
        'float32'
    """
    return standardize_dtype(x.dtype) if hasattr(x, "dtype") else as_tensor(x).dtype


def ndim(x) -> int:
    """The number of axes.

    Example:
        >>> ops.ndim(ops.ones((2, 3)))
        2
    """
    return len(shape(x))


def size(x):
    """The number of elements: an int, or a Dim inside a graph; of a KTensor a KTensor, as it is not known.

    Example:
        >>> ops.size(ops.ones((2, 3)))
        6
    """
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
    """Whether x is a tensor: concrete, traced, recorded or a Variable.

    Example:
        >>> ops.is_tensor(ops.ones(2)), ops.is_tensor([1.0])
        (True, False)
    """
    return isinstance(x, (TensorLike, Value))
