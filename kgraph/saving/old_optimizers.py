"""Update rules of Keras 2 where Keras 3 has others: a file of Keras 2 goes on training as it began.

Keras 3 has no such rules; in files these are the nearest of its own, and a name that ends in `_keras2` tells kgraph.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.optimizers import Adagrad, Nadam, RMSprop
from kgraph.serialization import register_keras_serializable

__all__ = ["MARK", "OLD_RULES"]

MARK = "_keras2"


class _Keras2:
    """An optimizer whose rule has an older form."""

    def __init__(self, *args, name=None, **kwargs):
        base = type(self).__name__.removesuffix("Keras2")
        name = name or base
        super().__init__(*args, name=name if name.endswith(MARK) else name + MARK, **kwargs)

    def _keras_identity(self):
        return "keras.optimizers", type(self).__name__.removesuffix("Keras2"), None


@register_keras_serializable(package="kgraph")
class RMSpropKeras2(_Keras2, RMSprop):
    """w -= r g / (sqrt(v) + epsilon): epsilon is outside the root where there is no momentum."""

    def update_step(self, gradient, variable, learning_rate):
        if self.momentum > 0:
            super().update_step(gradient, variable, learning_rate)
            return
        v = self._spread(gradient, variable)
        self.assign_sub(variable, learning_rate * gradient / (ops.sqrt(v) + self.epsilon))


@register_keras_serializable(package="kgraph")
class AdagradKeras2(_Keras2, Adagrad):
    """w -= r g / (sqrt(a) + epsilon): epsilon is outside the root."""

    def update_step(self, gradient, variable, learning_rate):
        slot = self.slot("accumulator", variable)
        total = slot.value + ops.square(gradient)
        self.assign(slot, total)
        self.assign_sub(variable, learning_rate * gradient / (ops.sqrt(total) + self.epsilon))


@register_keras_serializable(package="kgraph")
class NadamKeras2(_Keras2, Nadam):
    """b1 warms up slowly, as b1 (1 - 0.5 * 0.96^(0.004 t))."""

    schedule_decay = 0.004


OLD_RULES = {cls.__name__.removesuffix("Keras2"): f"kgraph>{cls.__name__}"
             for cls in (RMSpropKeras2, AdagradKeras2, NadamKeras2)}
