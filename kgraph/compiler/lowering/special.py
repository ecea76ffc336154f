"""Kernels of primitives that are no loops over elements: sums at positions that are data, running sums, order."""
from __future__ import annotations

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Op, Program
from kgraph.compiler.loopnest.builder import both, differ, either, equal
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.nodes import Expression, Load, Name, Number, call
from kgraph.compiler.lowering.loops import LoopKernel
from kgraph.compiler.lowering.writer import HI, LO, Writer
from kgraph.compiler.plan import EXCHANGE
from kgraph.compiler.prims.collective import HOW, PHASES
from kgraph.compiler.prims.reduce import highest, lowest
from kgraph.compiler.prims.rules import is_float, summing_dtype

__all__ = ["SPECIAL"]

UPDATES = 64  # that a sum at a position takes in one after another in its own type


def _writer(op: Op, layout, checks) -> Writer:
    writer = Writer(Program(op.prim.name, op.inputs, (), op.outputs), layout, checks)
    writer.op = op
    return writer


_SCATTERED = {  # primitive: the first value of an element; what becomes of it, a, with an update x, the i-th
    "scatter_add": (lambda dtype: 0, lambda a, x, i: a + x), "scatter_prod": (lambda dtype: 1, lambda a, x, i: a * x),
    "scatter_max": (lowest, lambda a, x, i: call("maximum", a, x)),
    "scatter_min": (highest, lambda a, x, i: call("minimum", a, x)),
    "scatter_last": (lambda dtype: -1, lambda a, x, i: call("i64", i)),
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
    with w.loop("i", LO * columns, HI * columns) as i:
        w.store(target[i], w.constant(first(out.dtype), out.dtype))
    with w.loop("i", 0, w.size(indices.size)) as i:
        row = w.let("row", _checked(w, rows[i], out.shape[0]))
        with w.when(_is_ours(row)), w.loop("j", 0, columns) as j:
            element = target[row * columns + j]
            w.store(element, call(short_name(out.dtype), combine(element, source[i * columns + j], i)))
    return LoopKernel(w, out.shape[0], 1)


def _is_short(size) -> bool:
    """Whether so few terms are added that they may be added one after another in their own type."""
    return isinstance(size, int) and size <= UPDATES


def _checked(w: Writer, position: Load, extent, scope=None) -> Expression:
    """A position that is data, on an axis of that extent. scope: the layer that an error names, if not the op's."""
    return w.at(w.checked(position, extent, scope))


def _is_ours(row: Name) -> Expression:
    return both(row >= LO, row < HI)


class _ScatteredSums:
    """Sums of reals: a row that has taken in UPDATES updates is added to a row in float64, in the thread's scratch, and
    begins anew. There are no more of these than the updates can fill.

    counts: how many updates a row has taken in since it was last added to a wide one, and UPDATES times how many wide
    rows were given away when it got its own, the number of which comes from that (0: it has none).
    """

    def __init__(self, w: Writer, updates, out):
        self.w, self.extent, self.dtype = w, out.shape[0], out.dtype
        self.target, self.source = w.pointer(out), w.pointer(updates)
        self.columns = w.size(size_of(out.shape[1:]))
        self.counts = w.scratch_pointer("int64", 0, 0)
        self.wide = w.scratch_pointer("float64", 8 * self.extent, 1)
        self.zero = w.constant(0, out.dtype)

    def clear(self):
        """Names the number of wide rows that were given away."""
        w = self.w
        self.given = w.let("given", 0)
        with w.loop("r", LO, HI, "share") as r:
            w.store(self.counts[r], 0)
        with w.loop("i", LO * self.columns, HI * self.columns) as i:
            w.store(self.target[i], self.zero)

    def add(self, row: Name, i: Name):
        """The i-th update to a row."""
        w, columns = self.w, self.columns
        with w.loop("j", 0, columns) as j:
            w.accumulate(self.target[row * columns + j], self.source[i * columns + j])
        count = w.let("count", self.counts[row] + 1)
        with w.when(equal(call("modulo", count, UPDATES), 0)):
            own = w.let("own", call("quotient", count, UPDATES) - 1)
            with w.when(equal(own, 0)):
                w.let(self.given, self.given + 1)
                w.let(own, self.given)
                with w.loop("j", 0, columns) as j:
                    w.store(self.wide[own * columns + j], call("f64", 0.0))
            with w.loop("j", 0, columns) as j:
                w.store(self.wide[own * columns + j], self._total(own, row, j))
                w.store(self.target[row * columns + j], self.zero)
            w.let(count, own * UPDATES)
        w.store(self.counts[row], count)

    def _total(self, own: Name, row: Name, j: Name) -> Expression:
        return self.wide[own * self.columns + j] + call("f64", self.target[row * self.columns + j])

    def give_results(self):
        w = self.w
        with w.loop("r", LO, HI, "share") as r:
            own = w.let("own", call("quotient", self.counts[r], UPDATES))
            with w.when(own > 0), w.loop("j", 0, self.columns) as j:
                total = w.let("total", self._total(own, r, j))
                w.store(self.target[r * self.columns + j], call(short_name(self.dtype), total))


def _emit_scattered_sums(op: Op, layout, checks) -> LoopKernel:
    (indices, updates), out = op.inputs, op.outputs[0]
    w = _writer(op, layout, checks)
    sums = _ScatteredSums(w, updates, out)
    rows = w.pointer(indices)
    sums.clear()
    with w.loop("i", 0, w.size(indices.size)) as i:
        row = w.let("row", _checked(w, rows[i], sums.extent))
        with w.when(_is_ours(row)):
            sums.add(row, i)
    sums.give_results()
    columns = size_of(out.shape[1:])
    return LoopKernel(w, sums.extent, 1, 8 * sums.extent + 8 * columns * (1 + indices.size // UPDATES))


class _Runs:
    """Sorted places, of which equal ones are a run."""

    def __init__(self, w: Writer, places):
        self.w, self.places, self.count = w, w.pointer(places), w.size(places.size)

    def begins(self, k) -> Expression:
        """Whether a run begins at k."""
        return either(equal(k, 0), differ(self.places[k - 1], self.places[k]))

    def goes_on(self, k, t) -> Expression:
        """Whether t is of the run that begins at k."""
        return both(t < self.count, equal(self.places[t], self.places[k]))


def emit_sum_rows(op: Op, layout, checks) -> LoopKernel:
    """Threads share the runs of equal places. Sums are made as those of scatter_add, to the bit."""
    places, order, updates = op.inputs
    out, columns = op.outputs[0], size_of(op.outputs[0].shape[1:])
    w = _writer(op, layout, checks)
    runs, number, source, target = _Runs(w, places), w.pointer(order), w.pointer(updates), w.pointer(out)
    wide, width = w.scratch_pointer("float64", 0, 0), w.size(columns)

    def in_wide(k, j):
        return wide[j] + call("f64", target[k * width + j])

    with w.loop("k", LO, HI, "share") as k:
        with w.loop("j", 0, width) as j:
            w.store(target[k * width + j], w.constant(0, out.dtype))
            w.store(wide[j], call("f64", 0.0))
        with w.when(runs.begins(k)):
            t = w.let("t", k)
            with w.during(runs.goes_on(k, t)):
                now = w.let("now", t)  # what is read at t itself would be read once, before this loop
                row = w.let("row", _checked(w, number[now], places.size))
                with w.loop("j", 0, width) as j:
                    w.accumulate(target[k * width + j], source[row * width + j])
                w.let(t, t + 1)
                with w.when(equal(call("modulo", t - k, UPDATES), 0)), w.loop("j", 0, width) as j:
                    w.store(wide[j], in_wide(k, j))
                    w.store(target[k * width + j], w.constant(0, out.dtype))
            with w.when(t - k >= UPDATES), w.loop("j", 0, width) as j:
                w.store(target[k * width + j], call(short_name(out.dtype), in_wide(k, j)))
    return LoopKernel(w, places.size, 1, 8 * columns)


def emit_put_rows(op: Op, layout, checks) -> LoopKernel:
    """Threads share the places where the result lies in the memory of x, else the rows of the result."""
    x, places, rows = op.inputs
    out, columns = op.outputs[0], size_of(op.outputs[0].shape[1:])
    w = _writer(op, layout, checks)
    runs, old, source, target = _Runs(w, places), w.pointer(x), w.pointer(rows), w.pointer(out)
    width, there = w.size(columns), old is target

    def put(i, *wanted):
        row = w.let("row", _checked(w, runs.places[i], out.shape[0]))
        with w.when(both(runs.begins(i), *(is_wanted(row) for is_wanted in wanted))), w.loop("j", 0, width) as j:
            w.store(target[row * width + j], source[i * width + j])
    if there:
        with w.loop("i", LO, HI, "share") as i:
            put(i)
    else:
        with w.loop("c", LO * width, HI * width) as c:
            w.store(target[c], old[c])
        with w.loop("i", 0, runs.count) as i:
            put(i, _is_ours)
    return LoopKernel(w, places.size if there else out.shape[0], 1, flops=rows.size)


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
    target = w.scratch_pointer(dtype, 0, 0) if long else w.pointer(out)
    with w.loop("u", LO, HI, "share") as u:
        start = Number(0, "int64") if long else u * size * step
        with w.loop("i", 0, size * step) as i:
            w.store(target[start + i], w.constant(0, dtype))
        with w.loop("i", 0, count) as i, w.loop("j", 0, step) as j:
            place = w.let("place", (u * count + i) * step + j)
            row = _checked(w, rows[place], out.shape[axis])
            spot = w.let("spot", start + row * step + j)
            w.accumulate(target[spot], call(short_name(dtype), source[place]))
        if long:
            with w.loop("i", 0, size * step) as i:
                w.store(w.pointer(out)[u * size * step + i], call(short_name(out.dtype), target[i]))
    return LoopKernel(w, outer, 1, 8 * size_of(out.shape[axis:]) if long else 0)


def emit_cumsum(op: Op, layout, checks) -> LoopKernel:
    """A running sum along an axis, from the other end if reverse: of reals in float64."""
    (x,), out, axis = op.inputs, op.outputs[0], op.params["axis"]
    w = _writer(op, layout, checks)
    inner, outer = size_of(x.shape[axis + 1:]), size_of(x.shape[:axis])
    source, target, step, count = w.pointer(x), w.pointer(out), w.size(inner), w.size(x.shape[axis])
    own, wide = short_name(out.dtype), short_name(summing_dtype(out.dtype))
    with w.loop("u", LO, HI, "share") as u, w.loop("j", 0, step) as j:
        total = w.let("total", call(wide, 0))
        with w.loop("k", 0, count) as k:
            i = w.let("i", count - 1 - k if op.params["reverse"] else k)
            place = w.let("place", (u * count + i) * step + j)
            w.let(total, call(wide, total + call(wide, source[place])))
            w.store(target[place], call(own, total))
    return LoopKernel(w, outer, 1)


class _Merge:
    """A stable merge sort of the positions of a line, NaN last. Two orders of it lie in the thread's scratch: at
    ``source`` one of sorted runs of ``width``, which are merged two by two into the one at ``target``."""

    def __init__(self, w: Writer, x, out, step: Expression, count: Expression):
        self.w, self.step, self.count = w, step, count
        self.order, self.x, self.out = w.scratch_pointer(out.dtype, 0, 0), w.pointer(x), w.pointer(out)

    def sort(self, base: Name):
        """The line from ``base`` on."""
        w, order, count = self.w, self.order, self.count
        with w.loop("k", 0, count) as k:
            w.store(order[k], call(short_name(order.dtype), k))
        source, target, width = w.let("source", 0), w.let("target", count), w.let("width", 1)
        with w.during(width < count):
            start = w.let("start", 0)
            with w.during(start < count):
                left = w.let("left", start)
                middle = w.let("middle", call("minimum", start + width, count))
                right = w.let("right", middle)
                stop = w.let("stop", call("minimum", middle + width, count))
                with w.loop("k", start, stop) as k:
                    self._take(base, source, target + k, (left, middle), (right, stop))
                w.let(start, stop)
            w.let(target, source)
            w.let(source, count - target)
            w.let(width, 2 * width)
        with w.loop("k", 0, count) as k:
            w.store(self.out[base + k * self.step], order[source + k])

    def _take(self, base, source, place, left_run, right_run):
        """The next of two runs, (its place, its end), in order."""
        w, (left, middle), (right, stop) = self.w, left_run, right_run
        first = w.let("first", left < middle)
        with w.when(both(first, right < stop)):
            a, b = (w.let(name, self.x[base + self.order[source + run] * self.step])
                    for name, run in (("a", left), ("b", right)))
            w.let(first, either(a <= b, differ(b, b)))
        for block, run in ((w.when(first), left), (w.otherwise(), right)):
            with block:
                w.store(self.order[place], self.order[source + run])
                w.let(run, run + 1)


def emit_argsort(op: Op, layout, checks) -> LoopKernel:
    """Threads share the lines along the axis."""
    (x,), out, axis = op.inputs, op.outputs[0], op.params["axis"]
    w = _writer(op, layout, checks)
    inner, outer = size_of(x.shape[axis + 1:]), size_of(x.shape[:axis])
    step, count = w.size(inner), w.size(x.shape[axis])
    merge = _Merge(w, x, out, step, count)
    with w.loop("u", LO, HI, "share") as u:
        merge.sort(w.let("base", call("quotient", u, step) * count * step + call("modulo", u, step)))
    return LoopKernel(w, outer * inner, 1, 2 * out.type.itemsize * x.shape[axis])


def emit_collective(op: Op, layout, checks) -> LoopKernel:
    """Hands each value to the runtime, and with the last one they all travel. See kgraph.runtime.exchange."""
    w = _writer(op, layout, checks)
    exchange, names, phase = w.routine(EXCHANGE), list(DTYPES), PHASES.index(op.prim.name)
    inputs, hows = op.inputs[phase == 2:], op.params["how"]
    outputs = op.outputs * len(inputs) if phase == 1 else op.outputs
    for left, (x, out, how) in enumerate(zip(inputs, outputs, hows), 1 - len(inputs)):
        kind = op.params.get("number", 0) * len(names) + names.index(x.dtype)
        kind = ((kind * len(HOW) + HOW.index(how)) * len(PHASES) + phase) * 2 + (left == 0)
        kind, count = w.number(kind, f"kind {left}"), w.number(x.size, f"count {left}")
        w.do("call_kernel", exchange, w.address(x), kind, count, w.address(out))
    return LoopKernel(w, 1, 1)


def emit_rows(op: Op, layout, checks) -> LoopKernel:
    """Hands the values to the runtime as emit_collective does, first the inputs, then the results. The rows that are
    asked for are checked before anybody is."""
    w = _writer(op, layout, checks)
    sizes = op.params.get("sizes") or (op.params["size"],)
    indices = {"take_rows": op.inputs[len(sizes):], "send_rows": op.inputs[:len(sizes)]}.get(op.prim.name, ())
    for number, (asked, size, scope) in enumerate(zip(indices, sizes, op.params.get("scopes") or (op.scope,))):
        rows = w.pointer(asked)
        with w.loop(f"asked{number}", 0, w.size(asked.size)) as i:
            w.let(f"row{number}", _checked(w, rows[i], size, scope))
    exchange, names, phase, nothing = w.routine(EXCHANGE), list(DTYPES), PHASES.index(op.prim.name), Number(0, "int64")
    values, from_here = (*op.inputs, *op.outputs), len(op.inputs)
    for place, v in enumerate(values):
        left = place + 1 - len(values)
        kind = (sizes[place % len(sizes)] * len(names) + names.index(v.dtype)) * len(HOW) * len(PHASES) + phase
        kind, count = w.number(2 * kind + (left == 0), f"kind {left}"), w.number(v.size, f"count {left}")
        source, target = (w.address(v), nothing) if place < from_here else (nothing, w.address(v))
        w.do("call_kernel", exchange, source, kind, count, target)
    return LoopKernel(w, 1, 1)


SPECIAL = {**dict.fromkeys(_SCATTERED, emit_scatter), "scatter_along": emit_scatter_along, "cumsum": emit_cumsum,
           "argsort": emit_argsort, "sum_rows": emit_sum_rows, "put_rows": emit_put_rows,
           "collective": emit_collective, "rows": emit_rows}
