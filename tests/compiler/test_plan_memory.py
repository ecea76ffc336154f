"""plan_memory: which values share memory, and where the parts of others lie."""
import pytest
from stages import fused, traced

from kgraph import ops
from kgraph.compiler.buffers import WASTE, plan_memory
from kgraph.compiler.dims import dim, nominal
from kgraph.compiler.ir import Program


def memory(f, *shapes, program=traced):
    program = program(f, *shapes)
    return program, plan_memory(program)


def chain(x, length=6):
    for k in range(length):
        x = ops.exp(x) if k % 2 else ops.tanh(x)
    return x


def test_a_chain_needs_two_slots():
    """The one that is read and the one that is made; the last is the result's own memory."""
    program, plan = memory(lambda x: [chain(x)], (100,))
    kinds = [plan.buffers[op.outputs[0]].kind for op in program.ops]
    assert kinds == ["slot"] * 5 + ["output"]
    assert plan.slots == (400, 400) and plan.naive_bytes == 5 * 400
    places = [plan.buffers[op.outputs[0]].index for op in program.ops[:-1]]
    assert all(a != b for a, b in zip(places, places[1:]))


def test_what_is_read_later_keeps_its_memory():
    program, plan = memory(lambda x: [(first := ops.tanh(x)) * chain(first)], (100,))
    first, *others = [op.outputs[0] for op in program.ops[:-1]]
    assert all(plan.buffers[v].index != plan.buffers[first].index for v in others)


@pytest.mark.parametrize("factor,slots", [(1, 1), (WASTE, 1), (WASTE + 1, 2)])
def test_a_slot_is_taken_again_where_not_too_much_is_wasted(factor, slots):
    def f(x, y):
        small, large = ops.sum(ops.exp(x)), ops.sum(ops.exp(y))  # one after the other
        return [small, large]
    _, plan = memory(f, (dim("B"), 125), (4000 * factor,))       # of sizes whose ratio is not known
    large = [size for size in map(nominal, plan.slots) if size >= 4000]
    assert len(large) == slots and max(large) == 16000 * factor


def test_sizes_of_a_known_ratio_share_a_region_without_waste():
    """A large one, and two small ones while it is not there: beside each other in its memory."""
    b = dim("B")

    def f(x, y, z):
        large = ops.sum(ops.exp(x))
        first, second = ops.exp(y), ops.tanh(z)
        return [large, ops.sum(first), ops.sum(second)]
    program, plan = memory(f, (b, 1000), (b, 20), (b, 16))
    first, second = (plan.buffers[o.outputs[0]] for o in program.ops if o.outputs[0].shape in ((b, 20), (b, 16)))
    assert 4000 * b in plan.slots and sum(nominal(s) for s in plan.slots) < nominal(4100 * b)
    assert first.index == second.index and (first.offset, second.offset) == (0, 128 * b)


def test_slots_of_sizes_under_names():
    b = dim("B")
    program, plan = memory(lambda x, y: [ops.sum(ops.exp(x)), ops.sum(ops.exp(y))], (b, 10), (b * 2, 10))
    assert max(map(nominal, plan.slots)) == nominal(80 * b) and sum(nominal(s) > 40 for s in plan.slots) == 1


def test_inputs_outputs_and_states_have_their_own():
    program = traced(lambda x, s: [ops.exp(x), s + x], (10,), (10,))
    x, state = program.inputs
    out, new = program.outputs
    plan = plan_memory(Program("step", program.inputs, program.ops, (out,), ((state, new),)), states=(state,))
    assert [(plan.buffers[v].kind, plan.buffers[v].index) for v in (x, state, out, new)] == [
        ("input", 0), ("state", 0), ("output", 0), ("state", 0)]
    assert plan.slots == ()


def test_views_and_parts_of_a_concatenation_are_places_in_other_memory():
    def f(x, y):
        whole = ops.concatenate([ops.exp(x), ops.tanh(y)], axis=0)
        return [ops.matmul(whole, ops.transpose(whole)), ops.sum(ops.reshape(whole, (2, 25)), 0)]
    program, plan = memory(f, (2, 10), (3, 10), program=fused)
    made = {op.outputs[0].shape: op.outputs[0] for op in program.ops}
    first, second, whole, flat = (plan.buffers[made[s]] for s in ((2, 10), (3, 10), (5, 10), (2, 25)))
    assert {first.kind, second.kind, whole.kind, flat.kind} == {"slot"}
    assert first.index == second.index == whole.index == flat.index
    assert (first.offset, second.offset, whole.offset, flat.offset) == (0, 80, 0, 0)
