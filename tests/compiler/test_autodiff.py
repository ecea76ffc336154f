"""backward(): the same walk for tapes and traces, and the two ways users reach it."""
import numpy as np
import pytest

from kgraph import GradientTape, Variable, ops, value_and_grad
from kgraph.compiler.autodiff import backward
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.trace import Tape, Tensor, Trace

RNG = np.random.default_rng(0)


def scalar_gradient(f, x):
    return value_and_grad(f)(np.float64(x))[1].item()


@pytest.mark.parametrize("f,x,expected", [
    (lambda x: ops.relu(x), 0.0, 0.0), (lambda x: ops.relu(x), 2.0, 1.0), (lambda x: ops.relu6(x), 6.0, 0.0),
    (lambda x: ops.softplus(x), 0.0, 0.5), (lambda x: ops.elu(x), 0.0, 1.0), (lambda x: ops.elu(x), 800.0, 1.0),
    (lambda x: ops.celu(x), 0.0, 1.0), (lambda x: ops.leaky_relu(x), 0.0, 1.0), (lambda x: ops.abs(x), 0.0, 0.0),
    (lambda x: ops.clip(x, -1, 1), 1.0, 1.0), (lambda x: ops.clip(x, -1, 1), 1.5, 0.0),
    (lambda x: ops.mish(x), 0.0, 0.6),
    (lambda x: ops.logaddexp(x, 0.0), 0.0, 0.5), (lambda x: ops.logaddexp(0.0, x), 0.0, 0.5),
    (lambda x: x**2, 0.0, 0.0),
    (lambda x: x**0, 0.0, 0.0), (lambda x: ops.power(x, 1.5), 0.0, 0.0),
    (lambda x: ops.divide_no_nan(1.0, x), 0.0, 0.0),
    (lambda x: ops.silu(x), 0.0, 0.5), (lambda x: ops.stop_gradient(x) * x, 3.0, 3.0), (lambda x: x * x * x, 2.0, 12.0),
    (lambda x: ops.binary_crossentropy(1.0, x, from_logits=True), 0.0, -0.5),
    (lambda x: ops.hypot(x, 1.0), 1.0, 0.5**0.5)])
def test_gradients_at_the_corners(f, x, expected):
    assert scalar_gradient(f, x) == pytest.approx(expected, abs=1e-12)


def test_second_derivatives():
    x = Tensor(np.float64(0.7))
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = ops.tanh(x) * x
        first = inner.gradient(y, x)
    t = np.tanh(0.7)
    assert outer.gradient(first, x).item() == pytest.approx(2 * (1 - t * t) - 2 * 0.7 * t * (1 - t * t))


def test_what_is_not_connected_gets_none():
    x, other, number = Tensor(np.float32(2)), Tensor(np.float32(3)), Tensor(np.int32(4))
    with Tape() as tape:
        y = ops.multiply(x, ops.floor(other)) + ops.cast(number, "float32")
    assert [g if g is None else g.item() for g in backward(tape.ops, [y], [Tensor(np.float32(1))],
                                                           [x, other, number])] == [
        3.0, None, None]


def test_zeros_on_demand():
    x, other = Tensor(np.float32([1, 2])), Tensor(np.ones((2, 2), "float32"))
    with GradientTape() as tape:
        y = x * x
    grads = tape.gradient(y, {"x": x, "other": other}, unconnected_gradients="zero")
    assert grads["x"].tolist() == [2, 4] and grads["other"].tolist() == [[0, 0], [0, 0]]


def test_a_value_used_often_adds_up():
    x = Tensor(np.float64([1, 2, 3]))
    with GradientTape(persistent=True) as tape:
        y = x * x + ops.sum(x) * x
        z = ops.exp(x)
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), 2 * x.numpy() + x.numpy().sum() + 6)
    np.testing.assert_allclose(tape.gradient([y, z], x).numpy(), tape.gradient(y, x).numpy() + np.exp(x.numpy()))
    np.testing.assert_allclose(tape.gradient(y, x, output_gradients=np.zeros(3)).numpy(), 0)


def network(x, w, b):
    hidden = ops.softplus(ops.matmul(x, w) + b)
    return ops.mean(ops.logsumexp(hidden, axis=1) * ops.softmax(hidden)[:, 0])


def test_traces_and_tapes_agree():
    w, b = Variable(RNG.normal(size=(4, 3)), name="w"), Variable(np.zeros(3), name="b")
    x = RNG.normal(size=(5, 4))
    with GradientTape() as tape:
        value = network(x, w, b)
    eager = [value, *tape.gradient(value, [w, b])]
    with Trace("f") as trace:
        inputs = trace.add_input(TensorType((dim("B"), 4), "float64"))
        with GradientTape() as tape:
            traced = network(inputs, w, b)
        program = verify(trace.finish([traced, *tape.gradient(traced, [w, b])]))
    arrays = {inputs: x, trace.states[w]: w.numpy(), trace.states[b]: b.numpy()}
    values = interpret(program, arrays, {"B": 5})
    for a, out in zip(eager, program.outputs):
        np.testing.assert_allclose(values[out], a.numpy(), rtol=1e-12, atol=1e-15)
    assert any(op.scope.endswith("backward") for op in program.ops)


def test_a_variable_assigned_on_the_way():
    v = Variable(np.float64(3), name="v")
    with Trace("f") as trace:
        assert v.value.shape == ()
        with GradientTape() as tape:
            y = v * v
            v.assign(v.value + 1)
        grad = tape.gradient(y, v)
        program = verify(trace.finish([grad]))
    assert interpret(program, {trace.states[v]: np.float64(3)})[program.outputs[0]] == 6


def test_value_and_grad_of_structures():
    def f(params, x):
        return ops.sum(params["w"] * x + params["b"][0]), "aux"
    params = {"w": np.float32([1, 2]), "b": [np.float32(0.5)]}
    (value, aux), (grads, gx) = value_and_grad(f, argnums=(0, 1), has_aux=True)(params, np.float32([3, 4]))
    assert (value.item(), aux) == (12.0, "aux")
    assert grads["w"].tolist() == [3, 4] and grads["b"][0].item() == 2 and gx.tolist() == [1, 2]


@pytest.mark.parametrize("use,error,message", [
    (lambda: value_and_grad(lambda x: x)(np.ones(3)), ValueError, "scalar, received shape"),
    (lambda: GradientTape().watch(np.ones(3)), TypeError, "expected tensors"),
    (lambda: GradientTape().gradient(Tensor(np.int32(1)), []), TypeError, "float dtype, received int32"),
    (lambda: GradientTape().gradient(Tensor(np.float32(1)), [np.ones(3)]), TypeError, "tensors or Variables"),
    (lambda: GradientTape().gradient(Tensor(np.float32(1)), [], unconnected_gradients="ones"), ValueError,
     "'none' or 'zero'")])
def test_misuse_is_named(use, error, message):
    with pytest.raises(error, match=message):
        use()


def test_a_second_gradient_needs_persistent():
    with GradientTape() as tape:
        y = ops.convert_to_tensor(1.0) * 2.0
    tape.gradient(y, [])
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, [])
