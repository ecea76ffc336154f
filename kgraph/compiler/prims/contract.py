"""`contract`: every product of two tensors that an einsum can write, as one primitive.

Axes carry integer labels. A label is in at least two of a, b and out, and at most once in each: batch axes are in all
three, summed axes in a and b only. ``dtype``: that of the result, where it is the one that products are added up in:
int32 for int8, and float32 for products of 16 bits before they are rounded; a pass makes the latter. The rules for the
gradients are the same product with the roles permuted.

`panel_product` is a product by a matrix [k, n] that was cut into panels [ceil(n / width), k, width] of PANEL bytes a
row, zeros behind its last column: what a pass makes of weights that are the same at every call.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.records import INTEGER_COLUMNS, INTEGER_DEPTH, PANEL
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.batch import contract
from kgraph.compiler.prims.rules import NUMBERS, apply, check_dtype, matrix_product, require
from kgraph.compiler.prims.steps import CONTRACT


def _infer(a, b, a_axes, b_axes, out_axes, dtype=None):
    check_dtype("contract", a, NUMBERS)
    require(a.dtype == b.dtype, lambda: f"contract: expected inputs of one dtype, received {a}, {b}")
    require(len(a_axes) == a.ndim and len(b_axes) == b.ndim,
            lambda: f"contract: expected a label for each axis of {a} and {b}, received {a_axes}, {b_axes}")
    require(dtype in (None, a.dtype, DTYPES[a.dtype].sums),
            lambda: f"contract: expected the dtype of {a} or the one that it is added up in, received {dtype}")
    labels = (*a_axes, *b_axes, *out_axes)
    require(all(len(set(axes)) == len(axes) for axes in (a_axes, b_axes, out_axes)),
            lambda: f"contract: expected each label once, received {a_axes}, {b_axes} -> {out_axes}")
    for label in set(labels):
        if labels.count(label) < 2:
            raise ValueError(f"contract: expected label {label} in two of {a_axes}, {b_axes} -> {out_axes}")
    sizes = dict(zip(a_axes, a.shape))
    for label, size in zip(b_axes, b.shape):
        if sizes.setdefault(label, size) != size:
            raise ValueError(f"contract: expected {sizes[label]} on axis {b_axes.index(label)} of the second input, "
                             f"received {a} and {b}")
    return TensorType(tuple(sizes[label] for label in out_axes), dtype or a.dtype)


def _reference(a, b, a_axes, b_axes, out_axes, dtype=None):
    """By way of a batched matrix product: (batch, m, k) x (batch, k, n)."""
    batch = [x for x in out_axes if x in a_axes and x in b_axes]
    rows = [x for x in out_axes if x not in b_axes]
    columns = [x for x in out_axes if x not in a_axes]
    summed = [x for x in a_axes if x not in out_axes]
    sizes = {**dict(zip(a_axes, a.shape)), **dict(zip(b_axes, b.shape))}
    count = lambda labels: math.prod(sizes[x] for x in labels)
    left = a.transpose([a_axes.index(x) for x in batch + rows + summed])
    right = b.transpose([b_axes.index(x) for x in batch + summed + columns])
    product = matrix_product(left.reshape(count(batch), count(rows), count(summed)),
                             right.reshape(count(batch), count(summed), count(columns)), dtype)
    labels = batch + rows + columns
    return product.reshape([sizes[x] for x in labels]).transpose([labels.index(x) for x in out_axes])


def _vjp(ct, out, a, b, a_axes, b_axes, out_axes, dtype=None):
    return (apply("contract", ct, b, a_axes=out_axes, b_axes=b_axes, out_axes=a_axes),
            apply("contract", a, ct, a_axes=a_axes, b_axes=out_axes, out_axes=b_axes))


def _examples(rng):
    cases = (((3, 37), (37, 5), (0, 1), (1, 2), (0, 2), "float32"), ((1, 3), (4, 3), (0, 1), (2, 1), (0, 2), "float64"),
             ((2, 3, 4), (2, 4, 5), (0, 1, 2), (0, 2, 3), (0, 1, 3), "float32"),
             ((3,), (3,), (0,), (0,), (), "float32"),
             ((3,), (5,), (0,), (1,), (1, 0), "float64"), ((0, 4), (4, 2), (0, 1), (1, 2), (0, 2), "float32"),
             ((2, 3, 4), (3, 5), (0, 1, 2), (1, 3), (3, 2, 0), "float32"))
    return [([rng.normal(size=a).astype(t), rng.normal(size=b).astype(t)], {"a_axes": i, "b_axes": j, "out_axes": k})
            for a, b, i, j, k, t in cases] + [
        ([rng.integers(-128, 128, size, "int8") for size in ((3, 37), (37, 5))],
         {"a_axes": (0, 1), "b_axes": (1, 2), "out_axes": (0, 2), "dtype": "int32"})]


contract_p = Primitive("contract", "contract", _infer, _reference, _vjp, "contract", _examples,
                       batch_rule=contract, lift_rule=CONTRACT)


def _panel_axes(a_axes, out_axes) -> tuple:
    """The labels that are summed, in the order of the rows of the matrix; and those of its columns."""
    return tuple(x for x in a_axes if x not in out_axes), tuple(x for x in out_axes if x not in a_axes)


def _panel_infer(a, panels, a_axes, out_axes, columns):
    check_dtype("panel_product", a, ("float32", "float64", "int8"))
    summed, own = _panel_axes(a_axes, out_axes)
    sizes = {**dict(zip(a_axes, a.shape)), **dict(zip(own, columns, strict=True))}
    n = math.prod(columns)
    wanted = TensorType(panel_shape(a.dtype, math.prod(sizes[x] for x in summed), n), a.dtype)
    require(panels == wanted, lambda: f"panel_product: expected panels {wanted} for {a} and {n} columns, received "
                                      f"{panels}")
    return TensorType(tuple(sizes[label] for label in out_axes), "int32" if a.dtype == "int8" else a.dtype)


def panel_shape(dtype: str, depth: int, columns: int) -> tuple:
    """Of a matrix [depth, columns] in panels."""
    if dtype == "int8":
        return -(-columns // INTEGER_COLUMNS), -(-depth // INTEGER_DEPTH) * INTEGER_DEPTH, INTEGER_COLUMNS
    width = PANEL // DTYPES[dtype].itemsize
    return -(-columns // width), depth, width


def _panel_reference(a, panels, a_axes, out_axes, columns):
    summed, own = _panel_axes(a_axes, out_axes)
    sizes = dict(zip(a_axes, a.shape))
    depth, integers = math.prod(sizes[x] for x in summed), a.dtype == np.int8
    if integers:
        squares = panels.reshape(len(panels), -1, 2, 16, 16, 4)
        matrix = squares.transpose(1, 3, 5, 0, 2, 4).reshape(panels.shape[1], -1)[:depth]
    else:
        matrix = panels.transpose(1, 0, 2).reshape(panels.shape[1], -1)
    matrix = matrix[:, :math.prod(columns)].reshape(*(sizes[x] for x in summed), *columns)
    return _reference(a, matrix, a_axes, summed + own, out_axes, "int32" if integers else None)


def _panel_examples(rng):
    cases = (((3, 37), (5, 37, 32), (0, 1), (0, 2), (150,), "float32"),
             ((1, 300), (2, 300, 32), (0, 1), (0, 2), (33,), "float32"),
             ((70, 3), (3, 3, 16), (0, 1), (0, 2), (48,), "float64"),
             ((0, 4), (1, 4, 32), (0, 1), (0, 2), (5,), "float32"),
             ((2, 3, 4), (6, 12, 32), (0, 1, 2), (3, 0, 4), (3, 64), "float32"),
             ((4, 5, 2, 3), (1, 6, 32), (0, 1, 2, 3), (1, 0, 4), (20,), "float32"),
             ((2, 3, 4), (1, 8, 32), (0, 1, 2), (1, 3), (32,), "float32"))
    return [([rng.normal(size=a).astype(t), rng.normal(size=b).astype(t)], {"a_axes": i, "out_axes": j, "columns": n})
            for a, b, i, j, n, t in cases] + [_integer_example(rng, m, k, n) for m, k, n in (
                (1, 64, 32), (3, 100, 37), (13, 1100, 70), (0, 5, 3), (300, 7, 5))]


def _integer_example(rng, m, k, n):
    """Zeros behind the matrix, as what is beside them in memory is not known."""
    panels, depth, columns = panel_shape("int8", k, n)
    matrix = np.zeros((depth, panels * columns), "int8")
    matrix[:k, :n] = rng.integers(-128, 128, (k, n), "int8")
    squares = matrix.reshape(-1, 16, 4, panels, 2, 16).transpose(3, 0, 4, 1, 5, 2)
    return [rng.integers(-128, 128, (m, k), "int8"), np.ascontiguousarray(squares).reshape(panels, depth, columns)], {
        "a_axes": (0, 1), "out_axes": (0, 2), "columns": (n,)}


panel_product_p = Primitive("panel_product", "contract", _panel_infer, _panel_reference, NOT_DIFFERENTIABLE, "contract",
                            _panel_examples)
