"""The bits of numbers seen as other numbers. NumPy does this: compiled graphs refuse it."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.trace import Tensor, bind
from kgraph.ops.core import as_tensor, broadcast_all, floating, op, promote, standardize_dtype

__all__ = ["nextafter", "polar", "view", "view_as_complex", "view_as_real"]


def _by_numpy(function, xs, shape, dtype):
    """function(*arrays) at once, or in a graph as an operation without a kernel."""
    if any(isinstance(x, Value) for x in xs):
        return bind(host_p, *xs, function=function, type=TensorType(tuple(shape), dtype))
    return Tensor(np.asarray(function(*(x.numpy() for x in xs))).astype(dtype, copy=False))


@op
def nextafter(x1, x2):
    """The float next to x1 in the direction of x2.

    Example:
        >>> float(ops.nextafter(1.0, 2.0) - 1.0) < 1e-6
        True
    """
    a, b = broadcast_all(*promote(x1, x2, least=float), what="nextafter")
    return _by_numpy(np.nextafter, (a, b), a.shape, a.dtype)


@op
def view(x, dtype=None):
    """The bytes of x read as another dtype. The last axis changes with the size of a number: float32 [n] is
    float64 [n / 2] and uint8 [4 n].

    Args:
        dtype: whose bytes the last axis can hold.

    Raises:
        ValueError: a last axis of a size that is no multiple of it.

    Example:
        >>> ops.view(np.float32([1.0]), "int32")
        <Tensor i32[1] [1065353216]>
    """
    x, dtype = as_tensor(x), standardize_dtype(dtype) if dtype else None
    if dtype is None or dtype == x.dtype:
        return x
    old, new = np.dtype(x.dtype).itemsize, np.dtype(dtype).itemsize
    shape = tuple(x.shape)
    if old != new:
        if not shape or isinstance(shape[-1], int) and shape[-1] * old % new:
            raise ValueError(f"view: expected a last axis of a multiple of {new} bytes for {dtype}, received shape "
                             f"{shape} of {x.dtype}")
        shape = (*shape[:-1], shape[-1] * old // new)
    return _by_numpy(lambda array: np.ascontiguousarray(array).view(dtype).reshape(array.shape[:-1] + (
        -1,) if array.ndim else ()), (x,), shape, dtype)


@op
def view_as_complex(x):
    """Pairs on the last axis, of size 2, as complex numbers: [..., 2] to [...].

    Raises:
        ValueError: a last axis of another size than 2.

    Example:
        >>> ops.view_as_complex([[1.0, 2.0]])
        <Tensor complex64[1] [1.+2.j]>
    """
    x = floating(x)
    if not x.shape or x.shape[-1] != 2:
        raise ValueError(f"view_as_complex: expected a last axis of size 2, received shape {tuple(x.shape)}")
    dtype = _complex_of(x.dtype)
    return _by_numpy(lambda array: np.ascontiguousarray(array).view(dtype)[..., 0], (x,), x.shape[:-1], dtype)


@op
def view_as_real(x):
    """Complex numbers as pairs (real, imaginary) on a new last axis: [...] to [..., 2].

    Example:
        >>> ops.view_as_real(np.complex64([1 + 2j]))
        <Tensor f32[1,2] [[1. 2.]]>
    """
    x = as_tensor(x)
    dtype = {"complex64": "float32", "complex128": "float64"}.get(x.dtype, x.dtype)
    return _by_numpy(lambda array: np.stack([array.real, array.imag], -1), (x,), (*x.shape, 2), dtype)


@op
def polar(abs_, angle):
    """Complex numbers of the given absolute values and angles.

    Args:
        abs_: the absolute values.
        angle: in radians.

    Example:
        >>> ops.polar([2.0], [0.0])
        <Tensor complex64[1] [2.+0.j]>
    """
    size, turn = broadcast_all(*promote(abs_, angle, least=float), what="polar")
    return _by_numpy(lambda a, b: a * np.exp(1j * b), (size, turn), size.shape, _complex_of(size.dtype))


def _complex_of(dtype) -> str:
    return "complex128" if dtype == "float64" else "complex64"
