"""What native routines do to their sums before they store them: an epilogue that needs no loop of its own.

It is a bias for each channel, another array, and limits, as batch normalisation (folded), the sum of a residual block,
and relu, relu6 and their kin leave it.
"""
from __future__ import annotations

import math
import struct
from dataclasses import dataclass, replace

from kgraph.compiler.dims import size_of
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.index import Layout
from kgraph.compiler.loopnest.nodes import Expression
from kgraph.compiler.loopnest.records import Words
from kgraph.compiler.lowering.writer import Writer

__all__ = ["Finish", "finish_of"]


@dataclass(frozen=True)
class Finish:
    """out: what is stored. bias: a value with a number for each channel, or None; other: one like ``out`` that is added
    then, or None; the sum is cut between low and high."""

    out: Value
    bias: Value | None = None
    other: Value | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def is_cut(self) -> bool:
        return (self.low, self.high) != (-math.inf, math.inf)

    def write(self, w: Writer, record: Words, first: Expression | int = 0):
        """The statements that fill a FINISH. first: the number of the first channel."""
        beside = first * self.out.type.itemsize
        w.fill(record, bias=0 if self.bias is None else w.address(self.bias) + beside,
               other=0 if self.other is None else w.address(self.other) - w.address(self.out),
               low=w.number(_bits(self.low), "low"), high=w.number(_bits(self.high), "high"))


def finish_of(body: Program, anchor: Op, layout: Layout) -> Finish | None:
    """All that a kernel does to its anchor's result, if it is no more than that."""
    made = {o: op for op in body.ops for o in op.outputs}
    found = Finish(anchor.outputs[0])
    while found is not None and found.out not in body.outputs:
        users = [op for op in body.ops if found.out in op.inputs]
        found = _with(found, users[0], made, layout) if len(users) == 1 and len(users[0].inputs) == 2 else None
    if found is None or body.outputs != (found.out,) or found.out in layout.strides or found.out in layout.same:
        return None
    return found


def _with(found: Finish, op: Op, made: dict, layout: Layout) -> Finish | None:
    """With one op more."""
    (out,), x, y = op.outputs, *op.inputs
    other = y if x is found.out else x
    before, name = made.get(other), op.prim.name
    if other is found.out or out.type != found.out.type or name == "add" and (found.is_cut or found.other is not None):
        return None
    if before is None and name == "add":
        return None if other.type != out.type or other in layout.strides else replace(found, out=out, other=other)
    if before is None or before.prim.name != "broadcast":
        return None
    if name == "add":
        bias = _bias(other, made, layout) if found.bias is None else None
        return None if bias is None else replace(found, out=out, bias=bias)
    value = _number(before.inputs[0], made)
    if value is None or name not in ("maximum", "minimum"):
        return None
    limit = max if name == "maximum" else min
    return replace(found, out=out, low=limit(found.low, value), high=limit(found.high, value))


def _bias(other: Value, made: dict, layout: Layout) -> Value | None:
    """The value whose numbers are broadcast along all axes but the last."""
    spread = made[other]
    (found,) = spread.inputs
    if spread.params["axes"] != (len(other.shape) - 1,) or found.shape != other.shape[-1:]:
        return None
    while found in made and made[found].prim.name == "reshape":
        (found,) = made[found].inputs
    known = found not in made and found not in layout.strides and size_of(found.shape) == other.shape[-1]
    return found if known else None


def _number(value: Value, made: dict) -> float | None:
    op = made.get(value)
    if op is None or op.prim.name != "full" or math.isnan(op.params["value"]):
        return None
    return float(op.params["value"])


def _bits(value: float) -> int:
    """Those of a float64, as an int64."""
    return struct.unpack("q", struct.pack("d", value))[0]
