"""`Layer`: an operation with state."""
from __future__ import annotations

import contextlib
import functools
import inspect
import warnings

import numpy as np

from kgraph import activations, dtype_policies, regularizers, tree
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.compiler.trace import at_scope, current_scope, name_scope, suspend_recording
from kgraph.errors import filtered
from kgraph.graph import KTensor, Operation, any_symbolic, get_mask, infer, record, set_mask
from kgraph.layers.calls import Call, as_input, entered, outputs_as_described, shapes_for, shapes_of
from kgraph.layers.input_spec import check_inputs
from kgraph.layers.reports import Reports
from kgraph.layers.state import Stateful
from kgraph.legacy.defaults import with_defaults_of_version
from kgraph.legacy.layer import Keras2Layer
from kgraph.legacy.words import DECLARED, declared_input, with_old_words
from kgraph.naming import nearest
from kgraph.serialization import serialize_keras_object
from kgraph.stateless import StatelessScope, check_values, values_of
from kgraph.variable import autocasting, scopes

__all__ = ["Layer"]


def _once(build):
    """A subclass's build(), run once, under the layer's name, also when the layer that holds this one calls it.

    It works on shapes alone, so nothing of it is recorded: what it assigns lasts, whatever trace the layer is met in.
    """
    @functools.wraps(build)
    def build_once(self, *args, **kwargs):
        if self._building:
            return build(self, *args, **kwargs)  # a subclass that calls super().build()
        if self._built and not self._can_build_again:
            return None
        self.path = self.path or "/".join(filter(None, (current_scope(), self.name)))
        self._building = True
        with suspend_recording(), at_scope(self.path):
            try:
                build(self, *args, **kwargs)
            finally:
                self._building = False
            self._finish_build(inspect.signature(build).bind(self, *args, **kwargs).arguments)
        return None
    return build_once


