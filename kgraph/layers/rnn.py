"""`RNN`: a cell along the time axis of a sequence. All recurrent layers are one, and use the one loop of kgraph.ops."""
from __future__ import annotations

import numpy as np

from kgraph import ops, tree
from kgraph.compiler.dims import Dim
from kgraph.graph import get_mask, shape_with_none
from kgraph.layers.base import Layer
from kgraph.layers.quantized import Holder
from kgraph.layers.rnn_cells import StackedRNNCells, check_cell, draw_masks, initial_state, reset_masks, run_cell
from kgraph.layers.state import Untracked
from kgraph.naming import warn_at_user
from kgraph.ops.core import with_sizes
from kgraph.ops.loop import scan_steps, step_results
from kgraph.serialization import deserialize_keras_object, serialize_keras_object
from kgraph.variable import Variable

__all__ = ["RNN", "steps"]


def steps(step, inputs, states, mask=None, reverse=False, zero_output_for_mask=False, every_output=True):
    """Run ``output, states = step(input [B, ...], states)`` along axis 1 of inputs.

    Returns (last output, outputs [B, T, ...] or None if not every_output, states).

    Args:
        mask: [B, T]: where False, states stay as they are, and the output is that of the step before (0 before the
            first one, and 0 everywhere with zero_output_for_mask)
        reverse: from the last step to the first; outputs then come in the order in which they were made
    """
    found = {}

    def one_step(carry, x):
        (states, held), (x, keep) = carry, x
        output, new = step(x, states)
        if keep is not None:
            kept = lambda a, b: ops.where(_like(keep, a), a, b)
            new = tree.map_structure(kept, new, states)
            output = kept(output, held[0] if held else ops.zeros_like(output))
        found["place"] = _index_of(output, tree.flatten(new))
        known = held or found["place"] is not None
        return (new, [output] if held else []), output if every_output or not known else None

    if mask is not None and mask.ndim > 2:
        mask = ops.any(mask, axis=tuple(range(2, mask.ndim)))
    held = []
    if mask is not None and not zero_output_for_mask:
        y = step_results(one_step, (states, []), (inputs, mask), axis=1)
        held = [ops.zeros(y.shape, y.dtype)]
    (states, held), outputs = scan_steps(one_step, (states, held), (inputs, mask), reverse=reverse, axis=1)
    if outputs is not None and reverse:
        outputs = ops.flip(outputs, axis=1)
    place = found["place"]
    last = held[0] if held else outputs[:, -1] if place is None else tree.flatten(states)[place]
    return last, outputs if every_output else None, states


def _index_of(x, leaves):
    return next((i for i, leaf in enumerate(leaves) if leaf is x), None)


def _like(keep, x):
    """A mask [B] with axes of size 1 for the other axes of x."""
    return ops.reshape(keep, (keep.shape[0], *(1,) * (x.ndim - 1)))


