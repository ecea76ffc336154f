"""The grammar of programs, their text, and the recorder that makes them."""
import numpy as np
import pytest

from kgraph.compiler.dims import dim
from kgraph.compiler.ir import Op, Program, ProgramError, TensorType, Value, frozen, verify
from kgraph.compiler.prims.elementwise import add_p, neg_p
from kgraph.compiler.prims.move import broadcast_p, full_p
from kgraph.compiler.trace import Tensor, Trace, at_scope, bind, name_scope, suspend_recording
from kgraph.variable import Variable

B = dim("B")
ROW = TensorType((B, 3), "float32")


def small():
    x, y = Value(ROW, "x"), Value(ROW)
    return Program("f", (x,), (Op(neg_p, (x,), {}, (y,), "layer"),), (y,)), x, y


def test_types():
    assert str(ROW) == "f32[B,3]" and ROW.size == 3 * B and ROW.nbytes == 12 * B and ROW.ndim == 2
    assert TensorType((), "bool").size == 1 and str(TensorType((), "bool")) == "b1[]"


def test_text():
    assert str(small()[0]) == "f(x:f32[B,3])\n  %0:f32[B,3] = neg(x)  # layer\n  return %0"


def test_a_right_program_passes():
    program = small()[0]
    assert verify(program) is program
    assert program.users() == {program.inputs[0]: [program.ops[0]]}


@pytest.mark.parametrize("spoil,message", [
    (lambda p, x, y: Program("f", (x, x), p.ops, p.outputs), "appears twice"),
    (lambda p, x, y: Program("f", (), p.ops, p.outputs), "neg .layer.: reads .*not defined before it"),
    (lambda p, x, y: p.with_ops(p.ops * 2), "is defined twice"),
    (lambda p, x, y: Program("f", (x,), (), (y,)), "returns .*not defined"),
    (lambda p, x, y: Program("f", (x,), p.ops, (y,), ((y, x),)), "not an input"),
    (lambda p, x, y: p.with_ops([Op(neg_p, (x,), {}, (Value(TensorType((3,), "float32")),))]),
     "expected f32.B,3., received"),
])
def test_breaches_are_named(spoil, message):
    with pytest.raises(ProgramError, match=message):
        verify(spoil(*small()))


def test_trace_records_what_touches_a_value():
    with Trace("f") as trace:
        x = trace.add_input(ROW, "x")
        with name_scope("block"), name_scope("dense"):
            y = bind(add_p, x, x)
        with at_scope("elsewhere"):
            z = bind(neg_p, y)
        concrete = bind(neg_p, np.float32([1]))
    program = verify(trace.finish([z]))
    assert [op.scope for op in program.ops] == ["block/dense", "elsewhere"]
    assert isinstance(concrete, Tensor) and concrete.tolist() == [-1]


def test_what_comes_from_outside_becomes_an_input():
    constant = Tensor(np.ones(3, "float32"))
    with Trace("f") as trace:
        x = trace.add_input(TensorType((3,), "float32"), "x")
        trace_out = bind(add_p, x, constant)
        again = bind(add_p, trace_out, constant)
    assert trace.captured == [(trace.inputs[1], constant)] and again.shape == (3,)
    with pytest.raises(TypeError, match="whose recording has ended"):
        bind(neg_p, x)


def test_symbolic_sizes_are_recorded_even_of_constants():
    with Trace("f"):
        made = bind(full_p, shape=(), value=1.0, dtype="float32")
        wide = bind(broadcast_p, Tensor(np.float32(1)), shape=(B,), axes=())
    assert isinstance(made, Value) and wide.shape == (B,)


def test_variables_are_states_and_assignments_updates():
    v = Variable(np.float32([1, 2]), name="v")
    with Trace("f") as trace:
        v.assign(v.value + 1)
        seen = v.value
        with suspend_recording():
            assert v.value.tolist() == [1, 2]
    program = verify(trace.finish([seen]))
    assert program.updates == ((trace.states[v], seen),) and v.numpy().tolist() == [1, 2]


def test_a_body_may_not_assign():
    v = Variable(np.float32([1, 2]), name="v")
    with Trace("f"), Trace("body"), pytest.raises(TypeError, match="v is assigned inside a loop"):
        v.assign(v.value)


def test_equal_params_are_those_that_mean_the_same():
    dtype = Value(TensorType((2,), "float32")).dtype
    assert frozen({"dtype": dtype, "axes": (0, 1)}) == frozen({"axes": (0, 1), "dtype": "float32"})
    assert len({frozen({"value": v}) for v in (0, 0.0, -0.0, False)}) == 4
