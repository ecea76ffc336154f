"""Loops: scan as Scan, while as Loop. Constants of a body are tensors of the graph around it, which it sees."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.loop import Loop
from kgraph.onnx.to_onnx.graph import Graph
from kgraph.onnx.to_onnx.move import counted
from kgraph.onnx.to_onnx.table import rule


def body_of(g, op, program, consts, given, names):
    """A graph for a body: its constants are those around, its other inputs are its own."""
    body = Graph(g.opset, parent=g, name=f"{op.scope}/{program.name}")
    body._aliases.update(zip(program.inputs, consts))
    for value, name in zip(given, names):
        body.add_input(value, f"{body.name}/{name}")
    return body


@rule("scan")
def scan(g, op):
    loop = Loop.of(op)
    consts, carry, xs = loop.split(op.inputs)
    inner_carry, inner_xs = loop.split(loop.body.inputs)[1:]
    counting = not xs  # Scan goes by its scan inputs: without one it counts
    if counting:
        inner_xs = (Value(TensorType((), "int64"), "step"),)
    names = [*(f"carry_{i}" for i in range(len(carry))), *(f"x_{i}" for i in range(len(inner_xs)))]
    body = body_of(g, op, loop.body, consts, (*inner_carry, *inner_xs), names)
    body.run(loop.body)
    body.finish(loop.body.outputs)
    given = [counted(g, loop.length)] if counting else [g.whole(x) for x in xs]
    ys = op.outputs[loop.n_carry:]
    outputs = g.node(
        "Scan", *[g.whole(c) for c in carry], *given, outputs=len(op.outputs), body=body, num_scan_inputs=len(given),
        scan_input_axes=[loop.axis_of(v.ndim) for v in inner_xs],
        scan_input_directions=[int(loop.reverse)] * len(given),
        scan_output_axes=[loop.axis_of(y.ndim - 1) for y in ys] or None,
        scan_output_directions=[int(loop.reverse)] * len(ys) or None)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return tuple(g.tensor(name, v.shape) for name, v in zip(outputs, op.outputs))


@rule("while")
def while_rule(g, op):
    p, count = op.params, op.params["n_consts"]
    consts, carry = op.inputs[:count], op.inputs[count:]
    test, program = p["test"], p["body"]
    g.inline(test, op.inputs)
    first = g.whole(test.outputs[0])
    body = body_of(g, op, program, consts, program.inputs[count:], [f"carry_{i}" for i in range(len(carry))])
    going_on = [(body.names.new(f"{body.name}/{name}"), TensorType(shape, dtype))
                for name, shape, dtype in (("step", (), "int64"), ("going_on", (), "bool"))]
    body.inputs[:0] = going_on
    body.run(program)
    body.inline(test, (*consts, *program.outputs))
    body.finish((test.outputs[0], *program.outputs))
    most = "" if p["most"] is None else g.scalar(np.int64(p["most"]), "int64")
    outputs = g.node("Loop", most, first, *[g.whole(c) for c in carry], outputs=len(carry), body=body)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return tuple(g.tensor(name, v.shape) for name, v in zip(outputs, op.outputs))
