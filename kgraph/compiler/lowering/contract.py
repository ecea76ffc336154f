"""Products: blocks of the result by the native tile routine, then the epilogue over each block while it is in cache.

The labels of `contract` are sorted into batch, row, column and summed axes; neighbouring axes that all operands walk
together become one. What remains beside one row, one column and one summed axis is looped over outside.
"""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.compiler.dims import Size, size_of
from kgraph.compiler.ir import Op, Value
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.dtypes import short_name
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.loopnest.index import Axis, Index, Layout, merge_axes
from kgraph.compiler.loopnest.records import ADD, IN_PARTS, KEEP_COLUMNS, MORE, PARTS, RESULT, SAME_COLUMNS
from kgraph.compiler.lowering.loops import LoopKernel, _extent, _name
from kgraph.compiler.lowering.writer import Writer
from kgraph.compiler.plan import Symbol

__all__ = ["emit_contract"]

BLOCK_ROWS = 256     # with BLOCK_COLUMNS floats each, a part of a second-level cache
BLOCK_COLUMNS = 128
UNIT_ROWS = 8        # threads share the rows in steps of it, PARTS units each; a single step by parts of its sums
LEAST_COLUMNS, LEAST_DEPTH = 64, 256  # of a product in parts
SHARE_SCOPE = 90     # an alias scope


@dataclass
class _Product:
    """A contract op in canonical form: strided operands, loop axes sorted by role."""

    op: Op
    a: Value
    b: Value
    a_at: Index      # positions of the operands' and the result's elements over the labels' axes
    b_at: Index
    out_at: Index
    outer: list      # groups of axes looped over outside the tile routine
    rows: list       # one group, or none
    columns: list
    summed: list     # groups; the last is the tile routine's own

    @property
    def out(self) -> Value:
        return self.op.outputs[0]


def _sort_axes(op: Op, domain: Domain, layout: Layout, accesses) -> _Product:
    """Roles of the labels. Operands are exchanged where that makes the innermost axis of the result a column."""
    a, b = op.inputs
    a_axes, b_axes, out_axes = (op.params[k] for k in ("a_axes", "b_axes", "out_axes"))
    real = [x for x, size in zip(out_axes, op.outputs[0].shape) if not (isinstance(size, int) and size == 1)]
    if real and real[-1] not in b_axes:
        a, b, a_axes, b_axes = b, a, b_axes, a_axes
    axes = dict(zip(real, domain.axes, strict=True))
    for label, size in zip(a_axes, a.shape):
        if label not in out_axes and not (isinstance(size, int) and size == 1):
            axes[label] = Axis(size, f"summed{label}")
    place = lambda labels, value: layout.position(value, [axes.get(x, 0) for x in labels])
    a_at, b_at, out_at = place(a_axes, a), place(b_axes, b), place(out_axes, op.outputs[0])
    pick = lambda test, order: [axes[x] for x in order if x in axes and test(x)]
    batch = merge_axes(pick(lambda x: x in a_axes and x in b_axes, real), [a_at, b_at, out_at, *accesses])
    rows = merge_axes(pick(lambda x: x not in b_axes, real), [a_at, out_at, *accesses])
    columns = merge_axes(pick(lambda x: x not in a_axes, real), [b_at, out_at, *accesses])
    summed = merge_axes(pick(lambda x: x not in out_axes, a_axes), [a_at, b_at])
    outer = batch + rows[:-1] + columns[:-1]
    return _Product(op, a, b, a_at, b_at, out_at, outer, rows[-1:], columns[-1:], summed)


def emit_contract(op: Op, layout: Layout, checks: list) -> LoopKernel:
    """The kernel of a fused op whose first member is a product."""
    body = op.params["body"]
    product_op = next(o for o in body.ops if o.prim.kind == "contract")
    domain = Domain(op.params["domain"])
    w = Writer(body, layout, checks)
    product = _sort_axes(product_op, domain, layout, _epilogue_accesses(body, product_op, domain, layout))
    w.know([*domain.axes, *(axis for group in product.summed for axis in group)])
    return _emit_blocks(w, body, domain, product)


