"""Update rules that changed with Keras 2.11: a file of Keras 2 goes on training as it began, and an optimizer made
while an older Keras is followed has its rule.

Keras 3 has no such rules; in files these are the nearest of its own, and a name that ends in `_keras2` tells kgraph.
"""
from __future__ import annotations

from kgraph import ops
from kgraph.optimizers import Adagrad, Nadam, RMSprop
from kgraph.serialization import register_keras_serializable

__all__ = ["MARK", "OLD_RULES", "rule_of_version"]

MARK = "_keras2"


class _Keras2:
    """An optimizer whose rule has an older form."""

    @property
    def name(self) -> str:
        """The name, which ends in the mark by which files tell the rule."""
        return self._name

    @name.setter
    def name(self, name):
        self._name = name.replace(MARK, "") + MARK

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


_RULES = {cls.__name__.removesuffix("Keras2"): cls for cls in (RMSpropKeras2, AdagradKeras2, NadamKeras2)}
OLD_RULES = {name: f"kgraph>{cls.__name__}" for name, cls in _RULES.items()}


def rule_of_version(cls):
    """The class with the rule that an optimizer's class had before 2.11: that class itself where it is no other."""
    old = _RULES.get(cls.__name__, cls)
    return old if cls in old.__bases__ else cls
