"""What a program makes of weights alone is made once, not at every call: `prepared` takes it out of the program.

Weights, here, are inputs that keep their values from call to call. Before that, a scale of the channels behind a
product or convolution of weights, as batch normalisation has it in inference, goes into these weights (`fold_scales`).
"""
from __future__ import annotations

import math

from kgraph.compiler.dims import names
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.dtypes import REALS
from kgraph.compiler.loopnest.records import INTEGER_DEPTH, PANEL
from kgraph.compiler.passes.fuse import is_view
from kgraph.compiler.passes.widen import widens
from kgraph.compiler.passes.window import is_winograd
from kgraph.compiler.prims.contract import panel_shape
from kgraph.compiler.prims.rules import add, apply, mul, sub
from kgraph.compiler.rewrite import Rewriter, rewrite
from kgraph.compiler.trace import at_scope, suspend_recording

__all__ = ["fold_scales", "pack_weights", "prepared", "transform_kernels"]

MADE_ONCE = ("elementwise", "reduce", "move", "contract", "window")  # kinds of ops whose results can be prepared
LARGE = 1 << 16     # elements of a table that is not computed as a whole where only some rows of it are read
LEAST_PACKED = 1 << 13  # elements of a matrix: smaller ones stay in a cache, where they are read as fast as they are
LEAST_INTEGERS = 1 << 17  # the same of int8, which are packed faster than tiles of panels begin and end


class Weights:
    """The values of a program that depend on weights alone: on no size of a call, neither in shape nor in value.

    made  of these, those that take arithmetic on weights, or costly arithmetic on nothing
    """

    def __init__(self, program: Program, weights):
        self.producer: dict[Value, Op] = {o: op for op in program.ops for o in op.outputs}
        self.known, self.made = set(weights), set()
        used = set(weights)
        for op in program.ops:
            fits = op.prim.kind in MADE_ONCE and all(v in self.known for v in op.inputs)
            if not fits or names((*op.params.values(), *(v.shape for v in op.outputs))):
                continue
            self.known.update(op.outputs)
            if any(v in used for v in op.inputs):
                used.update(op.outputs)
            if not _is_free(op) and (op.prim.costly or any(v in used for v in op.inputs)) or any(
                    v in self.made for v in op.inputs):
                self.made.update(op.outputs)

    def __contains__(self, value: Value) -> bool:
        return value in self.known

    def is_kept(self, value: Value) -> bool:
        """Whether it is worth memory of its own: it is made by arithmetic, and is no larger than what that reads."""
        op = self.producer.get(value)
        if value not in self.made or _is_free(op):
            return False
        return value.type.nbytes <= max(sum(map(self._bytes, op.inputs)), 64)

    def _bytes(self, value: Value) -> int:
        """Of the memory that a value is read from."""
        op = self.producer.get(value)
        return value.type.nbytes if op is None or not _is_free(op) else sum(map(self._bytes, op.inputs))


def _is_free(op: Op) -> bool:
    """Whether its result is what it reads under another name, or repeated."""
    return not op.inputs or op.prim.name == "broadcast" or op.prim.view == "part" and is_view(op)


def prepared(program: Program, weights) -> tuple:
    """(a program of what is made of weights, without other inputs; the rest of the program, which takes its results as
    inputs of its own; these inputs, in the order of the results). (None, the program, ()) where there is nothing."""
    known = Weights(program, weights)
    lifted: dict[Value, Value] = {}
    moved: dict[Value, None] = {}
    ops, done = [], set()

    def needed(value, large):
        """The value in the rest of the program."""
        op = known.producer.get(value)
        if value not in known or op is None:
            return value
        if known.is_kept(value) and (large or value.size <= LARGE):
            moved[value] = None
            return lifted.setdefault(value, Value(value.type, f"prepared_{len(lifted)}"))
        if op not in done:
            done.add(op)
            ops.append(op.reading([needed(v, large) for v in op.inputs]))
        return value
    for op in program.ops:
        if not all(o in known for o in op.outputs):
            ops.append(op.reading([needed(v, op.prim.kind != "index") for v in op.inputs]))
    outputs = tuple(needed(v, True) for v in program.outputs)
    updates = tuple((state, needed(v, True)) for state, v in program.updates)
    if not moved:
        return None, program, ()
    made = tuple(lifted.values())
    rest = Program(program.name, (*program.inputs, *made), tuple(ops), outputs, updates)
    return _making(program, weights, tuple(moved)), rest, made


