"""TimeDistributed: a layer applied to each time step of a sequence by itself."""
from __future__ import annotations

from kgraph import ops, tree
from kgraph.layers.basic import Wrapper

__all__ = ["TimeDistributed"]


class TimeDistributed(Wrapper):
    """The layer (or model) applied to each step of an input [B, T, ...]. Steps are as samples to it: one call does all.

    A mask [B, T, ...] goes to the layer as [B * T, ...] where it takes one; the mask of the outputs is the input's.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise ValueError(f"layer {self.name!r}: expected an input with at least 3 axes (batch, time, features), "
                             f"received shape {tuple(input_shape)}")
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))

    def call(self, inputs, training=None, mask=None):
        batch, length = inputs.shape[:2]
        more = {}
        if mask is not None:
            self._check_mask(mask, inputs)
            if "mask" in self.layer._call_signature().parameters and mask.ndim > 2:
                more["mask"] = ops.reshape(mask, (batch * length, *mask.shape[2:]))
        if training is not None:
            more["training"] = training
        flat = ops.reshape(inputs, (batch * length, *inputs.shape[2:]))
        return tree.map_structure(lambda x: ops.reshape(x, (batch, length, *x.shape[1:])), self.layer(flat, **more))

    def _check_mask(self, mask, inputs):
        known = lambda m, n: isinstance(m, int) and isinstance(n, int)
        if mask.ndim < 2 or any(known(m, n) and m != n for m, n in zip(mask.shape, inputs.shape[:2])):
            raise ValueError(f"layer {self.name!r}: expected a mask that begins with {tuple(inputs.shape[:2])}, "
                             f"received shape {tuple(mask.shape)}")

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask
