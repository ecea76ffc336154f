"""The base of layers whose variables are described by triples of settings: initializer, regularizer, constraint."""
from __future__ import annotations

from kgraph import constraints, initializers, regularizers
from kgraph.layers.base import Layer

__all__ = ["Weighted"]

_GETTERS = {"initializer": initializers.get, "regularizer": regularizers.get, "constraint": constraints.get}


class Weighted(Layer):
    """`_describe(kernel=(initializer, regularizer, constraint))` keeps them as kernel_initializer and so on;
    `_make("kernel", shape)` adds the variable. `described` has the names of these settings, for get_config."""

    def _describe(self, **roles):
        self.described = tuple(f"{role}_{what}" for role, given in roles.items() for what, _ in zip(_GETTERS, given))
        for role, given in roles.items():
            for (what, get), value in zip(_GETTERS.items(), given):
                setattr(self, f"{role}_{what}", get(value))

    def _make(self, role: str, shape, initializer=None, name=None, **kwargs):
        """The variable of a role. An initializer given here replaces the setting."""
        found = {what: getattr(self, f"{role}_{what}", None) for what in ("regularizer", "constraint")}
        initializer = initializer or getattr(self, f"{role}_initializer")
        return self.add_weight(shape=shape, initializer=initializer, name=name or role, **found, **kwargs)

    def get_config(self):
        return {**super().get_config(), **self.settings(*self.described)}
