"""Optimizers around optimizers: several of them for one model, and loss scaling."""
from __future__ import annotations

import re
from collections.abc import MutableMapping

from kgraph.initializers import Constant
from kgraph.optimizers.optimizer import Optimizer


class OptimizerMap(MutableMapping):
    """Which optimizer updates which variable: by its path, or a regular expression that matches all of it."""

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"default_optimizer: expected an Optimizer, received {default_optimizer!r}")
        self.default_optimizer = default_optimizer
        self._map = {}
        for pattern, optimizer in (optimizer_map or {}).items():
            self[pattern] = optimizer

    def __getitem__(self, path):
        matching = [p for p in self._map if p == path or re.fullmatch(p, path)]
        if len(matching) > 1 and path not in self._map:
            raise ValueError(f"variable {path}: expected at most one pattern to match, received {', '.join(matching)}")
        return self._map[path if path in self._map else matching[0]] if matching else self.default_optimizer

    def __setitem__(self, pattern, optimizer):
        if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (MultiOptimizer, LossScaleOptimizer)):
            raise ValueError(f"{pattern}: expected a plain Optimizer, received {optimizer!r}")
        if pattern in self._map:
            raise ValueError(f"{pattern} has an optimizer already: {self._map[pattern]!r}")
        self._map[pattern] = optimizer

    def __delitem__(self, pattern):
        del self._map[pattern]

    def __len__(self):
        return len(self._map)

    def __iter__(self):
        return iter(self._map)

    def __call__(self, variable):
        return self[variable.path]

    def get_config(self):
        from kgraph.serialization import serialize_keras_object
        return {"default_optimizer": serialize_keras_object(self.default_optimizer),
                "optimizer_map": {k: serialize_keras_object(v) for k, v in self._map.items()}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from kgraph.serialization import deserialize_keras_object
        load = lambda c: deserialize_keras_object(c, custom_objects=custom_objects)
        return cls(load(config["default_optimizer"]), {k: load(v) for k, v in config["optimizer_map"].items()})


class MultiOptimizer(Optimizer):
    """Updates each variable with the optimizer that ``optimizer_map(variable)`` names.

    optimizer_map: an OptimizerMap, or any function from a variable to an optimizer.
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._map = optimizer_map
        self.optimizers = []
        self._owners = []  # the optimizer of each of the trainable variables

    def build(self, variables):
        super().build(variables)
        groups = {}
        for variable in variables:
            optimizer = self._map(variable)
            if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (MultiOptimizer, LossScaleOptimizer)):
                raise ValueError(f"variable {variable.path}: expected a plain Optimizer, received {optimizer!r}")
            self._owners.append(optimizer)
            groups.setdefault(id(optimizer), (optimizer, []))[1].append(variable)
        for optimizer, own in groups.values():
            optimizer.loss_scale_factor = self.loss_scale_factor
            optimizer.build(own)
            self.optimizers.append(optimizer)

    def flatten(self, variables=None):
        self._ensure_built(variables)
        for optimizer in self.optimizers:
            optimizer.flatten()

    @property
    def variables(self) -> list:
        return [*self._variables, *(v for o in self.optimizers for v in o.variables)]

    @property
    def learning_rate(self):
        raise AttributeError("a MultiOptimizer has no learning rate of its own: take that of one of its .optimizers")

    def apply(self, grads, trainable_variables=None):
        variables = list(self._trainable_variables if trainable_variables is None else trainable_variables)
        self._ensure_built(variables)
        pairs = [(self._owners[self._index(v)], g, v) for g, v in zip(grads, variables, strict=True)]
        for optimizer in self.optimizers:
            own = [(g, v) for o, g, v in pairs if o is optimizer]
            if own:
                optimizer.apply([g for g, _ in own], [v for _, v in own])
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values([v for v in var_list if self._owners[self._index(v)] is optimizer])

    def get_config(self):
        from kgraph.serialization import serialize_keras_object
        return {"optimizer_map": serialize_keras_object(self._map), "loss_scale_factor": self.loss_scale_factor,
                "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from kgraph.serialization import deserialize_keras_object
        mapping = deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": mapping})


class LossScaleOptimizer(Optimizer):
    """An optimizer for mixed precision elsewhere. kgraph computes in float32, so it just uses ``inner_optimizer``."""

    def __init__(self, inner_optimizer, initial_scale=2.0 ** 15, dynamic_growth_steps=2000, name=None):
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    def build(self, variables):
        super().build(variables)
        self.add_variable((), dtype="int32", name="step_counter")      # Keras's files have both
        self.add_variable((), Constant(self.initial_scale), "float32", "dynamic_scale")
        self.inner_optimizer.build(variables)

    def flatten(self, variables=None):
        if not self.built:
            self.build(list(variables))
        self.inner_optimizer.flatten()

    @property
    def variables(self) -> list:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    def apply(self, grads, trainable_variables=None):
        if not self.built:
            self.build(list(trainable_variables))
        self.inner_optimizer.apply(grads, trainable_variables)
        self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self):
        from kgraph.serialization import serialize_keras_object
        return {"name": self.name, "inner_optimizer": serialize_keras_object(self.inner_optimizer),
                "initial_scale": self.initial_scale, "dynamic_growth_steps": self.dynamic_growth_steps}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        from kgraph.serialization import deserialize_keras_object
        inner = deserialize_keras_object(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(**{**config, "inner_optimizer": inner})
