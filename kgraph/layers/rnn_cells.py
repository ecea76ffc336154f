"""Cells: one time step of a recurrent layer.

A cell is a layer with ``state_size`` (a size or a list of them) and ``call(inputs [B, features], states) -> (output,
new states)``. Its gates share one kernel, recurrent kernel and bias; the columns of each gate lie side by side.
"""
from __future__ import annotations

from kgraph import activations, constraints, initializers, ops, random, regularizers, tree
from kgraph.graph import KTensor, infer
from kgraph.layers.base import Layer
from kgraph.layers.quantized import Holder, Quantizable
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]


class Cell(Layer):
    """The base of the cells here."""

    def compute_output_shape(self, inputs_shape, states_shape=None):
        """(shape of the output, shapes of the new states) of a step; states_shape: by default of the initial state."""
        self.build(inputs_shape)
        if states_shape is None:
            first = lambda x: initial_state(self, x.shape[0], self.compute_dtype)
            states_shape = tree.map_structure(lambda s: s.shape, infer(first, KTensor(inputs_shape, self.input_dtype)))
        return super().compute_output_shape(inputs_shape, states_shape)


class DropoutCell(Cell):
    """A cell that drops inputs and states. All steps of a sequence share a mask: Gal and Ghahramani, "A theoretically
    grounded application of dropout in recurrent neural networks" (2016).

    The recurrent layer asks for the masks before its loop, so that they are kept, and resets them afterwards. A cell
    called by itself in training draws its own each time.
    """

    _masks = None, None  # of the inputs, of the states

    def get_dropout_mask(self, step_input):
        """The masks for inputs like step_input [B, features]: kept ones, else new ones, in a list with one for each
        separate use in the cell. None without dropout."""
        if self._masks[0] is None:
            self._masks = self._draw(step_input, self.dropout), self._masks[1]
        return self._masks[0]

    def get_recurrent_dropout_mask(self, step_input):
        """The masks for states like step_input [B, units], as get_dropout_mask does it."""
        if self._masks[1] is None:
            self._masks = self._masks[0], self._draw(step_input, self.recurrent_dropout)
        return self._masks[1]

    def reset_dropout_mask(self):
        """Forget the masks of the inputs."""
        self._masks = None, self._masks[1]

    def reset_recurrent_dropout_mask(self):
        """Forget the masks of the states."""
        self._masks = self._masks[0], None

    def _draw(self, x, rate):
        if not 0 < rate < 1:
            return None
        ones = ops.ones(x.shape, dtype=self.compute_dtype)
        return [random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.mask_count)]

    @property
    def mask_count(self) -> int:
        return 1

    def dropped(self, inputs, h, training):
        """(inputs, h), each a list with one entry for each mask, or with one entry where nothing is dropped."""
        if not training:
            return [inputs], [h]
        kept = self._masks
        masks = self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(h)
        self._masks = kept
        return tuple([x] if m is None else [x * k for k in (m if tree.is_nested(m) else [m])]
                     for x, m in zip((inputs, h), masks))


class _GatedCell(Quantizable, DropoutCell):
    """What the built-in cells share: settings and weights for a number of gates."""

    gates = 1
    _own_settings = ()
    _adapted = "kernel"
    _modes = ("int8",)

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
                 bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, seed=None, **kwargs):
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        if not hasattr(units, "__index__") or units <= 0:
            raise ValueError(f"{type(self).__name__}: expected units to be an int above 0, received units={units!r}")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.state_size = self.output_size = self.units

    @property
    def mask_count(self) -> int:
        """With dropout of states (or implementation=1), each gate has a mask of its own, as in Keras."""
        return self.gates if self.recurrent_dropout or self.implementation == 1 else 1

    def build(self, input_shape):
        width = self.gates * self.units
        shapes = {"kernel": (input_shape[-1], width), "recurrent_kernel": (self.units, width)}
        if self._is_packed:
            self._make_quantized(shapes)
        else:
            for name, shape in shapes.items():
                role = name.removesuffix("_kernel")
                settings = {what: getattr(self, f"{role}_{what}") for what in ("initializer", "regularizer",
                                                                               "constraint")}
                setattr(self, name, self.add_weight(shape=shape, name=name, **settings))
        self.bias = self.add_weight(
            shape=self._bias_shape(), initializer=self._initial_bias, name="bias", regularizer=self.bias_regularizer,
            constraint=self.bias_constraint) if self.use_bias else None

    def _bias_shape(self):
        return (self.gates * self.units,)

    def _initial_bias(self, shape, dtype=None):
        return self.bias_initializer(shape, dtype=dtype)

    def _large(self) -> tuple:
        return "kernel", "recurrent_kernel"

    def _product(self, xs, name, gates):
        """x @ a kernel for the columns of all these gates, each gate with its own x where there are several."""
        quantized, width = self._is_packed, len(gates) * self.units
        start = gates[0] * self.units
        if quantized and len(xs) == 1:
            return self._quantized_product(xs[0], name)[..., start:start + width]
        kernel = self._real(name) if quantized else getattr(self, name)
        if width < kernel.shape[-1]:
            kernel = kernel[:, start:start + width]
        if len(xs) == 1:
            return ops.matmul(xs[0], kernel)
        parts = ops.split(kernel, len(gates), axis=1)
        return ops.concatenate([ops.matmul(xs[g], part) for g, part in zip(gates, parts)], axis=-1)

    def _projected(self, inputs):
        """The inputs' part of all gates. It depends on no state, so the compiler takes it out of the loop."""
        z = self._product(inputs, "kernel", range(self.gates))
        return z + self._input_bias() if self.use_bias else z

    def _input_bias(self):
        return self.bias

    def get_initial_state(self, batch_size=None):
        """Zeros, [B, units] each."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in tree.flatten(self.state_size)]

    def get_config(self):
        return {**super().get_config(), **self.settings(*self._settings())}

    @classmethod
    def _settings(cls):
        return ("units", "activation", "use_bias", "kernel_initializer", "recurrent_initializer", "bias_initializer",
                "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "kernel_constraint",
                "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "seed", *cls._own_settings)


class SimpleRNNCell(_GatedCell):
    """h = activation(inputs @ kernel + h @ recurrent_kernel + bias): Elman (1990).

    units                       size of the state
    dropout, recurrent_dropout  share of the inputs, of the state, dropped in training

    Example:
        >>> output, state = layers.SimpleRNNCell(4)(np.ones((2, 8), "float32"), [np.zeros((2, 4), "float32")])
        >>> output.shape
        (2, 4)
    """

    _quantizes = True

    @property
    def mask_count(self) -> int:
        return 1

    def call(self, inputs, states, training=False):
        h = states[0] if tree.is_nested(states) else states
        (x,), (h,) = self.dropped(inputs, h, training)
        h = self.activation(self._projected([x]) + self._product([h], "recurrent_kernel", range(1)))
        return h, [h] if tree.is_nested(states) else h


class LSTMCell(_GatedCell):
    """Long short-term memory: Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    i, f, o = recurrent_activation(.), c = f * c + i * activation(.), h = o * activation(c); columns i, f, c, o.

    Args:
        unit_forget_bias: the bias of f starts at 1

    Example:
        >>> zeros = np.zeros((2, 4), "float32")
        >>> output, states = layers.LSTMCell(4)(np.ones((2, 8), "float32"), [zeros, zeros])
        >>> output.shape, len(states)
        ((2, 4), 2)
    """

    _quantizes = True
    gates = 4
    channel_axis = -1
    _own_settings = ("recurrent_activation", "unit_forget_bias")

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 unit_forget_bias=True, kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0,
                 recurrent_dropout=0.0, seed=None, **kwargs):
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
                         kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
                         recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _initial_bias(self, shape, dtype=None):
        if not self.unit_forget_bias:
            return super()._initial_bias(shape, dtype)
        one, two = (self.bias_initializer((n * self.units,), dtype=dtype) for n in (1, 2))
        return ops.concatenate([one, ops.ones((self.units,), dtype), two])

    def call(self, inputs, states, training=False):
        h, c = states
        xs, hs = self.dropped(inputs, h, training)
        z = self._projected(xs) + self._product(hs, "recurrent_kernel", range(4))
        i, f, g, o = ops.split(z, 4, axis=self.channel_axis)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]


class GRUCell(_GatedCell):
    """Gated recurrent unit: Cho et al. (2014). Columns z (update), r (reset), h.

    h = z * h + (1 - z) * activation(. + r * (h @ kernel)) with reset_after, else activation(. + (r * h) @ kernel).

    Args:
        reset_after: the reset gate acts after the product, which then has a bias of its own: bias is [2, 3 * units]

    Example:
        >>> output, state = layers.GRUCell(4)(np.ones((2, 8), "float32"), [np.zeros((2, 4), "float32")])
        >>> output.shape
        (2, 4)
    """

    _quantizes = True
    gates = 3
    _own_settings = ("recurrent_activation", "reset_after")

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True,
                 kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal", bias_initializer="zeros",
                 kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, kernel_constraint=None,
                 recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, reset_after=True,
                 seed=None, **kwargs):
        super().__init__(units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
                         kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
                         recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self):
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self):
        return self.bias[0] if self.reset_after else self.bias

    def call(self, inputs, states, training=False):
        h = states[0] if tree.is_nested(states) else states
        xs, hs = self.dropped(inputs, h, training)
        x_z, x_r, x_h = ops.split(self._projected(xs), 3, axis=-1)
        z, r, candidate = (self._after if self.reset_after else self._before)(x_z, x_r, hs)
        h = z * h + (1 - z) * self.activation(x_h + candidate)
        return h, [h] if tree.is_nested(states) else h

    def _after(self, x_z, x_r, hs):
        inner = self._product(hs, "recurrent_kernel", range(3))
        if self.use_bias:
            inner = inner + self.bias[1]
        h_z, h_r, h_h = ops.split(inner, 3, axis=-1)
        z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
        return z, r, r * h_h

    def _before(self, x_z, x_r, hs):
        h_z, h_r = ops.split(self._product(hs, "recurrent_kernel", range(2)), 2, axis=-1)
        z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
        return z, r, self._product([r * hs[-1]], "recurrent_kernel", range(2, 3))


class StackedRNNCells(Holder, Cell):
    """Cells one after the other as one cell: each gets the output of the one before it. Its states are a list with the
    states of each.

    Args:
        cells: a list of cells, the first one for the inputs.

    Example:
        >>> cells = layers.StackedRNNCells([layers.GRUCell(4), layers.GRUCell(2)])
        >>> layers.RNN(cells)(np.ones((2, 3, 8), "float32")).shape
        (2, 2)
    """

    def __init__(self, cells, **kwargs):
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell, self.name)
        self.cells = list(cells)

    @property
    def state_size(self) -> list:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size=None):
        """The state before the first step.

        Returns:
            A list of the states of each cell.
        """
        return [initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def call(self, inputs, states, training=False):
        found = []
        for cell, state in zip(self.cells, states):
            inputs, new = run_cell(cell, inputs, list(state) if tree.is_nested(state) else [state], training)
            found.append(new if tree.is_nested(state) else tree.flatten(new)[0])
        return inputs, found

    def build(self, input_shape):
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (tree.flatten(input_shape)[0], output_size(cell))

    def get_config(self):
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        cells = [deserialize_keras_object(c, custom_objects=custom_objects) for c in config.pop("cells")]
        return cls(cells, **config)


# --- what is asked of any cell, a user's own included -----------------------------------------------------------------

def check_cell(cell, name: str):
    """Raise ValueError unless the object has what a cell needs."""
    if not callable(getattr(cell, "call", None)) or getattr(cell, "state_size", None) is None:
        raise ValueError(f"layer {name!r}: expected a cell with a call() method and a state_size, received {cell!r}")


def output_size(cell):
    """The size of a cell's output: output_size, else that of its first state."""
    size = getattr(cell, "output_size", None)
    return tree.flatten(cell.state_size)[0] if size is None else size