def _making(program, weights, results) -> Program:
    """The part of the program that these results need."""
    needed, ops = set(results), []
    for op in reversed(program.ops):
        if any(o in needed for o in op.outputs):
            needed.update(op.inputs)
            ops.append(op)
    return Program(f"{program.name}_prepared", tuple(weights), tuple(reversed(ops)), results)


# --- scales behind products of weights -------------------------------------------------------------------------------

def fold_scales(program: Program, weights) -> Program:
    """conv(x, w) * s + t, where s and t are numbers of each channel that depend on weights alone, is
    conv(x, w * s) + t; so of products, of several such steps in a row, and of differences and quotients."""
    known, users = Weights(program, weights), program.users()
    results = set(program.outputs) | {v for _, v in program.updates}
    chains, skipped = {}, set()
    for op in program.ops:
        chain = _chain(op, known, users, results)
        if any(step.prim.name in ("multiply", "divide") for step in chain):
            chains[chain[-1]] = op, chain
            skipped.update((op, *chain[:-1]))
    if not chains:
        return program
    with suspend_recording(), Rewriter(program, {}) as trace:
        new: dict[Value, Value] = {v: v for v in program.inputs}
        for op in program.ops:
            if op in chains:
                with at_scope(chains[op][0].scope):
                    new[op.outputs[0]] = _folded(*chains[op], new, known)
            elif op not in skipped:
                new.update(zip(op.outputs, trace.add(op.reading([new[v] for v in op.inputs])), strict=True))
    return Program(program.name, program.inputs, tuple(trace.ops), tuple(new[v] for v in program.outputs),
                   tuple((s, new[v]) for s, v in program.updates))


def _chain(op: Op, known: Weights, users: dict, results: set) -> list:
    """The steps behind a product of weights that have one number for each of its channels, in a row."""
    channels = _channels(op, known)
    if channels is None or not _is_of_reals(op):
        return []
    chain, value = [], op.outputs[0]
    while value not in results and len(users.get(value, ())) == 1:
        step = users[value][0]
        if not _is_step(step, value, channels[0], known):
            break
        chain.append(step)
        value = step.outputs[0]
    return chain


def _is_of_reals(op: Op) -> bool:
    return op.outputs[0].dtype in REALS and op.params.get("dtype") is None


def _channels(op: Op, known: Weights):
    """The axes of the result of a product or convolution of weights that only the weights have, and those of the
    weights; None for other ops."""
    if len(op.outputs) != 1:
        return None
    rank = op.outputs[0].ndim
    if op.prim.name == "conv" or op.prim.name == "conv_data_grad" and op.params.get("transposed"):
        return ((rank - 1,), (op.inputs[1].ndim - 1,), 1) if op.inputs[1] in known else None
    if op.prim.name != "contract" or all(v in known for v in op.inputs):
        return None
    side = next((k for k in (1, 0) if op.inputs[k] in known), None)
    if side is None:
        return None
    of, other, out = (op.params[k] for k in (("a_axes", "b_axes")[side], ("b_axes", "a_axes")[side], "out_axes"))
    labels = [x for x in out if x not in other]
    return (tuple(out.index(x) for x in labels), tuple(of.index(x) for x in labels), side) if labels else None