def _epilogue_accesses(body, product_op, domain, layout: Layout) -> list:
    probe = Probe({o: p for p in body.ops if p is not product_op for o in p.outputs})
    for out in body.outputs:
        probe.element(out, domain.index(out.shape, kept=False))
    return probe.accesses(layout) + [layout.position(o, domain.index(o.shape, kept=False)) for o in body.outputs]


def _stride(at: Index, groups) -> Size:
    """How far apart neighbours on a group of axes lie, in elements."""
    return at.terms.get(groups[-1][-1], 0) if groups else 0


def _without(at: Index, groups) -> Index:
    """The part of a position that does not come from these groups."""
    gone = {axis for group in groups for axis in group}
    return Index({a: c for a, c in at.terms.items() if a not in gone}, at.constant)


def _emit_blocks(w: Writer, body, domain, product: _Product) -> LoopKernel:
    rows = size_of([_extent(g) for g in product.rows])
    columns = size_of([_extent(g) for g in product.columns])
    item = product.out.type.itemsize
    many_rows, many_columns = w.number(rows, "rows"), w.number(columns, "columns")
    row_units = (rows + (UNIT_ROWS - 1)) // UNIT_ROWS
    column_units = (columns + (BLOCK_COLUMNS - 1)) // BLOCK_COLUMNS
    many_row_units, many_strips = w.number(row_units, "row units"), w.number(column_units, "strips")
    extent = size_of([_extent(g) for g in product.outer]) * column_units * row_units * PARTS
    w.line(f"u = lo // {PARTS}")
    w.line(f"end = hi // {PARTS}")
    w.line(f"wide = {BLOCK_COLUMNS}")
    in_parts = not product.outer and len(product.summed) == 1
    if in_parts:
        _share_sums(w, product, many_rows, many_columns, w.number(extent, "units"))
    w.open("while u < end:")
    w.line(f"block = u // {many_row_units}")
    w.line(f"first = (u - block * {many_row_units}) * {UNIT_ROWS}")
    w.line(f"last = minimum({many_rows}, first + (end - u) * {UNIT_ROWS})")
    w.line(f"u = minimum(end, (block + 1) * {many_row_units})")
    _open_outer(w, product.outer, many_strips)
    w.line("left = strip * wide")
    w.line(f"width = minimum(wide, {many_columns} - left)")
    w.line(f"flags = {KEEP_COLUMNS} * (last - first > {BLOCK_ROWS})" + f" + {IN_PARTS} * few" * in_parts)
    w.open(f"for top in range(first, last, {BLOCK_ROWS}):")
    w.line(f"height = minimum({BLOCK_ROWS}, last - top)")
    target, line = _target(w, body, product)
    _call_tiles(w, product, target, line, item)
    if in_parts:
        w.open("if few and mine.last == 0:")
        w.line("return")
        w.close()
    if len(body.ops) > 1:
        _emit_epilogue(w, body, domain, product, target, line)
    w.close()
    w.close()
    return LoopKernel(w, extent, 1, _scratch(item))


def _share_sums(w: Writer, product: _Product, many_rows: str, many_columns: str, units: str):
    """With few rows, reading the right operand is what takes time. So that each thread reads whole rows of it, threads
    share the sums, not the result: all call the tile routine for all of it; it says who goes on with the epilogue."""
    depth = w.number(size_of([_extent(g) for g in product.summed]), "depth")
    done = len(w.args)
    w.args += [0] * (1 + PARTS)
    w.line(f"few = {many_rows} <= {UNIT_ROWS} and {many_columns} >= {LEAST_COLUMNS} and {depth} >= {LEAST_DEPTH} "
           f"and {many_rows} * {many_columns} <= {RESULT}")
    w.line(f"mine = share(scratch + {_scratch(product.out.type.itemsize)}, {SHARE_SCOPE})")
    w.open("if few:")
    routine = w.routine(Symbol(f"gemm_{short_name(product.out.dtype)}"))
    given = {"lo": "lo", "hi": "hi", "units": units, "done": f"args + {8 * done}", "routine": routine}
    for field, text in given.items():
        w.line(f"mine.{field} = {text}")
    w.line("u = 0")
    w.line("end = 1")
    w.line(f"wide = {many_columns}")
    w.close()


