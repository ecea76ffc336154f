"""Plans that are broken on purpose: what the check of memory says. Each is broken in one way alone."""
import dataclasses

import pytest
from corpus import StatefulCase, compiled_case

from kgraph import ops
from kgraph.compiler.ir import ProgramError, TensorType, Values
from kgraph.compiler.plan import Buffer
from kgraph.compiler.verify_plan import verify_plan
from kgraph.function import build

SQUARE = TensorType((8, 8), "float32")


def products(x, w):
    """Five kernels, one product each. a is read by the fourth one, b is a result, c and d are parts of what the last
    one reads."""
    a = ops.matmul(x, w)
    b = ops.matmul(a, w)
    c = ops.matmul(b, w)
    d = ops.matmul(a, c)
    return [b, ops.matmul(ops.concatenate([c, d], 0), w)]


@pytest.fixture(scope="module")
def plan():
    plan = build("products", products, (SQUARE, SQUARE)).plan
    for v, name in zip((v for op in plan.program.ops for v in op.outputs), ("a", "b", "c", "d", "whole", "last")):
        v.name = name
    return plan


@pytest.fixture
def values(plan):
    """Those that kernels make, in order."""
    return Values(v for op in plan.program.ops if not op.prim.view for v in op.outputs)


def moved(plan, places, **changes):
    """The plan with other buffers for some values."""
    return dataclasses.replace(plan, buffers={**plan.buffers, **places}, **changes)


def refused(plan, message):
    with pytest.raises(ProgramError) as error:
        verify_plan(plan)
    assert str(error.value) == f"products: {message}"


def test_plans_are_sound(plan):
    assert verify_plan(plan) is plan
    assert verify_plan(compiled_case("mlp").plan)
    assert verify_plan(StatefulCase().compiled().plan)


def test_what_is_read_was_written(plan, values):
    first, second, *rest = plan.program.ops
    program = dataclasses.replace(plan.program, ops=(second, first, *rest))
    kernels = (plan.kernels[1], plan.kernels[0], *plan.kernels[2:])
    refused(dataclasses.replace(plan, program=program, kernels=kernels),
            "fused (no scope): expected <Value a f32[8,8]> in its memory, received nothing")


def test_all_of_it_was_written(plan, values):
    a, b, c, d, last = values
    elsewhere = Buffer("slot", len(plan.slots))
    refused(moved(plan, {d: elsewhere}, slots=(*plan.slots, d.type.nbytes)),
            "fused (no scope): expected <Value whole f32[16,8]> in its memory, received nothing")


def test_values_that_live_at_one_time_share_no_memory(plan, values):
    a, b, c, d, last = values
    refused(moved(plan, {c: plan.buffer(a)}), "fused (no scope): expected <Value a f32[8,8]> in its memory, received "
                                              "<Value c f32[8,8]>, which was written over it")


def test_results_are_there_at_the_end(plan, values):
    a, b, c, d, last = values
    refused(moved(plan, {last: plan.buffer(b)}), "the end: expected <Value b f32[8,8]> in its memory, received "
                                                 "<Value last f32[16,8]>, which was written over it")


def test_values_are_aligned(plan, values):
    a, *_ = values
    at = dataclasses.replace(plan.buffer(a), offset=2)
    refused(moved(plan, {a: at}, slots=tuple(n + 64 for n in plan.slots)),
            "<Value a f32[8,8]>: expected an offset that is a multiple of 4, received 2")


def test_values_lie_inside_their_slots(plan, values):
    a, *_ = values
    size = plan.slots[plan.buffer(a).index]
    at = dataclasses.replace(plan.buffer(a), offset=size - a.type.nbytes + 4)
    refused(moved(plan, {a: at}),
            f"<Value a f32[8,8]>: expected to lie inside the {size} bytes of its slot, received {size + 4}")


def test_pointers_of_a_kernel_do_not_overlap(plan, values):
    a, b, c, d, last = values
    refused(moved(plan, {b: plan.buffer(a)}), "fused (no scope): expected pointers that do not overlap, received "
                                              "<Value a f32[8,8]> and <Value b f32[8,8]>")
