"""Products: blocks of the result by the native tile routine, then the epilogue over each block while it is in cache.

The labels of `contract` are sorted into batch, row, column and summed axes; neighbouring axes that all operands walk
together become one. What remains beside one row, one column and one summed axis is looped over outside.
"""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.compiler.dims import Size, size_of
from kgraph.compiler.ir import Op, Value
from kgraph.compiler.loopnest.builder import both, equal
from kgraph.compiler.loopnest.domain import Domain
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.elements import Probe
from kgraph.compiler.loopnest.index import Axis, Index, Layout, linear, merge_axes, row_major
from kgraph.compiler.loopnest.nodes import Buffer, Expression, Name, Return, call
from kgraph.compiler.loopnest.records import (
    ADD,
    BLOCK_COLUMNS,
    BLOCK_ROWS,
    FINISHES,
    IN_PANELS,
    IN_PARTS,
    KEEP_COLUMNS,
    MORE,
    MOST_FINISHED,
    PANEL,
    PARTS,
    RESULT,
    SAME_COLUMNS,
    SHARE,
)
from kgraph.compiler.lowering.finish import Finish, finish_of
from kgraph.compiler.lowering.loops import LoopKernel, _close_loops, _extent, _name, _open_loops
from kgraph.compiler.lowering.writer import ARGS, HI, LO, SCRATCH, Writer
from kgraph.compiler.plan import Symbol
from kgraph.compiler.prims.contract import panel_product_p

__all__ = ["emit_contract"]

UNIT_ROWS = 8        # threads share the rows in steps of it, PARTS units each; a single step by parts of its sums
COLUMNS_STEP = 16    # a strip has a multiple of so many columns
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
    packed: bool     # whether b is made of panels
    finish: Finish | None = None  # what the tile routine does to its sums, unless threads share these

    @property
    def out(self) -> Value:
        return self.op.outputs[0]

    @property
    def result(self) -> Value:
        """What the tile routine makes."""
        return self.out if self.finish is None else self.finish.out

    @property
    def depth(self) -> Size:
        """Terms that the tile routine adds up at a time."""
        return size_of([_extent(g) for g in self.summed[-1:]])

    @property
    def always(self) -> int:
        """Flags of all calls of the tile routine."""
        return IN_PANELS * self.packed | FINISHES * (self.finish is not None)


@dataclass
class _Block:
    """A block of the result in locals of the kernel: rows from ``top`` and columns from ``left`` on, flags for the tile
    routine, and where that writes: rows that are ``line`` apart, of the result (target) or of scratch."""

    top: Name
    height: Name
    left: Name
    width: Name
    flags: Name
    target: Buffer | None
    line: Expression


def _sort_axes(op: Op, domain: Domain, layout: Layout, accesses) -> _Product:
    """Roles of the labels. Operands are exchanged where that makes the innermost axis of the result a column."""
    a, b = op.inputs
    a_axes, out_axes, packed = op.params["a_axes"], op.params["out_axes"], op.prim is panel_product_p
    real = [x for x, size in zip(out_axes, op.outputs[0].shape) if not (isinstance(size, int) and size == 1)]
    b_axes = _labels_in_panels(op) if packed else op.params["b_axes"]
    if real and real[-1] not in b_axes:
        a, b, a_axes, b_axes = b, a, b_axes, a_axes
    axes = dict(zip(real, domain.axes, strict=True))
    for label, size in zip(a_axes, a.shape):
        if label not in out_axes and not (isinstance(size, int) and size == 1):
            axes[label] = Axis(size, f"summed{label}")
    place = lambda labels, value: layout.position(value, [axes.get(x, 0) for x in labels])
    a_at, out_at = place(a_axes, a), place(out_axes, op.outputs[0])
    b_at = _place_in_panels(op, axes) if packed else place(b_axes, b)
    pick = lambda test, order: [axes[x] for x in order if x in axes and test(x)]
    batch = merge_axes(pick(lambda x: x in a_axes and x in b_axes, real), [a_at, b_at, out_at, *accesses])
    rows = merge_axes(pick(lambda x: x not in b_axes, real), [a_at, out_at, *accesses])
    columns = merge_axes(pick(lambda x: x not in a_axes, real), [b_at, out_at, *accesses])
    summed = merge_axes(pick(lambda x: x not in out_axes, a_axes), [a_at, b_at])
    outer = batch + rows[:-1] + columns[:-1]
    return _Product(op, a, b, a_at, b_at, out_at, outer, rows[-1:], columns[-1:], summed, packed)


