"""lift: an op of a loop's body, done for all steps at once on stacks of its operands."""
from __future__ import annotations

from kgraph.compiler.ir import Op
from kgraph.compiler.prims.loop import Loop
from kgraph.compiler.prims.rules import apply

__all__ = ["can_lift", "lift", "together"]


def can_lift(loop: Loop, op: Op, varying) -> bool:
    """Whether the op can be done on stacks. varying: which of its inputs differ from step to step."""
    if not any(varying):
        return op.prim.kind not in ("loop", "random")
    if op.prim.kind == "elementwise":
        return True
    if op.prim.name in ("reshape", "slice", "concatenate"):
        axis, shape = loop.axis_of(op.outputs[0].ndim), op.outputs[0].shape
        if op.prim.name == "concatenate":
            return all(varying)
        stays = op.prim.name == "slice" or op.inputs[0].shape[:axis] == shape[:axis]
        return stays and loop.axis_of(op.inputs[0].ndim) == axis
    if op.prim.name in ("conv", "conv_data_grad"):
        return list(varying) == [True, False] and loop.axis < 2
    return op.prim.name in ("contract", "broadcast", "transpose") or op.prim.kind == "reduce" and "axes" in op.params


def lift(loop: Loop, op: Op, operands):
    """The result for all steps. operands: (value, whether it is a stack) for each input."""
    if not any(stacked for _, stacked in operands):
        return apply(op.prim.name, *(x for x, _ in operands), **op.params)
    kind = op.prim.kind if op.prim.kind in _LIFTS else op.prim.name
    return _LIFTS[kind](loop, op, operands)


def _elementwise(loop, op, operands):
    type = loop.stacked(op.outputs[0].type)
    axis = loop.axis_of(op.outputs[0].ndim)
    others = tuple(i for i in range(type.ndim) if i != axis)
    return apply(op.prim.name, *(x if stacked else apply("broadcast", x, shape=type.shape, axes=others)
                                 for x, stacked in operands), **op.params)


def _contract(loop, op, operands):
    params = op.params
    labels, step = [params["a_axes"], params["b_axes"]], 1 + max((*params["a_axes"], *params["b_axes"]), default=0)
    for k, (_, stacked) in enumerate(operands):
        if stacked:
            labels[k] = _inserted(labels[k], loop.axis_of(len(labels[k])), step)
    out = _inserted(params["out_axes"], loop.axis_of(len(params["out_axes"])), step)
    return apply("contract", *(x for x, _ in operands), a_axes=labels[0], b_axes=labels[1], out_axes=out)


def _broadcast(loop, op, operands):
    (x, _), = operands
    source, target = loop.axis_of(op.inputs[0].ndim), loop.axis_of(op.outputs[0].ndim)
    axes = _inserted(tuple(a + (a >= target) for a in op.params["axes"]), source, target)
    if list(axes) != sorted(axes):
        order = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        x, axes = apply("transpose", x, perm=order), tuple(sorted(axes))
    return apply("broadcast", x, shape=loop.stacked(op.outputs[0].type).shape, axes=axes)


def _reshape(loop, op, operands):
    (x, _), = operands
    return apply("reshape", x, shape=loop.stacked(op.outputs[0].type).shape)


def _transpose(loop, op, operands):
    (x, _), = operands
    axis = loop.axis_of(op.outputs[0].ndim)
    return apply("transpose", x, perm=_inserted(tuple(p + (p >= axis) for p in op.params["perm"]), axis, axis))


def _slice(loop, op, operands):
    (x, _), = operands
    axis = loop.axis_of(op.outputs[0].ndim)
    p = op.params
    return apply("slice", x, starts=_inserted(p["starts"], axis, 0), limits=_inserted(p["limits"], axis, loop.length),
                 strides=_inserted(p["strides"], axis, 1))


def _concatenate(loop, op, operands):
    axis = loop.axis_of(op.outputs[0].ndim)
    return apply("concatenate", *(x for x, _ in operands), axis=op.params["axis"] + (op.params["axis"] >= axis))


def _conv(loop, op, operands):
    """Steps as further images of the batch."""
    (x, _), (kernel, _) = operands
    return apart(loop, apply(op.prim.name, together(x), kernel, **op.params), op.outputs[0])


def together(stack):
    """The stack of a tensor with batch and steps as one axis."""
    return apply("reshape", stack, shape=(stack.shape[0] * stack.shape[1], *stack.shape[2:]))


def apart(loop, x, step):
    """The reverse of `together` for a result whose type in one step is that of ``step``."""
    return apply("reshape", x, shape=loop.stacked(step.type).shape)


def _reduce(loop, op, operands):
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


_LIFTS = {"elementwise": _elementwise, "contract": _contract, "broadcast": _broadcast, "reshape": _reshape,
          "conv": _conv, "conv_data_grad": _conv,
          "transpose": _transpose, "slice": _slice, "concatenate": _concatenate, "reduce": _reduce}