def _open_outer(w: Writer, outer, many_strips: str):
    """Take the block number apart: outer axes, and the strip of columns as the fastest."""
    w.line(f"strip = block % {many_strips}")
    w.line(f"outer = block // {many_strips}")
    rest = "outer"
    for group in reversed(outer):
        extent = w.size(_extent(group))
        _name(w, group, w.fresh("i"), f"{rest} % {extent}")
        following = w.fresh("u")
        w.line(f"{following} = {rest} // {extent}")
        rest = following


def _target(w: Writer, body, product: _Product):
    """Where the tile routine writes, in the result or a block of scratch: (pointer name, row stride text)."""
    if product.out in body.outputs:
        return w.pointer(product.out), w.number(_stride(product.out_at, product.rows), "result row")
    return None, "wide"


def _scratch(item: int) -> Size:
    return BLOCK_ROWS * BLOCK_COLUMNS * item


def _call_tiles(w: Writer, product: _Product, target, line: str, item: int):
    tile_groups = product.rows + product.columns
    a_start = _without(product.a_at, tile_groups + product.summed)
    b_start = _without(product.b_at, tile_groups + product.summed)
    stride = lambda role, at, groups: w.number(_stride(at, groups), role)
    a_row, b_column = stride("a row", product.a_at, product.rows), stride("b column", product.b_at, product.columns)
    a_step, b_step = (stride(role, at, product.summed[-1:])
                      for role, at in (("a step", product.a_at), ("b step", product.b_at)))
    if target is None:
        c_address = "scratch"
    else:
        c_start = w.at(_without(product.out_at, tile_groups))
        c_address = f"{w.address(product.out)} + {item} * ({c_start} + top * {line} + left)"
    loops = product.summed[:-1]
    if loops:
        w.line(f"flags = {MORE}")
        w.line(f"left_over = {w.number(size_of([_extent(g) for g in loops]), 'calls')}")
        for group in loops:
            name = w.fresh("k")
            w.open(f"for {name} in range({w.size(_extent(group))}):")
            _name(w, group, name)
            a_start = a_start + Index({group[-1]: _stride(product.a_at, [group])})
            b_start = b_start + Index({group[-1]: _stride(product.b_at, [group])})
        w.line("left_over = left_over - 1")
        w.open("if left_over == 0:")
        w.line(f"flags = flags - {MORE}")
        w.close()
    depth = w.number(size_of([_extent(g) for g in product.summed[-1:]]), "depth")
    a_address = f"{w.address(product.a)} + {item} * ({w.at(a_start)} + top * {a_row})"
    b_address = f"{w.address(product.b)} + {item} * ({w.at(b_start)} + left * {b_column})"
    routine = w.routine(Symbol(f"gemm_{short_name(product.out.dtype)}"))
    w.line(f"gemm({routine}, height, width, {depth}, {a_address}, {a_row}, {a_step}, "
           f"{b_address}, {b_step}, {b_column}, {c_address}, {line}, flags, "
           f"scratch + {_scratch(item)})")
    w.line(f"flags = {ADD | MORE if loops else SAME_COLUMNS | KEEP_COLUMNS}")
    for _ in loops:
        w.close()


def _emit_epilogue(w: Writer, body, domain, product: _Product, target, line: str):
    w.open("for i in range(top, top + height):")
    for group in product.rows:
        _name(w, group, "i")
    w.open("for j in range(left, left + width):")
    for group in product.columns:
        _name(w, group, "j")
    value = w.fresh("t")
    if target is None:
        block = w.scratch_pointer(product.out.dtype, 0, 0)
        w.line(f"{value} = {block}[(i - top) * {line} + j - left]")
    else:
        w.line(f"{value} = {target}[{w.at(product.out_at)}]")
    w.give(product.out, value)
    w.store_elements((out, domain.index(out.shape, kept=False)) for out in body.outputs if out is not product.out)
    w.close()
    w.close()
