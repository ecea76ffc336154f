"""The native function that looks at the arrays a call is given: one after the other in Python costs as much as a small
model's products.

    place_arrays(block)

The block is a record, PLACES, the addresses of array objects, and of each what it has to be: a record, WANTED, its
sizes, and pairs of the address of a word and of what is added to where the elements are, which is written there. If all
arrays are as they have to be, ``fit`` becomes 1.
"""
from __future__ import annotations

from kgraph.codegen import functions
from kgraph.compiler.loopnest.builder import differ, either
from kgraph.compiler.loopnest.records import Record, Words
from kgraph.kernels.routine import Routine

__all__ = ["ARRAY", "LOWER", "PLACES", "ROUTINES", "TO_READ", "TO_WRITE", "WANTED", "function"]

ROUTINES = ("place_arrays",)

# head: bytes of any object's head, whose last word is its type.
PLACES = Record("places", "fit head arrays")
WANTED = Record("wanted", "type dtype rank flags pairs")
# An array from its type on: PyArrayObject in NumPy's C API. rank and flags are the lower half of their words.
ARRAY = Record("array", "type data rank sizes strides base dtype flags")
TO_READ, TO_WRITE = 0x101, 0x501   # flags: contiguous in C's order, aligned; and writable
LOWER = (1 << 32) - 1


def function(name: str) -> functions.Function:
    """One of ROUTINES."""
    return _Place.function(name, "the runtime")


class _Place(Routine):
    def __init__(self, name: str):
        super().__init__(name, "block")

    def write(self):
        w, words = self.w, self.w.buffer("words", "int64", self.block, 0)
        places = Words(PLACES, words)
        w.store(places.fit, 0)
        count = w.let("count", places.arrays)
        e = w.let("e", PLACES.words + count)
        with w.loop("k", 0, count) as k:
            array = w.record("array", ARRAY, words[PLACES.words + k] + places.head - 8, 1)
            wanted = Words(WANTED, words, e)
            rank, flags, pairs = w.lets(rank=wanted.rank, flags=wanted.flags, pairs=wanted.pairs)
            with w.when(either(differ(array.type, wanted.type), differ(array.dtype, wanted.dtype),
                               differ(array.rank & LOWER, rank), differ(array.flags & flags, flags))):
                w.end()
            sizes = w.buffer("sizes", "int64", array.sizes, 2)
            w.let(e, e + WANTED.words)
            with w.loop("axis", 0, rank) as axis, w.when(differ(sizes[axis], words[e + axis])):
                w.end()
            w.let(e, e + rank)
            with w.loop("pair", 0, pairs):
                target = w.buffer("target", "int64", words[e], 3)
                w.store(target[0], array.data + words[e + 1])
                w.let(e, e + 2)
        w.store(places.fit, 1)