def initial_state(cell, batch_size, dtype):
    """The state before the first step, nested as state_size is."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    sized = lambda size: ops.zeros((batch_size, *(size if isinstance(size, tuple) else (size,))), dtype=dtype)
    return tree.map_structure(sized, cell.state_size)


def draw_masks(cell, inputs, state):
    """Have the dropout masks of a cell for a whole sequence. inputs: like those of a step; state: its initial state."""
    if isinstance(cell, StackedRNNCells):
        for one, own in zip(cell.cells, state):
            draw_masks(one, inputs, own)
            inputs = ops.zeros((inputs.shape[0], output_size(one)), dtype=inputs.dtype)
    elif isinstance(cell, DropoutCell):
        cell.get_dropout_mask(inputs)
        cell.get_recurrent_dropout_mask(tree.flatten(state)[0])


def reset_masks(cell):
    """Forget the masks of a sequence."""
    if isinstance(cell, StackedRNNCells):
        for one in cell.cells:
            reset_masks(one)
    elif isinstance(cell, DropoutCell):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()


def run_cell(cell, inputs, states, training):
    """(output, list of new states) of one step."""
    more = {"training": training} if isinstance(cell, Layer) and "training" in cell._call_signature().parameters else {}
    output, new = (cell if callable(cell) else cell.call)(inputs, states, **more)
    return output, list(new) if tree.is_nested(new) else [new]