def _is_step(step: Op, value: Value, axes, known: Weights) -> bool:
    """Whether it changes a product by a number for each channel."""
    if step.prim.name not in ("add", "subtract", "multiply", "divide") or step.outputs[0].type != value.type:
        return False
    if step.inputs[0] is not value and step.prim.name in ("subtract", "divide"):
        return False
    other = step.inputs[1 if step.inputs[0] is value else 0]
    maker = known.producer.get(other)
    if other is value or maker is None or maker.prim.name != "broadcast" or maker.inputs[0] not in known:
        return False
    return all(size == 1 or axis in axes for size, axis in zip(maker.inputs[0].shape, maker.params["axes"]))


def _folded(op: Op, chain: list, new: dict, known: Weights) -> Value:
    """The last step's value, made by the product of scaled weights and one addition."""
    axes, of_weights, side = _channels(op, known)
    out, scale, shift = op.outputs[0], None, None
    sizes = tuple(out.shape[a] for a in axes)
    value = out
    for step in chain:
        other = step.inputs[1 if step.inputs[0] is value else 0]
        factor = _numbers(known.producer[other], axes, sizes, new)
        value, name = step.outputs[0], step.prim.name
        if name in ("add", "subtract"):
            zero = shift is None
            shift = (factor if name == "add" else apply("neg", factor)) if zero else apply(name, shift, factor)
        else:
            one = apply("broadcast", apply("full", shape=(), value=1, dtype=out.dtype), shape=sizes, axes=())
            scale = factor if scale is None and name == "multiply" else apply(name, one if scale is None else scale,
                                                                              factor)
            shift = None if shift is None else apply(name, shift, factor)
    inputs = [new[v] for v in op.inputs]
    weights = inputs[side]
    inputs[side] = apply("multiply", weights, _along(scale, of_weights, weights.shape))
    result = apply(op.prim.name, *inputs, **op.params)
    return result if shift is None else apply("add", result, apply("broadcast", shift, shape=out.shape, axes=axes))


def _numbers(spread: Op, axes, sizes, new: dict) -> Value:
    """What a broadcast along these axes repeats, with one number for each channel."""
    x = new[spread.inputs[0]]
    real = [(n, axes.index(a)) for n, a in zip(x.shape, spread.params["axes"]) if n != 1]
    x = apply("reshape", x, shape=tuple(n for n, _ in real))
    return x if x.shape == sizes else apply("broadcast", x, shape=sizes, axes=tuple(place for _, place in real))


def _along(x, axes, shape) -> Value:
    """x repeated to that shape, in which its axes are at these places, in any order."""
    perm = sorted(range(len(axes)), key=axes.__getitem__)
    x = x if perm == sorted(perm) else apply("transpose", x, perm=tuple(perm))
    return apply("broadcast", x, shape=shape, axes=tuple(sorted(axes)))


# --- weights in panels -----------------------------------------------------------------------------------------------

def pack_weights(program: Program, weights) -> Program:
    """Products by a matrix of weights read it in panels, as the tiles of kgraph.kernels.gemm go through it."""
    known = Weights(program, weights)

    def in_panels(t, op, inputs):
        found = _matrix_of(op, known)
        if found is None or all(v in known.producer and widens(known.producer[v]) for v in op.inputs):
            return None  # products of narrow numbers have packing of their own
        side, summed, columns = found
        axes = op.params[("a_axes", "b_axes")[1 - side]]
        sizes = tuple(op.outputs[0].shape[op.params["out_axes"].index(x)] for x in columns)
        panels = _panels(inputs[side], op.params[("a_axes", "b_axes")[side]], summed, columns)
        return apply("panel_product", inputs[1 - side], panels, a_axes=axes, out_axes=op.params["out_axes"],
                     columns=sizes)
    return rewrite(program, {"contract": [in_panels]})


