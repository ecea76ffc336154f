"""Loop kernels: elementwise maps, row reductions (softmax, layer norm) and column reductions (bias gradients).

One iteration domain, some of whose axes are reduced. Three loop orders follow from where those axes lie:

- map: nothing is reduced. One flat loop where all operands allow it.
- rows: the innermost axes are reduced. For each row, one inner loop per stage: a stage ends where a reduction's
  result is needed. The row stays in cache between the stages.
- columns: axes further in are parallel. Strips of columns are accumulated over the rows in a small buffer.
"""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.compiler.dims import Size, in_lines, size_of, substitute
from kgraph.compiler.ir import Op, Program, Value, Values
from kgraph.compiler.loopnest.builder import equal
from kgraph.compiler.loopnest.domain import ARG_SIGNS, Domain, probe_body
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.index import Axis, Index, Layout, linear, merge_axes
from kgraph.compiler.loopnest.nodes import Buffer, Expression, Name, call
from kgraph.compiler.lowering.reduce import RowAccumulators, combined, grows, initial, is_short
from kgraph.compiler.lowering.writer import Writer

__all__ = ["LoopKernel", "emit_loops"]

STRIP = 256           # columns accumulated at once
BLOCK_OF_ROWS = 32    # rows of a block of their sums
FLAT_GRAIN = 64       # shares of a flat loop begin at multiples of it: the same elements fall into the vector tail


@dataclass(frozen=True)
class LoopKernel:
    """What an emitter returns; the pipeline adds costs and makes a plan.Kernel of it. flops: where an emitter
    knows them best."""

    writer: Writer
    extent: Size
    grain: int
    scratch: Size = 0
    flops: Size | None = None

    def __post_init__(self):
        """From here on the names of axes are numbers again."""
        sizes = self.writer.sizes
        object.__setattr__(self, "extent", substitute(self.extent, sizes))
        object.__setattr__(self, "scratch", substitute(self.scratch, sizes))
        self.writer.args[:] = [substitute(a, sizes) for a in self.writer.args]


class _Stages:
    """Which reductions and outputs become computable in which pass over a row."""

    def __init__(self, body: Program):
        self.depth: dict[Value, int] = dict.fromkeys(body.inputs, 0)
        for op in body.ops:
            depth = max((self.depth[v] for v in op.inputs), default=0)
            for out in op.outputs:
                self.depth[out] = depth + (op.prim.kind == "reduce")
        self.reductions = [op for op in body.ops if op.prim.kind == "reduce"]

    def reductions_at(self, stage: int) -> list:
        return [op for op in self.reductions if self.depth[op.inputs[0]] == stage]

    @property
    def last(self) -> int:
        return max([self.depth[op.inputs[0]] for op in self.reductions], default=0)


def emit_loops(op: Op, layout: Layout, checks: list) -> LoopKernel:
    """The kernel of a fused loop op (params: body, domain sizes, reduced positions)."""
    body = op.params["body"]
    domain = Domain(op.params["domain"], op.params["reduced"])
    writer = Writer(body, layout, checks)
    writer.know(domain.axes)
    if not domain.reduced:
        return _emit_map(writer, body, domain)
    trailing = tuple(range(len(domain.sizes) - len(domain.reduced), len(domain.sizes)))
    inside = range(domain.reduced[0], domain.reduced[0] + len(domain.reduced))
    stages = _Stages(body)
    if domain.reduced != trailing and tuple(inside) == domain.reduced and stages.last == 0 and _sums_only(stages):
        return _emit_columns(writer, body, domain, stages)
    return _emit_rows(writer, body, domain, stages)


def _sums_only(stages) -> bool:
    return all(op.prim.lower not in ARG_SIGNS for op in stages.reductions)


def _groups(w: Writer, body, domain, order, barriers) -> list:
    """Loop axes in that order, merged where every access allows it."""
    probe = probe_body(body, domain)
    accesses = probe.accesses(w.layout)
    accesses += [w.layout.position(o, domain.index(o.shape, domain.holds(o.shape) == "parallel")) for o in body.outputs]
    return merge_axes(order, accesses, barriers)


def _extent(group) -> Size:
    return size_of([a.extent for a in group])


