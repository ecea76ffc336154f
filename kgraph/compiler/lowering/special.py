"""Kernels of primitives that are no loops over elements: sums at positions that are data, running sums, order."""
from __future__ import annotations

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Op, Program
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.nodes import Expression
from kgraph.compiler.lowering.loops import LoopKernel
from kgraph.compiler.lowering.writer import Writer
from kgraph.compiler.prims.reduce import highest, lowest
from kgraph.compiler.prims.rules import is_float, summing_dtype

__all__ = ["SPECIAL"]

UPDATES = 64  # that a sum at a position takes in one after another in its own type


def _writer(op: Op, layout, checks) -> Writer:
    writer = Writer(Program(op.prim.name, op.inputs, (), op.outputs), layout, checks)
    writer.op = op
    return writer


_SCATTERED = {  # primitive: the first value of an element, and what becomes of it ({a}) with update i ({x})
    "scatter_add": (lambda dtype: 0, "{a} + {x}"), "scatter_prod": (lambda dtype: 1, "{a} * {x}"),
    "scatter_max": (lowest, "maximum({a}, {x})"), "scatter_min": (highest, "minimum({a}, {x})"),
    "scatter_last": (lambda dtype: -1, "i64(i)"),
}


def emit_scatter(op: Op, layout, checks) -> LoopKernel:
    """Threads share the rows of the result: each sets up its own, and takes in whatever is meant for them, in order.
    So memory is walked in order, and the results never change."""
    indices, out = op.inputs[0], op.outputs[0]
    if op.prim.name == "scatter_add" and is_float(out) and not _is_short(indices.size):
        return _emit_scattered_sums(op, layout, checks)
    first, combine = _SCATTERED[op.prim.name]
    w = _writer(op, layout, checks)
    target, rows = w.pointer(out), w.pointer(indices)
    source = w.pointer(op.inputs[1]) if len(op.inputs) > 1 else rows
    columns = w.size(size_of(out.shape[1:]))
    w.open(f"for i in range(lo * {columns}, hi * {columns}):")
    w.line(f"{target}[i] = {w.constant(first(out.dtype), out.dtype)}")
    w.close()
    w.open(f"for i in range({w.size(indices.size)}):")
    w.line(f"row = {_checked_row(w, f'{rows}[i]', out.shape[0])}")
    w.open("if row >= lo and row < hi:")
    w.open(f"for j in range({columns}):")
    element = f"{target}[row * {columns} + j]"
    combined = combine.format(a=element, x=f"{source}[i * {columns} + j]")
    w.line(f"{element} = {short_name(out.dtype)}({combined})")
    w.close()
    w.close()
    w.close()
    return LoopKernel(w, out.shape[0], 1)


def _is_short(size) -> bool:
    """Whether so few terms are added that they may be added one after another in their own type."""
    return isinstance(size, int) and size <= UPDATES


# count: how many updates a row has taken in since it was last added to a wide one, and UPDATES times how many wide rows
# were given away when it got its own, the number of which comes from that (0: it has none).
_SCATTERED_SUMS = """\
if row >= lo and row < hi:
    for j in range({columns}):
        {target}[row * {columns} + j] = {target}[row * {columns} + j] + {source}[i * {columns} + j]
    count = {counts}[row] + 1
    if modulo(count, {updates}) == 0:
        own = quotient(count, {updates}) - 1
        if own == 0:
            given = given + 1
            own = given
            for j in range({columns}):
                {wide}[own * {columns} + j] = f64(0.0)
        for j in range({columns}):
            {wide}[own * {columns} + j] = {wide}[own * {columns} + j] + f64({target}[row * {columns} + j])
            {target}[row * {columns} + j] = {zero}
        count = own * {updates}
    {counts}[row] = count"""
_WIDE_RESULTS = """\
for r in range(lo, hi):
    own = quotient({counts}[r], {updates})
    if own > 0:
        for j in range({columns}):
            total = {wide}[own * {columns} + j] + f64({target}[r * {columns} + j])
            {target}[r * {columns} + j] = {cast}(total)"""


