"""TimeDistributed: a layer applied to each time step of a sequence by itself."""
from __future__ import annotations

from kgraph import ops, tree
from kgraph.compiler.ir import TensorLike
from kgraph.layers.basic import Wrapper
from kgraph.layers.quantized import Holder
from kgraph.ops.loop import scan_steps

__all__ = ["TimeDistributed"]


class TimeDistributed(Holder, Wrapper):
    """The layer (or model) called on each step of an input [B, T, ...], one after the other: batch normalisation has
    statistics a step, and its moving ones take T updates.

    Where nobody can tell, one call does all steps, as B * T samples: layers that look at each sample by itself.
    A mask [B, T, ...] goes to the layer as [B, ...] where it takes one; the mask of the outputs is the input's.

    Args:
        layer: which is called on each step.

    Example:
        >>> layers.TimeDistributed(layers.Dense(4))(np.ones((2, 3, 8), "float32")).shape
        (2, 3, 4)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        """Make the variables.

        Raises:
            ValueError: inputs without an axis of steps.
        """
        if len(input_shape) < 3:
            raise ValueError(f"layer {self.name!r}: expected an input with at least 3 axes (batch, time, features), "
                             f"received shape {tuple(input_shape)}")
        if not self.layer.built:
            self.layer.build((None, *input_shape[2:]))

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            self._check_mask(mask, inputs)
        run = self._at_once if self.layer._is_per_sample(training) else self._step_by_step
        with self.layer._scope():
            return run(inputs, mask, training)

    def _call_layer(self, x, mask, training):
        takes = self.layer._call_signature().parameters
        given = {"mask": mask, "training": training}
        if mask is None:
            del given["mask"]
        return self.layer.call(x, **{name: value for name, value in given.items() if name in takes})

    def _at_once(self, inputs, mask, training):
        batch, length = inputs.shape[:2]
        flat = lambda x: None if x is None else ops.reshape(x, (batch * length, *x.shape[2:]))
        results = self._call_layer(flat(inputs), flat(mask), training)
        return tree.map_structure(lambda x: ops.reshape(x, (batch, length, *x.shape[1:])), results)

    def _step_by_step(self, inputs, mask, training):
        def step(carry, at):
            before = {layer: list(layer._losses) for layer in self.layer._all_layers()}
            results = self._call_layer(*at, training)
            return carry, (results, _taken_losses(before))

        _, (results, losses) = scan_steps(step, (), (inputs, mask), axis=1)
        self.layer.add_loss([ops.sum(loss) for loss in losses])
        return results

    def _check_mask(self, mask, inputs):
        known = lambda m, n: isinstance(m, int) and isinstance(n, int)
        if mask.ndim < 2 or any(known(m, n) and m != n for m, n in zip(mask.shape, inputs.shape[:2])):
            raise ValueError(f"layer {self.name!r}: expected a mask that begins with {tuple(inputs.shape[:2])}, "
                             f"received shape {tuple(mask.shape)}")

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask


def _taken_losses(before: dict) -> list:
    """The tensors that layers added to their losses since `before`: they are of one step, and leave it as results."""
    found = []
    for layer, losses in before.items():
        found += [x for x in layer._losses[len(losses):] if isinstance(x, TensorLike)]
        layer._losses = losses + [x for x in layer._losses[len(losses):] if not isinstance(x, TensorLike)]
    return found
