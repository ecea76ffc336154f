"""Optimizers around optimizers: several of them for one model, and loss scaling."""
from __future__ import annotations

import re
from collections.abc import MutableMapping

from kgraph import ops
from kgraph.initializers import Constant
from kgraph.naming import check_keywords
from kgraph.optimizers.optimizer import Optimizer
from kgraph.optimizers.saving import OPTIONS


class OptimizerMap(MutableMapping):
    """Which optimizer updates which variable: by its path, or a regular expression that matches all of it.

    Args:
        default_optimizer: of variables that nothing else names.
        optimizer_map: {path or pattern: optimizer}.

    Raises:
        TypeError: something else than an optimizer.

    Example:
        >>> chosen = optimizers.OptimizerMap(optimizers.SGD(0.1), {"dense/.*": optimizers.Adam()})
        >>> [type(chosen[path]).__name__ for path in ("dense/kernel", "head/bias")]
        ['Adam', 'SGD']
    """

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"default_optimizer: expected an Optimizer, received {default_optimizer!r}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map: expected a dict, received {optimizer_map!r}")
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
        """The settings, as plain data.

        Returns:
            A dict of the settings.
        """
        from kgraph.serialization import serialize_keras_object
        return {"default_optimizer": serialize_keras_object(self.default_optimizer),
                "optimizer_map": {k: serialize_keras_object(v) for k, v in self._map.items()}}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Another object of this class, from its settings.

        Returns:
            An OptimizerMap.
        """
        from kgraph.serialization import deserialize_keras_object
        load = lambda c: deserialize_keras_object(c, custom_objects=custom_objects)
        return cls(load(config["default_optimizer"]), {k: load(v) for k, v in config["optimizer_map"].items()})


class MultiOptimizer(Optimizer):
    """Updates each variable with the optimizer that ``optimizer_map(variable)`` names.

    optimizer_map: an OptimizerMap, or any function from a variable to an optimizer.

    Args:
        optimizer_map: an OptimizerMap, or a function of a variable.

    Example:
        >>> both = optimizers.OptimizerMap(optimizers.SGD(0.1), {"dense/.*": optimizers.Adam()})
        >>> len(optimizers.MultiOptimizer(both).optimizers)
        2
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._map = optimizer_map
        known = [*optimizer_map.values(), optimizer_map.default_optimizer] if isinstance(optimizer_map, OptimizerMap) \
            else []
        self.optimizers = list({id(o): o for o in known}.values())   # files have them in this order
        self._owners = []  # the optimizer of each of the trainable variables

    def build(self, variables):
        """Make the variables.

        Raises:
            ValueError: a variable for which the map has no optimizer.
        """
        super().build(variables)
        groups = {}
        for variable in variables:
            optimizer = self._map(variable)
            if not isinstance(optimizer, Optimizer) or isinstance(optimizer, (MultiOptimizer, LossScaleOptimizer)):
                raise ValueError(f"variable {variable.path}: expected a plain Optimizer, received {optimizer!r}")
            self._owners.append(optimizer)
            groups.setdefault(id(optimizer), (optimizer, []))[1].append(variable)
        known = {id(o) for o in self.optimizers}
        self.optimizers += [optimizer for key, (optimizer, _) in groups.items() if key not in known]
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = self.loss_scale_factor
            if id(optimizer) in groups:
                optimizer.build(groups[id(optimizer)][1])

    def flatten(self, variables=None):
        self._ensure_built(variables)
        for optimizer in self.optimizers:
            if optimizer.built:
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
    """Another optimizer, with the loss multiplied so that small gradients of float16 do not become 0.

    compile() puts the optimizer into one of these under the policy mixed_float16, unless auto_scale_loss=False.
    Raises ValueError for dynamic=False, and for arguments that belong to the inner optimizer.

    Args:
        inner_optimizer: what updates the variables, by the gradients divided by the scale again
        initial_scale: what the loss is multiplied by at first
        dynamic_growth_steps: after so many updates the scale doubles; a gradient that is not finite halves it instead,
            and that update does not happen

    Example:
        >>> optimizers.LossScaleOptimizer(optimizers.SGD(0.1)).initial_scale
        32768.0
    """

    def __init__(self, inner_optimizer, initial_scale=2.0 ** 15, dynamic_growth_steps=2000, name=None, **kwargs):
        if not kwargs.pop("dynamic", True):
            raise ValueError("LossScaleOptimizer: expected dynamic=True, received False: use loss_scale_factor= of the "
                             "inner optimizer instead")
        given = sorted(k for k, v in kwargs.items() if k in OPTIONS and v and not (k == "ema_momentum" and v == 0.99))
        if given:
            raise ValueError(f"LossScaleOptimizer: expected {', '.join(given)} to be given to the inner optimizer")
        check_keywords("LossScaleOptimizer", [k for k in kwargs if k not in OPTIONS], OPTIONS)
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # else gradients would be scaled twice

    def build(self, variables):
        super().build(variables)
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), Constant(self.initial_scale), "float32", "dynamic_scale")
        self.inner_optimizer.build(variables)

    def flatten(self, variables=None):
        self._ensure_built(variables)
        self.inner_optimizer.flatten()

    @property
    def variables(self) -> list:
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    @iterations.setter
    def iterations(self, value):
        self.inner_optimizer.iterations = value

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.inner_optimizer.learning_rate = value

    @property
    def host_rate(self) -> bool:
        return self.inner_optimizer.host_rate

    def refresh_rate(self):
        self.inner_optimizer.refresh_rate()

    def scale_loss(self, loss):
        """The loss as it is differentiated.

        Returns:
            The loss, times the scale.
        """
        scale = self.dynamic_scale if self.built else self.initial_scale
        return loss * ops.cast(scale, loss.dtype)

    def apply(self, grads, trainable_variables=None):
        grads = list(grads)
        self._ensure_built(self._trainable_variables if trainable_variables is None else list(trainable_variables))
        ops.cond(self.check_finite(grads), lambda: self._update_by(grads, trainable_variables), self._shrink)

    def check_finite(self, grads):
        """Whether all gradients are finite; None among them counts as finite.

        Returns:
            A boolean scalar.
        """
        finite = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        return ops.all(ops.stack(finite)) if finite else True

    def _update_by(self, grads, trainable_variables):
        scale = self.dynamic_scale.value
        variables = self._trainable_variables if trainable_variables is None else trainable_variables
        grads = [g if g is None or v.overwrite_with_gradient else ops.cast(g, "float32") / scale
                 for g, v in zip(grads, variables, strict=True)]
        self.inner_optimizer.apply(grads, trainable_variables)
        grows = ops.equal(self.step_counter.value, self.dynamic_growth_steps - 1)
        self.dynamic_scale.assign(ops.where(grows, scale * 2.0, scale))
        self.step_counter.assign(ops.where(grows, 0, self.step_counter.value + 1))

    def _shrink(self):
        self.step_counter.assign(ops.zeros((), "int32"))
        self.dynamic_scale.assign(self.dynamic_scale.value * 0.5)

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