def _open_units(w: Writer, groups) -> Size:
    """The loop over the kernel's share, its unit taken apart into the axes of the groups. Returns the unit count."""
    unit = w.share(w.fresh("u"))
    for group in reversed(groups[1:]):
        rest, extent = w.fresh("u"), w.size(_extent(group))
        _name(group, w.let(w.fresh("i"), unit % extent))
        unit = w.let(rest, unit // extent)
    if groups:
        _name(groups[0], unit)
    return size_of([_extent(g) for g in groups])


def _name(group, variable: Name):
    """Give a merged group of axes its variable: the last axis has it, the others are part of it."""
    for axis in group:
        axis.variable = None
    group[-1].variable = variable


def _open_loops(w: Writer, groups):
    for group in groups:
        _open_loop(w, group, 0, w.size(_extent(group)))


def _open_loop(w: Writer, group, start, stop):
    _name(group, w.repeat(w.fresh("i"), start, stop))


def _close_loops(w: Writer, count: int):
    for _ in range(count):
        w.close()


def _emit_map(w: Writer, body: Program, domain: Domain) -> LoopKernel:
    groups = _groups(w, body, domain, domain.axes, ())
    flat = len(groups) == 1
    if flat:
        _name(groups[0], w.share(w.fresh("i")))
        extent = _extent(groups[0])
    else:
        extent = _open_units(w, groups[:-1])
        _open_loops(w, groups[-1:])
    w.store_elements((out, domain.index(out.shape, parallel=False)) for out in body.outputs)
    _close_loops(w, w.depth)
    return LoopKernel(w, extent, FLAT_GRAIN if flat else 1)


# --- rows -------------------------------------------------------------------------------------------------------------

def _emit_rows(w: Writer, body: Program, domain: Domain, stages: _Stages) -> LoopKernel:
    order = domain.parallel_axes + domain.reduction_axes
    groups = _groups(w, body, domain, order, domain.reduction_axes[:1])
    outer = [g for g in groups if g[0] not in domain.reduction_axes]
    inner = [g for g in groups if g[0] in domain.reduction_axes]
    extent = _open_units(w, outer)
    saved = _SavedRows(w, body, domain, stages, inner)
    pending = body.outputs
    for stage in range(max([stages.last] + [stages.depth[o] for o in pending if domain.holds(o.shape) == "all"]) + 1):
        reductions = stages.reductions_at(stage)
        ready = Values(o for o in pending if domain.holds(o.shape) == "all" and stages.depth[o] <= stage)
        if reductions or ready:
            _emit_stage(w, domain, reductions, ready, inner, saved.due(stage))
        pending = Values(o for o in pending if o not in ready)
    w.store_elements((out, domain.index(out.shape, parallel=True)) for out in pending)
    w.close()
    return LoopKernel(w, extent, 1, saved.bytes)


class _SavedRows:
    """Costly values that a later stage needs again are kept in the thread's scratch for the length of the row."""

    def __init__(self, w, body, domain, stages, inner):
        self.stage_of: dict[Value, tuple] = {}
        self.bytes: Size = 0
        users = body.users()
        for op in body.ops:
            out = op.outputs[0]
            if not op.prim.costly or domain.holds(out.shape) != "all" or out in body.outputs:
                continue
            if max(_stages_using(out, users, stages, domain)) > stages.depth[out]:
                pointer = w.scratch_pointer(out.dtype, self.bytes, len(self.stage_of))
                self.stage_of[out] = (stages.depth[out], pointer)
                extent = size_of([_extent(g) for g in inner])
                self.bytes = self.bytes + in_lines(extent * out.type.itemsize)
        self.w, self.inner = w, inner

    def due(self, stage: int) -> list:
        """(value, pointer) to be saved in that stage."""
        return [(v, p) for v, (s, p) in self.stage_of.items() if s == stage]


def _stages_using(value, users, stages, domain) -> list:
    """The stages in which a full-domain value is needed: those of reductions and outputs that depend on it."""
    found, todo, seen = [], [value], set()
    while todo:
        v = todo.pop()
        if v in seen:
            continue
        seen.add(v)
        found.append(stages.depth[v])
        for op in users.get(v, ()):
            if op.prim.kind != "reduce":
                todo.extend(o for o in op.outputs if domain.holds(o.shape) == "all")
    return found


def _emit_stage(w: Writer, domain: Domain, reductions, ready, inner, saves):
    accumulators = RowAccumulators(w, domain, reductions, inner)
    _open_loops(w, inner[:-1])
    _open_loop(w, inner[-1], *accumulators.open_block(w.size(_extent(inner[-1]))))
    inner_position = linear([Index({g[-1]: 1}) for g in inner], [_extent(g) for g in inner])
    for value, pointer in saves:
        name = w.element(value, domain.index(value.shape, parallel=False))
        w.store(pointer[w.at(inner_position)], name)
    for op in reductions:
        accumulators.add(op, w.element(op.inputs[0], domain.index(op.inputs[0].shape, parallel=False)))
    w.store_elements((out, domain.index(out.shape, parallel=False)) for out in ready)
    w.close()
    accumulators.close_block()
    _close_loops(w, len(inner) - 1)
    for out in ready:
        w.stored(out)
    for value, pointer in saves:
        w.saved(value, pointer, inner_position)
    accumulators.give_results()


# --- columns ----------------------------------------------------------------------------------------------------------

def _emit_columns(w: Writer, body: Program, domain: Domain, stages: _Stages) -> LoopKernel:
    first, last = domain.reduced[0], domain.reduced[-1]
    axes = domain.axes
    groups = _groups(w, body, domain, axes, (axes[first], axes[last + 1]))
    outer = [g for g in groups if g[0] in axes[:first]]
    rows = [g for g in groups if g[0] in domain.reduction_axes]
    columns = [g for g in groups if g[0] in axes[last + 1:]]
    width = _extent(columns[-1])
    strip = Axis((width + (STRIP - 1)) // STRIP)
    extent = _open_units(w, outer + columns[:-1] + [[strip]])
    base, stop = w.fresh("j"), w.fresh("j")
    base = w.let(base, strip.variable * w.size(STRIP))
    stop = w.let(stop, call("minimum", base + w.size(STRIP), w.size(width)))
    sums = [_ColumnSums(w, op, rows, k) for k, op in enumerate(stages.reductions)]
    _columns_loop(w, columns[-1], base, stop)
    for column in sums:
        column.clear()
    w.close()
    in_blocks = [s for s in sums if s.total]
    done = w.fresh("m")
    if in_blocks:
        w.let(done, 0)
    _open_loops(w, rows)
    _columns_loop(w, columns[-1], base, stop)
    for column in sums:
        column.add(w.element(column.x, domain.index(column.x.shape, parallel=False)))
    full = Values(o for o in body.outputs if domain.holds(o.shape) == "all")
    w.store_elements((out, domain.index(out.shape, parallel=False)) for out in full)
    w.close()
    if in_blocks:
        rounds = w.let(done, Name(done, "int64") + 1)
        with w.when(equal(rounds, BLOCK_OF_ROWS)):
            w.let(done, 0)
            _columns_loop(w, columns[-1], base, stop)
            for column in in_blocks:
                column.end_block()
            w.close()
    _close_loops(w, len(rows))
    _columns_loop(w, columns[-1], base, stop)
    for column in sums:
        column.give_result()
    w.store_elements((out, domain.index(out.shape, parallel=True)) for out in body.outputs if out not in full)
    w.close()
    w.close()
    return LoopKernel(w, extent, 1, STRIP * 16 * len(sums))


class _ColumnSums:
    """One reduction of the columns of a strip, in scratch; of a sum that may be long, the total in float64 too."""

    def __init__(self, w: Writer, op: Op, rows, number: int):
        self.w, self.op, self.x, dtype = w, op, op.inputs[0], op.outputs[0].dtype
        self.part = w.scratch_pointer(dtype, STRIP * 16 * number, 2 * number)
        wide = grows(op) and not is_short(rows, BLOCK_OF_ROWS)
        self.total = wide and w.scratch_pointer("float64", STRIP * (16 * number + 8), 2 * number + 1)

    def _store(self, pointer: Buffer, value: Expression):
        self.w.store(pointer[self.w.strip_position], value)

    def clear(self):
        self._store(self.part, initial(self.w, self.op))
        if self.total:
            self._store(self.total, call("f64", 0.0))

    def add(self, x: Expression):
        self._store(self.part, combined(self.op, self.part[self.w.strip_position], x))

    def end_block(self):
        place = self.w.strip_position
        self._store(self.total, self.total[place] + call("f64", self.part[place]))
        self._store(self.part, initial(self.w, self.op))

    def give_result(self):
        name, place, result = self.w.fresh("s"), self.w.strip_position, self.part[self.w.strip_position]
        if self.total:
            result = call(short_name(self.op.outputs[0].dtype), self.total[place] + call("f64", result))
        self.w.give(self.op.outputs[0], self.w.let(name, result))


def _columns_loop(w: Writer, group, base: Name, stop: Name):
    """The loop over a strip's columns; strip_position is the place in the strip's buffers."""
    _open_loop(w, group, base, stop)
    w.strip_position = group[-1].variable - base