def _labels_in_panels(op: Op) -> dict:
    """Of a matrix in panels: the labels of its columns, then those of its rows, with their sizes."""
    a_axes, out_axes = op.params["a_axes"], op.params["out_axes"]
    return {**{x: size for x, size in zip(out_axes, op.outputs[0].shape) if x not in a_axes},
            **{x: size for x, size in zip(a_axes, op.inputs[0].shape) if x not in out_axes}}


def _place_in_panels(op: Op, axes: dict) -> Index:
    """Where its elements lie, for columns at which a panel begins."""
    sizes, (_, depth, width) = _labels_in_panels(op), op.inputs[1].shape
    columns = [size for x, size in sizes.items() if x not in op.params["a_axes"]]
    rows = list(sizes.values())[len(columns):]
    strides = (*(depth * n for n in row_major(columns)), *(width * n for n in row_major(rows)))
    return linear([axes.get(x, 0) for x in sizes], (*columns, *rows), strides)


def emit_contract(op: Op, layout: Layout, checks: list) -> LoopKernel:
    """The kernel of a fused op whose first member is a product."""
    body = op.params["body"]
    product_op = next(o for o in body.ops if o.prim.kind == "contract")
    domain = Domain(op.params["domain"])
    w = Writer(body, layout, checks)
    product = _sort_axes(product_op, domain, layout, _epilogue_accesses(body, product_op, domain, layout))
    w.know([*domain.axes, *(axis for group in product.summed for axis in group)])
    product.finish = finish_of(body, product_op, layout) if _can_finish(product) else None
    return _emit_blocks(w, body, domain, product)


def _can_finish(product: _Product) -> bool:
    """Whether the tile routine makes whole sums, of real numbers, for channels that lie as those of a bias do."""
    depth, columns = (size_of([axis.size for group in groups for axis in group])
                      for groups in (product.summed, product.columns))
    return (product.a.dtype == product.out.dtype and DTYPES[product.a.dtype].is_float and len(product.summed) == 1
            and isinstance(depth, int) and depth <= MOST_FINISHED and columns == product.out.shape[-1] != 1)


