"""One call of a layer: its arguments by name, the shapes for build(), and the context that enclosing calls give."""
from __future__ import annotations

import contextlib
import inspect
import threading

import numpy as np

from kgraph import tree
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.loopnest.dtypes import is_float, kind_of, numpy_dtype
from kgraph.compiler.trace import Tensor, current_trace
from kgraph.graph import get_mask, set_mask, shape_with_none
from kgraph.naming import warn_at_user
from kgraph.ops.core import with_sizes

__all__ = ["Call", "as_input", "current_training", "entered", "has_made_weights", "in_step", "is_inside_call",
           "outputs_as_described", "shapes_for", "shapes_of"]


class _Contexts(threading.local):
    def __init__(self):
        self.training = []  # the `training` of each enclosing call, outermost first
        self.step = None    # the model whose step is run or traced
        self.made = {}      # layers that made weights inside the step, or else the outermost call


_contexts = _Contexts()


@contextlib.contextmanager
def entered(layer):
    """Inside a call of `layer`. Gives the `training` of the enclosing call; the outermost call forgets old losses."""
    stack = _contexts.training
    if not stack:
        if _contexts.step is None:
            _contexts.made = {}
        layer._clear_losses()
    stack.append(stack[-1] if stack else None)
    try:
        yield stack
    finally:
        stack.pop()
    if not stack and _contexts.step in (None, layer) and _contexts.made:
        _say_strangers(layer, f"the call of {layer.name!r}")


@contextlib.contextmanager
def in_step(model):
    """Inside a step of `model`, which may call layers as it likes, but those that it holds."""
    outer, _contexts.step, _contexts.made = _contexts.step, model, {}
    try:
        yield
    finally:
        _contexts.step = outer
    if _contexts.made:
        _say_strangers(model, f"a step of {model.name!r}")


def current_training() -> bool | None:
    """The `training` of the layer's call that is running in this thread."""
    return _contexts.training[-1] if _contexts.training else None


def is_inside_call() -> bool:
    """Whether a layer is being called in this thread."""
    return bool(_contexts.training)


def has_made_weights(layer):
    """Told by a layer that made weights: inside a call or step it has to be one that is held by whose it is."""
    if _contexts.training or _contexts.step is not None:
        _contexts.made[id(layer)] = layer


def _say_strangers(outermost, where):
    """Warn of layers that made weights inside a call or step of a layer and are no part of it."""
    made, _contexts.made = _contexts.made, {}
    held = {id(layer) for layer in outermost._all_layers()}
    names = [layer.name for key, layer in made.items() if key not in held]
    if names:
        warn_at_user(f"layer {', '.join(map(repr, names[:5]))} made weights inside {where}, "
                     "which does not hold it in an attribute: these weights are not trained, not saved, and made anew "
                     "for each step that is compiled. Make layers in __init__() or build(), and keep them in self")


class Call:
    """The arguments of one call, bound to the names in the signature of `layer.call`."""

    def __init__(self, layer, args, kwargs):
        signature = layer._call_signature()
        self.training = kwargs.pop("training", None) if "training" not in signature.parameters else None
        try:
            self.bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"layer {layer.name!r} ({type(layer).__name__}): {error}; call{signature} received "
                            f"{len(args)} positional arguments and keywords {sorted(kwargs)}") from None
        self.parameters = signature.parameters
        first = next(iter(self.parameters), None)
        self.first = self.bound.arguments.get(first)
        if self.parameters and self.parameters[first].kind is inspect.Parameter.VAR_POSITIONAL and self.first:
            self.first = self.first[0]

    @property
    def needs_first(self) -> bool:
        """Whether the first argument has no default."""
        first = next(iter(self.parameters.values()), None)
        return first is not None and first.kind is first.POSITIONAL_OR_KEYWORD and first.default is first.empty

    @property
    def args(self):
        return self.bound.args

    @property
    def kwargs(self):
        return self.bound.kwargs

    def get(self, name):
        return self.bound.arguments.get(name)

    def accepts(self, name) -> bool:
        return name in self.parameters

    def put(self, name, value):
        arguments = {**self.bound.arguments, name: value}
        for key in list(self.bound.arguments):
            del self.bound.arguments[key]
        self.bound.arguments.update((key, arguments[key]) for key in self.parameters if key in arguments)

    def tensors(self) -> dict:
        """name -> value, for the arguments made of tensors."""
        return {name: value for name, value in self.bound.arguments.items() if _is_tensors(value)}