class Layer(Keras2Layer, Reports, Stateful, Operation):
    """The base class of layers. A subclass writes up to four methods:

    __init__(...)                its settings; it calls super().__init__(**kwargs)
    build(input_shape)           makes the variables with add_weight; the shape has None where a size is not known
    call(inputs, ...)            the computation, written with kgraph.ops; may take `training` and `mask`
    get_config()                 the settings; the default reads attributes named like the parameters of __init__

    Of Keras 2, input_shape, input_dim, input_length, batch_input_shape, batch_size, input_dtype and weights are taken.

    Args:
        activity_regularizer: a function of the outputs that is added to the loss: see kgraph.regularizers.
        trainable: whether training changes the variables
        dtype: of the computation and of the variables, by default config.floatx()
        name: by default the class name in snake case, numbered
        autocast: whether floats that it is called with become its compute dtype.

    Raises:
        ValueError: trainable is no bool, or an argument is not known.

    Example:
        >>> class Twice(kgraph.Layer):
        ...     def call(self, inputs):
        ...         return 2 * inputs
        >>> Twice()(np.float32([1, 2]))
        <Tensor f32[2] [2. 4.]>
    """

    supports_jit = True
    takes_text = False  # whether arrays of strings reach call() as they are
    _told = ()  # settings that Keras writes into the config of a class also where they are None
    _dtype_by_name = False  # whether Keras writes the dtype of a class as its name, not as a policy
    _can_build_again = False
    _has_no_state = False  # whether the layers of a class count as built as soon as they are made, as Keras has it

    def __init__(self, *, activity_regularizer=None, trainable=True, dtype=None, autocast=True, name=None, **kwargs):
        super().__init__(name=name)
        self._declared_shape, self._declared_dtype, self._initial_weights = declared_input(kwargs)
        self._refuse(kwargs)
        if not isinstance(trainable, (bool, np.bool_)):
            raise ValueError(f"layer {self.name!r}: expected trainable to be True or False, received {trainable!r}")
        self.dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self._built = self._building = False
        self.path = None
        self._supports_masking = type(self).compute_mask is not Layer.compute_mask
        self._input_spec = None
        self._trainable = bool(trainable)
        self._losses = []
        self._build_shapes = None
        self._warned_mask = False

    def _refuse(self, unknown):
        """Raises TypeError for the first of some arguments that no layer has."""
        for name, value in unknown.items():
            known = [*inspect.signature(type(self).__init__).parameters, "activity_regularizer", "trainable", "dtype",
                     "autocast", "name", *DECLARED]
            raise TypeError(f"{type(self).__name__}: unknown argument {name!r}, received {name}={value!r}."
                            f"{nearest(name, known)}")

    # ------------------------------------------------------------------ dtypes
    @property
    def compute_dtype(self) -> str:
        """The dtype in which call() computes; float inputs are cast to it."""
        return self.dtype_policy.of(self.__dict__.get("path")).compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.dtype_policy.of(self.__dict__.get("path")).variable_dtype

    dtype = variable_dtype

    @property
    def input_dtype(self) -> str:
        return self.compute_dtype

    # ------------------------------------------------------------------ properties, for subclasses to override
    @property
    def built(self) -> bool:
        """Whether the variables are made, or there are none to make."""
        return self._built or self._has_no_state

    @built.setter
    def built(self, value):
        self._built = value

    @property
    def supports_masking(self) -> bool:
        """Whether the outputs have a mask: what compute_mask() says. True for a class that overrides compute_mask()."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value):
        self._supports_masking = value

    @property
    def input_spec(self):
        """What the first argument of a call has to be: an InputSpec, several, or None."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value):
        self._input_spec = value

    # ------------------------------------------------------------------ what subclasses write
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.__dict__["build"])
            if not cls.__module__.startswith("kgraph.layers."):
                cls._has_no_state = False
        if "__init__" in cls.__dict__ and cls.__module__.startswith("kgraph.layers."):
            cls.__init__ = with_old_words(with_defaults_of_version(cls.__dict__["__init__"]))

    @_once
    def build(self, input_shape):
        """Make the variables. The default makes none: layers that this one holds are built when they are called.

        Args:
            input_shape: of the inputs, None for a size that varies; of several inputs, in their structure.
        """

    def call(self, *args, **kwargs):
        raise NotImplementedError(f"layer {self.name!r} ({type(self).__name__}) has no call() method")

    def compute_mask(self, inputs, previous_mask=None):
        """The mask of the outputs, from the inputs and their mask(s). The default hands the mask on.

        Returns:
            Bools, or None.
        """
        return previous_mask

    def _is_per_sample(self, training) -> bool:
        """Known of kgraph's own layers only, with kgraph's own activations, if those that they hold are so too."""
        code = [type(self), *(value for name, value in vars(self).items() if name.endswith("activation"))]
        return (all((x.__module__ or "").startswith("kgraph.") for x in code if x is not None)
                and self.activity_regularizer is None
                and all(layer._is_per_sample(training) for layer in self._sublayers()))

    # ------------------------------------------------------------------ calling
    @filtered
    def __call__(self, *args, **kwargs):
        if "_nodes" not in self.__dict__:
            raise RuntimeError(f"{type(self).__name__}: expected super().__init__() to be called in __init__")
        if any_symbolic((args, kwargs)):
            return record(self, args, kwargs)
        return self._run(*args, **kwargs)

    def _run(self, *args, **kwargs):
        """One call on values, concrete or traced."""
        return self._run_with(self._call_with_context, args, kwargs)

    def _run_with(self, compute, args, kwargs):
        """One call on values: convert, check, build, outputs = compute(a Call), then losses and masks."""
        with entered(self) as trainings:
            call = self._bind(args, kwargs)
            if call.first is None and call.needs_first and type(self).__module__.startswith("kgraph.layers."):
                raise ValueError(f"layer {self.name!r}: expected a tensor, received None: does a call() before it lack "
                                 "a return?")
            self._check_inputs(call.first)
            self._ensure_built(call)
            with self._scope(), self._autocasting():
                self._pass_training(call, trainings)
                mask = self._pass_masks(call)
                outputs = compute(call)
                self._add_activity_losses(outputs)
            self._carry_masks(call.first, outputs, mask)
        return outputs

    def _call_with_context(self, call):
        """call(), with the layer and the shapes it was given added to what goes wrong inside."""
        try:
            return self.call(*call.args, **call.kwargs)
        except Exception as error:
            shapes = ", ".join(f"{name.removesuffix('_shape')}: {shape}" for name, shape in shapes_of(call).items())
            error.add_note(f"in the call of layer {self.name!r} ({type(self).__name__}) on {shapes}")
            raise

    def symbolic_call(self, *args, **kwargs):
        """What a call on KTensors gives. The layer is built, and call() traced. A compute_output_spec() or
        compute_output_shape() of a subclass is asked too: for sizes that call() leaves open, and in place of a call()
        that cannot be traced."""
        if not (_overridden(self, "compute_output_spec") or _overridden(self, "compute_output_shape")):
            return super().symbolic_call(*args, **kwargs)

        def compute(call):
            with suspend_recording():
                spec = self.compute_output_spec(*args, **kwargs)
            return outputs_as_described(self, call, spec)
        return infer(lambda *a, **k: self._run_with(compute, a, k), *args, **kwargs)

    @filtered
    def stateless_call(self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs):
        """A call as a function of the state too: (outputs, values of non_trainable_variables after it), and with
        return_losses the losses of the call as a third.

        Raises ValueError for another number of values, and for a layer that is not built. Nothing is changed.

        Args:
            trainable_variables, non_trainable_variables: one value for each variable of these properties
            args: what the layer is called with.
            return_losses: give the losses too. False by default.

        Returns:
            (outputs, new values of the non-trainable variables), and with return_losses the losses.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r}: expected a layer that is built, for stateless_call; call it on "
                             "data before, or layer.build(input_shape)")
        where = f"layer {self.name!r}: stateless_call"
        with StatelessScope([
                *check_values(where, "trainable_variables", trainable_variables, self.trainable_variables),
                *check_values(where, "non_trainable_variables", non_trainable_variables,
                              self.non_trainable_variables)]):
            outputs = self(*args, **kwargs)
            after = values_of(self.non_trainable_variables)
            return (outputs, after, list(self.losses)) if return_losses else (outputs, after)

    def _bind(self, args, kwargs) -> Call:
        args, kwargs = tree.map_structure(self._convert, (args, kwargs))
        return Call(self, args, kwargs)

    def _check_inputs(self, inputs):
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self.name)

    def _convert(self, x):
        if not self.takes_text and getattr(getattr(x, "dtype", None), "kind", "f") in "USOT":
            raise TypeError(f"layer {self.name!r}: expected numbers, received an array of dtype {x.dtype}")
        y = as_input(x, self.input_dtype if self.autocast else "")
        if y is not x and isinstance(x, TensorLike):
            set_mask(y, get_mask(x))
        return y

    def _call_signature(self):
        if "_signature" not in self.__dict__:
            self._signature = inspect.signature(self.call)
        return self._signature

    def _scope(self):
        return name_scope(self.name)

    def _autocasting(self):
        """Variables are read in the dtype that call() computes in, where that is another one than theirs."""
        outer, own = scopes.autocast, self.compute_dtype
        if outer is False and own == self.variable_dtype:
            return contextlib.nullcontext()
        casts = outer is False or self.autocast and is_float(own)
        return autocasting(own if casts else None)

    def _ensure_built(self, call):
        if self._built or self._building:
            return
        self.build(**shapes_for(self.build, call, self))
        self._check_inputs(call.first)

    def _finish_build(self, shapes):
        self._build_shapes = {name: shape for name, shape in shapes.items() if name != "self" and shape is not None}
        self._built = True
        if self._initial_weights is not None:
            given, self._initial_weights = self._initial_weights, None
            self.set_weights(given if isinstance(given, (list, tuple)) else [given])

    def _pass_training(self, call, trainings):
        """An argument given to the call, else what the enclosing call got, else the default in the signature."""
        value = call.training if call.training is not None else call.get("training")
        if value is None:
            value = trainings[-1]
        if value is None and call.accepts("training"):
            default = call.parameters["training"].default
            value = None if default is inspect.Parameter.empty else default
        trainings[-1] = value
        if value is not None and call.accepts("training"):
            call.put("training", value)

    def _pass_masks(self, call):
        """Fill `mask` (or `<argument>_mask`) parameters that were not given from the tensors. Gives the first mask."""
        tensors = call.tensors()
        given = {name for name in tensors if name == "mask" or name.endswith("_mask")}
        inputs = {name: value for name, value in tensors.items() if name not in given}
        if len(inputs) == 1 and call.accepts("mask") and call.get("mask") is None:
            call.put("mask", _some(tree.map_structure(get_mask, next(iter(inputs.values())))))
        elif len(inputs) > 1:
            for name, value in inputs.items():
                mask_name = f"{name}_mask"
                if call.accepts(mask_name) and call.get(mask_name) is None:
                    call.put(mask_name, _some(tree.map_structure(get_mask, value)))
        if call.accepts("mask") and call.get("mask") is not None:
            return call.get("mask")
        return _some(tree.map_structure(get_mask, call.first))

    def _carry_masks(self, inputs, outputs, mask):
        if not self.supports_masking:
            if mask is not None and not self._warned_mask:
                self._warned_mask = True
                warnings.warn(f"layer {self.name!r} ({type(self).__name__}) received an input with a mask, but does "
                              "not support masks: layers after it will not see the mask", stacklevel=2)
            return
        tensors = tree.flatten(outputs)
        if all(get_mask(x) is not None for x in tensors):
            return
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        for x, m in zip(tensors, tree.flatten(masks)):
            if m is not None and isinstance(x, TensorLike) and get_mask(x) is None:
                set_mask(x, m)

    # ------------------------------------------------------------------ shapes
    def compute_output_shape(self, *args, **kwargs):
        """The shape(s) of the outputs for input shape(s) with None where a size is not known. Builds the layer.

        Returns:
            A shape, or shapes in a structure.
        """
        shapes = [*args, *kwargs.values()]
        inputs = [map_shapes(lambda s: KTensor(s, self._shape_dtype()), shape) for shape in shapes]
        return tree.map_structure(lambda x: x.shape, infer(self._run, *inputs))

    def compute_output_spec(self, *args, **kwargs):
        """What a call would give, as KTensors, without recording it: as a subclass's compute_output_shape() says, else
        found by tracing call()."""
        if not _overridden(self, "compute_output_shape"):
            return super().compute_output_spec(*args, **kwargs)
        shapes = self.compute_output_shape(**shapes_for(self.compute_output_shape, Call(self, args, kwargs), self))
        return map_shapes(lambda s: KTensor(s, self.compute_dtype), shapes)

    def _shape_dtype(self):
        return self.input_dtype

    # ------------------------------------------------------------------ config
    def _policies(self):
        """The layer's policy; where layers that it makes itself are quantized, with theirs."""
        policies = {la.path: la.dtype_policy for la in self._all_layers()[1:]
                    if la.path and getattr(la.dtype_policy, "quantization_mode", None) is not None}
        if not policies or isinstance(self.dtype_policy, dtype_policies.DTypePolicyMap):
            return self.dtype_policy
        return dtype_policies.DTypePolicyMap(self.dtype_policy, policies)

    def get_config(self) -> dict:
        config = {
            **super().get_config(),
            "trainable": self.trainable,
            "dtype": self.dtype if self._dtype_by_name else dtype_policies.serialize(self._policies()),
            **dict.fromkeys(self._told),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config.__qualname__ in ("Layer.get_config", "Model.get_config"):
            return self._config_from_attributes(config)
        return config

    def settings(self, *names) -> dict:
        """{name: the attribute of that name as plain data}, for get_config.

        Args:
            names: of attributes.
        """
        return {name: activations.serialize(getattr(self, name)) if name.endswith("activation")
                else serialize_keras_object(getattr(self, name)) for name in names}

    def _config_from_attributes(self, config) -> dict:
        """The config of a subclass without get_config: attributes named like the parameters of its __init__."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            config = {name: value for name, value in config.items() if name in {p.name for p in parameters}}
        for parameter in parameters:
            name = parameter.name
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or name in (
                "self",
                "autocast",
                *config,
            ):
                continue
            value = getattr(self, name, config)
            if (
                not all(x is None or isinstance(x, (str, int, float, bool)) for x in tree.flatten(value))
                or value is config
            ):
                raise NotImplementedError(
                    f"{type(self).__name__} needs a get_config(): expected an attribute {name!r} made "
                    f"of plain values, for that parameter of its __init__, received "
                    f"{'none' if value is config else repr(value)}"
                )
            config[name] = value
        return config

    def get_build_config(self) -> dict | None:
        """The shapes with which the layer was built, or None."""
        if not self._build_shapes or type(self).build is Layer.build:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": dict(self._build_shapes)}

    def build_from_config(self, config: dict):
        """Build with what get_build_config() gave."""
        if self._built or not config:
            return
        if "shapes_dict" in config:
            self.build(**{name: as_shape(shape) for name, shape in config["shapes_dict"].items()})
        elif config.get("input_shape") is not None:
            self.build(as_shape(config["input_shape"]))

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _some(masks):
    """masks, or None when there is no mask among them."""
    return masks if any(m is not None for m in tree.flatten(masks)) else None


def _overridden(layer, name) -> bool:
    """Whether a class of the user's defines that method."""
    return not getattr(type(layer), name).__module__.startswith("kgraph.")


def is_shape(x) -> bool:
    return isinstance(x, (tuple, list)) and all(s is None or isinstance(s, (int, np.integer)) for s in x)


def map_shapes(f, x):
    """f applied to each shape in nested lists and dicts of shapes."""
    if x is None or is_shape(x):
        return None if x is None else f(tuple(x))
    if isinstance(x, dict):
        return {key: map_shapes(f, value) for key, value in x.items()}
    return [map_shapes(f, value) for value in x]


def as_shape(x):
    """Shapes as tuples, nested as they were (JSON has lists only)."""
    return map_shapes(tuple, x)
