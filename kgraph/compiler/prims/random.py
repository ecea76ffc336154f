"""Random bits from a counter: element i of key k is always the same number, whatever draws it, and in what order.

SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): the key, hashed once,
is the generator's state; element i is its (i+1)-th output, of which the high 32 bits are kept.
"""
from __future__ import annotations

import math

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.functions import mix_bits
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.rules import require


def _reference(key, shape, whole=None, starts=None):
    places = _places(shape, whole or shape, starts or (0,) * len(shape))
    with np.errstate(over="ignore"):
        bits = mix_bits(key[:1].astype(np.uint64) | (key[1:].astype(np.uint64) << np.uint64(32)), places)
    return bits.astype(np.uint32).reshape(shape)


def _places(shape, whole, starts) -> np.ndarray:
    """Of each element, its number in the larger array."""
    if shape and whole[1:] == shape[1:]:  # whole rows lie one after the other
        row = math.prod(shape[1:])
        return np.arange(starts[0] * row, (starts[0] + shape[0]) * row, dtype=np.uint64).reshape(shape)
    places = np.zeros(shape, np.uint64)
    for axis, (size, start) in enumerate(zip(whole, starts)):
        own = np.arange(start, start + shape[axis], dtype=np.uint64).reshape(-1, *(1,) * (len(shape) - axis - 1))
        places = places * np.uint64(size) + own
    return places


def _infer(key, shape, whole=None, starts=None):
    require(key.shape == (2,) and key.dtype == "uint32", lambda: f"random_bits: expected a key u32[2], received {key}")
    return TensorType(tuple(shape), "uint32")


def _lower(e, op, index):
    shape, flat = op.params["shape"], 0
    starts = op.params.get("starts") or (0,) * len(shape)
    for position, start, size in zip(index, starts, op.params.get("whole") or shape):
        flat = flat * size + (position + start)
    return call("mix_bits", e.read(0, (0,)), e.read(0, (1,)), e.at(flat))


# whole, starts: of the larger array whose part this is, its shape and where the part begins.
random_bits_p = Primitive("random_bits", "random", _infer, _reference, NOT_DIFFERENTIABLE, _lower,
                          lambda rng: [([np.array(k, "uint32")], {"shape": s}) for k, s in
                                       (((0, 0), (3,)), ((1, 2), (1, 37)), ((7, 0), (0, 4)), ((2**32 - 1, 5), ()))]
                          + [([np.array((3, 1), "uint32")],
                              {"shape": (2, 5, 3), "whole": (2, 37, 3), "starts": (0, 11, 0)})],
                          costly=True)
