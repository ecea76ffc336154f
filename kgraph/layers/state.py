"""The state of a layer: its variables, and those of the layers that it holds."""
from __future__ import annotations

import numpy as np

from kgraph import constraints, initializers, regularizers, watch
from kgraph.layers.calls import has_made_weights
from kgraph.legacy.words import ADD_WEIGHT
from kgraph.naming import check_keywords
from kgraph.ops import core as ops_core
from kgraph.random import SeedGenerator
from kgraph.tables import kind_of
from kgraph.variable import Variable, mark_trainable

__all__ = ["Reading", "Stateful", "Untracked"]

_ORDER = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint", "aggregation",
                 "overwrite_with_gradient", "name")
_NO_EFFECT = ("aggregation",)


class Reading:
    """An attribute that is computed until the layer is given one of that name: Keras's own, which programs read."""

    def __init__(self, compute):
        self.compute = compute

    def __get__(self, layer, owner=None):
        return self if layer is None else self.compute(layer)


class Stateful:
    """What a layer knows of its variables. They are found where they are kept: in what add_weight made, and in the
    attributes (also in lists, tuples and dicts) of the layer and of the layers found there."""

    quantization_mode = None   # the layers that can be quantized have one then
    # attributes that hold no layers and variables, or some that others hold
    _stateless = frozenset({"_nodes", "_losses", "_build_shapes", "_frozen"})

    def add_weight(self, *args, **kwargs):
        """Make a variable of the layer: add_weight(shape, initializer, dtype, trainable, autocast, regularizer,
        constraint, aggregation, overwrite_with_gradient, name).

        shape        ints; () by default
        initializer  what initializers.get accepts; by default glorot_uniform for floats, zeros else
        dtype        by default the layer's
        trainable    whether training changes it
        regularizer, constraint   of this variable
        autocast     whether the layer reads it in the dtype that it computes in
        overwrite_with_gradient   whether optimizers put its gradient in its place
        aggregation  accepted as Keras has it, without effect
        A name first means the order of Keras 2: name, shape, dtype, initializer, regularizer, trainable, constraint.
        Raises ValueError for a size that is not known.
        """
        order = ADD_WEIGHT if args and isinstance(args[0], str) else _ORDER
        given = dict(zip(order, args))
        check_keywords(f"layer {self.name!r}: add_weight", [n for n in kwargs if n in given or n not in _ORDER],
                       [n for n in _ORDER if n not in given])
        return self._make_weight(
            **{name: value for name, value in {**given, **kwargs}.items() if name not in _NO_EFFECT}
        )

    def add_variable(self, shape, initializer, dtype=None, trainable=True, autocast=True, regularizer=None,
                     constraint=None, name=None):
        """add_weight() by another name."""
        return self.add_weight(shape=shape, initializer=initializer, dtype=dtype, trainable=trainable,
                               autocast=autocast, regularizer=regularizer, constraint=constraint, name=name)

    def _make_weight(self, shape=(), initializer=None, dtype=None, trainable=True, autocast=True, regularizer=None,
                     constraint=None, overwrite_with_gradient=False, name=None):
        dtype = ops_core.standardize_dtype(dtype or self.variable_dtype)
        shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape or ())
        name = name or "variable"
        if not all(isinstance(size, (int, np.integer)) for size in shape):
            raise ValueError(f"layer {self.name!r}: expected a shape of known sizes for the weight {name!r}, received "
                             f"{shape}: give the layer an input whose sizes there are known")
        if initializer is None:
            initializer = "glorot_uniform" if ops_core.is_float_dtype(dtype) else "zeros"
        shape, path = tuple(map(int, shape)), f"{self.path or self.name}/{name}"
        variable = kind_of(path, shape)(
            initializers.get(initializer), shape=shape, dtype=dtype, trainable=bool(trainable), autocast=autocast,
            name=name, path=path, regularizer=regularizers.get(regularizer), constraint=constraints.get(constraint))
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._add_own([variable])
        has_made_weights(self)
        if not self.trainable:
            self._freeze()
        return variable

    # ------------------------------------------------------------------ what the layer holds
    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name not in self._stateless:
            watch.changed(searches=not isinstance(value, watch.PLAIN), flags=name == "_trainable")

    def __delattr__(self, name):
        super().__delattr__(name)
        watch.changed()

    def _held(self, kind) -> list:
        """The objects of that kind among the attributes, and inside lists, tuples and dicts there."""
        found = {}
        for name, value in vars(self).items():
            if isinstance(value, (kind, dict, list, tuple)) and name not in self._stateless:
                _collect(value, kind, found)
        return list(found.values())

    def _remember(self, name, find):
        """The result of a search through this layer and all below it; see kgraph.watch. A list is the caller's own."""
        return list(watch.remember(self, name, find, self._containers))

    def _containers(self) -> list:
        """The lists and dicts in attributes of this layer and those below it, which change without a word."""
        found = {}
        for layer in self._find_layers():
            for name, value in vars(layer).items():
                if isinstance(value, (dict, list, tuple)) and name not in layer._stateless:
                    _collect_containers(value, found)
        return [c for c in found.values() if not isinstance(c, tuple)]

    def _sublayers(self) -> list:
        return self._held(Stateful)

    def _all_layers(self) -> list:
        """This layer and all below it, each once, parents first."""
        return self._remember("layers", self._find_layers)

    def _find_layers(self) -> list:
        found, stack = {}, [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                stack += reversed(layer._sublayers())
        return list(found.values())

    def _own_variables(self) -> list:
        """The layer's own variables, those that training may change first."""
        frozen = self.__dict__.get("_frozen", ())
        trains = lambda v: v.trainable or any(v is f for f in frozen)
        own = self._held(Variable)
        return [v for v in own if trains(v)] + [v for v in own if not trains(v)]

    @property
    def weights(self) -> list:
        """All variables but those of random generators and metrics, the layer's own first."""
        return self._remember("weights", lambda: _unique(
            v for layer in self._all_layers() for v in layer._own_variables()))

    @property
    def variables(self) -> list:
        """All variables, the states of random generators included."""
        return self._remember("variables", lambda: _unique(
            v for layer in self._all_layers()
            for v in (*layer._own_variables(), *(g.state for g in layer._held(SeedGenerator)))))

    @property
    def trainable_weights(self) -> list:
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @trainable_weights.setter
    def trainable_weights(self, variables):
        self._say_what_trains(variables)

    def _add_own(self, variables):
        self._added_weights = (*self.__dict__.get("_added_weights", ()), *variables)

    @property
    def non_trainable_weights(self) -> list:
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @non_trainable_weights.setter
    def non_trainable_weights(self, variables):
        self._say_what_stays(variables)

    @property
    def trainable_variables(self) -> list:
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list:
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    _layers = Reading(lambda self: self._sublayers())
    _trainable_weights = _trainable_variables = Reading(
        lambda self: [v for v in self._own_variables() if v.trainable])
    _non_trainable_weights = _non_trainable_variables = Reading(
        lambda self: [v for v in self._own_variables() if not v.trainable])

    @property
    def trainable(self) -> bool:
        """Whether training changes the variables. Setting it sets the layers that this one holds too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        for layer in self._all_layers():
            layer._set_own_trainable(bool(value))

    def _set_own_trainable(self, value):
        """Of this layer and its own variables alone."""
        self._trainable = value
        self._unfreeze() if value else self._freeze()

    def _freeze(self):
        frozen = self.__dict__.setdefault("_frozen", [])
        for variable in self._remember("own", lambda: self._held(Variable)):
            if variable.trainable:
                mark_trainable(variable, False)
                frozen.append(variable)

    def _unfreeze(self):
        for variable in self.__dict__.pop("_frozen", ()):
            mark_trainable(variable, True)

    # ------------------------------------------------------------------ values
    def get_weights(self) -> list:
        """The values of `weights`, as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights):
        """Assign arrays to `weights`, in that order. ValueError on another number or shape: then nothing is changed."""
        variables, weights = self.weights, list(weights)
        if len(weights) != len(variables):
            raise ValueError(f"layer {self.name!r}: expected {len(variables)} weights, received {len(weights)}")
        problems = [f"{v.path}: expected {v.shape}, received {np.shape(w)}"
                    for v, w in zip(variables, weights) if v.shape != np.shape(w)]
        if problems:
            raise ValueError(f"layer {self.name!r}: weights of the wrong shape: " + "; ".join(problems))
        for variable, value in zip(variables, weights):
            variable.assign(value)

    def quantize(self, mode=None, type_check=True, config=None):
        """Refused: see Dense, EinsumDense, Embedding, convolutions and recurrent layers, and Model.quantize for all
        in a model.

        Raises NotImplementedError.

        Args:
            mode, type_check, config: as there.
        """
        raise NotImplementedError(f"layer {self.name!r}: {type(self).__name__} does not say how it is quantized")

    def count_params(self) -> int:
        """The number of scalars in `weights`. ValueError before the layer is built."""
        if not self.built:
            raise ValueError(f"layer {self.name!r} is not built yet, so its weights are not known: call it on data, or "
                             "layer.build(input_shape)")
        return sum(v.size for v in self.weights)

    def _stored_variables(self) -> list | None:
        """Those of the layer's own variables that files hold, in their order; None where only save_own_variables
        knows."""
        return self._own_variables()

    def save_own_variables(self, store):
        """Put the layer's own variables into a dict-like store, under "0", "1" ..."""
        for i, variable in enumerate(self._stored_variables()):
            store[str(i)] = variable

    def load_own_variables(self, store):
        """Assign what save_own_variables put into the store."""
        own = self._stored_variables()
        if len(store.keys()) != len(own):
            raise ValueError(f"layer {self.name!r}: expected {len(own)} variables ({', '.join(v.name for v in own)}), "
                             f"received {len(store.keys())}" + ("" if self.built else ": the layer is not built"))
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])

    def __getstate__(self):
        """For pickle and deepcopy: without the graph that was recorded around the layer."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("_signature", "_remembered")}
        return {**state, "_nodes": [], "_losses": [x for x in self._losses if callable(x)]}


class Untracked:
    """Holds variables or layers that the layer which has it in an attribute shall not find."""

    def __init__(self, value):
        self.value = value


def _collect(x, kind, found):
    if isinstance(x, kind):
        found[id(x)] = x
    elif isinstance(x, (dict, list, tuple)):
        children = x.values() if isinstance(x, dict) else x
        if not isinstance(next(iter(children), None), (str, int, float)):  # a vocabulary may be long
            for child in children:
                _collect(child, kind, found)


def _collect_containers(x, found):
    if isinstance(x, (dict, list, tuple)) and id(x) not in found:
        children = x.values() if isinstance(x, dict) else x
        if not isinstance(next(iter(children), None), (str, int, float)):
            found[id(x)] = x
            for child in children:
                _collect_containers(child, found)


def _unique(variables) -> list:
    return list({id(v): v for v in variables}.values())
