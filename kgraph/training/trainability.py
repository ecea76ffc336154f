"""What of a model trains: kept by compile(), and put in force while a step is traced or run."""
from __future__ import annotations

import contextlib

from kgraph import watch

__all__ = ["Trainability"]


class Trainability:
    """Whether each layer and variable of a model was trainable when this was made.

    The usual GAN stands on it: the discriminator is compiled, then frozen, then the combined model is compiled; a step
    of the discriminator trains it all the same. What was made since then is as it is now.
    """

    def __init__(self, model):
        layers = model._all_layers()
        self.layers = [(layer, layer.trainable) for layer in layers]
        self.seen, self.found = watch.flags(), []
        self.variables = [(v, v.trainable) for v in {id(v): v for la in layers for v in la._own_variables()}.values()]

    def changed(self) -> list:
        """Names of the layers and paths of the variables that are no longer as they were then."""
        if self.seen != watch.flags():
            self.seen = watch.flags()
            layers = [layer.name for layer, then in self.layers if layer.trainable != then]
            self.found = layers or [v.path for v, then in self.variables if v.trainable != then]
        return self.found

    @contextlib.contextmanager
    def in_force(self, model):
        """Inside, the model is as it was then."""
        if not self.changed():
            yield
            return
        now = Trainability(model)
        self._put()
        try:
            yield
        finally:
            now._put()

    def _put(self):
        for layer, value in self.layers:
            layer._set_own_trainable(value)
        for variable, value in self.variables:
            variable.trainable = value
