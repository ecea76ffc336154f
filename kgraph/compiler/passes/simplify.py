"""expand and simplify: definitions, algebra, identities, constants; products that are none; reductions in two stages.

Each rule is (rewriter, op, inputs) -> the values to use instead, or None. See rewrite.py.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Program
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.loopnest.elements import squeeze
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.prims import rules
from kgraph.compiler.prims.rules import apply, is_float
from kgraph.compiler.rewrite import rewrite
from kgraph.compiler.transposes import lifted_transpose, reduction_before_transpose

__all__ = ["expand", "simplify", "split_reductions"]

LARGE_MATRIX = 1 << 15  # elements


def identity(t, op, inputs):
    return inputs[0]


def unchanged(t, op, inputs):
    """A reshape, broadcast, cast or slice to the type that is there."""
    return inputs[0] if inputs[0].type == op.outputs[0].type else None


def widened_and_cut(t, op, inputs):
    """A number of 16 bits as a wider one, and back."""
    before = t.made_by(inputs[0], "cast")
    if before is None or before.inputs[0].type != op.outputs[0].type:
        return None
    return before.inputs[0] if DTYPES[op.outputs[0].dtype].is_narrow and is_float(inputs[0]) else None


def widened_before_moves(t, op, inputs):
    """The move of wider numbers: products see through moves, and then read 16 bits where they lie."""
    before = t.made_by(inputs[0], "transpose", "reshape")
    known = DTYPES[inputs[0].dtype]
    if before is None or not known.is_narrow or op.outputs[0].dtype != known.compute:
        return None
    return apply(before.prim.name, apply("cast", before.inputs[0], **op.params), **before.params)


def reshape_of_reshape(t, op, inputs):
    before = t.made_by(inputs[0], "reshape")
    return apply("reshape", before.inputs[0], shape=op.params["shape"]) if before else None


def moved_ones(t, op, inputs):
    """A transpose or broadcast that only moves or adds axes of extent 1 is a reshape."""
    shape = op.outputs[0].shape
    if op.prim.name == "transpose":
        real = [p for p in op.params["perm"] if inputs[0].shape[p] != 1]
        same = real == sorted(real)
    else:
        same = squeeze(shape) == squeeze(inputs[0].shape)
    return apply("reshape", inputs[0], shape=shape) if same else None


def transpose_of_transpose(t, op, inputs):
    before = t.made_by(inputs[0], "transpose")
    if before is None:
        return None
    return apply("transpose", before.inputs[0], perm=tuple(before.params["perm"][p] for p in op.params["perm"]))


def broadcast_of_broadcast(t, op, inputs):
    before = t.made_by(inputs[0], "broadcast")
    if before is None:
        return None
    axes = tuple(op.params["axes"][a] for a in before.params["axes"])
    return apply("broadcast", before.inputs[0], shape=op.params["shape"], axes=axes)


def rows_of_gathered(t, op, inputs):
    """Rows out of a table that the processes would put together for it."""
    before = t.made_by(inputs[0], "gather_rows")
    return apply("take_rows", before.inputs[0], inputs[1], sizes=(before.params["size"],)) if before else None


def reduce_nothing(t, op, inputs):
    """A reduction over axes of extent 1 (or no axes) is a reshape."""
    if any(inputs[0].shape[a] != 1 for a in op.params["axes"]):
        return None
    return apply("reshape", inputs[0], shape=op.outputs[0].shape)


def only_position(t, op, inputs):
    """The place of an extreme on an axis of extent 1 is 0."""
    (axis,), out = op.params["axes"], op.outputs[0]
    return rules.constant(0, out) if inputs[0].shape[axis] == 1 else None


def fold(t, op, inputs):
    """Arithmetic on known numbers."""
    numbers = [t.constant(v) for v in inputs]
    if not numbers or any(n is None for n in numbers):
        return None
    arrays = [np.asarray(n, v.dtype) for n, v in zip(numbers, inputs)]
    with np.errstate(all="ignore"):
        value = op.prim.compute(*arrays, **op.params).item()
    out = op.outputs[0]
    scalar = apply("full", shape=(), value=value, dtype=out.dtype)
    return apply("broadcast", scalar, shape=out.shape, axes=()) if out.shape else scalar


def neutral(number, sides):
    """x - 0, x * 1 and the like. Of reals it is -0.0 that may be added without a trace: -0.0 + 0.0 is 0.0."""
    def rule(t, op, inputs):
        for side in sides:
            known = t.constant(inputs[side])
            if known == number and (not is_float(inputs[0]) or math.copysign(1, known) == math.copysign(1, number)):
                return inputs[1 - side]
        return None
    rule.__name__ = f"neutral_{number}"
    return rule


def small_powers(t, op, inputs):
    x, exponent = inputs[0], t.constant(inputs[1])
    if exponent is None or "float" not in x.dtype:
        return None
    return {1.0: lambda: x, 2.0: lambda: apply("multiply", x, x), 0.5: lambda: apply("sqrt", x),
            -1.0: lambda: rules.div(1.0, x)}.get(float(exponent), lambda: None)()


def double_negation(t, op, inputs):
    before = t.made_by(inputs[0], "neg")
    return before.inputs[0] if before else None


def add_negative(t, op, inputs):
    """a + (-b) is a - b."""
    for side in (1, 0):
        negative = t.made_by(inputs[side], "neg")
        if negative:
            return apply("subtract", inputs[1 - side], negative.inputs[0])
    return None


def add_neighbours(t, op, inputs):
    """Two tensors padded with zeros so that they lie side by side are a concatenation: the gradient of a split."""
    pads = [t.made_by(v, "pad") for v in inputs]
    if not all(pads) or any(p.params["value"] != 0 for p in pads):
        return None
    for first, second in (pads, pads[::-1]):
        axes = [k for k in range(inputs[0].ndim) if first.inputs[0].shape[k] != inputs[0].shape[k]
                or second.inputs[0].shape[k] != inputs[0].shape[k]]
        if len(axes) != 1:
            continue
        axis = axes[0]
        if first.params["low"][axis] + first.inputs[0].shape[axis] == second.params["low"][axis]:
            joined = apply("concatenate", first.inputs[0], second.inputs[0], axis=axis)
            return apply("pad", joined, low=first.params["low"], high=second.params["high"], value=0)
    return None


def concatenate_of_concatenate(t, op, inputs):
    parts = []
    for v in inputs:
        before = t.made_by(v, "concatenate")
        parts += before.inputs if before and before.params["axis"] == op.params["axis"] else [v]
    return apply("concatenate", *parts, axis=op.params["axis"]) if len(parts) > len(inputs) else None


def contract_transposed(t, op, inputs):
    """A product reads its operands with any strides: transposes become a change of labels."""
    new, labels = list(inputs), [op.params["a_axes"], op.params["b_axes"]]
    for side in (0, 1):
        before = t.made_by(inputs[side], "transpose")
        if before:
            new[side] = before.inputs[0]
            perm = before.params["perm"]
            labels[side] = tuple(labels[side][perm.index(i)] for i in range(len(perm)))
    if all(a is b for a, b in zip(new, inputs)):
        return None
    return apply("contract", *new, **{**op.params, "a_axes": labels[0], "b_axes": labels[1]})


def degenerate_product(t, op, inputs):
    """A product with no summed, row or column axis longer than 1 is a multiplication and perhaps a sum; so is one
    whose innermost result axis is a batch axis, and one of integers (but for int8 with sums in int32): loops do these
    better than the matrix tile. Not so one row by a large matrix, which threads read together."""
    a_axes, b_axes, out_axes = (op.params[k] for k in ("a_axes", "b_axes", "out_axes"))
    sizes = {**dict(zip(a_axes, inputs[0].shape)), **dict(zip(b_axes, inputs[1].shape))}
    real = lambda labels: [x for x in labels if not (isinstance(sizes[x], int) and sizes[x] == 1)]
    rows = real(x for x in out_axes if x not in b_axes)
    columns = real(x for x in out_axes if x not in a_axes)
    summed = real(x for x in a_axes if x not in out_axes)
    real_out = real(out_axes)
    batch_last = bool(real_out) and real_out[-1] in a_axes and real_out[-1] in b_axes
    matrix = size_of([sizes[x] for x in (*columns, *summed)])
    one_row = real_out == columns and isinstance(matrix, int) and matrix >= LARGE_MATRIX
    if (rows or one_row) and columns and summed and not batch_last and _has_tiles(op):
        return None
    inputs = [rules.cast(v, op.outputs[0].dtype) for v in inputs]
    longer = a_axes if inputs[0].ndim >= inputs[1].ndim else b_axes
    order = tuple(longer) + tuple(x for x in (*out_axes, *a_axes, *b_axes) if x not in longer)
    order = tuple(dict.fromkeys(order))
    wide = [_spread(v, axes, order, sizes) for v, axes in zip(inputs, (a_axes, b_axes))]
    result = apply("multiply", *wide)
    lost = tuple(i for i, x in enumerate(order) if x not in out_axes)
    if lost:
        result = apply("sum", result, axes=lost)
    left = [x for x in order if x in out_axes]
    return apply("transpose", result, perm=tuple(left.index(x) for x in out_axes))


def _has_tiles(op) -> bool:
    known = DTYPES[op.inputs[0].dtype]
    return known.is_float or known.sums == op.outputs[0].dtype


def _spread(x, axes, order, sizes):
    """x with its labelled axes in that order, and repeated along the labels it lacks."""
    present = [label for label in order if label in axes]
    x = apply("transpose", x, perm=tuple(axes.index(label) for label in present))
    return apply("broadcast", x, shape=tuple(sizes[label] for label in order),
                 axes=tuple(order.index(label) for label in present))


_ELEMENTWISE_FOLDS = ("add subtract multiply divide power neg sqrt rsqrt exp log abs cast maximum minimum equal less "
                      "less_equal greater greater_equal not_equal").split()

RULES: dict[str, list] = {
    "stop_gradient": [identity],
    "reshape": [unchanged, reshape_of_reshape],
    "transpose": [transpose_of_transpose, moved_ones, lifted_transpose],
    "broadcast": [unchanged, moved_ones, broadcast_of_broadcast],
    "cast": [unchanged, widened_and_cut, widened_before_moves],
    "slice": [unchanged],
    "neg": [double_negation],
    "add": [neutral(-0.0, (0, 1)), add_negative, add_neighbours],
    "pad": [unchanged],
    "concatenate": [concatenate_of_concatenate],
    "subtract": [neutral(0, (1,))],
    "multiply": [neutral(1, (0, 1))],
    "divide": [neutral(1, (1,))],
    "power": [small_powers],
    "contract": [contract_transposed, degenerate_product],
    "take": [rows_of_gathered],
    "argmax": [only_position],
    "argmin": [only_position],
    **{name: [reduce_nothing, reduction_before_transpose] for name in ("sum", "prod", "max", "min")},
}
for _name in _ELEMENTWISE_FOLDS:
    RULES[_name] = RULES.get(_name, []) + [fold]


def simplify(program: Program) -> Program:
    """Apply RULES to each op once, in order."""
    return rewrite(program, RULES)


def inner_axes_first(t, op, inputs):
    """A reduction over the first axis and others, in two: within each part of the first axis, then over these parts.
    So it splits over threads, and always in the same way."""
    shape, axes = inputs[0].shape, op.params["axes"]
    real = [a for a in axes if shape[a] != 1]
    kept = [a for a in range(len(shape)) if a not in axes and shape[a] != 1]
    if len(real) < 2 or (kept and kept[0] < real[0]):
        return None
    inner = apply(op.prim.name, inputs[0], axes=tuple(a for a in axes if a != real[0]))
    return apply(op.prim.name, inner, axes=(real[0] - sum(a < real[0] for a in axes),))


def expand(program: Program) -> Program:
    """Composites become the primitives that they stand for, but for those that are better done whole."""
    def definition(t, op, inputs):
        whole = op.prim.whole
        return None if whole and whole(*[v.type for v in inputs], **op.params) else op.prim.lower(*inputs, **op.params)
    return rewrite(program, {p.name: [definition] for p in PRIMITIVES.values() if p.kind == "composite"})


def split_reductions(program: Program) -> Program:
    """See inner_axes_first."""
    return rewrite(program, {name: [inner_axes_first] for name in ("sum", "prod", "max", "min")})
