"""Passes over loops: what they keep of the meaning, and what they leave inside; rows; sizes of shares."""
import numpy as np
import pytest

import kgraph
from kgraph import layers, ops
from kgraph.compiler.autodiff import backward
from kgraph.compiler.batch_rows import split_rows
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import Program, TensorType, verify
from kgraph.compiler.loopnest.affine import NotAffine, affine
from kgraph.compiler.passes.cse_dce import dce
from kgraph.compiler.passes.hoist import hoist
from kgraph.compiler.passes.loop_cse import loop_cse
from kgraph.compiler.passes.pack_residuals import pack_residuals
from kgraph.compiler.plan import Code
from kgraph.compiler.prims.loop import Loop, scan_p
from kgraph.compiler.trace import current_trace
from kgraph.function import build

LAYERS = {
    "rnn": lambda: layers.SimpleRNN(3, return_sequences=True), "lstm": lambda: layers.LSTM(3),
    "gru": lambda: layers.GRU(3, return_sequences=True), "gru_before": lambda: layers.GRU(3, reset_after=False),
    "stacked": lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]),
    "backwards": lambda: layers.LSTM(3, go_backwards=True, return_sequences=True),
}
SHAPE = (5, 4, 2)


class Training:
    """A layer's loss and its gradients as a traced program."""

    def __init__(self, kind, mask=False, gradient=True, batch=None):
        self.layer = LAYERS[kind]()
        self.layer.build((None, None, SHAPE[-1]))
        rng = np.random.default_rng(0)
        self.arrays = [rng.normal(size=SHAPE).astype("float32")]
        types = [TensorType((batch or dim("B"), dim("T"), SHAPE[-1]), "float32")]
        if mask:
            self.arrays.append(rng.random(SHAPE[:2]) < 0.7)
            types.append(TensorType((batch or dim("B"), dim("T")), "bool"))
        self.compiled = build(kind, self.gradients if gradient else self.loss, types)
        self.program = self.compiled.traced

    def loss(self, x, mask=None):
        y = self.layer(x, mask=mask)
        return ops.sum(y * y)

    def gradients(self, x, mask=None):
        loss = self.loss(x, mask)
        sources = [x, *(v.value for v in self.layer.trainable_weights)]
        return [loss, *backward(list(current_trace().ops), [loss], [ops.ones(())], sources)]

    def run(self, program):
        c = self.compiled
        values = dict(zip(c._inputs, self.arrays)) | {v: x.buffer for v, x in zip(c._states, c.variables)}
        values |= {v: t.numpy() for v, t in c._captured}
        found = interpret(program, values, {"B": SHAPE[0], "T": SHAPE[1]})
        return [found[v] for v in program.outputs]

    def after(self, *passes) -> Program:
        program = self.program
        for run in passes:
            program = verify(run(program))
        return program


def loops(program):
    return [Loop.of(op) for op in program.ops if op.prim is scan_p]


def primitives(loop):
    return [op.prim.name for op in loop.body.ops]


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("mask", [False, True])
def test_meaning_stays(kind, mask):
    case = Training(kind, mask)
    want = case.run(case.program)
    for count in range(1, 5):
        for a, b in zip(case.run(case.after(*(loop_cse, dce, hoist, pack_residuals)[:count])), want):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("mask", [False, True])
