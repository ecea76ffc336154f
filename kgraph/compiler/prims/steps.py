"""lift_rule of primitives: an op of a loop's body, done for all steps at once on stacks of its operands.

`Lift.fits(loop, op, varying)` says whether it can be, where some of its inputs vary from step to step;
`Lift.run(loop, op, operands)` does it: operands are (value, whether it is a stack), loop is a prims.loop.Loop.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kgraph.compiler.prims.rules import apply

__all__ = ["BROADCAST", "CONCATENATE", "CONTRACT", "CONV", "ELEMENTWISE", "REDUCE", "RESHAPE", "SLICE", "TRANSPOSE",
           "Lift", "apart", "together"]


class Lift(NamedTuple):
    run: Callable
    fits: Callable = lambda loop, op, varying: True


def _lift_elementwise(loop, op, operands):
    type = loop.stacked(op.outputs[0].type)
    axis = loop.axis_of(op.outputs[0].ndim)
    others = tuple(i for i in range(type.ndim) if i != axis)
    return apply(op.prim.name, *(x if stacked else apply("broadcast", x, shape=type.shape, axes=others)
                                 for x, stacked in operands), **op.params)


def _lift_contract(loop, op, operands):
    params = op.params
    labels, step = [params["a_axes"], params["b_axes"]], 1 + max((*params["a_axes"], *params["b_axes"]), default=0)
    for k, (_, stacked) in enumerate(operands):
        if stacked:
            labels[k] = _inserted(labels[k], loop.axis_of(len(labels[k])), step)
    out = _inserted(params["out_axes"], loop.axis_of(len(params["out_axes"])), step)
    return apply("contract", *(x for x, _ in operands), **{**params, "a_axes": labels[0], "b_axes": labels[1],
                                                           "out_axes": out})


def _lift_broadcast(loop, op, operands):
    (x, _), = operands
    source, target = loop.axis_of(op.inputs[0].ndim), loop.axis_of(op.outputs[0].ndim)
    axes = _inserted(tuple(a + (a >= target) for a in op.params["axes"]), source, target)
    if list(axes) != sorted(axes):
        order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        x, axes = apply("transpose", x, perm=order), tuple(sorted(axes))
    return apply("broadcast", x, shape=loop.stacked(op.outputs[0].type).shape, axes=axes)


def _lift_reshape(loop, op, operands):
    (x, _), = operands
    return apply("reshape", x, shape=loop.stacked(op.outputs[0].type).shape)


def _lift_transpose(loop, op, operands):
    (x, _), = operands
    axis = loop.axis_of(op.outputs[0].ndim)
    return apply("transpose", x, perm=_inserted(tuple(p + (p >= axis) for p in op.params["perm"]), axis, axis))


def _lift_slice(loop, op, operands):
    (x, _), = operands
    axis = loop.axis_of(op.outputs[0].ndim)
    p = op.params
    return apply("slice", x, starts=_inserted(p["starts"], axis, 0), limits=_inserted(p["limits"], axis, loop.length),
                 strides=_inserted(p["strides"], axis, 1))


def _lift_concatenate(loop, op, operands):
    axis = loop.axis_of(op.outputs[0].ndim)
    return apply("concatenate", *(x for x, _ in operands), axis=op.params["axis"] + (op.params["axis"] >= axis))


def _lift_conv(loop, op, operands):
    """Steps as further images of the batch."""
    (x, _), (kernel, _) = operands
    return apart(loop, apply(op.prim.name, together(x), kernel, **op.params), op.outputs[0])


def together(stack):
    """The stack of a tensor with batch and steps as one axis."""
    return apply("reshape", stack, shape=(stack.shape[0] * stack.shape[1], *stack.shape[2:]))


def apart(loop, x, step):
    """The reverse of `together` for a result whose type in one step is that of ``step``."""
    return apply("reshape", x, shape=loop.stacked(step.type).shape)


def _lift_reduce(loop, op, operands):
    (x, _), = operands
    source, target = loop.axis_of(op.inputs[0].ndim), loop.axis_of(op.outputs[0].ndim)
    result = apply(op.prim.name, x, **{**op.params, "axes": tuple(a + (a >= source) for a in op.params["axes"])})
    now = source - sum(a < source for a in op.params["axes"])
    if now == target:
        return result
    rest = [i for i in range(result.ndim) if i != now]
    return apply("transpose", result, perm=(*rest[:target], now, *rest[target:]))


def _inserted(items, place, item) -> tuple:
    return (*items[:place], item, *items[place:])


def _keeps_axis(loop, op, varying):
    """The steps lie on the same axis before and after."""
    return loop.axis_of(op.inputs[0].ndim) == loop.axis_of(op.outputs[0].ndim)


def _keeps_front(loop, op, varying):
    axis = loop.axis_of(op.outputs[0].ndim)
    return op.inputs[0].shape[:axis] == op.outputs[0].shape[:axis] and _keeps_axis(loop, op, varying)


ELEMENTWISE, CONTRACT, BROADCAST, TRANSPOSE, REDUCE = map(Lift, (_lift_elementwise, _lift_contract, _lift_broadcast,
                                                                 _lift_transpose, _lift_reduce))
RESHAPE, SLICE = Lift(_lift_reshape, _keeps_front), Lift(_lift_slice, _keeps_axis)
CONCATENATE = Lift(_lift_concatenate, lambda loop, op, varying: all(varying))
CONV = Lift(_lift_conv, lambda loop, op, varying: list(varying) == [True, False] and loop.axis < 2)
