"""Random bits from a counter: element i of key k is always the same number, whatever draws it, and in what order.

SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): the key, hashed once,
is the generator's state; element i is its (i+1)-th output, of which the high 32 bits are kept.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.nodes import call
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.rules import require

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's output function of a uint64 state: two rounds of xor-shift and multiply, one last xor-shift."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _reference(key, shape):
    count = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over="ignore"):
        state = mix((key[:1].astype(np.uint64) | (key[1:].astype(np.uint64) << np.uint64(32))) + _GOLDEN)
        bits = mix(state + np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)
    return (bits >> np.uint64(32)).astype(np.uint32).reshape(shape)


def _infer(key, shape):
    require(key.shape == (2,) and key.dtype == "uint32", lambda: f"random_bits: expected a key u32[2], received {key}")
    return TensorType(tuple(shape), "uint32")


def _lower(e, op, index):
    flat = 0
    for position, size in zip(index, op.params["shape"]):
        flat = flat * size + position
    return call("mix_bits", e.read(0, (0,)), e.read(0, (1,)), e.at(flat))


random_bits_p = Primitive("random_bits", "random", _infer, _reference, NOT_DIFFERENTIABLE, _lower,
                          lambda rng: [([np.array(k, "uint32")], {"shape": s}) for k, s in
                                       (((0, 0), (3,)), ((1, 2), (1, 37)), ((7, 0), (0, 4)), ((2**32 - 1, 5), ()))],
                          costly=True)
