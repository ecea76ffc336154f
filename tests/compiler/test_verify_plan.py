"""Plans that are broken on purpose: what the check of memory says."""
import dataclasses

import pytest
from corpus import StatefulCase, compiled_case

from kgraph.compiler.ir import ProgramError, Values
from kgraph.compiler.verify_plan import verify_plan


@pytest.fixture
def plan():
    return compiled_case("mlp").plan


def moved(plan, places):
    """The plan with other buffers for some values."""
    return dataclasses.replace(plan, buffers={**plan.buffers, **places})


def made(plan):
    """Values in slots, in the order in which they are made."""
    return Values(v for op in plan.program.ops for v in op.outputs if plan.buffer(v).kind == "slot")


def test_plans_are_sound(plan):
    assert verify_plan(plan) is plan
    assert verify_plan(StatefulCase().compiled().plan)


def test_values_that_live_at_one_time_share_no_memory(plan):
    ops, slots = plan.program.ops, made(plan)
    a, b = next((a, op.outputs[0]) for a in slots for i, op in enumerate(ops)
                if op.outputs[0] in slots and a not in Values((*op.inputs, *op.outputs))
                and any(a in o.outputs for o in ops[:i]) and any(a in o.inputs for o in ops[i:]))
    with pytest.raises(ProgramError, match="expected .* in its memory, received .* written over it|inside the"):
        verify_plan(moved(plan, {b: plan.buffer(a)}))


def test_a_result_is_there_at_the_end(plan):
    first, last = plan.program.outputs[0], made(plan)[-1]
    with pytest.raises(ProgramError, match="the end: expected|which was written over it|inside the"):
        verify_plan(moved(plan, {first: plan.buffer(last)}))


def test_what_is_read_was_written(plan):
    op = next(op for op in plan.program.ops if not op.prim.view)
    late = dataclasses.replace(plan.program, ops=tuple(o for o in plan.program.ops if o is not op))
    broken = dataclasses.replace(plan, program=late, kernels=plan.kernels[1:])
    with pytest.raises((ProgramError, KeyError)):
        verify_plan(broken)


def test_values_are_aligned_and_inside_their_slots(plan):
    v = made(plan)[0]
    at = plan.buffer(v)
    with pytest.raises(ProgramError, match="an offset that is a multiple of 4, received 2|inside the"):
        verify_plan(moved(plan, {v: dataclasses.replace(at, offset=2)}))
    with pytest.raises(ProgramError, match=r"to lie inside the \d+ bytes of its slot, received \d+"):
        verify_plan(moved(plan, {v: dataclasses.replace(at, offset=1 << 20)}))


def test_pointers_of_a_kernel_do_not_overlap(plan):
    op = next(op for op in plan.program.ops if op.prim.name == "fused" and len(op.inputs) > 1
              and any(v in plan.program.inputs for v in op.inputs) and plan.buffer(op.outputs[0]).kind == "slot")
    source = next(v for v in op.inputs if v in plan.program.inputs)
    with pytest.raises(ProgramError, match="expected pointers that do not overlap|in its memory"):
        verify_plan(moved(plan, {op.outputs[0]: plan.buffer(source)}))