def _epilogue_accesses(body, product_op, domain, layout: Layout) -> list:
    probe = Probe({o: p for p in body.ops if p is not product_op for o in p.outputs})
    for out in body.outputs:
        probe.element(out, domain.index(out.shape, parallel=False))
    return probe.accesses(layout) + [layout.position(o, domain.index(o.shape, parallel=False)) for o in body.outputs]


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
    many_rows, many_columns = w.number(rows, "rows"), w.number(columns, "columns")
    row_units = (rows + (UNIT_ROWS - 1)) // UNIT_ROWS
    tall, broad = _block(product)
    column_units = (columns + (broad - 1)) // broad
    many_row_units, many_strips = w.number(row_units, "row units"), w.number(column_units, "strips")
    extent = size_of([_extent(g) for g in product.outer]) * column_units * row_units * PARTS
    u, end = w.let("u", LO // PARTS), w.let("end", HI // PARTS)
    step = _panel(product) if product.packed else COLUMNS_STEP  # strips of equal width, so that threads have equal work
    wide = w.let("wide", (many_columns + many_strips * step - 1) // call("maximum", 1, many_strips * step) * step)
    few = mine = begin = None
    edge, is_float = many_columns, DTYPES[product.a.dtype].is_float
    if not product.outer and len(product.summed) == 1 and is_float:
        once = ((u, 0), (end, 1), (wide, many_columns))  # one round for all of the result
        few, mine = _share_sums(w, product, many_rows, many_columns, w.number(extent, "units"), once)
    if not product.outer and product.packed:
        begin, edge = _share_columns(w, product, many_rows, many_columns, broad, few, (u, end, wide))
    with w.during(u < end):
        number = w.let("block", u // many_row_units)
        first = w.let("first", (u - number * many_row_units) * UNIT_ROWS)
        last = w.let("last", call("minimum", many_rows, first + (end - u) * UNIT_ROWS))
        w.let(u, call("minimum", end, (number + 1) * many_row_units))
        left = _open_outer(w, product.outer, number, many_strips) * wide
        left = w.let("left", left if begin is None else begin + left)
        width = w.let("width", call("minimum", wide, edge - left))
        keep = product.always if product.packed else product.always + KEEP_COLUMNS * (last - first > tall)
        flags = w.let("flags", keep if few is None else keep + (IN_PARTS - (product.always & FINISHES)) * few)
        with w.loop("top", first, last, step=tall) as top:
            height = w.let("height", call("minimum", tall, last - top))
            block = _Block(top, height, left, width, flags, *_target(w, body, product, wide))
            _call_tiles(w, product, block)
            if few is not None:
                with w.when(both(few, equal(mine.last, 0))):
                    w.put(Return())
            if product.finish is None and len(body.ops) > 1:
                _emit_epilogue(w, body, domain, product, block)
            elif few is not None and len(body.ops) > 1:
                with w.when(few):
                    _emit_epilogue(w, body, domain, product, block)
    return LoopKernel(w, extent, 1, _scratch(product))


def _block(product: _Product) -> tuple:
    """Rows and columns of a block at most. A left operand whose rows are neighbours, or of int8, is packed for each
    block, so that these shall be wide."""
    turned = _stride(product.a_at, product.rows) == 1
    if product.a.dtype == "int8" and product.packed:
        return BLOCK_ROWS // 4, 4 * BLOCK_COLUMNS
    turned = turned or product.a.dtype == "int8"
    return (BLOCK_ROWS // 2, 2 * BLOCK_COLUMNS) if turned else (BLOCK_ROWS, BLOCK_COLUMNS)


def _share_sums(w: Writer, product: _Product, many_rows: Name, many_columns: Name, units: Name, once) -> tuple:
    """With few rows, reading the right operand is what takes time. So that each thread reads whole rows of it, threads
    share the sums, not the result: all call the tile routine for all of it; it says who goes on with the epilogue. Not
    where the right operand has panels for all of them. Then these locals get other values, ``once``. Returns the test
    whether that is so, and the record, SHARE."""
    depth = w.number(size_of([_extent(g) for g in product.summed]), "depth")
    done = ARGS + 8 * len(w.args)
    w.args += [0] * (1 + PARTS)
    panel = _panel(product)
    columns = (many_columns >= panel, many_columns < PARTS * panel) if product.packed else \
        (many_columns >= LEAST_COLUMNS, many_rows * many_columns <= RESULT)
    few = w.let("few", both(many_rows > 0, many_rows <= UNIT_ROWS, depth >= LEAST_DEPTH, *columns))
    mine = w.record("mine", SHARE, SCRATCH + _scratch(product), SHARE_SCOPE)
    with w.when(few):
        w.fill(mine, lo=LO, hi=HI, units=units, done=done, routine=_routine(w, product))
        for name, value in once:
            w.let(name, value)
    return few, mine


def _panel(product: _Product) -> int:
    """Columns of a panel."""
    return PANEL // product.out.type.itemsize


def _share_columns(w: Writer, product: _Product, many_rows: Name, many_columns: Name, broad: int, few,
                   around: tuple) -> tuple:
    """With few rows, unless they share the sums (``few``), threads share the panels, so that each reads its own as they
    lie: in one round, ``around``. broad: columns of a strip. Returns the first column and the end of this share's."""
    panel, unit = _panel(product), broad // PARTS
    begin, edge = w.let("begin", 0), w.let("edge", many_columns)
    u, end, wide = around
    others = () if few is None else (call("not", few),)
    with w.when(both(*others, many_rows <= UNIT_ROWS, many_rows * many_columns <= BLOCK_ROWS * BLOCK_COLUMNS)):
        w.let(begin, LO * unit // panel * panel)
        w.let(edge, call("minimum", many_columns, HI * unit // panel * panel))
        w.let(wide, call("maximum", 0, edge - begin))
        w.let(u, 0)
        w.let(end, call("minimum", 1, wide))
    return begin, edge


def _routine(w: Writer, product: _Product) -> Name:
    return w.routine(Symbol(f"gemm_{short_name(product.a.dtype)}"))


def _open_outer(w: Writer, outer, number: Name, many_strips: Name) -> Name:
    """Take the block's number apart: outer axes, and the strip of columns as the fastest, which is returned."""
    strip = w.let("strip", number % many_strips)
    rest = w.let("outer", number // many_strips)
    for group in reversed(outer):
        extent = w.size(_extent(group))
        _name(group, w.let(w.fresh("i"), rest % extent))
        rest = w.let(w.fresh("u"), rest // extent)
    return strip


def _target(w: Writer, body, product: _Product, wide: Name) -> tuple:
    """Where the tile routine writes: (the result or None for scratch, how far apart rows are)."""
    if product.result in body.outputs:
        return w.pointer(product.result), w.number(_stride(product.out_at, product.rows), "result row")
    return None, wide


def _scratch(product: _Product) -> int:
    """Bytes of a block, unless it is made in its place."""
    if product.finish is not None:
        return 0
    return BLOCK_ROWS * BLOCK_COLUMNS * product.out.type.itemsize


def _call_tiles(w: Writer, product: _Product, block: _Block):
    tile_groups, item, read = product.rows + product.columns, product.out.type.itemsize, product.a.type.itemsize
    a_start = _without(product.a_at, tile_groups + product.summed)
    b_start = _without(product.b_at, tile_groups + product.summed)
    stride = lambda role, at, groups: w.number(_stride(at, groups), role)
    a_row, b_column = stride("a row", product.a_at, product.rows), stride("b column", product.b_at, product.columns)
    a_step, b_step = (stride(role, at, product.summed[-1:])
                      for role, at in (("a step", product.a_at), ("b step", product.b_at)))
    c_address = SCRATCH
    if block.target is not None:
        c_start = w.at(_without(product.out_at, tile_groups))
        c_address = w.address(product.result) + item * (c_start + block.top * block.line + block.left)
    if product.finish is not None:
        told = w.record("told", SHARE, SCRATCH + _scratch(product), SHARE_SCOPE)
        product.finish.write(w, told.finish[0], block.left)
    loops = product.summed[:-1]
    if loops:
        _open_sums(w, loops, block.flags, product.always)
        for group in loops:
            a_start = a_start + Index({group[-1]: _stride(product.a_at, [group])})
            b_start = b_start + Index({group[-1]: _stride(product.b_at, [group])})
    depth = w.number(product.depth, "depth")
    a_address = w.address(product.a) + read * (w.at(a_start) + block.top * a_row)
    b_address = w.address(product.b) + read * (w.at(b_start) + block.left * b_column)
    w.do("gemm", _routine(w, product), block.height, block.width, depth, a_address, a_row, a_step, b_address, b_step,
         b_column, c_address, block.line, block.flags, SCRATCH + _scratch(product))
    w.let(block.flags, product.always | (ADD | MORE if loops else SAME_COLUMNS | KEEP_COLUMNS))
    _close_loops(w, len(loops))


def _open_sums(w: Writer, loops, flags: Name, always: int):
    """Open the loops over summed axes that are not the tile routine's own. It is told which call is the last, and
    ``always`` these flags."""
    w.let(flags, MORE | always)
    left_over = w.let("left_over", w.number(size_of([_extent(g) for g in loops]), "calls"))
    _open_loops(w, loops)
    w.let(left_over, left_over - 1)
    with w.when(equal(left_over, 0)):
        w.let(flags, flags - MORE)


def _emit_epilogue(w: Writer, body, domain, product: _Product, block: _Block):
    top, left = block.top, block.left
    with w.loop("i", top, top + block.height) as i:
        for group in product.rows:
            _name(group, i)
        with w.loop("j", left, left + block.width) as j:
            for group in product.columns:
                _name(group, j)
            if block.target is None:
                found = w.scratch_pointer(product.out.dtype, 0, 0)[(i - top) * block.line + j - left]
            else:
                found = block.target[w.at(product.out_at)]
            w.give(product.out, w.let(w.fresh("t"), found))
            w.store_elements((out, domain.index(out.shape, parallel=False)) for out in body.outputs
                             if out is not product.out)
