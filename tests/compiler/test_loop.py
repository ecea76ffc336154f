"""scan: its meaning, and its gradient against finite differences."""
import numpy as np
import pytest

from kgraph.compiler.autodiff import backward
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.prims.loop import scan_p
from kgraph.compiler.prims.rules import apply
from kgraph.compiler.trace import Tape, Tensor, Trace, bind

CASES = scan_p.examples(np.random.default_rng(0))


@pytest.mark.parametrize("case", range(len(CASES)))
def test_infer_agrees_with_reference(case):
    arrays, params = CASES[case]
    types = scan_p.infer(*[TensorType(a.shape, a.dtype.name) for a in arrays], **params)
    results = scan_p.reference(*arrays, **params)
    assert [(t.shape, t.dtype) for t in types] == [(r.shape, r.dtype.name) for r in results]


def test_steps_run_in_order_and_in_reverse():
    arrays, params = CASES[0]
    w, h, xs = arrays
    last, ys = scan_p.reference(*arrays, **params)
    for x, y in zip(xs, ys):
        h = np.tanh(h @ w + x)
        np.testing.assert_allclose(y, h * x)
    np.testing.assert_allclose(last, h)
    back, back_ys = scan_p.reference(w, arrays[1], xs[::-1], **{**params, "reverse": True})
    np.testing.assert_allclose(back, last)
    np.testing.assert_allclose(back_ys, ys[::-1])


def total(arrays, params, weights):
    results = scan_p.reference(*arrays, **params)
    return sum(float(np.sum(r * w)) for r, w in zip(results, weights) if r.dtype.kind == "f")


@pytest.mark.parametrize("case", [0, 1])
def test_gradient_agrees_with_a_finite_difference(case):
    arrays, params = CASES[case]
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=r.shape) for r in scan_p.reference(*arrays, **params)]
    direction = [rng.normal(size=a.shape) for a in arrays]
    with Tape() as tape:
        inputs = [Tensor(a) for a in arrays]
        outputs = bind(scan_p, *inputs, **params)
    found = backward(tape.ops, outputs, [Tensor(w) for w in weights], inputs)
    slope = sum(float(np.sum(g.numpy() * d)) for g, d in zip(found, direction))
    moved = [total([a + s * 1e-5 * d for a, d in zip(arrays, direction)], params, weights) for s in (1, -1)]
    assert slope == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-6)


def gradient_program(arrays, params):
    """A traced program of the scan's outputs and the gradients of their sum."""
    with Trace("gradient") as trace:
        inputs = [trace.add_input(TensorType(a.shape, a.dtype.name)) for a in arrays]
        outputs = bind(scan_p, *inputs, **params)
        one = apply("full", shape=(), value=1.0, dtype="float64")
        ones = [apply("broadcast", one, shape=o.shape, axes=()) for o in outputs]
        found = backward(list(trace.ops), outputs, ones, inputs)
        return verify(trace.finish([*outputs, *found])), inputs


def run(program, inputs, arrays):
    values = interpret(program, dict(zip(inputs, arrays)))
    return [values[o] for o in program.outputs]


@pytest.mark.parametrize("case", [0, 1])
def test_traced_gradient_is_that_of_the_tape(case):
    arrays, params = CASES[case]
    program, inputs = gradient_program(arrays, params)
    results = run(program, inputs, arrays)
    with Tape() as tape:
        tensors = [Tensor(a) for a in arrays]
        outputs = bind(scan_p, *tensors, **params)
    found = backward(tape.ops, outputs, [Tensor(np.ones(o.shape)) for o in outputs], tensors)
    for a, b in zip(results, [*outputs, *found]):
        np.testing.assert_allclose(a, b.numpy(), rtol=1e-12)
