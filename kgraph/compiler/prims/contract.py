"""`contract`: every product of two tensors that an einsum can write, as one primitive.

Axes carry integer labels. A label is in at least two of a, b and out, and at most once in each: batch axes are in all
three, summed axes in a and b only. The rules for the gradients are the same product with the roles permuted.
"""
from __future__ import annotations

import math

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import Primitive
from kgraph.compiler.prims.batch import contract
from kgraph.compiler.prims.rules import NUMBERS, apply, check_dtype, matrix_product, require
from kgraph.compiler.prims.steps import CONTRACT


def _infer(a, b, a_axes, b_axes, out_axes):
    check_dtype("contract", a, NUMBERS)
    require(a.dtype == b.dtype, lambda: f"contract: expected inputs of one dtype, received {a}, {b}")
    require(len(a_axes) == a.ndim and len(b_axes) == b.ndim,
            lambda: f"contract: expected a label for each axis of {a} and {b}, received {a_axes}, {b_axes}")
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
    return TensorType(tuple(sizes[label] for label in out_axes), a.dtype)


def _reference(a, b, a_axes, b_axes, out_axes):
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
                             right.reshape(count(batch), count(summed), count(columns)))
    labels = batch + rows + columns
    return product.reshape([sizes[x] for x in labels]).transpose([labels.index(x) for x in out_axes])


def _vjp(ct, out, a, b, a_axes, b_axes, out_axes):
    return (apply("contract", ct, b, a_axes=out_axes, b_axes=b_axes, out_axes=a_axes),
            apply("contract", a, ct, a_axes=a_axes, b_axes=out_axes, out_axes=b_axes))


def _examples(rng):
    cases = (((3, 37), (37, 5), (0, 1), (1, 2), (0, 2), "float32"), ((1, 3), (4, 3), (0, 1), (2, 1), (0, 2), "float64"),
             ((2, 3, 4), (2, 4, 5), (0, 1, 2), (0, 2, 3), (0, 1, 3), "float32"),
             ((3,), (3,), (0,), (0,), (), "float32"),
             ((3,), (5,), (0,), (1,), (1, 0), "float64"), ((0, 4), (4, 2), (0, 1), (1, 2), (0, 2), "float32"),
             ((2, 3, 4), (3, 5), (0, 1, 2), (1, 3), (3, 2, 0), "float32"))
    return [([rng.normal(size=a).astype(t), rng.normal(size=b).astype(t)], {"a_axes": i, "b_axes": j, "out_axes": k})
            for a, b, i, j, k, t in cases]


contract_p = Primitive("contract", "contract", _infer, _reference, _vjp, "contract", _examples,
                       batch_rule=contract, lift_rule=CONTRACT)
