"""Random numbers, from the seed of the process: other ones at each call."""
from __future__ import annotations

from kgraph import ops
from kgraph import random as draws
from kgraph.onnx.registry import Typed, onnx_op
from kgraph.onnx.sizes import DATA_TYPES


def _seed(seed):
    return None if seed is None else int(seed)


@onnx_op("RandomNormal", since=1, impure=True)
def random_normal(*, shape, dtype=1, mean=0.0, scale=1.0, seed=None):
    return ops.cast(draws.normal(tuple(shape), mean, scale, seed=_seed(seed)), DATA_TYPES[dtype])


@onnx_op("RandomUniform", since=1, impure=True)
def random_uniform(*, shape, dtype=1, low=0.0, high=1.0, seed=None):
    return ops.cast(draws.uniform(tuple(shape), low, high, seed=_seed(seed)), DATA_TYPES[dtype])


@onnx_op("RandomNormalLike", since=1, impure=True)
def random_normal_like(x: Typed, *, dtype=None, mean=0.0, scale=1.0, seed=None):
    return ops.cast(draws.normal(x.shape, mean, scale, seed=_seed(seed)), DATA_TYPES[dtype] if dtype else x.dtype)


@onnx_op("RandomUniformLike", since=1, impure=True)
def random_uniform_like(x: Typed, *, dtype=None, low=0.0, high=1.0, seed=None):
    return ops.cast(draws.uniform(x.shape, low, high, seed=_seed(seed)), DATA_TYPES[dtype] if dtype else x.dtype)


@onnx_op("Bernoulli", since=15, impure=True)
def bernoulli(x, *, dtype=None, seed=None):
    drawn = draws.uniform(x.shape, seed=_seed(seed))
    return ops.cast(ops.less(drawn, ops.cast(x, "float32")), DATA_TYPES[dtype] if dtype else x.dtype)
