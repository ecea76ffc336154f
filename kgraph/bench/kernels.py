"""Single kernels over a range of sizes: their time beside the machine's limit, and beside NumPy's."""
from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

import kgraph
from kgraph import layers, ops
from kgraph.compiler.dims import evaluate
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import is_float, numpy_dtype
from kgraph.function import build
from kgraph.ops.window import convolved
from kgraph.runtime.profile import limits

__all__ = ["CASES", "Case", "KernelRow", "measure_case"]

CALLS = 7   # that the median is of


@dataclass(frozen=True)
class Case:
    """A computation to measure.

    f       of tensors
    sizes   tuples of numbers, small ones first
    shapes  (*size) -> the shapes of f's arguments
    dtype   of all of them, and of the limit: float32, bfloat16 or int8
    """

    f: object
    sizes: tuple
    shapes: object
    dtype: str = "float32"


@dataclass(frozen=True)
class KernelRow:
    """One case at one size.

    seconds         of a run
    gflops, gbytes  10**9 operations, and 10**9 bytes read and written, a second
    share           of the limit of this machine that is nearer, arithmetic or main memory; above 1 where data stay in
                    a cache, or where a convolution multiplies less often than its definition, by which it is counted
    reference       seconds of the same in NumPy
    """

    name: str
    size: str
    seconds: float
    gflops: float
    gbytes: float
    share: float
    reference: float


# ------------------------------------------------------------------ what is measured
def gradient_of(f, which):
    """A function of f's arguments and of the gradient of its result: the gradient of its argument number `which`."""
    def gradient(*args):
        with kgraph.GradientTape() as tape:
            result = f(*args[:-1])
        return tape.gradient(result, args[which], output_gradients=args[-1])
    return gradient


def _convolution(name, op, sizes, kernel, dtype="float32"):
    """Cases of a convolution with stride 1 and padding same, and of its two gradients. Sizes: batch, side, channels,
    filters."""
    end = "" if dtype == "float32" else f"_{dtype}"

    def forward(x, w):
        return op(x, w, padding="same")

    def image(b, side, c, f):
        return (b, side, side, c)

    def result(b, side, c, f):
        return (b, side, side, c * f if op is ops.depthwise_conv else f)
    def gradient(which):
        return Case(gradient_of(forward, which), sizes, lambda *s: [image(*s), kernel(*s), result(*s)], dtype)
    return {name + end: Case(forward, sizes, lambda *s: [image(*s), kernel(*s)], dtype),
            f"{name}_data_grad{end}": gradient(0), f"{name}_weight_grad{end}": gradient(1)}


