"""Images seen from elsewhere: perspective; scaled and moved by numbers that are tensors."""
from __future__ import annotations

import numpy as np

from kgraph.ops.contract import contracted
from kgraph.ops.core import as_tensor, cast_to, expand_to, floating, is_float_dtype, op, promote
from kgraph.ops.create import iota, ones_like
from kgraph.ops.elementwise import (
    abs,
    add,
    clip,
    divide,
    equal,
    greater,
    greater_equal,
    less_equal,
    logical_and,
    maximum,
    multiply,
    round,
    subtract,
    where,
)
from kgraph.ops.image.images import GRAPH, KERNELS, image_axes, sampled_images
from kgraph.ops.reduce import max, min, sum
from kgraph.ops.shape import expand_dims, moveaxis, reshape, squeeze

__all__ = ["perspective_transform", "scale_and_translate"]


def _basis(points):
    """For four points [batch, 4, 2]: the rows of the 3 x 3 matrices that send the corners of the projective frame to
    them, each entry a vector [batch]."""
    x, y = [points[:, i, 0] for i in range(4)], [points[:, i, 1] for i in range(4)]
    one = ones_like(x[0])
    columns = [(x[i], y[i], one) for i in range(3)]
    adjoint = _adjoint([[c[r] for c in columns] for r in range(3)])
    factors = [_dot(row, (x[3], y[3], one)) for row in adjoint]
    return [[multiply(columns[k][r], factors[k]) for k in range(3)] for r in range(3)]


def _dot(a, b):
    return add(add(multiply(a[0], b[0]), multiply(a[1], b[1])), multiply(a[2], b[2]))


def _adjoint(m):
    """The inverse of a 3 x 3 matrix but for a factor."""
    minor = lambda r, c: subtract(multiply(m[(r + 1) % 3][(c + 1) % 3], m[(r + 2) % 3][(c + 2) % 3]),
                                  multiply(m[(r + 1) % 3][(c + 2) % 3], m[(r + 2) % 3][(c + 1) % 3]))
    return [[minor(c, r) for c in range(3)] for r in range(3)]


def homography(start, end):
    """The rows of the 3 x 3 matrices that send four points [batch, 4, 2] to others, each entry a vector [batch]."""
    target, source = _basis(end), _adjoint(_basis(start))
    return [[_dot(target[r], [source[k][c] for k in range(3)]) for c in range(3)] for r in range(3)]


@op
def perspective_transform(images, start_points, end_points, interpolation="bilinear", fill_value=0, data_format=None):
    """Images seen so that the points start_points of them come to lie at end_points.

    interpolation: "nearest" or "bilinear". Outside of an image is fill_value.

    Args:
        start_points, end_points: four (x, y), [4, 2], or as many for each image, [batch, 4, 2]; no three on a line.

    Raises:
        ValueError: points of another shape.

    Example:
        >>> ops.image.perspective_transform(ops.ones((4, 4, 1)), *[[[0, 0], [3, 0], [0, 3], [3, 3]]] * 2).shape
        (4, 4, 1)
    """
    x = as_tensor(images)
    channels = image_axes(x, data_format, "perspective_transform")[2]
    start, end = (cast_to(as_tensor(p), "float32") for p in (start_points, end_points))
    if tuple(start.shape[-2:]) != (4, 2) or len(start.shape) not in (2, 3) or start.shape != end.shape:
        raise ValueError("perspective_transform: expected start_points and end_points of one shape, (4, 2) or (batch, "
                         f"4, 2), received {tuple(start.shape)} and {tuple(end.shape)}")
    single = len(x.shape) == 3
    last = moveaxis(x, channels, -1)
    last = expand_dims(last, 0) if single else last
    start, end = (expand_dims(p, 0) if len(p.shape) == 2 else p for p in (start, end))
    matrix = homography(end, start)
    b, h, w, _ = last.shape
    columns, lines = iota(w, "float32"), expand_dims(iota(h, "float32"), 1)
    wide = lambda v: reshape(v, (-1, 1, 1))
    moved = [add(add(multiply(wide(row[0]), columns), multiply(wide(row[1]), lines)), wide(row[2])) for row in matrix]
    places = [expand_to(divide(moved[k], moved[2]), (b, h, w)) for k in (1, 0)]
    result = sampled_images(floating(last), places, interpolation, "constant", fill_value)
    result = result if is_float_dtype(x.dtype) else cast_to(round(result), x.dtype)
    return moveaxis(squeeze(result, 0) if single else result, -1, channels)


_METHODS = {"linear": "bilinear", "bilinear": "bilinear", "trilinear": "bilinear", "triangle": "bilinear",
            "cubic": "bicubic", "bicubic": "bicubic", "tricubic": "bicubic", "lanczos3": "lanczos3",
            "lanczos5": "lanczos5"}


@op
def scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True):
    """Tensors of another shape, each axis of spatial_dims scaled and then moved; integers are rounded.

    Args:
        output_shape: of the result, all axes
        scale, translation: a number for each of spatial_dims; element x of an axis comes to lie at x * scale +
            translation
        method: "linear", "cubic", "lanczos3" or "lanczos5"; antialias widens it where an axis shrinks
        spatial_dims: the axes that change.
        antialias: True by default.

    Raises:
        ValueError: another method.

    Example:
        >>> ops.image.scale_and_translate(ops.ones((4, 4)), (8, 8), (2.0, 2.0), (0.0, 0.0), (0, 1), "linear").shape
        (8, 8)
    """
    if method not in _METHODS:
        raise ValueError(f"scale_and_translate: expected method among {', '.join(_METHODS)}, received {method!r}")
    x = as_tensor(images)
    scale, translation = promote(scale, translation, least=float)
    result = floating(x)
    for k, d in enumerate(spatial_dims):
        axis = d % len(x.shape)
        matrix = _weights(x.shape[axis], output_shape[axis], scale[k], translation[k], KERNELS[_METHODS[method]],
                          antialias)
        labels = list(range(len(x.shape)))
        out = ["new" if i == axis else i for i in labels]
        result = contracted(result, labels, cast_to(matrix, result.dtype), ["new", axis], out, "scale_and_translate")
    return result if is_float_dtype(x.dtype) else cast_to(clip(round(result), min(x), max(x)), x.dtype)


def _weights(source, target, scale, translation, kernel, antialias):
    """The matrix (target, source) of one axis."""
    shrink = divide(1.0, scale)
    wider = maximum(shrink, 1.0) if antialias else 1.0
    places = subtract(subtract(multiply(add(iota(target, scale.dtype), 0.5), shrink), multiply(translation, shrink)),
                      0.5)
    places = expand_dims(places, 1)
    weights = kernel(divide(abs(subtract(places, iota(source, scale.dtype))), wider), GRAPH)
    total = sum(weights, axis=1, keepdims=True)
    known = greater(abs(total), 1000 * float(np.finfo("float32").eps))
    weights = where(known, divide(weights, where(equal(total, 0.0), 1.0, total)), 0.0)
    inside = logical_and(greater_equal(places, -0.5), less_equal(places, subtract(as_tensor(source, scale.dtype), 0.5)))
    return where(inside, weights, 0.0)
