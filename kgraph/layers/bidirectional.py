"""Bidirectional: a recurrent layer run both ways over a sequence."""
from __future__ import annotations

from kgraph import ops, tree
from kgraph.layers.base import Layer
from kgraph.layers.quantized import Holder
from kgraph.layers.state import Untracked
from kgraph.serialization import deserialize_keras_object, serialize_keras_object
from kgraph.serialization.objects import copying_scope

__all__ = ["Bidirectional"]

_MERGES = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
    None: lambda a, b: (a, b),
}


class Bidirectional(Holder):
    """Two copies of a recurrent layer, one for each direction: Schuster and Paliwal (1997).

    Args:
        layer: a recurrent layer; a copy of it runs forwards, and another one backwards
        merge_mode: how the two outputs become one: "concat", "sum", "ave", "mul", or None for both
        backward_layer: another layer for the way back, with the other go_backwards
        weights: initial weights, first those of the forward layer

    Raises:
        ValueError: another merge_mode; layer or backward_layer is no layer, or both go the same way.

    Example:
        >>> layers.Bidirectional(layers.LSTM(4))(np.ones((2, 3, 8), "float32")).shape
        (2, 8)
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        for name, x in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(x, Layer) and not (x is None and name == "backward_layer"):
                raise ValueError(f"Bidirectional: expected {name} to be a layer, received {x!r}")
        if merge_mode not in _MERGES:
            raise ValueError(f"Bidirectional: expected merge_mode to be one of {', '.join(map(repr, _MERGES))}, "
                             f"received {merge_mode!r}")
        super().__init__(**kwargs)
        self.merge_mode = merge_mode
        self._given = Untracked(layer)
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer = backward_layer or _copy(layer, "backward_", go_backwards=True)
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        if weights:
            half = len(weights) // 2
            self.forward_layer._initial_weights, self.backward_layer._initial_weights = weights[:half], weights[half:]
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    @property
    def layer(self):
        """The layer that was given: the two directions run copies of it."""
        return self._given.value

    def _check_pair(self):
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(f"layer {self.name!r}: expected layers with different go_backwards, received "
                             f"{forward.go_backwards} for both")
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(f"layer {self.name!r}: expected the same {name} in both directions, received "
                                 f"{getattr(forward, name)} for the forward layer and {getattr(backward, name)} for "
                                 "the backward layer")

    def build(self, sequences_shape, initial_state_shape=None):
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=None):
        first, second = self._initial_states(initial_state)
        y = self.forward_layer(sequences, initial_state=first, mask=mask, training=training)
        z = self.backward_layer(sequences, initial_state=second, mask=mask, training=training)
        states = ()
        if self.return_state:
            states = (*y[1:], *z[1:])
            y, z = y[0], z[0]
        y, z = ops.cast(y, self.compute_dtype), ops.cast(z, self.compute_dtype)
        if self.return_sequences:
            z = ops.flip(z, axis=1)
        merged = _MERGES[self.merge_mode](y, z)
        if not self.return_state:
            return merged
        return (*merged, *states) if self.merge_mode is None else (merged, *states)

    def _initial_states(self, given):
        if given is None:
            return None, None
        given = list(given) if tree.is_nested(given) else [given]
        half = len(given) // 2
        if not half or len(given) % 2:
            raise ValueError(f"layer {self.name!r}: expected initial_state with as many tensors for each direction, "
                             f"received {len(given)}")
        return given[:half], given[half:]

    def compute_mask(self, inputs, previous_mask=None):
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        states = 2 * len(tree.flatten(self.forward_layer.state_size)) if self.return_state else 0
        return (*masks, *(None,) * states) if states or self.merge_mode is None else mask

    @property
    def states(self):
        """The state variables of both directions, or None."""
        both = self.forward_layer.states, self.backward_layer.states
        return tuple(x for states in both for x in states) if all(both) else None

    def reset_state(self):
        """Set the states of a stateful layer back to zero.

        Raises:
            AttributeError: the layer is not stateful.
        """
        if not self.stateful:
            raise AttributeError(f"layer {self.name!r} is not stateful: it has no states to reset")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self):
        """reset_state(), as Keras 2 calls it."""
        self.reset_state()

    def get_config(self):
        return {**super().get_config(), **self.settings("merge_mode"),
                "layer": serialize_keras_object(self.forward_layer),
                "backward_layer": serialize_keras_object(self.backward_layer)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)


def _copy(layer, prefix: str, **changes):
    """A layer with the same settings and a name of its own, without the state of the original."""
    with copying_scope(layer):
        config = serialize_keras_object(layer)
        config["config"] = {**config["config"], **changes, "name": prefix + layer.name.removeprefix(prefix)}
        config.pop("build_config", None)
        return deserialize_keras_object(config)
