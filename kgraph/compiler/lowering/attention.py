"""Attention without its weights in memory: blocks of scores in the thread's scratch, keys x queries, so that the lanes
of a vector are queries and a maximum or a sum over keys needs nothing from its neighbours.

Forward a thread has ROWS queries of a head and goes over the keys: a block of scores by the product's register tiles,
their maximum so far, powers, and another product adds what their values give to the result. Where the maximum has
grown, what is there is scaled down. Backward a thread has a group of heads, finds each block of weights again from the
queries' statistic, and adds its part to the three gradients.

A block of keys that no query of the block sees is left out, unless it could be seen by its effect: a NaN or an infinity
that 0 times would make NaN, or a query that sees no key at all, and so all alike.
"""
from __future__ import annotations

import contextlib
import functools
import math
import operator
from types import SimpleNamespace
from typing import NamedTuple

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.builder import both, differ, either, equal
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.loopnest.index import Axis, Index
from kgraph.compiler.loopnest.nodes import Buffer, Expression, Load, Name, call, expression
from kgraph.compiler.loopnest.records import ONTO
from kgraph.compiler.lowering.loops import LoopKernel
from kgraph.compiler.lowering.writer import HI, LO, SCRATCH, Writer
from kgraph.compiler.plan import Symbol
from kgraph.compiler.prims.attention import UNSEEN

__all__ = ["ATTENTION"]

ROWS = 32     # queries of a block
COLUMNS = 256  # keys of a block

def _local(name: str) -> Name:
    return Name(name, "int64")


T, S, TOP, FIRST = map(_local, ("t", "s", "top", "first"))  # a query, a key, and the first ones of a block


class _Matrix(NamedTuple):
    """Where the tile routine finds it: the address, elements from row to row, from column to column."""

    address: Expression
    row: Expression
    column: Expression

    @property
    def turned(self) -> _Matrix:
        return _Matrix(self.address, self.column, self.row)


