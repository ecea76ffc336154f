"""horizontal_fusion: kernels beside each other become one where they read the same tensors or are small, never where
one waits for the other."""
import numpy as np
import pytest
from stages import bodies, equal_meaning, fused

from kgraph import ops
from kgraph.compiler.passes.horizontal_fusion import SMALL, horizontal_fusion

BIG = (SMALL + 1,)


def merged(f, *shapes):
    before = fused(f, *shapes)
    after = horizontal_fusion(before)
    equal_meaning(before, after, np.random.default_rng(0))
    return len(bodies(before)), len(bodies(after))


@pytest.mark.parametrize("size,kernels", [(SMALL, 1), (SMALL + 1, 2)])
def test_small_kernels_of_one_size(size, kernels):
    assert merged(lambda x, y: [ops.exp(x), ops.tanh(y)], (size,), (size,)) == (2, kernels)


def test_many_small_kernels_become_one():
    assert merged(lambda *xs: [ops.exp(x) for x in xs], *[(7,)] * 5) == (5, 1)


def test_other_sizes_or_axes_stay_apart():
    assert merged(lambda x, y: [ops.exp(x), ops.exp(y)], (7,), (8,)) == (2, 2)
    assert merged(lambda x, y: [ops.sum(x, 1), ops.sum(y, 0)], (7, 7), (7, 7)) == (2, 2)
    assert merged(lambda x, y: [ops.sum(x, 1), ops.sum(y, 1)], (7, 7), (7, 7)) == (2, 1)


def test_products_stay_apart():
    assert merged(lambda x, y: [ops.matmul(x, x), ops.matmul(y, y)], (7, 7), (7, 7)) == (2, 2)


@pytest.mark.parametrize("later", [lambda p: ops.exp(ops.transpose(p)), lambda p: ops.tanh(ops.transpose(p) + 1.0)])
def test_what_waits_for_another_stays_apart(later):
    """The second loop reads, by way of a product, what the first one made."""
    f = lambda x, w: [later(ops.matmul(ops.exp(x), w))]
    before, after = merged(f, (7, 7), (7, 7))
    assert before == after >= 2


def test_a_chain_of_waiting_ones_with_one_that_waits_for_nobody():
    f = lambda x, w, y: [ops.exp(ops.transpose(ops.matmul(ops.exp(x), w))), ops.tanh(y)]
    before, after = merged(f, (7, 7), (7, 7), (7, 7))
    assert before - after == 1


def test_a_large_kernel_takes_in_one_that_reads_the_same():
    def f(x, y, z):  # the two cannot be one before: each also reads another tensor, at another place
        return [ops.exp(x) * y, ops.tanh(x) * z]
    assert merged(f, BIG, BIG, BIG)[1] == 1
