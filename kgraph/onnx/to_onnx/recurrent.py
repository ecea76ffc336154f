"""Loops of LSTM, GRU and SimpleRNN layers, as the operators that ONNX has for them.

The layer is found by the scope of its loop. It is called once more, and has to give the same step: a step with masks is
another one, and stays a Scan.
"""
from __future__ import annotations

import numpy as np

from kgraph import activations, tree
from kgraph.compiler.prims.loop import Loop
from kgraph.layers import GRUCell, LSTMCell, SimpleRNNCell
from kgraph.onnx.to_onnx.matching import PATTERNS, Pattern, traced, unify
from kgraph.onnx.to_onnx.table import RULES

__all__ = ["PATTERNS"]

# cell -> (operator, gates of Keras in the order that ONNX has, which activations it lists)
CELLS = {LSTMCell: ("LSTM", (0, 3, 1, 2), ("recurrent_activation", "activation", "activation")),
         GRUCell: ("GRU", (0, 1, 2), ("recurrent_activation", "activation")),
         SimpleRNNCell: ("RNN", (0,), ("activation",))}
# activation -> its name in ONNX, alpha, beta
ACTIVATIONS = {activations.tanh: ("Tanh", 1.0, 0.0), activations.sigmoid: ("Sigmoid", 1.0, 0.0),
               activations.hard_sigmoid: ("HardSigmoid", 1 / 6, 0.5), activations.relu: ("Relu", 1.0, 0.0),
               activations.linear: ("Affine", 1.0, 0.0)}


def _find(op, makers, graph):
    loop = Loop.of(op)
    xs = loop.split(op.inputs)[2]
    if len(xs) != 1 or xs[0].ndim != 3 or loop.axis > 1:
        return None
    for layer in graph.root.layers:
        cell = getattr(layer, "cell", None)
        if type(cell) in CELLS and layer.name == op.scope.rpartition("/")[2] and _listed(cell) and _is_step_of(
                layer, loop, xs[0].type):
            return tuple(op.inputs), {"cell": cell}
    return None


def _listed(cell):
    """The activations of a cell as ONNX lists them; None where one is not there."""
    found = [ACTIVATIONS.get(getattr(cell, name)) for name in CELLS[type(cell)][2]]
    return None if None in found else found


def _is_step_of(layer, loop, x_type) -> bool:
    """Whether the body of the loop is that of the layer, called without masks."""
    program = traced(lambda x: tuple(tree.flatten(layer(x, training=False))), [x_type])
    forms = [op.params["body"] for op in program.ops if op.prim.name == "scan"]
    form, body = forms[0] if len(forms) == 1 else None, loop.body
    if form is None or len(form.outputs) != len(body.outputs) or [v.type for v in form.inputs] != [
            v.type for v in body.inputs]:
        return False
    makers = {v: op for op in body.ops for v in op.outputs}
    found = unify(zip(form.outputs, body.outputs), form, makers)
    return found is not None and all(found[a] is b for a, b in zip(form.inputs, body.inputs))


def _write(g, op, *inputs, cell):
    loop = Loop.of(op)
    consts, carry, (x,) = loop.split(inputs)
    if any(g.array(c) is None for c in consts):
        return RULES["scan"](g, op)
    kernel, *bias, recurrent = consts
    order = (1, 0, 2) if loop.axis else (0, 1, 2)  # steps first
    tensors = [g.whole(x, order), _packed(g, cell, kernel), _packed(g, cell, recurrent),
               _packed_bias(g, cell, bias[0]) if bias else "", "", *(_initial(g, state) for state in carry)]
    while not tensors[-1]:
        tensors.pop()
    kind, names, alphas, betas = CELLS[type(cell)][0], *zip(*_listed(cell))
    numbers = {} if set(names) <= {"Tanh", "Sigmoid", "Relu"} else {
        "activation_alpha": alphas, "activation_beta": betas}
    if kind == "GRU":
        numbers["linear_before_reset"] = int(cell.reset_after)
    ys, *states = g.node(kind, *tensors, outputs=1 + len(carry), hidden_size=cell.units, activations=names,
                         direction="reverse" if loop.reverse else "forward", **numbers)
    squeezed = lambda name, axis: g.node("Squeeze", name, g.numbers([axis]))  # without that of the directions
    found = [g.tensor(squeezed(s, 0), v.shape) for s, v in zip(states, op.outputs)]
    return (*found, *(g.tensor(squeezed(ys, 1), v.shape, order) for v in op.outputs[len(carry):]))


def _reordered(cell, array):
    """The columns of the gates in ONNX's order."""
    gates = array.reshape(*array.shape[:-1], -1, cell.units)
    return gates[..., list(CELLS[type(cell)][1]), :].reshape(array.shape)


def _packed(g, cell, kernel):
    return g.form_of_constant(g.held(kernel), lambda h: _reordered(cell, h.array).T[None], "packed")


def _packed_bias(g, cell, bias):
    """That of the inputs, and then that of the state, which only a GRU with reset_after has."""
    def make(held):
        both = held.array if held.array.ndim == 2 else np.stack([held.array, np.zeros_like(held.array)])
        return _reordered(cell, both).reshape(1, -1)
    return g.form_of_constant(g.held(bias), make, "packed")


def _initial(g, state):
    """A first state [1, B, units]; nothing where it is zero."""
    held = g.held(state)
    if held.array is not None and not held.array.any():
        return ""
    return g.node("Unsqueeze", g.whole(state), g.numbers([0]))


PATTERNS.append(Pattern(("scan",), _find, _write))