def _emit_scattered_sums(op: Op, layout, checks) -> LoopKernel:
    """Sums of reals: a row that has taken in UPDATES updates is added to a row in float64, in the thread's scratch, and
    begins anew. There are no more of these than the updates can fill."""
    (indices, updates), out = op.inputs, op.outputs[0]
    w = _writer(op, layout, checks)
    extent, columns = out.shape[0], size_of(out.shape[1:])
    texts = {"target": w.pointer(out), "source": w.pointer(updates), "columns": w.size(columns), "updates": UPDATES,
             "counts": w.scratch_pointer("int64", 0, 0), "wide": w.scratch_pointer("float64", 8 * extent, 1),
             "zero": w.constant(0, out.dtype), "cast": short_name(out.dtype)}
    rows = w.pointer(indices)
    w.block("""\
given = 0
for r in range(lo, hi):
    {counts}[r] = 0
for i in range(lo * {columns}, hi * {columns}):
    {target}[i] = {zero}""".format(**texts))
    w.open(f"for i in range({w.size(indices.size)}):")
    w.line(f"row = {_checked_row(w, f'{rows}[i]', extent)}")
    w.block(_SCATTERED_SUMS.format(**texts))
    w.close()
    w.block(_WIDE_RESULTS.format(**texts))
    return LoopKernel(w, extent, 1, 8 * extent + 8 * columns * (1 + indices.size // UPDATES))


def _checked_row(w: Writer, text: str, extent) -> Expression:
    return w.at(w.checked(w.read_here(text), extent))


def emit_scatter_along(op: Op, layout, checks) -> LoopKernel:
    """Each line along the axis is its own sum: threads share the axes before it. Sums of reals are made in float64, in
    the thread's scratch."""
    indices, updates = op.inputs
    out, axis = op.outputs[0], op.params["axis"]
    w = _writer(op, layout, checks)
    inner, outer = size_of(out.shape[axis + 1:]), size_of(out.shape[:axis])
    source, rows = w.pointer(updates), w.pointer(indices)
    step, count, size = w.size(inner), w.size(updates.shape[axis]), w.size(out.shape[axis])
    long = is_float(out) and not _is_short(updates.shape[axis])
    dtype = "float64" if long else out.dtype
    target, start = (w.scratch_pointer(dtype, 0, 0), "0") if long else (w.pointer(out), f"u * {size} * {step}")
    w.open("for u in range(lo, hi):")
    w.open(f"for i in range({size} * {step}):")
    w.line(f"{target}[{start} + i] = {w.constant(0, dtype)}")
    w.close()
    w.open(f"for i in range({count}):")
    w.open(f"for j in range({step}):")
    w.line(f"place = (u * {count} + i) * {step} + j")
    row = _checked_row(w, f"{rows}[place]", out.shape[axis])
    w.line(f"spot = {start} + {row} * {step} + j")
    w.line(f"{target}[spot] = {target}[spot] + {short_name(dtype)}({source}[place])")
    w.close()
    w.close()
    if long:
        w.open(f"for i in range({size} * {step}):")
        w.line(f"{w.pointer(out)}[u * {size} * {step} + i] = {short_name(out.dtype)}({target}[i])")
        w.close()
    w.close()
    return LoopKernel(w, outer, 1, 8 * size_of(out.shape[axis:]) if long else 0)


def emit_cumsum(op: Op, layout, checks) -> LoopKernel:
    """A running sum along an axis, from the other end if reverse: of reals in float64."""
    (x,), out, axis = op.inputs, op.outputs[0], op.params["axis"]
    w = _writer(op, layout, checks)
    inner, outer = size_of(x.shape[axis + 1:]), size_of(x.shape[:axis])
    source, target, step, count = w.pointer(x), w.pointer(out), w.size(inner), w.size(x.shape[axis])
    own, wide = short_name(out.dtype), short_name(summing_dtype(out.dtype))
    w.open("for u in range(lo, hi):")
    w.open(f"for j in range({step}):")
    w.line(f"total = {wide}(0)")
    w.open(f"for k in range({count}):")
    w.line(f"i = {count} - 1 - k" if op.params["reverse"] else "i = k")
    w.line(f"place = (u * {count} + i) * {step} + j")
    w.line(f"total = {wide}(total + {wide}({source}[place]))")
    w.line(f"{target}[place] = {own}(total)")
    w.close()
    w.close()
    w.close()
    return LoopKernel(w, outer, 1)


_MERGE = """\
for k in range({count}):
    {order}[k] = {cast}(k)
source, target, width = 0, {count}, 1
while width < {count}:
    start = 0
    while start < {count}:
        left, middle = start, minimum(start + width, {count})
        right, stop = middle, minimum(middle + width, {count})
        for k in range(start, stop):
            first = left < middle
            if first and right < stop:
                a = {x}[base + {order}[source + left] * {step}]
                b = {x}[base + {order}[source + right] * {step}]
                first = a <= b or b != b
            if first:
                {order}[target + k] = {order}[source + left]
                left = left + 1
            else:
                {order}[target + k] = {order}[source + right]
                right = right + 1
        start = stop
    target = source
    source = {count} - target
    width = 2 * width
for k in range({count}):
    {out}[base + k * {step}] = {order}[source + k]"""


def emit_argsort(op: Op, layout, checks) -> LoopKernel:
    """A stable merge sort of positions, from runs of 1 upwards, NaN last: threads share the lines along the axis. Two
    orders of a line lie in the thread's scratch, one merged into the other."""
    (x,), out, axis = op.inputs, op.outputs[0], op.params["axis"]
    w = _writer(op, layout, checks)
    inner, outer = size_of(x.shape[axis + 1:]), size_of(x.shape[:axis])
    step, count = w.size(inner), w.size(x.shape[axis])
    texts = {"order": w.scratch_pointer(out.dtype, 0, 0), "x": w.pointer(x), "out": w.pointer(out),
             "step": step, "count": count, "cast": short_name(out.dtype)}
    w.open("for u in range(lo, hi):")
    w.line(f"base = quotient(u, {step}) * {count} * {step} + modulo(u, {step})")
    w.block(_MERGE.format(**texts))
    w.close()
    return LoopKernel(w, outer * inner, 1, 2 * out.type.itemsize * x.shape[axis])


SPECIAL = {**dict.fromkeys(_SCATTERED, emit_scatter), "scatter_along": emit_scatter_along, "cumsum": emit_cumsum,
           "argsort": emit_argsort}