def test_native_loops(kind, mask):
    case = Training(kind, mask)
    for a, b in zip(case.compiled(*case.arrays), case.run(case.program)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_fixed_batch_size_is_shared_too(kind):
    case = Training(kind, batch=SHAPE[0])
    for a, b in zip(case.compiled(*case.arrays), case.run(case.program)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    kernels = [k for k in case.compiled.plan.kernels if any(isinstance(a, Code) for a in k.args)]
    assert [k.extent for k in kernels] == [SHAPE[0]] * 2


def test_forward_and_backward_make_two_loops():
    case = Training("lstm")
    assert len(loops(case.program)) == 3  # the forward loop, the wider one for the gradient, the gradient's own
    assert len(loops(case.after(loop_cse))) == 2


def test_a_forward_program_keeps_nothing():
    (loop,) = loops(Training("lstm", gradient=False).after(loop_cse, dce, hoist))
    assert len(loop.body.outputs) == 2


def test_products_with_constants_leave_the_loop():
    forward, back = loops(Training("lstm").after(loop_cse, dce, hoist, dce))
    assert primitives(forward).count("contract") == primitives(back).count("contract") == 1
    assert forward.n_carry == back.n_carry == 2  # no sums of weight gradients


def test_saved_values_lie_side_by_side():
    before, after = (loops(Training("lstm").after(loop_cse, dce, hoist, dce, *more))[0]
                     for more in ((), (pack_residuals,)))
    assert len(before.body.outputs) == 2 + 7
    assert [v.shape[-1] for v in after.body.outputs] == [3, 3, 3, 6 * 3]


def test_rows_are_independent_in_recurrent_layers():
    for kind in LAYERS:
        for loop in loops(Training(kind, mask=True).after(loop_cse, dce, hoist)):
            rows = split_rows(loop)
            assert rows is not None and str(rows.batch) == "B"


def test_rows_that_meet_are_not_shared():
    def f(x):
        return ops.scan(lambda c, v: (c + v - ops.mean(v, axis=0, keepdims=True), c), x[0], x)

    compiled = build("meeting", f, [TensorType((dim("T"), dim("B"), 3), "float32")])
    assert split_rows(loops(compiled.traced)[0]) is None
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    for a, b in zip(compiled(x), f(x)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


R = dim("R")


@pytest.mark.parametrize("size,words", [
    (7, (7, 0, 1, 0, 1)), (R, (0, 1, 1, 0, 1)), (4 * R + 2, (2, 4, 1, 0, 1)), (R * dim("T"), (0, dim("T"), 1, 0, 1)),
    ((R + 7) // 8 * 3 + 1, (1, 3, 1, 7, 8)), ((2 * R + 3) // 4, (0, 1, 2, 3, 4))])
def test_affine(size, words):
    assert affine(size, R) == words
    c0, c1, a, b, d = words
    extents = {"R": 13, "T": 3}
    value = lambda x: x if isinstance(x, int) else x.evaluate(extents)
    assert value(c0) + value(c1) * ((a * 13 + b) // d) == value(size)


@pytest.mark.parametrize("size", [R * R, (R + 1) // 2 + R, (R + 1) // 2 + (R + 2) // 3, R % 4])
def test_not_affine(size):
    with pytest.raises(NotAffine):
        affine(size, R)


def test_loops_of_users():
    """ops.scan, fori_loop, map and while_loop, eagerly and compiled."""
    def f(x):
        total, sums = ops.scan(lambda c, v: (c + v, c * v), x[0] * 0, x)
        looped = ops.fori_loop(0, 3, lambda i, v: v * 2 + ops.cast(i, "float32"), x)
        count, last = ops.while_loop(lambda n, v: ops.max(v) < 100.0, lambda n, v: (n + 1, v * 2), (0, ops.abs(x) + 1))
        limited = ops.while_loop(lambda v: ops.max(v) < 100.0, lambda v: v + 1, ops.zeros(2), maximum_iterations=3)
        mapped = ops.map(lambda v: ops.sum(v) * v, x)
        chosen = ops.cond(ops.sum(x) > 0, lambda: x, lambda: -x)
        switched = ops.switch(count, [lambda: x, lambda: x * 2, lambda: x * 3])
        return [total, sums, looped, count, last, limited, mapped, chosen, switched]

    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    for a, b in zip(build("loops", f, [TensorType(x.shape, "float32")])(x), f(x)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_variables_assigned_in_a_loop_join_its_carry():
    from kgraph.variable import Variable
    variable = Variable(np.zeros(2, "float32"), name="total")

    def f(x):
        def step(carry, v):
            variable.assign_add(v)
            return carry, variable.value * 1.0
        return ops.scan(step, (), x)[1]

    x = np.ones((3, 2), "float32")
    np.testing.assert_allclose(build("assigning", f, [TensorType(x.shape, "float32")])(x)[:, 0], [1, 2, 3])
    np.testing.assert_allclose(variable.numpy(), 3)


def test_loop_errors():
    x = np.ones((3, 2), "float32")
    with pytest.raises(ValueError, match="xs or length"):
        ops.scan(lambda c, v: (c, v), 0.0)
    with pytest.raises(ValueError, match="equal"):
        ops.scan(lambda c, v: (c, v[0]), 0.0, (x, x[:2]))
    with pytest.raises(ValueError, match="carry like the one it gets"):
        build("bad", lambda v: ops.scan(lambda c, s: (c + s, s), 0.0, v), [TensorType((3, 2), "float32")])


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize("units,batch", [(3, 9), (17, 14)])
def test_threads_change_no_bit(kind, units, batch):
    layer = {"lstm": layers.LSTM, "gru": layers.GRU}[kind](units, return_sequences=True)
    layer.build((None, None, 5))
    case = Training.__new__(Training)
    case.layer = layer
    compiled = build(kind, case.gradients, [TensorType((dim("B"), dim("T"), 5), "float32")])
    x = np.random.default_rng(0).normal(size=(batch, 60, 5)).astype("float32")
    before = kgraph.get_num_threads()
    found = []
    for threads in (1, 2, 3):
        kgraph.set_num_threads(threads)
        found.append(compiled(x))
    kgraph.set_num_threads(before)
    for a, *others in zip(*found):
        for b in others:
            np.testing.assert_array_equal(a, b)


def test_steps_on_the_first_axis_share_rows_too():
    w = np.random.default_rng(1).normal(size=(4, 4)).astype("float32") * 0.5

    def f(x):
        def step(h, v):
            h = ops.tanh(ops.matmul(h, w) + v)
            return h, h * v
        last, ys = ops.scan(step, x[0] * 0, x)
        total = ops.sum(ys * ys) + ops.sum(last)
        trace = current_trace()
        return [last, ys, *(backward(list(trace.ops), [total], [ops.ones(())], [x]) if trace else [])]

    compiled = build("time_major", f, [TensorType((dim("T"), dim("B"), 4), "float32")])
    x = np.random.default_rng(0).normal(size=(6, 9, 4)).astype("float32")
    kernels = [k for k in compiled.plan.kernels if any(isinstance(a, Code) for a in k.args)]
    assert [str(k.extent) for k in kernels] == ["B", "B"]
    last, ys, gradient = compiled(x)
    for a, b in zip((last, ys), f(x)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    with kgraph.GradientTape() as tape:
        v = ops.convert_to_tensor(x)
        tape.watch(v)
        last, ys = f(v)
        total = ops.sum(ys * ys) + ops.sum(last)
    np.testing.assert_allclose(gradient, tape.gradient(total, v), rtol=1e-4, atol=1e-5)


def test_gradient_of_a_gradient():
    layer = layers.LSTM(3, dtype="float64")
    layer.build((None, None, 2))

    def penalty(x):
        ops_so_far = current_trace().ops
        y = ops.sum(layer(x))
        (g,) = backward(list(ops_so_far), [y], [ops.ones((), "float64")], [x])
        loss = ops.sum(g * g)
        return [loss, *backward(list(ops_so_far), [loss], [ops.ones((), "float64")], [x])]

    x, direction = np.random.default_rng(0).normal(size=(2, 2, 3, 2))
    compiled = build("penalty", penalty, [TensorType(x.shape, "float64")])
    slope = float(np.sum(compiled(x)[1] * direction))
    moved = [float(compiled(x + s * 1e-5 * direction)[0]) for s in (1, -1)]
    assert slope == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-6)
