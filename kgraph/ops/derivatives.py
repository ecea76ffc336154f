"""`custom_gradient`, functions with a gradient of their own, and `jvp`, derivatives in a direction."""
from __future__ import annotations

import contextlib
import functools

from kgraph import tree
from kgraph.compiler.autodiff import backward
from kgraph.compiler.ir import Program, TensorLike, Value
from kgraph.compiler.prims.custom import custom_p
from kgraph.compiler.prims.move import broadcast_p
from kgraph.compiler.trace import Tape, Trace, bind, current_trace, to_tensor
from kgraph.ops.core import as_tensor, cast_to, expand_to, is_float_dtype
from kgraph.ops.create import zeros_like

__all__ = ["custom_gradient", "jvp"]


def custom_gradient(f):
    """A function with the values of f and the gradient that f gives with them.

    f(*args) returns (output, grad): the output, a tensor or a structure of them, and a function. grad(*upstream) gets
    the gradient of each tensor of the output and returns that of each tensor of args, in their order.

    Args:
        f: a function that gives (output, grad).

    Returns:
        A function with the values of f.

    Example:
        >>> @custom_gradient
        ... def reverse(x):
        ...     return x, lambda upstream: -upstream
    """
    @functools.wraps(f)
    def with_gradient(*args):
        args = tree.map_structure(lambda x: x if x is None else as_tensor(x), args)
        output, grad = f(*args)
        outputs, sources = [as_tensor(x) for x in tree.flatten(output)], [
            x for x in tree.flatten(args) if isinstance(x, TensorLike)]
        recipe, residuals = _recipe(grad, outputs, sources)
        results = bind(custom_p, *outputs, *sources, *residuals, recipe=recipe, counts=(len(outputs), len(sources)))
        return tree.pack_sequence_as(output, list(results))
    return with_gradient


class _Function:
    """A gradient that is run as it stands, on concrete tensors."""

    def __init__(self, grad, sources):
        self.grad, self.sources = grad, sources

    def __call__(self, cts, residuals):
        return _as_gradients(self.grad(*cts), self.sources)


class _Recorded:
    """A gradient that was traced, so that any later trace can take it up: that of a loop's way back too."""

    def __init__(self, program: Program):
        self.program = program

    def __call__(self, cts, residuals):
        known = dict(zip(self.program.inputs, (*residuals, *cts), strict=True))
        for op in self.program.ops:
            results = bind(op.prim, *(known[v] for v in op.inputs), **op.params)
            known.update(zip(op.outputs, results if isinstance(results, tuple) else (results,)))
        return [known[v] for v in self.program.outputs]


def _recipe(grad, outputs, sources):
    """(what computes the gradients of sources from those of outputs and from residuals, the residuals)."""
    if not any(isinstance(to_tensor(x), Value) for x in (*outputs, *sources)):
        return _Function(grad, sources), []
    with Trace("custom_gradient") as trace:
        cts = [trace.add_input(x.type) for x in outputs]
        grads = _as_gradients(grad(*cts), sources)
        program = trace.finish(grads)
    residuals = [outer for _, outer in trace.captured]
    inputs = (*(v for v, _ in trace.captured), *cts)
    return _Recorded(Program(program.name, inputs, program.ops, program.outputs)), residuals


def _as_gradients(found, sources) -> list:
    """What a gradient function returned, one tensor for each source: of its dtype and shape, zeros for None."""
    found = tree.flatten(found) if tree.is_nested(found) else [found]
    if len(found) != len(sources):
        raise ValueError(f"custom_gradient: expected a gradient for each of {len(sources)} tensors, received "
                         f"{len(found)}")
    return [zeros_like(x) if g is None else expand_to(cast_to(as_tensor(g), x.dtype), x.shape)
            for g, x in zip(found, sources)]


# ------------------------------------------------------------------ forwards
@contextlib.contextmanager
def _recording():
    """Gives a function that returns the ops recorded inside."""
    trace = current_trace()
    if trace is None:
        with Tape() as tape:
            yield lambda: list(tape.ops)
    else:
        start = len(trace.ops)
        yield lambda: trace.ops[start:]


def _own(x):
    """A tensor that equals x, and is not x."""
    x = as_tensor(x)
    return bind(broadcast_p, x, shape=x.shape, axes=tuple(range(len(x.shape))))


def jvp(fun, primals, tangents, has_aux=False):
    """(fun(*primals), the derivative of fun there in the direction of tangents); with has_aux also what fun returns
    besides its output.

    Backward twice: the gradient of fun is linear in the gradients of its outputs, so its own gradient with respect to
    these is the derivative forwards.

    Args:
        fun: a function of tensors.
        has_aux: whether fun gives (output, other things). False by default.
        primals, tangents: tuples or lists of one structure, shapes and dtypes.

    Raises:
        ValueError: tangents of other shapes than primals.

    Example:
        >>> jvp(ops.sin, (0.1,), (0.2,))
        (<Tensor f32[] 0.09983342>, <Tensor f32[] 0.19900084>)
    """
    inputs = tree.map_structure(_own, tuple(primals))
    directions = [as_tensor(t) for t in tree.flatten(tuple(tangents))]
    leaves = tree.flatten(inputs)
    if [t.shape for t in directions] != [x.shape for x in leaves]:
        raise ValueError(f"jvp: expected tangents of the shapes of primals {[tuple(x.shape) for x in leaves]}, "
                         f"received {[tuple(t.shape) for t in directions]}")
    with _recording() as forward:
        output = fun(*inputs)
        output, aux = output if has_aux else (output, None)
        outputs = [as_tensor(y) for y in tree.flatten(output)]
    weights = [_own(zeros_like(y)) for y in outputs]
    with _recording() as back:
        grads = backward(forward(), outputs, weights, leaves)
    pairs = [(g, cast_to(t, g.dtype)) for g, t in zip(grads, directions) if g is not None]
    found = backward(back(), [g for g, _ in pairs], [t for _, t in pairs], weights) if pairs else [None] * len(outputs)
    moved = [zeros_like(y) if d is None or not is_float_dtype(y.dtype) else d for d, y in zip(found, outputs)]
    result = output, tree.pack_sequence_as(output, moved)
    return (*result, aux) if has_aux else result
