"""The interpreter: sizes are bound, bodies too, and wrong inputs are named."""
import numpy as np
import pytest

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import bind_extents, interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.trace import Trace

B, T = dim("B"), dim("T")


def traced(f, *types):
    with Trace("f") as trace:
        values = [trace.add_input(t) for t in types]
        return verify(trace.finish([f(*values)]))


@pytest.mark.parametrize("b,t", [(1, 4), (3, 9), (0, 5)])
def test_sizes_in_params_are_evaluated(b, t):
    program = traced(lambda x: ops.mean(ops.reshape(x[:, 1:], (-1,)) * 2) + T, TensorType((B, T), "float32"))
    x = np.random.default_rng(0).normal(size=(b, t)).astype("float32")
    result = interpret(program, {program.inputs[0]: x}, {"B": b, "T": t})[program.outputs[0]]
    with np.errstate(all="ignore"):
        expected = np.float32(x[:, 1:].sum() * 2) / np.float32(b * (t - 1)) + t
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_a_bound_program_has_no_symbols():
    program = bind_extents(traced(lambda x: ops.concatenate([x, x], 0), TensorType((B, 3), "float32")), {"B": 4})
    assert program.outputs[0].shape == (8, 3)
    verify(program)


@pytest.mark.parametrize("array,message", [
    (np.zeros((2, 4), "float32"), r"expected float32\[2, 3\] .* received float32\[2, 4\]"),
    (np.zeros((2, 3), "float64"), "received float64"), (None, "received none")])
def test_wrong_inputs_are_named(array, message):
    program = traced(lambda x: x * 2, TensorType((B, 3), "float32"))
    with pytest.raises(ValueError, match=message):
        interpret(program, {} if array is None else {program.inputs[0]: array}, {"B": 2})


def test_an_index_outside_names_the_scope():
    from kgraph.compiler.trace import name_scope

    def f(i):
        with name_scope("embedding"):
            return ops.take(np.eye(3, dtype="float32"), i, axis=0)
    program = traced(f, TensorType((B,), "int32"))
    inputs = {program.inputs[0]: np.int32([1, 5]), program.inputs[1]: np.eye(3, dtype="float32")}
    with pytest.raises(IndexError, match=r"embedding: index 5 is outside \[0, 3\)"):
        interpret(program, inputs, {"B": 2})
