"""rematerialise: what is computed again where it is read, and what is stored. In each program a value is made in one
kernel and read in the epilogue of a product, which cannot be the same kernel."""
import numpy as np
import pytest
from stages import bodies, equal_meaning, fused

from kgraph import ops
from kgraph.compiler.passes.rematerialise import MOST_AGAIN, rematerialise

N = 50


def many_steps(x):
    for _ in range(MOST_AGAIN + 1):
        x = x * 1.5 + 0.5
    return x


def epilogue(value, *products):
    """f(x, w, b): a value made of these, times products that are made after it."""
    def f(x, w, b):
        v = value(x, w, b)
        return [product(w, b) * v for product in products or (lambda w, b: ops.matmul(w, w),)]
    return f


COMPUTED_AGAIN = {
    "arithmetic": epilogue(lambda x, w, b: x * 2.0 + 1.0),
    "centred": lambda x, w, b: [m := ops.mean(x, axis=1, keepdims=True), *epilogue(lambda *_: x - m)(x, w, b)],
    "read_there_anyway": lambda x, w, b: [epilogue(lambda x, w, b: x * b + x)(x, w, b)[0] + x + b],
    "two_readers": epilogue(lambda x, w, b: x * 2.0 + 1.0, lambda w, b: ops.matmul(w, w), ops.matmul)}
STORED = {
    "costly": epilogue(lambda x, w, b: ops.tanh(x)),
    "many_steps": epilogue(lambda x, w, b: many_steps(x)),
    "reads_more_than_it_stores": epilogue(lambda x, w, b: x * b + w),
    "a_result": lambda x, w, b: [v := x * 2.0 + 1.0, ops.matmul(w, w) * v],
    "operand_of_a_product": lambda x, w, b: [ops.matmul(x * 2.0 + 1.0, w)],
    "read_at_another_place": epilogue(lambda x, w, b: ops.transpose(x * 2.0 + 1.0))}


def stored(program):
    """Values of N x N that kernels hand to others, or give as results."""
    return sum(o.shape == (N, N) for op in program.ops for o in op.outputs)


@pytest.mark.parametrize("name", COMPUTED_AGAIN)
def test_computed_again(name):
    before = fused(COMPUTED_AGAIN[name], *[(N, N)] * 3)
    after = rematerialise(before)
    assert stored(after) == sum(v.shape == (N, N) for v in before.outputs) < stored(before)
    equal_meaning(before, after, np.random.default_rng(0))


@pytest.mark.parametrize("name", STORED)
def test_stored(name):
    before = fused(STORED[name], *[(N, N)] * 3)
    after = rematerialise(before)
    assert bodies(after) == bodies(before) and stored(after) == stored(before)
    equal_meaning(before, after, np.random.default_rng(0))


def test_a_statistic_that_is_not_in_memory_is_not_made_again():
    f = epilogue(lambda x, w, b: x - ops.mean(x, axis=1, keepdims=True))
    assert stored(rematerialise(fused(f, *[(N, N)] * 3))) == 2