FLAT = ((1_000,), (100_000,), (10_000_000,))
TABLE = ((32, 100), (1_000, 1_000), (100, 50_000))
PRODUCT = ((64, 64, 64), (512, 512, 512), (128, 784, 512), (2048, 2048, 2048))   # rows, inner, columns
IMAGES = ((1, 32, 32, 32), (32, 28, 32, 64), (32, 56, 64, 64), (32, 14, 37, 53))
CASES = {
    "add": Case(ops.add, FLAT, lambda n: [(n,), (n,)]),
    **{f.__name__: Case(f, FLAT, lambda n: [(n,)]) for f in (ops.exp, ops.tanh, ops.gelu)},
    "softmax": Case(ops.softmax, TABLE, lambda *s: [s]),
    "layer_norm": Case(ops.layer_normalization, TABLE, lambda m, n: [(m, n), (n,), (n,)]),
    "sum_rows": Case(lambda x: ops.sum(x, axis=1), TABLE, lambda *s: [s]),
    "sum_columns": Case(lambda x: ops.sum(x, axis=0), TABLE, lambda *s: [s]),
    "matmul": Case(ops.matmul, PRODUCT, lambda m, k, n: [(m, k), (k, n)]),
    "matmul_bfloat16": Case(ops.matmul, PRODUCT, lambda m, k, n: [(m, k), (k, n)], "bfloat16"),
    "matmul_int8": Case(ops.matmul, PRODUCT, lambda m, k, n: [(m, k), (k, n)], "int8"),
    "matmul_left_grad": Case(gradient_of(ops.matmul, 0), PRODUCT, lambda m, k, n: [(m, k), (k, n), (m, n)]),
    "matmul_right_grad": Case(gradient_of(ops.matmul, 1), PRODUCT, lambda m, k, n: [(m, k), (k, n), (m, n)]),
    **_convolution("conv3x3", ops.conv, IMAGES, lambda b, side, c, f: (3, 3, c, f)),
    **_convolution("conv1x1", ops.conv, IMAGES, lambda b, side, c, f: (1, 1, c, f)),
    **_convolution("conv3x3", ops.conv, IMAGES[:3], lambda b, side, c, f: (3, 3, c, f), "bfloat16"),
    **_convolution("conv1x1", ops.conv, IMAGES[:3], lambda b, side, c, f: (1, 1, c, f), "bfloat16"),
    **_convolution("depthwise3x3", ops.depthwise_conv, ((1, 32, 32, 1), (32, 32, 128, 1)),
                   lambda b, side, c, f: (3, 3, c, f)),
    "conv_int8": Case(lambda x, w: convolved(x, w, (1, 1), "same", (1, 1), 1), IMAGES,
                      lambda b, side, c, f: [(b, side, side, c), (3, 3, c, f)], "int8"),
    "depthwise_int8": Case(lambda x, w: convolved(x, w, (1, 1), "same", (1, 1), x.shape[-1]),
                           ((1, 32, 32), (32, 32, 128)), lambda b, side, c: [(b, side, side, c), (3, 3, 1, c)], "int8"),
    "max_pool": Case(lambda x: ops.max_pool(x, 2), IMAGES[:3], lambda b, side, c, f: [(b, side, side, c)]),
    "average_pool": Case(lambda x: ops.average_pool(x, 2), IMAGES[:3], lambda b, side, c, f: [(b, side, side, c)]),
    "lstm": Case(lambda x: layers.LSTM(64)(x), ((1, 20, 32), (32, 140, 256)), lambda *s: [s]),  # batch, steps, features
}


# ------------------------------------------------------------------ how
def measure_case(name, size, budget=0.3) -> KernelRow:
    """Measure one case at one size, for about `budget` seconds each way. Raises RuntimeError without a JIT."""
    case, rng = CASES[name], np.random.default_rng(0)
    shapes = case.shapes(*size)
    arrays = [rng.standard_normal(shape, "float32").astype(numpy_dtype(case.dtype)) if is_float(case.dtype) else
              rng.integers(-127, 128, shape, case.dtype) for shape in shapes]
    compiled = build(name, case.f, [TensorType(shape, case.dtype) for shape in shapes])
    if compiled.executable is None:
        raise RuntimeError("bench: there are no kernels to time: KGRAPH_DISABLE_JIT is set, or numba is missing")
    outputs = compiled.run(arrays)
    seconds = median_time(lambda steps: compiled.run(arrays, {}, outputs, steps), budget)
    reference = median_time(lambda steps: [compiled.interpret(arrays) for _ in range(steps)], budget)
    flops, moved = (sum(evaluate(getattr(k, what), {}) for k in compiled.plan.kernels) for what in ("flops", "bytes"))
    least = max(flops / getattr(limits(), case.dtype), moved / limits().bandwidth)
    return KernelRow(name, "x".join(map(str, size)), seconds, flops / seconds / 1e9, moved / seconds / 1e9,
                     least / seconds, reference)


def median_time(f, budget) -> float:
    """Seconds of one step of f(steps): the median of calls that together take about `budget` seconds, one at least."""
    once = _timed(f, 1)
    steps = max(1, int(budget / CALLS / once))
    times = [_timed(f, steps) / steps for _ in range(CALLS if once < budget else 1)]
    return float(np.median(times))


def _timed(f, steps) -> float:
    start = time.perf_counter()
    f(steps)
    return time.perf_counter() - start
