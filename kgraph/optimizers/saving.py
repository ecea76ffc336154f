"""What an optimizer gives to files and takes from them."""
from __future__ import annotations

import warnings

import numpy as np

from kgraph.optimizers.schedules import LearningRateSchedule
from kgraph.variable import Variable

__all__ = ["OPTIONS", "Saved"]

OPTIONS = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
           "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps", "name")


class Saved:
    """The state of an optimizer as arrays, and its settings as a config."""

    def __getstate__(self):
        """For pickle and deepcopy: variables by their number, since the copies are other objects."""
        undecayed = {self._indices[i] for i in self._undecayed if i in self._indices} if self.built else ()
        return {**self.__dict__, "_indices": None, "_undecayed": undecayed}

    def __setstate__(self, state):
        self.__dict__.update(state)
        variables = self._trainable_variables if self.built else ()
        self._indices = {id(v): i for i, v in enumerate(variables)}
        self._undecayed = {id(variables[i]) for i in self._undecayed}

    def get_weights(self) -> list:
        """The state as arrays, in the order of `variables`."""
        return [v.numpy() for v in self.variables]

    def set_weights(self, weights):
        """Set the state from arrays in the order of `variables`.

        Raises ValueError, changing nothing, when their shapes differ.
        """
        if not self.built:
            raise ValueError(f"{self.name} is not built: call optimizer.build(model.trainable_variables) before "
                             "set_weights()")
        expected, received = [v.shape for v in self.variables], [np.shape(w) for w in weights]
        if expected != received:
            raise ValueError(f"{self.name}: expected weights of shapes {expected}, received {received}")
        for variable, weight in zip(self.variables, weights):
            variable.assign(weight)

    def save_own_variables(self, store):
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store):
        if len(store.keys()) != len(self.variables):
            warnings.warn(f"{self.name}: its state is left as it is: expected {len(self.variables)} variables, "
                          f"received {len(store.keys())}", stacklevel=2)
            return
        for i, variable in enumerate(self.variables):
            variable.assign(np.asarray(store[str(i)]))

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            from kgraph.serialization import serialize_keras_object
            rate = serialize_keras_object(rate)
        elif isinstance(rate, Variable):
            rate = float(rate.numpy())
        config = {"name": self.name, "learning_rate": rate}
        config.update({k: getattr(self, k) for k in OPTIONS if k != "name"})
        config.update({k: getattr(self, k) for k in self._old_settings if k in vars(self)})
        return {**config, "decay": self.decay} if self.decay else config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Another object of this class, from its settings.

        Returns:
            An Optimizer.
        """
        if isinstance(config.get("learning_rate"), dict):
            from kgraph.serialization import deserialize_keras_object
            rate = deserialize_keras_object(config["learning_rate"], custom_objects=custom_objects)
            config = {**config, "learning_rate": rate}
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} {self.name}>"