def _matrix_of(op: Op, known: Weights):
    """(side of the weights, labels of the rows of their matrix in the other side's order, labels of its columns in the
    result's), where it pays to have that in panels; else None."""
    out, place, integers = op.params["out_axes"], _channels(op, known), op.inputs[0].dtype == "int8"
    if place is None or not (_is_of_reals(op) or integers and op.outputs[0].dtype == "int32"):
        return None
    of_result, _, side = place
    other, own = (op.params[k] for k in (("b_axes", "a_axes") if side == 0 else ("a_axes", "b_axes")))
    columns = [out[a] for a in of_result]
    sizes = dict(zip(own, op.inputs[side].shape))
    real = [x for x in out if op.outputs[0].shape[out.index(x)] != 1]
    summed = [x for x in other if x not in out]
    n, width = math.prod(sizes[x] for x in columns), PANEL // op.outputs[0].type.itemsize
    if integers and sum(sizes[x] != 1 for x in summed) != 1:
        return None   # rows of panels are not where their number says
    splits = [x for x in columns if sizes[x] != 1]
    if not real or real[-1] not in columns or set(own) != {*columns, *summed}:
        return None
    if math.prod(sizes.values()) < (LEAST_INTEGERS if integers else LEAST_PACKED) or 2 * -(-n // width) * width > 3 * n:
        return None
    return (side, summed, columns) if len(splits) == 1 or sizes[splits[-1]] % width == 0 else None


def _panels(x, labels, summed, columns) -> Value:
    """A matrix of weights in panels."""
    order = (*summed, *columns)
    x = apply("transpose", x, perm=tuple(labels.index(label) for label in order))
    sizes = dict(zip(order, x.shape))
    matrix = apply("reshape", x, shape=tuple(math.prod(sizes[label] for label in group)
                                             for group in (summed, columns)))
    return _squares(matrix) if x.dtype == "int8" else _cut(matrix)


def _squares(x) -> Value:
    """A matrix of int8 [k, n] in panels: see kgraph.kernels.dot_panels."""
    k, n = x.shape
    panels, depth, width = panel_shape("int8", k, n)
    if (depth, panels * width) != (k, n):
        x = apply("pad", x, low=(0, 0), high=(depth - k, panels * width - n), value=0)
    words, side = INTEGER_DEPTH // 4, width // 2
    x = apply("reshape", x, shape=(depth // INTEGER_DEPTH, words, 4, panels, 2, side))
    return apply("reshape", apply("transpose", x, perm=(3, 0, 4, 1, 5, 2)), shape=(panels, depth, width))


def _cut(x) -> Value:
    """Matrices [..., k, n] cut into panels [..., panels, k, width], zeros behind the last column."""
    *lead, k, n = x.shape
    width, rank = PANEL // x.type.itemsize, len(lead)
    count = -(-n // width)
    high = (*(0,) * (rank + 1), count * width - n)
    x = apply("pad", x, low=(0,) * (rank + 2), high=high, value=0) if n % width else x
    x = apply("reshape", x, shape=(*lead, k, count, width))
    return apply("transpose", x, perm=(*range(rank), rank + 1, rank, rank + 2))


# --- Winograd's kernels ----------------------------------------------------------------------------------------------

def transform_kernels(program: Program, weights) -> Program:
    """Convolutions that kgraph.kernels.winograd does have the transform of their weights beside them."""
    known = Weights(program, weights)

    def transformed(t, op, inputs):
        if op.inputs[1] not in known or not is_winograd(op, op.inputs[0], op.outputs[0]):
            return None
        return apply("conv_transformed", *inputs, _cut(_transformed(_transformed(inputs[1], 0), 1)), **op.params)
    return rewrite(program, {"conv": [transformed]})


def _transformed(w, axis: int) -> Value:
    """Winograd's transform of three taps along an axis to four, rounded as kgraph.kernels.winograd rounds it."""
    at = lambda k: tuple(k if a == axis else 0 for a in range(w.ndim))
    end = lambda k: tuple(k + 1 if a == axis else n for a, n in enumerate(w.shape))
    first, middle, last = (apply("slice", w, starts=at(k), limits=end(k), strides=(1,) * w.ndim) for k in range(3))
    return apply("concatenate", first, mul(add(add(first, middle), last), 0.5),
                 mul(sub(add(first, last), middle), 0.5), last, axis=axis)
