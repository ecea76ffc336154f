"""Passes keep the meaning of programs: interpreted before equals interpreted after, over the corpus."""
import numpy as np
import pytest
from corpus import CASES, StatefulCase, arrays_of, compiled_case, interpreted

from kgraph import GradientTape, ops
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.passes.fuse import MOST_READS
from kgraph.compiler.pipeline import PASSES, run_passes
from kgraph.compiler.prims.collective import collective_p
from kgraph.compiler.trace import bind
from kgraph.function import build


def check(compiled, arrays):
    expected = interpreted(compiled, compiled.traced, arrays)
    program = compiled.traced
    for position in range(len(PASSES)):
        program = verify(run_passes(program, PASSES[position:position + 1]))
        for got, want in zip(interpreted(compiled, program, arrays), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-5, err_msg=PASSES[position][0])


@pytest.mark.parametrize("name", CASES)
def test_each_pass_keeps_the_meaning(name):
    check(compiled_case(name), arrays_of(name))


def test_each_pass_keeps_the_meaning_of_updates():
    rng = np.random.default_rng(0)
    check(StatefulCase().compiled(), [rng.normal(size=s).astype("float32") for s in ((6, 7), (6, 5))])


def kernel_ops(name):
    return [[o.prim.name for o in k.op.params.get("body", k.op).ops] for k in compiled_case(name).plan.kernels
            if "body" in k.op.params]


def test_a_dense_layer_is_one_kernel():
    first = kernel_ops("mlp")[0]
    assert first[0] == "contract" and "maximum" in first


def test_softmax_and_loss_share_one_kernel():
    rows = [k for k in kernel_ops("mlp") if "max" in k]
    assert len(rows) == 1 and {"exp", "sum", "log", "divide"} <= set(rows[0])


def test_a_reduction_read_along_another_axis_ends_the_kernel():
    plan = compiled_case("tied_rows").plan
    wide = plan.program.outputs[0]
    (kernel,) = [k for k in plan.kernels if wide in k.op.outputs]
    assert all(o.prim.kind != "reduce" for o in kernel.op.params["body"].ops)


def test_memory_is_shared():
    plan = compiled_case("mlp").plan
    nominal = lambda size: size if isinstance(size, int) else size.evaluate({"B": 32})
    assert sum(map(nominal, plan.slots)) < nominal(plan.naive_bytes)


def test_equal_programs_have_equal_plans():
    """Nothing in a plan depends on where its objects lie in memory, as the order of a set would."""
    plans = []
    for _ in range(3):
        plan = compiled_case("mlp").plan
        plans.append(([k.source for k in plan.kernels], list(plan.buffers.values()), plan.slots))
    assert plans[0] == plans[1] == plans[2]


@pytest.mark.parametrize("inner, columns, product", [(300, 128, True), (30, 40, False)])
def test_one_row_by_a_large_matrix_stays_a_product(inner, columns, product):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, inner)).astype("float32"), rng.normal(size=(inner, columns)).astype("float32")
    f = build("row", ops.matmul, [TensorType(x.shape, "float32"), TensorType(w.shape, "float32")])
    names = [o.prim.name for k in f.plan.kernels for o in k.op.params["body"].ops]
    assert ("contract" in names) == product
    np.testing.assert_allclose(f(x, w), x.astype("float64") @ w, rtol=0, atol=1e-4)


def test_channels_first_computes_as_channels_last():
    """Between the first transpose of the images and the last result nothing is turned round; values stay."""
    def net(x, kernels, scale, order):
        axes = (0, 2, 3) if order == "channels_first" else (0, 1, 2)
        for w in kernels:
            x = ops.relu(ops.conv(x, w, data_format=order))
            x = (x - ops.mean(x, axes, keepdims=True)) * ops.reshape(scale, (-1, 1, 1) if axes == (0, 2, 3) else (-1,))
        return ops.mean(ops.max_pool(x, 2, data_format=order), axes[1:])

    def gradients(order):
        def f(x, first, second, scale):
            with GradientTape() as tape:
                result = ops.sum(ops.square(net(x, (first, second), scale, order)))
            return [result, *tape.gradient(result, [first, second, scale])]
        return f
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 10, 9, 4)).astype("float32")
    weights = [rng.normal(size=s).astype("float32") for s in ((3, 3, 4, 5), (3, 3, 5, 5), (5,))]
    found = {}
    for order, images in (("channels_last", x), ("channels_first", np.ascontiguousarray(x.transpose(0, 3, 1, 2)))):
        arrays = [images, *weights]
        f = build("net", gradients(order), [TensorType(a.shape, "float32") for a in arrays])
        text = str(f.plan.program)
        found[order] = f(*arrays), sum(text.count(f" = transpose(%{v}, perm={perm})") for v in range(1000)
                                       for perm in ("(0,2,3,1)", "(0,3,1,2)"))
    assert found["channels_last"][1] == 0
    assert found["channels_first"][1] == 1  # the images
    for a, b in zip(found["channels_first"][0], found["channels_last"][0]):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_what_reads_more_than_a_loop_may_is_waited_for():
    """A sum with other processes has as many inputs as there are; what reads its results stays out of its inputs'
    kernels."""
    count = MOST_READS + 1

    def f(x):
        given = [ops.exp(x[i]) for i in range(count)]
        return [g + s for g, s in zip(given, bind(collective_p, *given, how=("sum",) * count))]
    x = np.random.default_rng(0).normal(size=(count, 3)).astype("float32")
    found = build("joined", f, (TensorType(x.shape, "float32"),))(x)
    np.testing.assert_allclose(np.array(found), 2 * np.exp(x), rtol=1e-6)
