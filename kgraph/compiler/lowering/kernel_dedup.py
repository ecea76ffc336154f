"""Ops that differ in their values' identity alone: the blocks of a deep model are written once."""
from __future__ import annotations

import dataclasses

from kgraph.compiler.ir import Op, Value, frozen
from kgraph.compiler.loopnest.index import Layout
from kgraph.compiler.plan import Address, Kernel

__all__ = ["for_other_values", "structure"]


def structure(op: Op, layout: Layout) -> tuple:
    """(key, values): ops with equal keys have equal kernels, but for the values that stand at equal places."""
    numbers: dict[Value, int] = {}
    number = lambda v: numbers.setdefault(v, len(numbers))
    body = op.params.get("body")
    ops = (op,) if body is None else body.ops
    own = [(o.prim, *map(number, o.inputs), frozen(o.params), *map(number, o.outputs)) for o in ops]
    given = (op.prim, *map(number, op.inputs), frozen({k: v for k, v in op.params.items() if k != "body"}),
             *map(number, op.outputs))
    places = [(number(layout.same.get(v, v)), layout.strides.get(v)) for v in tuple(numbers)]
    return (tuple(own), given, tuple(places), tuple(v.type for v in numbers)), tuple(numbers)


def for_other_values(kernel: Kernel, new: dict, op: Op, scopes: tuple) -> Kernel:
    """The kernel of an op of the same structure. new: value -> the one in its place."""
    def moved(word):
        if isinstance(word, Address):
            return Address(new[word.value], word.offset)
        return new[word] if isinstance(word, Value) else word
    return dataclasses.replace(kernel, args=tuple(map(moved, kernel.args)), op=op, scopes=scopes)