class _Attention:
    """What both kernels are written with: sizes, constants and memory, and what becomes of one score."""

    def __init__(self, op: Op, q: Value, k: Value, v: Value, rest, layout, checks):
        self.op, self.q, self.k, self.v, self.params = op, q, k, v, op.params
        self.named = dict(zip(op.params["given"], rest))
        self.w = w = Writer(Program(op.prim.name, op.inputs, (), op.outputs), layout, checks)
        w.op = op
        sizes = {"batch": q.shape[0], "t": q.shape[1], "head": q.shape[2], "d": q.shape[3], "s": k.shape[1],
                 "group": k.shape[2], "e": v.shape[3]}
        self.axes = {name: Axis(size, name) for name, size in sizes.items()}
        for name, axis in self.axes.items():
            axis.variable = _local(name)
        w.know(self.axes.values())
        self.item, self.dtype, self.cast = q.type.itemsize, q.dtype, short_name(q.dtype)
        self.scratch_bytes, self._places = 0, {}
        members = 1 if q.shape[2] == k.shape[2] else q.shape[2] // k.shape[2]
        sizes = {"queries": q.shape[1], "keys": k.shape[1], "heads": q.shape[2], "groups": k.shape[2],
                 "members": members, "size": q.shape[3], "value_size": v.shape[3]}
        self.n = SimpleNamespace(**{name: w.number(size, name) for name, size in sizes.items()})
        self.zero, self.one, self.least, self.unseen = map(self.constant, (0.0, 1.0, -math.inf, UNSEEN))
        self.scores = self.scratch("scores", ROWS * COLUMNS)

    def scratch(self, name, count, dtype=None) -> Buffer:
        """Memory of the thread's, for so many numbers."""
        dtype, self._places[name] = dtype or self.dtype, self.scratch_bytes
        self.scratch_bytes += count * DTYPES[dtype].itemsize
        return self.w.scratch_pointer(dtype, self._places[name], len(self._places))

    def constant(self, number: float) -> Expression:
        return self.w.constant(number, self.dtype)

    # --- where things are ---------------------------------------------------------------------------------------------

    def _index(self, value: Value, names) -> Index:
        return self.w.layout.position(value, [0 if size == 1 else self.axes[name]
                                              for size, name in zip(value.shape, names)])

    def at(self, value: Value, *names) -> Load:
        """An element at these variables of the kernel."""
        return self.w.pointer(value)[self.w.at(self._index(value, names))]

    def matrix(self, value: Value, heads: str, rows: str, start: Name, columns: str) -> _Matrix:
        """A head's matrix from row ``start`` on."""
        w, index = self.w, self._index(value, ("batch", rows, heads, columns))
        row, column = (w.number(index.terms.get(self.axes[name], 0), f"{name} step of input")
                       for name in (rows, columns))
        outside = {axis: step for axis, step in index.terms.items()
                   if axis in (self.axes["batch"], self.axes[heads])}
        address = w.address(value) + self.item * (w.at(Index(outside, index.constant)) + start * row)
        return _Matrix(address, row, column)

    def tiles(self) -> Name:
        """The address of the routine for products."""
        return self.w.routine(Symbol(f"gemm_{self.cast}"))

    def block(self, name: str) -> _Matrix:
        """A block of scratch: keys x queries."""
        return _Matrix(SCRATCH + self._places[name], expression(ROWS), expression(1))

    def gemm(self, rows, columns, depth, a: _Matrix, b: _Matrix, c: _Matrix, flags=0):
        """rows x columns of c become, or grow by, a product."""
        work = SCRATCH + self.scratch_bytes
        self.w.do("gemm", self.routine, rows, columns, depth, *a, *b, c.address, c.row, flags, work)

    # --- blocks of scores ---------------------------------------------------------------------------------------------

    def rows_of_block(self):
        return self.w.loop("r", 0, self.height)

    @contextlib.contextmanager
    def scores_of_block(self):
        """``with`` this, loops over the keys and the queries of a block, as (place in the block, row). Where nothing is
        read for each query, there are always ROWS of these, of which LLVM makes vectors that stay in registers."""
        w = self.w
        of_queries = [v for name in ("bias", "mask") if (v := self.named.get(name)) is not None and v.shape[2] != 1]
        with w.loop("c", 0, self.width) as c:
            w.let(S, FIRST + c)
            with w.loop("r", 0, self.height if of_queries else ROWS) as r:
                w.let(T, TOP + r)
                yield c * ROWS + r, r

    def score(self, place) -> Name:
        """The score of query t and key s, from the product that is there."""
        w = self.w
        x = w.let("x", self.scores[place] * self.constant(self.params["scale"]))
        if "bias" in self.named:
            w.let(x, x + self.at(self.named["bias"], "batch", "head", "t", "s"))
        if self.params["cap"] is not None:
            self.bent = w.let("bent", call("tanh", x * self.constant(1 / self.params["cap"])))
            w.let(x, self.bent * self.constant(self.params["cap"]))
        seen = self.seen()
        if seen is not None:
            w.let(x, call("where", seen, x, self.unseen))
        return x

    def seen(self) -> Expression | None:
        """Whether query t sees key s; None where all do."""
        tests = [S <= T] if self.params["causal"] else []
        if "mask" in self.named:
            tests.append(self.at(self.named["mask"], "batch", "head", "t", "s"))
        return functools.reduce(operator.and_, tests) if tests else None

    def kept(self, x: Expression) -> Expression:
        """x where its weight is not dropped, times 1 / (1 - rate)."""
        w, rate, n = self.w, self.params["rate"], self.n
        if not rate:
            return x
        key, row = w.pointer(self.named["key"]), _local("batch") + w.number(self.params["first"], "first")
        place = ((row * n.heads + _local("head")) * n.queries + T) * n.keys + S
        bits = call(">>", call("mix_bits", key[0], key[1], place), call("u32", 8))
        unit = call("f32", bits) * w.constant(2.0**-24, "float32")
        factor = self.constant(1 / (1 - rate) if rate < 1 else 0.0)
        return call("where", unit >= w.constant(rate, "float32"), x * factor, self.zero)


