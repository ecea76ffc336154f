"""If, Loop and Scan: operators whose attributes are graphs."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.compiler.ir import Value
from kgraph.compiler.trace import to_tensor
from kgraph.onnx.registry import NeedsValues, evaluate, onnx_op
from kgraph.onnx.sizes import Sizes
from kgraph.ops.core import with_sizes

__all__ = ["run_graph"]


def run_graph(graph, inputs, outer) -> list:
    """The outputs of an inner graph. outer: what it may read of those around it, by name."""
    values = {**outer, **graph.constants, **{name: x for (name, *_), x in zip(graph.inputs, inputs)}}
    for node in graph.nodes:
        args = [values[name] if name else None for name in node.inputs]
        found = evaluate(node, args, {name: values[name] for name in node.captures})
        values.update(zip(node.outputs, found))
    return [values[name] for name, *_ in graph.outputs]


def _tensor(x):
    return x.tensor() if isinstance(x, Sizes) else ops.convert_to_tensor(x)


def _known(x):
    """The value of a tensor, or None while a graph is recorded."""
    x = to_tensor(_tensor(x))
    return None if isinstance(x, Value) else x.numpy()


@onnx_op("If", since=1)
def if_(condition, *, then_branch, else_branch, outer):
    """One branch where the condition is known, else both, and a choice between results of one shape."""
    known = _known(condition)
    run = lambda branch: list(map(_tensor, run_graph(branch, [], outer)))
    if known is not None:
        return run(then_branch if known.item() else else_branch)
    try:
        a, b = run(then_branch), run(else_branch)
    except (ValueError, IndexError) as error:      # a branch that is not for these shapes
        raise NeedsValues(f"If: a branch cannot be computed for the shapes of a graph: {error}") from error
    if any(x.type != y.type for x, y in zip(a, b)):
        if [node.op for node in then_branch.nodes if node.op != "Constant"] == ["Squeeze"]:
            return a         # PyTorch writes this where it did not know that a size is 1
        same = all(len(x.shape) == len(y.shape) and x.dtype == y.dtype for x, y in zip(a, b))
        if same and not any(isinstance(m, int) and isinstance(n, int) and m != n for x, y in zip(a, b) for m, n in zip(
                x.shape, y.shape)):
            b = [with_sizes(y, x.shape, "If") for x, y in zip(a, b)]
            return ops.cond(ops.reshape(condition, ()), lambda: a, lambda: b)
        raise NeedsValues("If: expected branches that give the same shapes where a graph is compiled, received "
                          f"{', '.join(str(x.type) for x in a)} and {', '.join(str(y.type) for y in b)}",
                          [(x.dtype, [None] * len(x.shape)) for x in a] if same else None)
    return ops.cond(ops.reshape(condition, ()), lambda: a, lambda: b)


def _loop_ranks(most, condition, *carried, body):
    """The carried values keep theirs; what each iteration gives has one axis more."""
    scans = body.outputs[1 + len(carried):]
    if any(shape is None for _, _, shape in scans):
        raise NeedsValues("Loop: the ranks of what its iterations give are not known")
    return [*((str(x.dtype), len(x.shape)) for x in carried), *((dtype, len(shape) + 1) for _, dtype, shape in scans)]


@onnx_op("Loop", since=1, ranks=_loop_ranks)
def loop(most, condition, *carried, body, outer):
    """The carried values after the last iteration, then what each iteration gave, stacked."""
    trips, go_on = (None if x is None else _known(x) for x in (most, condition))
    carried = [_tensor(x) for x in carried]
    n_scans = len(body.outputs) - 1 - len(carried)
    if (most is None or trips is not None) and _ends_by_count(body) and (condition is None or go_on is not None):
        return _counted(body, _trips(trips, go_on), carried, outer)
    if all(not isinstance(to_tensor(x), Value) for x in (*carried, *(v for v in (most, condition) if v is not None))) \
            and not any(isinstance(x, Value) for x in outer.values()):
        return _in_python(body, trips, go_on, carried, n_scans, outer)
    if n_scans:
        raise NeedsValues("Loop: the number of iterations depends on values, and so does the size of what they give")
    return _while(body, most, condition, carried, outer)


def _trips(trips, go_on) -> int:
    if go_on is not None and not go_on.item():
        return 0
    if trips is None:
        raise ValueError("Loop: expected a number of iterations or a condition, received neither: it would not end")
    return max(int(trips.item()), 0)


def _ends_by_count(body) -> bool:
    """Whether the condition that the body gives is the one it gets, or true."""
    name = body.outputs[0][0]
    for node in reversed(body.nodes):
        if name in node.outputs:
            if node.op == "Constant":
                return bool(np.all(next(iter(node.attributes.values()))))
            if node.op not in ("Identity", "Cast"):
                return False
            name = node.inputs[0]
    if name in body.constants:
        return bool(body.constants[name].all())
    return len(body.inputs) > 1 and name == body.inputs[1][0]


def _in_python(body, trips, go_on, carried, n_scans, outer):
    count, found = 0, [[] for _ in range(n_scans)]
    go_on = go_on is None or bool(go_on.item())
    while go_on and (trips is None or count < trips.item()):
        step = [_tensor(x) for x in run_graph(body, [np.array(count), np.array(True), *carried], outer)]
        go_on, carried = bool(_known(step[0]).item()), step[1:1 + len(carried)]
        for all_of, x in zip(found, step[1 + len(carried):]):
            all_of.append(x)
        count += 1
    return [*carried, *(_stacked(xs, body.outputs[1 + len(carried) + k]) for k, xs in enumerate(found))]


def _stacked(xs, output):
    _, dtype, shape = output
    if xs:
        return ops.stack(xs, 0)
    return ops.zeros((0, *(n if isinstance(n, int) else 0 for n in shape or ())), dtype)


def _counted(body, trips, carried, outer):
    """As a scan, where carried values keep their shapes; else one iteration after the other."""
    def step(carry, i):
        found = list(map(_tensor, run_graph(body, [i, np.array(True), *carry], outer)))
        return tuple(found[1:1 + len(carry)]), tuple(found[1 + len(carry):])
    steps = np.arange(trips, dtype="int64")
    try:
        carry, ys = ops.scan(step, tuple(carried), steps)
    except ValueError as error:
        if "carry" not in str(error) or trips > _UNROLLED:
            raise
        return _unrolled(step, steps, carried, body)
    return [*carry, *ys]


_UNROLLED = 1000      # iterations that are written out at most


def _unrolled(step, steps, carried, body):
    carry, found = tuple(carried), []
    for i in steps:
        carry, ys = step(carry, np.array(i))
        found.append(ys)
    stacks = [ops.stack(list(ys), 0) for ys in zip(*found)]
    return [*carry, *stacks]


def _while(body, most, condition, carried, outer):
    most = None if most is None else ops.reshape(most, ())
    first = ops.convert_to_tensor(True) if condition is None else ops.reshape(ops.cast(condition, "bool"), ())

    def step(i, go_on, *carry):
        found = list(map(_tensor, run_graph(body, [i, go_on, *carry], outer)))
        return (i + ops.convert_to_tensor(np.array(1)), ops.reshape(ops.cast(found[0], "bool"), ()), *found[1:])

    def test(i, go_on, *carry):
        return go_on if most is None else ops.logical_and(go_on, ops.less(i, most))
    _, _, *last = ops.while_loop(test, step, (ops.convert_to_tensor(np.array(0)), first, *carried))
    return last


@onnx_op("Scan", since=9)
def scan(*values, body, num_scan_inputs, outer, scan_input_axes=None, scan_input_directions=None,
         scan_output_axes=None, scan_output_directions=None):
    n_states = len(values) - num_scan_inputs
    xs = [_turned(ops.moveaxis(x, axis, 0), back) for x, axis, back in zip(
        values[n_states:], scan_input_axes or [0] * num_scan_inputs, scan_input_directions or [0] * num_scan_inputs)]

    def step(carry, parts):
        found = list(map(_tensor, run_graph(body, [*carry, *parts], outer)))
        return tuple(found[:n_states]), tuple(found[n_states:])
    carry, ys = ops.scan(step, tuple(values[:n_states]), tuple(xs))
    count = len(ys)
    ys = [ops.moveaxis(_turned(y, back), 0, axis) for y, axis, back in zip(
        ys, scan_output_axes or [0] * count, scan_output_directions or [0] * count)]
    return [*carry, *ys]


def _turned(x, backwards):
    return ops.flip(x, 0) if backwards else x


@onnx_op("Scan", since=8)
def scan_8(lengths, *values, body, num_scan_inputs, outer, directions=None):
    """Before version 9 each value had a batch axis in front."""
    if lengths is not None:
        raise ValueError("Scan: expected no sequence lengths, received some")
    count = values[0].shape[0]
    if not isinstance(count, int):
        raise ValueError("Scan: expected a known batch size before version 9")
    rows = [scan(*(ops.get_item(v, i) for v in values), body=body, num_scan_inputs=num_scan_inputs, outer=outer,
                 scan_input_directions=directions) for i in range(count)]
    return [ops.stack(list(parts), 0) for parts in zip(*rows)]