class RNN(Holder):
    """A cell (or a list of cells, stacked) along axis 1 of its input [B, T, ...].

    call(sequences, initial_state=None, mask=None [B, T], training=False)
    With an initial_state, the mask that the sequences carry is not used, as in Keras 3: give mask= to use it.

    Args:
        cell: a layer (or any object) with call(inputs, states) -> (output, states) and state_size
        return_sequences: give the output of each step, [B, T, units], instead of the last one
        return_state: give (output, *last states)
        go_backwards: from the last step to the first; outputs in that order
        stateful: the last state is the next call's first one, until reset_state(); needs a fixed batch size
        unroll: of Keras; the compiler decides, but as there a fixed number of steps is asked for
        zero_output_for_mask: output 0 at masked steps instead of the output before

    Example:
        >>> layers.RNN(layers.LSTMCell(4))(np.ones((2, 3, 8), "float32")).shape
        (2, 4)
    """

    keras_version = 3  # of the file that the layer comes from: what it means where Keras 2 and 3 differ

    def __init__(self, cell, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                 unroll=False, zero_output_for_mask=False, **kwargs):
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(self.cell, self.name)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self._state_box = Untracked(None)  # the states are no weights

    @property
    def state_size(self) -> list:
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    @property
    def single_state(self) -> bool:
        """Whether the cell has one state."""
        return len(self.state_size) == 1

    @property
    def states(self):
        """The state variables of a stateful layer, nested as the cell's state; None before it is built."""
        return self._state_box.value

    def __call__(self, sequences, *args, **kwargs):
        if isinstance(sequences, (list, tuple)) and len(sequences) > 1 and not args and "initial_state" not in kwargs:
            sequences, kwargs["initial_state"] = sequences[0], list(sequences[1:])  # as Keras 2 wrote it
        return super().__call__(sequences, *args, **kwargs)

    def build(self, sequences_shape, initial_state_shape=None):
        """Make the variables.

        Raises:
            ValueError: stateful without a fixed batch size.
        """
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self.states is None:
            if sequences_shape[0] is None:
                raise ValueError(f"layer {self.name!r}: a stateful layer needs a fixed batch size: expected "
                                 f"Input(batch_shape=...), received an input of shape {tuple(sequences_shape)}")
            self._make_states(sequences_shape[0])

    def _make_states(self, batch_size):
        make = lambda x: Variable(np.zeros(x.shape, x.dtype), trainable=False, name="rnn_state",
                                  path=f"{self.path}/rnn_state")
        self._state_box = Untracked(tree.map_structure(make, self.get_initial_state(batch_size)))

    def get_initial_state(self, batch_size):
        """The state before the first step, in a list.

        Returns:
            A list of zeros.
        """
        state = initial_state(self.cell, batch_size, self.compute_dtype)
        return list(state) if tree.is_nested(state) else [state]

    def reset_state(self):
        """Set the states of a stateful layer back to zero."""
        for variable in tree.flatten(self.states or []):
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def reset_states(self, states=None):
        """reset_state(), or assign arrays, one for each state (Keras 2).

        Returns:
            None.

        Raises:
            ValueError: the layer is not stateful, or states do not fit.
        """
        if states is None:
            return self.reset_state()
        variables, states = tree.flatten(self.states or []), tree.flatten(states)
        if [v.shape for v in variables] != [np.shape(s) for s in states]:
            raise ValueError(f"layer {self.name!r}: expected states of shapes {[v.shape for v in variables]}, received "
                             f"{[np.shape(s) for s in states]}")
        for variable, state in zip(variables, states):
            variable.assign(state)
        return None

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """The computation.

        Raises:
            ValueError: another number of states, or an unknown number of steps with unroll.
        """
        if self.unroll and isinstance(sequences.shape[1], Dim):
            raise ValueError(f"layer {self.name!r}: unroll=True needs a fixed number of time steps: received an input "
                             f"of shape {shape_with_none(sequences.shape)}")
        if mask is None and initial_state is not None:
            mask = self._unused_mask(get_mask(sequences))
        if self.stateful and isinstance(sequences.shape[0], Dim):  # a graph for any batch: ours has to have one size
            fixed = tree.flatten(self.states)[0].shape[0]
            sequences = with_sizes(sequences, (fixed, *sequences.shape[1:]), f"layer {self.name!r}")
        state = self._first_state(sequences, initial_state)
        mask = self._checked_mask(mask, sequences)
        if training:
            draw_masks(self.cell, ops.zeros((sequences.shape[0], *sequences.shape[2:]), dtype=sequences.dtype), state)
        try:
            last, outputs, state = self.inner_loop(sequences, state, mask, training=training)
        finally:
            reset_masks(self.cell)
        if self.stateful:
            for variable, value in zip(tree.flatten(self.states), tree.flatten(state)):
                variable.assign(value)
        result = outputs if self.return_sequences else last
        return (result, *state) if self.return_state else result

    def _is_per_sample(self, training) -> bool:
        return super()._is_per_sample(training) and isinstance(self.cell, Layer) and not self.stateful

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """The steps: (last output [B, ...], outputs [B, T, ...] or None if not return_sequences, list of states).

        Returns:
            (last output, outputs, states).
        """
        return steps(lambda x, states: run_cell(self.cell, x, states, training), sequences, initial_state, mask,
                     reverse=self.go_backwards, zero_output_for_mask=self.zero_output_for_mask,
                     every_output=self.return_sequences)

    def _first_state(self, sequences, given):
        batch = sequences.shape[0]
        usual = self.get_initial_state(batch)
        if self.stateful:
            expected = tree.flatten(self.states)[0].shape[0]
            if isinstance(batch, int) and batch != expected:
                raise ValueError(f"layer {self.name!r}: a stateful layer keeps states for one batch size: expected a "
                                 f"batch of {expected}, received {batch}")
        if given is None:
            return usual if not self.stateful else tree.map_structure(lambda v: v.value, self.states)
        given = list(given) if tree.is_nested(given) else [given]
        leaves, wanted = tree.flatten(given), tree.flatten(usual)
        if len(leaves) != len(wanted) or any(map(_differ, (x.shape for x in leaves), (w.shape for w in wanted))):
            raise ValueError(f"layer {self.name!r}: expected an initial_state of shapes "
                             f"{[tuple(w.shape) for w in wanted]}, received {[tuple(x.shape) for x in leaves]}")
        leaves = [ops.cast(x, w.dtype) for x, w in zip(leaves, wanted)]
        leaves = [with_sizes(x, w.shape, f"layer {self.name!r}") for x, w in zip(leaves, wanted)]
        return tree.pack_sequence_as(usual, leaves)

    def _unused_mask(self, mask):
        """What becomes of the mask of the sequences beside an initial_state."""
        if mask is None or self.keras_version < 3:
            return mask
        warn_at_user(f"layer {self.name!r}: the mask of its input is not used, as it is called with an initial_state "
                     "too: so it is in Keras 3 (Keras 2 used it). Pass mask= to use it")
        return None

    def _checked_mask(self, mask, sequences):
        if tree.is_nested(mask):
            mask = mask[0]
        if mask is None:
            return None
        if mask.ndim < 2 or _differ(mask.shape[:2], sequences.shape[:2]):
            raise ValueError(f"layer {self.name!r}: expected a mask of shape {tuple(sequences.shape[:2])}, received "
                             f"{tuple(mask.shape)}")
        shape = (*sequences.shape[:2], *mask.shape[2:])
        return with_sizes(ops.cast(mask, "bool"), shape, f"layer {self.name!r}")

    def compute_mask(self, inputs, previous_mask=None):
        mask = tree.flatten(previous_mask)[0]
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in tree.flatten(self.state_size))] if self.return_state else mask

    def get_config(self):
        return {**super().get_config(), "cell": serialize_keras_object(self.cell), **self.settings(
            "return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects), **config)


def _differ(a, b) -> bool:
    """Whether known sizes of two shapes are different."""
    return len(a) != len(b) or any(isinstance(m, int) and isinstance(n, int) and m != n for m, n in zip(a, b))