class _Forward(_Attention):
    """Of a block of queries: their results, and what the weights of each add up to."""

    def __init__(self, op: Op, layout, checks):
        q, k, v, *rest = op.inputs
        out, lse = op.outputs
        super().__init__(op, q, k, v, rest, layout, checks)
        self.before, self.high, self.shift, self.factor, self.part = (
            self.scratch(name, ROWS) for name in ("before", "high", "shift", "factor", "part"))
        self.total = self.scratch("total", ROWS, "float64")
        self.values = self.matrix(v, "group", "s", FIRST, "e")
        self.result = self.matrix(out, "head", "t", TOP, "e")
        self.query = self.matrix(q, "head", "t", TOP, "d")
        self.dead_is_zero = self.seen() is not None and self.params["empty"] == "zero"
        self.value = self.at(v, "batch", "s", "group", "e")
        self.tops = (q.shape[1] + (ROWS - 1)) // ROWS
        self.many_tops = self.w.number(self.tops, "tops")
        self.out, self.lse = self.at(out, "batch", "t", "head", "e"), self.at(lse, "batch", "head", "t")
        self.key = self.matrix(k, "group", "s", FIRST, "d")
        self.routine = self.tiles()

    def write(self):
        w, n = self.w, self.n
        with w.loop("u", LO, HI, "share") as u:
            self._open_block(u)
            stop = w.let("stop", n.keys)
            if self.params["causal"]:
                self._leave_out(stop)
            first = w.let(FIRST, 0)
            with w.during(either(first < stop, equal(first, 0))):
                self.width = w.let("width", call("minimum", COLUMNS, stop - first))
                self._scores()
                self._scale_down(first)
                self._powers()
                self.gemm(self.height, n.value_size, self.width, self.block("scores").turned, self.values, self.result,
                          ONTO * (first > 0))
                w.let(first, first + call("maximum", self.width, 1))
                if self.params["causal"] and "mask" in self.named and not self.dead_is_zero:
                    self._take_in_again(first, stop)
            self._end_block()

    def _open_block(self, u):
        w, n = self.w, self.n
        pair = w.let("pair", u // self.many_tops)
        batch = w.let("batch", pair // n.heads)
        head = w.let("head", pair - batch * n.heads)
        w.let("group", head // n.members)
        w.let(TOP, (u - pair * self.many_tops) * ROWS)
        self.height = w.let("height", call("minimum", ROWS, n.queries - TOP))
        with self.rows_of_block() as r:
            w.store(self.before[r], self.least)
            w.store(self.high[r], self.least)
            w.store(self.total[r], call("f64", 0.0))

    def _leave_out(self, stop):
        """Stop before the keys that no query of the block sees, unless 0 times one of their values is not 0."""
        w, n = self.w, self.n
        spoiled = w.let("spoiled", self.zero)
        with w.loop("s", TOP + self.height, n.keys), w.loop("e", 0, n.value_size):
            w.let(spoiled, call("sum_so_far", spoiled, self.value * self.zero))
        with w.when(equal(spoiled, self.zero)):
            w.let(stop, call("minimum", n.keys, TOP + self.height))

    def _take_in_again(self, first, stop):
        """All keys, where a query sees none of those before."""
        w, n = self.w, self.n
        with w.when(both(first >= stop, stop < n.keys)), self.rows_of_block() as r:
            with w.when(equal(self.high[r], self.unseen)):
                w.let(stop, n.keys)

    def _scores(self):
        w = self.w
        self.gemm(self.width, self.height, self.n.size, self.key, self.query.turned, self.block("scores"))
        with self.rows_of_block() as r:
            w.store(self.part[r], self.zero)
        with self.scores_of_block() as (place, r):
            x = self.score(place)
            w.store(self.scores[place], x)
            w.store(self.high[r], call("where", x > self.high[r], x, self.high[r]))  # a NaN will be in the sum

    def _scale_down(self, first):
        """What is there already, where the maximum has grown."""
        w, shift, factor = self.w, self.shift, self.factor
        with self.rows_of_block() as r:
            w.store(shift[r], call("where", equal(self.high[r], self.least), self.zero, self.high[r]))
            w.store(factor[r], call("exp", self.before[r] - shift[r]))
            w.store(self.before[r], self.high[r])
            w.store(self.total[r], self.total[r] * call("f64", factor[r]))
        with w.when(first > 0), self.rows_of_block() as r:
            w.let(T, TOP + r)
            with w.when(differ(factor[r], self.one)), w.loop("e", 0, self.n.value_size):
                w.store(self.out, self.out * factor[r])

    def _powers(self):
        """Of the block's scores, and their sums."""
        w = self.w
        with self.scores_of_block() as (place, r):
            p = w.let("p", call("exp", self.scores[place] - self.shift[r]))
            w.accumulate(self.part[r], p)
            w.store(self.scores[place], self.kept(p))
        with self.rows_of_block() as r:
            w.accumulate(self.total[r], call("f64", self.part[r]))

    def _end_block(self):
        w = self.w
        with self.rows_of_block() as r:
            w.let(T, TOP + r)
            w.store(self.lse, call(self.cast, call("f64", self.shift[r]) + call("log", self.total[r])))
            over = w.let("over", call(self.cast, call("f64", 1.0) / self.total[r]))
            w.let(over, call("where", equal(self.n.keys, 0), self.zero, over))
            if self.dead_is_zero:
                w.let(over, call("where", equal(self.high[r], self.unseen), self.zero, over))
            w.store(self.factor[r], over)
        with self.rows_of_block() as r:
            w.let(T, TOP + r)
            with w.loop("e", 0, self.n.value_size):
                w.store(self.out, self.out * self.factor[r])


class _Backward(_Attention):
    """Of a group of heads: the gradients of their queries, keys and values."""

    def __init__(self, op: Op, layout, checks):
        ct, delta, lse, q, k, v, *rest = op.inputs
        dq, dk, dv = op.outputs
        super().__init__(op, q, k, v, rest, layout, checks)
        self.slopes = self.scratch("slopes", ROWS * COLUMNS)
        self.shift, self.weight, self.delta = (self.scratch(name, ROWS) for name in ("shift", "weight", "delta"))
        self.lse = self.at(lse, "batch", "head", "t")
        self.key_element, self.value_element = (
            self.at(k, "batch", "s", "group", "d"), self.at(v, "batch", "s", "group", "e"))
        self.query_element, self.ct_element = (
            self.at(q, "batch", "t", "head", "d"), self.at(ct, "batch", "t", "head", "e"))
        self.query, self.back = self.matrix(q, "head", "t", TOP, "d"), self.matrix(ct, "head", "t", TOP, "e")
        self.key, self.value = self.matrix(k, "group", "s", FIRST, "d"), self.matrix(v, "group", "s", FIRST, "e")
        self.dv = self.matrix(dv, "group", "s", FIRST, "e")
        self.routine = self.tiles()
        self.dk = self.matrix(dk, "group", "s", FIRST, "d")
        self.dq = self.matrix(dq, "head", "t", TOP, "d")
        self.given_delta = self.at(delta, "batch", "head", "t")

    def write(self):
        w, n = self.w, self.n
        with w.loop("u", LO, HI, "share") as u:
            batch = w.let("batch", u // n.groups)
            self.group = w.let("group", u - batch * n.groups)
            spoiled = self._spoiled() if self.params["causal"] else None
            with w.loop("first", 0, call("maximum", n.keys, 1), step=COLUMNS) as first:
                self.width = w.let("width", call("minimum", COLUMNS, n.keys - first))
                flags = w.let("flags", 0)
                with w.loop("member", 0, n.members) as member:
                    self._open_member(member)
                    begin = w.let("begin", 0)
                    if spoiled is not None:
                        with w.when(equal(spoiled, self.zero)):
                            last = call("maximum", n.queries - 1, 0)
                            w.let(begin, call("minimum", first, last) // ROWS * ROWS)
                    with w.loop("top", begin, call("maximum", n.queries, 1), step=ROWS):
                        self.height = w.let("height", call("minimum", ROWS, n.queries - TOP))
                        self._block()
                        self._add_gradients(flags, first)
                        w.let(flags, ONTO)

    def _open_member(self, member):
        self.w.let("head", self.group * self.n.members + member)

    def _spoiled(self) -> Name:
        """0, if what no query sees can be left out: where 0 times any number is 0, and each query sees a key."""
        w, n = self.w, self.n
        spoiled = w.let("spoiled", self.zero)
        with w.loop("s", 0, n.keys):
            self._spoil(spoiled, "d", n.size, self.key_element)
            self._spoil(spoiled, "e", n.value_size, self.value_element)
        with w.loop("member", 0, n.members) as member:
            self._open_member(member)
            with w.loop("t", 0, n.queries):
                self._spoil(spoiled, "d", n.size, self.query_element)
                self._spoil(spoiled, "e", n.value_size, self.ct_element)
                with w.when(equal(self.lse, self.unseen)):
                    w.let(spoiled, self.one)
        return spoiled

    def _spoil(self, spoiled: Name, name: str, count, element):
        with self.w.loop(name, 0, count):
            self.w.let(spoiled, call("sum_so_far", spoiled, element * self.zero))

    def _block(self):
        """A block of weights, and of the gradients of their scores."""
        w, n, shift, weight, delta = self.w, self.n, self.shift, self.weight, self.delta
        self.gemm(self.width, self.height, n.size, self.key, self.query.turned, self.block("scores"))
        self.gemm(self.width, self.height, n.value_size, self.value, self.back.turned, self.block("slopes"))
        alone = self.zero if self.params["empty"] == "zero" else self.one / call(self.cast, n.keys)
        with self.rows_of_block() as r:
            w.let(T, TOP + r)
            w.store(shift[r], self.lse)
            w.store(weight[r], call("where", equal(shift[r], self.unseen), alone, self.one))
            w.store(delta[r], self.given_delta)
        with self.scores_of_block() as (place, r):
            x = self.score(place)
            p = w.let("p", call("exp", x - shift[r]) * weight[r])
            g = w.let("g", self.slopes[place])
            if self.params["rate"]:
                w.let(g, self.kept(g))
            w.store(self.slopes[place], self._slope(p, g, delta[r]))
            w.store(self.scores[place], self.kept(p))

    def _slope(self, p, g, delta) -> Expression:
        """The gradient of a score before it was scaled, of its weight p and the gradient g of that."""
        slope = p * (g - delta) * self.constant(self.params["scale"])
        if self.params["cap"] is not None:
            slope = slope * (self.one - self.bent * self.bent)
        seen = self.seen()
        return slope if seen is None else call("where", seen, slope, self.zero)

    def _add_gradients(self, flags, first):
        n = self.n
        self.gemm(self.width, n.value_size, self.height, self.block("scores"), self.back, self.dv, flags)
        self.gemm(self.width, n.size, self.height, self.block("slopes"), self.query, self.dk, flags)
        self.gemm(self.height, n.size, self.width, self.block("slopes").turned, self.key, self.dq, ONTO * (first > 0))


def emit_attention(op: Op, layout, checks) -> LoopKernel:
    """Threads share blocks of ROWS queries of a head."""
    a = _Forward(op, layout, checks)
    a.write()
    units = size_of((a.q.shape[0], a.q.shape[2], a.tops))
    return LoopKernel(a.w, units, 1, a.scratch_bytes, _flops(a.q, a.k, a.v, 1, 1))


def emit_attention_grad(op: Op, layout, checks) -> LoopKernel:
    """Threads share groups of heads."""
    a = _Backward(op, layout, checks)
    a.write()
    return LoopKernel(a.w, size_of((a.q.shape[0], a.k.shape[2])), 1, a.scratch_bytes, _flops(a.q, a.k, a.v, 3, 2))


def _flops(q: Value, k: Value, v: Value, of_keys: int, of_values: int):
    """Of so many products with the sizes of a key, and of a value."""
    return 2 * size_of(q.shape[:3]) * k.shape[1] * (of_keys * k.shape[3] + of_values * v.shape[3])


ATTENTION = {"attention": emit_attention, "attention_grad": emit_attention_grad}
