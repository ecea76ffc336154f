"""RNN, GRU and LSTM, in one or both directions, over [time, batch, features] (or with the batch first).

Weights are [directions, gates * hidden, features]; the gates of a GRU are z, r, h, of an LSTM i, o, f, c. A step beyond
a sequence's length leaves the states as they are and gives zeros.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.onnx.registry import onnx_op

_ACTIVATIONS = {
    "Relu": lambda x, a, b: ops.relu(x), "Tanh": lambda x, a, b: ops.tanh(x), "Sigmoid": lambda x, a, b: ops.sigmoid(x),
    "Affine": lambda x, a, b: x * _or(a, 1.0) + _or(b, 0.0),
    "LeakyRelu": lambda x, a, b: ops.leaky_relu(x, _or(a, 0.01)),
    "ThresholdedRelu": lambda x, a, b: ops.where(ops.greater(x, _or(a, 1.0)), x, ops.zeros_like(x)),
    "ScaledTanh": lambda x, a, b: ops.tanh(x * _or(b, 1.0)) * _or(a, 1.0),
    "HardSigmoid": lambda x, a, b: ops.clip(x * _or(a, 0.2) + _or(b, 0.5), 0.0, 1.0),
    "Elu": lambda x, a, b: ops.elu(x, _or(a, 1.0)), "Softsign": lambda x, a, b: ops.softsign(x),
    "Softplus": lambda x, a, b: ops.softplus(x)}


def _or(value, default):
    return default if value is None else value


class _Settings:
    """The attributes that the three have in common. activations: a function for each gate of each direction."""

    def __init__(self, activations, directions, per_direction, defaults, alpha, beta, clip):
        names = activations or defaults * directions
        if len(names) != per_direction * directions:
            raise ValueError(f"expected {per_direction * directions} activations, received {names}")
        alpha, beta = iter(alpha or ()), iter(beta or ())
        known = {name.lower(): (name, f) for name, f in _ACTIVATIONS.items()}
        found = []
        for name in names:
            if name.lower() not in known:
                raise ValueError(f"expected activations among {', '.join(_ACTIVATIONS)}, received {name!r}")
            name, f = known[name.lower()]
            a = next(alpha, None) if name in _WITH_ALPHA else None
            b = next(beta, None) if name in _WITH_BETA else None
            found.append(lambda x, f=f, a=a, b=b: f(self.clipped(x), a, b))
        self.clip = clip
        self.activations = [found[d * per_direction:(d + 1) * per_direction] for d in range(directions)]

    def clipped(self, x):
        return x if not self.clip else ops.clip(x, -self.clip, self.clip)


_WITH_ALPHA = ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu")
_WITH_BETA = ("Affine", "ScaledTanh", "HardSigmoid")
_DIRECTIONS = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}


def _run(x, lengths, states, settings, step_of, direction, layout, n_outputs):
    """Outputs [time, directions, batch, hidden] and the last states. step_of(d): (what is done to all steps at once,
    the step (states, part) -> states)."""
    if direction not in _DIRECTIONS:
        raise ValueError(f"expected direction to be one of {', '.join(_DIRECTIONS)}, received {direction!r}")
    turned = _DIRECTIONS[direction]
    x = ops.swapaxes(x, 0, 1) if layout else x
    time, batch = x.shape[:2]
    steps = ops.arange(time, dtype="int32")
    outputs, ends = [], []
    for d, backwards in enumerate(turned):
        project, step = step_of(d)
        start = tuple(_start(s, d, layout, batch, hidden, x.dtype) for s, hidden in states)
        end, y = ops.scan(_masked(step, lengths), start, (project(x), steps), reverse=backwards)
        outputs.append(y)
        ends.append(end)
    y = ops.stack(outputs, 1)
    last = [ops.stack([end[k] for end in ends], 0) for k in range(len(states))]
    if layout:
        y, last = ops.transpose(y, (2, 0, 1, 3)), [ops.swapaxes(v, 0, 1) for v in last]
    return [y, *last][:n_outputs]


def _start(state, d, layout, batch, hidden, dtype):
    if state is None:
        return ops.zeros((batch, hidden), dtype)
    state = ops.swapaxes(state, 0, 1) if layout else state
    return ops.broadcast_to(ops.get_item(state, d), (batch, hidden))


def _masked(step, lengths):
    def masked(states, part):
        xs, t = part
        new = step(states, xs)
        if lengths is None:
            return new, new[0]
        alive = ops.expand_dims(ops.less(t, lengths), 1)
        kept = tuple(ops.where(alive, a, b) for a, b in zip(new, states))
        return kept, ops.where(alive, new[0], ops.zeros_like(new[0]))
    return masked


def _part(x, d):
    return None if x is None else ops.get_item(x, d)


def _biases(b, d):
    """(of the input, of the state), each None without biases."""
    return (None, None) if b is None else ops.split(ops.get_item(b, d), 2)


def _projected(w, bias):
    def project(x):
        y = ops.matmul(x, ops.transpose(w))
        return y if bias is None else y + bias
    return project


@onnx_op("RNN", since=7)
def rnn(x, w, r, b=None, lengths=None, initial_h=None, *, activation_alpha=None, activation_beta=None,
        activations=None, clip=0.0, direction="forward", hidden_size=None, layout=0, n_outputs):
    settings = _Settings(activations, w.shape[0], 1, ["Tanh"], activation_alpha, activation_beta, clip)

    def step_of(d):
        f, = settings.activations[d]
        from_input, from_state = _biases(b, d)
        bias = None if b is None else from_input + from_state
        back = ops.transpose(_part(r, d))
        return _projected(_part(w, d), bias), lambda states, part: (f(part + ops.matmul(states[0], back)),)
    return _run(x, lengths, [(initial_h, r.shape[-1])], settings, step_of, direction, layout, n_outputs)


@onnx_op("GRU", since=7)
def gru(x, w, r, b=None, lengths=None, initial_h=None, *, activation_alpha=None, activation_beta=None,
        activations=None, clip=0.0, direction="forward", hidden_size=None, layout=0, linear_before_reset=0, n_outputs):
    """Cho et al., "Learning Phrase Representations", 2014; linear_before_reset as cuDNN has it."""
    settings = _Settings(activations, w.shape[0], 2, ["Sigmoid", "Tanh"], activation_alpha, activation_beta, clip)
    hidden = r.shape[-1]

    def step_of(d):
        f, g = settings.activations[d]
        from_input, from_state = _biases(b, d)
        back = ops.transpose(_part(r, d))
        back_gates, back_new = ops.split(back, [2 * hidden], 1)
        if b is not None:
            state_gates, state_new = ops.split(from_state, [2 * hidden])

        def step(states, part):
            h, = states
            gates, new = ops.split(part, [2 * hidden], -1)
            gates = gates + ops.matmul(h, back_gates) + (0.0 if b is None else state_gates)
            z, reset = ops.split(f(gates), 2, -1)
            extra = 0.0 if b is None else state_new
            if linear_before_reset:
                new = g(new + reset * (ops.matmul(h, back_new) + extra))
            else:
                new = g(new + ops.matmul(reset * h, back_new) + extra)
            return ((1.0 - z) * new + z * h,)
        return _projected(_part(w, d), from_input), step
    return _run(x, lengths, [(initial_h, hidden)], settings, step_of, direction, layout, n_outputs)


@onnx_op("LSTM", since=7)
def lstm(x, w, r, b=None, lengths=None, initial_h=None, initial_c=None, p=None, *, activation_alpha=None,
         activation_beta=None, activations=None, clip=0.0, direction="forward", hidden_size=None, input_forget=0,
         layout=0, n_outputs):
    """Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; p: peepholes of the gates i, o, f to the cell."""
    settings = _Settings(activations, w.shape[0], 3, ["Sigmoid", "Tanh", "Tanh"], activation_alpha, activation_beta,
                         clip)
    hidden = r.shape[-1]

    def step_of(d):
        f, g, out = settings.activations[d]
        from_input, from_state = _biases(b, d)
        bias = None if b is None else from_input + from_state
        back = ops.transpose(_part(r, d))
        peep_i, peep_o, peep_f = (0.0, 0.0, 0.0) if p is None else ops.split(_part(p, d), 3)

        def step(states, part):
            h, c = states
            i, o, forget, new = ops.split(part + ops.matmul(h, back), 4, -1)
            i = f(i if p is None else i + peep_i * c)
            forget = 1.0 - i if input_forget else f(forget if p is None else forget + peep_f * c)
            cell = forget * c + i * g(new)
            o = f(o if p is None else o + peep_o * cell)
            return o * out(cell), cell
        return _projected(_part(w, d), bias), step
    states = [(initial_h, hidden), (initial_c, hidden)]
    return _run(x, lengths, states, settings, step_of, direction, layout, n_outputs)