def _is_tensors(x) -> bool:
    leaves = tree.flatten(x)
    return any(isinstance(leaf, TensorLike) for leaf in leaves) and all(
        leaf is None or isinstance(leaf, TensorLike) for leaf in leaves)


def as_input(x, dtype: str):
    """x as a layer works on it: arrays become Tensors, and floats get the layer's dtype; arrays of text stay."""
    if isinstance(x, TensorLike):
        return _cast(x, dtype)
    if isinstance(x, (np.ndarray, np.generic)) or (hasattr(x, "__array__") and hasattr(x, "shape")):
        array = np.asarray(x)
        if kind_of(array.dtype) == "f" and is_float(dtype):
            array = array.astype(numpy_dtype(dtype), copy=False)
        return Tensor(array) if kind_of(array.dtype) in "fiub" else array
    return x


def _cast(x, dtype):
    from kgraph import ops
    if x.dtype == dtype or not (is_float(x.dtype) and is_float(dtype)):
        return x
    return ops.cast(x, dtype)


def shapes_for(method, call: Call, layer) -> dict:
    """The keyword arguments for build() or compute_output_shape(): shapes (None where unknown) of the call's tensors.

    A method with one parameter gets the first shape; several parameters are called `<argument>_shape`.
    """
    shapes = shapes_of(call)
    names = [p.name for p in inspect.signature(method).parameters.values() if p.kind is not p.VAR_KEYWORD]
    if len(names) == 1:
        return {names[0]: next(iter(shapes.values()), None)}
    for name in names:
        if not name.endswith("_shape") or not call.accepts(name.removesuffix("_shape")):
            raise ValueError(f"layer {layer.name!r}: expected the parameters of {method.__name__}() to be named after "
                             f"those of call(), such as inputs_shape, received {name!r}")
    return {name: shape for name, shape in shapes.items() if name in names}


def shapes_of(call: Call) -> dict:
    """{"<argument>_shape": shape or nested shapes} of the arguments made of tensors, but for the mask."""
    shape = lambda x: None if x is None else shape_with_none(x.shape)
    return {
        f"{name}_shape": tree.map_structure(shape, value) for name, value in call.tensors().items() if name != "mask"
    }


def outputs_as_described(layer, call: Call, spec):
    """The outputs of a traced call, with the sizes that spec (KTensors) has and the trace leaves open.

    Where call() cannot be traced, values of these types stand for its outputs. Where it gives other shapes than spec
    says, there is a warning, and call() counts.
    """
    try:
        outputs = layer.call(*call.args, **call.kwargs)
    except (TypeError, ValueError, AttributeError, NotImplementedError):  # again when it runs, if at all
        return tree.map_structure(lambda k: current_trace().add_input(k.type), spec)
    given, said = tree.flatten(outputs), tree.flatten(spec)
    sizes = [_sizes_of_both(x.shape, k.type.shape) for x, k in zip(given, said) if isinstance(x, TensorLike)]
    if len(sizes) != len(given) or len(given) != len(said) or None in sizes:
        warn_at_user(f"layer {layer.name!r} ({type(layer).__name__}): compute_output_shape() or compute_output_spec() "
                     f"says {_shape_texts(said)}, but call() gives {_shape_texts(given)}, which counts")
        return outputs
    sized = [with_sizes(x, s, f"layer {layer.name!r}") for x, s in zip(given, sizes)]
    for x, y in zip(given, sized):
        set_mask(y, get_mask(x))
    return tree.pack_sequence_as(outputs, sized)


def _sizes_of_both(shape, other):
    """shape with the known sizes of the other one; None where they contradict each other."""
    pairs = list(zip(shape, other))
    if len(shape) != len(other) or any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in pairs):
        return None
    return tuple(b if isinstance(b, int) else a for a, b in pairs)


def _shape_texts(tensors) -> str:
    return ", ".join(str(shape_with_none(x.shape)) for x in tensors if isinstance(x, TensorLike))
