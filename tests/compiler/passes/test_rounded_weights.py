"""Weights of float32 in programs of bfloat16: where they are rounded, and where that is moved."""
import numpy as np

from kgraph import ops
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.passes.fuse import is_late
from kgraph.function import build

NARROW = numpy_dtype("bfloat16")


def forth_and_back(x, w):
    """A product of rounded weights, and one of its result by the same weights, turned."""
    rounded = ops.cast(w, "bfloat16")
    return ops.matmul(ops.tanh(ops.matmul(x, rounded)), ops.transpose(rounded))


def kernels(f, *types):
    """(the function, the ops of each of its kernels)."""
    built = build("f", f, [TensorType(*t) for t in types])
    return built, [op.params["body"].ops if "body" in op.params else (op,) for op in built.program.ops]


def test_large_weights_are_rounded_for_each_product():
    rng = np.random.default_rng(0)
    for size, times in ((1024, 2), (64, 1)):
        f, made = kernels(forth_and_back, ((3, size), "bfloat16"), ((size, size), "float32"))
        rounding = [ops for ops in made if len(ops) == 1 and ops[0].prim.name == "cast"]
        assert len(rounding) == times and all(is_late(ops[0]) for ops in rounding) == (times == 2)
        x, w = rng.normal(size=(3, size)).astype(NARROW), (rng.normal(size=(size, size)) / size).astype("float32")
        wide = w.astype(NARROW).astype("float32")
        hidden = np.tanh((x.astype("float32") @ wide).astype(NARROW).astype("float32")).astype(NARROW)
        want = hidden.astype("float32") @ wide.T
        np.testing.assert_allclose(f(x, w).astype("float32"), want, atol=2e-2 * np.abs(want).max())


def test_products_read_reshaped_weights_of_16_bits():
    """A reshape between a product and what makes its operand wider is of 16 bits; one behind a product is not."""
    f, made = kernels(lambda x, w: ops.conv(x, w), ((2, 5, 5, 32), "bfloat16"), ((1, 1, 32, 40), "bfloat16"))
    products = [op for body in made for op in body if op.prim.name == "contract"]
    assert [v.dtype for op in products for v in op.inputs] == ["bfloat16"] * 2

    def flat(x, w):
        return ops.reshape(ops.cast(ops.matmul(x, w), "float32"), (-1,))
    f, made = kernels(flat, ((6, 40), "bfloat16"), ((40, 8), "bfloat16"))
    assert all(body[0].prim.name == "contract" for body in made if any(op.prim.name == "cast" for op in body))
    x, w = np.ones((6, 40), NARROW), np.full((40, 8), 0.5, NARROW)
    np.testing.assert_array_equal(f(x, w), np.full(48, 20, "float32"))
