"""Operations, and the Nodes that record their calls on KTensors.

Nothing is computed while recording. An abstract trace of the operation's own call gives the types of its results, so
shapes have one rule only: that of the primitives. Links are objects; indices are computed where a user asks for them.
"""
from __future__ import annotations

import functools
import inspect

from kgraph import budget, tree
from kgraph.compiler.ir import TensorLike, TensorType, Value
from kgraph.compiler.loopnest.dtypes import is_float
from kgraph.compiler.prims.move import reshape_p
from kgraph.compiler.trace import Trace, at_scope, bind, current_scope, suspend_recording
from kgraph.graph.op_classes import call_parameters, identity_of
from kgraph.graph.tensor import KTensor, any_symbolic, get_mask, set_mask
from kgraph.naming import auto_name, user_line, warn_at_user
from kgraph.ops import core as ops_core

__all__ = ["MaskOf", "Node", "OpFunction", "Operation", "infer", "record", "record_function"]


class Operation:
    """Something that can be called on KTensors: a layer, or a function of kgraph.ops.

    Args:
        name: by default the class name in snake case, numbered.

    Raises:
        ValueError: name is no text, or has a slash.
    """

    def __init__(self, name: str | None = None):
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(f"{type(self).__name__}: expected a name without '/', received name={name!r}")
        self.name = name or auto_name(type(self).__name__)
        self._nodes: list[Node] = []

    def __call__(self, *args, **kwargs):
        if any_symbolic((args, kwargs)):
            return record(self, args, kwargs)
        return self._run(*args, **kwargs)

    def _run(self, *args, **kwargs):
        """Do the operation on values, traced or concrete."""
        return self.call(*args, **kwargs)

    def call(self, *args, **kwargs):
        """The computation.

        Args:
            args: tensors.

        Returns:
            A tensor, or tensors in a structure.
        """
        raise NotImplementedError(f"{type(self).__name__} {self.name!r} has no call() method")

    def symbolic_call(self, *args, **kwargs):
        """What a call on KTensors gives: KTensors, in the structure of the results.

        Args:
            args: KTensors.

        Returns:
            KTensors.
        """
        return self.compute_output_spec(*args, **kwargs)

    def compute_output_spec(self, *args, **kwargs):
        """What a call would give, as KTensors, without recording it.

        Args:
            args: KTensors.

        Returns:
            KTensors of the shapes and dtypes of the outputs.
        """
        return infer(self._run, *args, **kwargs)

    @property
    def _inbound_nodes(self) -> list:
        """The calls, as Keras keeps them; programs read it, and set it to [] to forget them."""
        return self._nodes

    @_inbound_nodes.setter
    def _inbound_nodes(self, value):
        self._nodes = list(value)

    @property
    def input(self):
        """The input KTensor, or a list of them. AttributeError unless the layer was called exactly once."""
        return _single(self._only_node("input").inputs)

    @property
    def output(self):
        """The output KTensor, or a list of them. AttributeError unless the layer was called exactly once."""
        return _single(self._only_node("output").outputs)

    @property
    def input_shape(self):
        """The shape of the input, or a list of shapes; several calls must agree."""
        return self._common_shape("input")

    @property
    def output_shape(self):
        """The shape of the output, or a list of shapes; several calls must agree."""
        return self._common_shape("output")

    def get_input_at(self, node_index):
        """The input of the call number node_index, from 0.

        Args:
            node_index: the number of the call, from 0.

        Returns:
            A KTensor, or KTensors in a structure.
        """
        return _single(self._node_at(node_index, "input").inputs)

    def get_output_at(self, node_index):
        """The output of the call number node_index, from 0.

        Args:
            node_index: the number of the call, from 0.

        Returns:
            A KTensor, or KTensors in a structure.
        """
        return _single(self._node_at(node_index, "output").outputs)

    def get_input_shape_at(self, node_index):
        """The shape of the inputs of one call.

        Args:
            node_index: the number of the call, from 0.

        Returns:
            A shape, or shapes in a structure.
        """
        return tree.map_structure(lambda t: t.shape, self.get_input_at(node_index))

    def get_output_shape_at(self, node_index):
        """The shape of the outputs of one call.

        Args:
            node_index: the number of the call, from 0.

        Returns:
            A shape, or shapes in a structure.
        """
        return tree.map_structure(lambda t: t.shape, self.get_output_at(node_index))

    def _node_at(self, index, what):
        if not self._nodes:
            raise AttributeError(f"layer {self.name!r} has never been called on a KTensor, so it has no {what}")
        if not -len(self._nodes) <= index < len(self._nodes):
            raise ValueError(f"layer {self.name!r} was called {len(self._nodes)} times: expected a node index below "
                             f"{len(self._nodes)}, received {index}")
        return self._nodes[index]

    def _only_node(self, what):
        if len(self._nodes) > 1:
            raise AttributeError(f"layer {self.name!r} has {len(self._nodes)} nodes (it was called that often), so its "
                                 f"{what} is ambiguous: use get_{what}_at(node_index)")
        return self._node_at(0, what)

    def _common_shape(self, what):
        self._node_at(0, what)
        shapes = [_single([t.shape for t in getattr(node, what + "s")]) for node in self._nodes]
        if any(shape != shapes[0] for shape in shapes):
            raise AttributeError(f"layer {self.name!r} has {len(shapes)} nodes with different {what} shapes: use "
                                 f"get_{what}_shape_at(node_index)")
        return shapes[0]

    def _is_per_sample(self, training) -> bool:
        """Whether each sample's outputs follow from that sample alone, and a call leaves nothing behind: so that
        nobody can tell how many samples a call is given."""
        return False

    def get_config(self) -> dict:
        """What from_config needs to make an equal operation.

        Returns:
            A dict of the settings, from which from_config makes another of its kind.
        """
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """An operation equal to the one whose get_config() this is.

        Args:
            config: what get_config gave.

        Returns:
            A new object of that class.
        """
        return cls(**config)

    def __getstate__(self):
        """For pickle and deepcopy: without the graph that was recorded around the operation."""
        return {**self.__dict__, "_nodes": []}

    def __repr__(self):
        return f"<{type(self).__name__} {self.name}>"


class OpFunction(Operation):
    """A function of kgraph.ops as an operation; `settings` are the arguments, by name, that hold no tensor."""

    def __init__(self, function, /, name=None, **settings):
        self.function = function
        self.settings = settings
        super().__init__(name or auto_name(self._keras_identity()[1]))

    def call(self, *args, **kwargs):
        names = _operands(self.function)
        if any(name.startswith("*") for name in names):  # einsum(subscripts, *operands)
            leading = [p.name for p in _signature(self.function).parameters.values()
                       if p.name in self.settings and p.kind is p.POSITIONAL_OR_KEYWORD]
            rest = {k: v for k, v in self.settings.items() if k not in leading}
            return self.function(*(self.settings[k] for k in leading), *args, **kwargs, **rest)
        if len(args) > len(names):
            raise TypeError(f"{self.name}: expected at most {len(names)} arguments ({', '.join(names)}), received "
                            f"{len(args)}")
        named = dict(zip(names, args))
        if isinstance(named.get("key"), list):  # JSON has no tuples
            named["key"] = tuple(named["key"])
        return self.function(**named, **kwargs, **self.settings)

    def _run(self, *args, **kwargs):
        """The call. Its results carry no mask, also where they are the input itself, but for what hands tensors on."""
        results = self.call(*args, **kwargs)
        if self.function.__name__ in _SAME:
            return results
        return tree.map_structure(lambda x: x if get_mask(x) is None else bind(reshape_p, x, shape=x.shape), results)

    def _is_per_sample(self, training) -> bool:
        return getattr(self.function, "elementwise", False)

    def get_config(self):
        return {"name": self.name, **self.settings}

    def _keras_identity(self):
        return getattr(self.function, "keras_identity", None) or identity_of(self.function.__name__)


@functools.cache
def _signature(function):
    return inspect.signature(function)


@functools.cache
def _operands(function) -> tuple:
    """The names of the arguments that belong to a call, in their order; the others are settings. Keras 3 says which
    they are: some are kept with the call also when they are plain numbers."""
    known = call_parameters(function)
    parameters = _signature(function).parameters.values()
    own = ("*" * (p.kind is p.VAR_POSITIONAL) + p.name for p in parameters if p.kind is not p.VAR_KEYWORD)
    return tuple(own) if known is None else known


_SAME = frozenset("cast convert_to_tensor saturate_cast".split())  # without a copy where there is nothing to do


class MaskOf(Operation):
    """The mask that travels with a tensor, as an operation: so the mask of a KTensor can be used in a model."""

    def call(self, x):
        return get_mask(x)

    def _is_per_sample(self, training) -> bool:
        return True

    def _keras_identity(self):
        return "kgraph.ops", "MaskOf", None


class Node:
    """One call event: operation(*args, **kwargs) gave results. inputs and outputs are the KTensors among them."""

    __slots__ = ("operation", "args", "kwargs", "inputs", "outputs", "results", "places", "place", "__weakref__")

    def __init__(self, operation, args, kwargs, results):
        self.operation = operation
        self.args, self.kwargs = tree.map_structure(lambda x: x, (args, kwargs))
        self.results = results
        self.place = user_line()   # of the call, in the user's program
        self.inputs = [x for x in tree.flatten((self.args, self.kwargs)) if isinstance(x, KTensor)]
        leaves = tree.flatten(results)
        self.places = [i for i, x in enumerate(leaves) if isinstance(x, KTensor)]
        self.outputs = [leaves[i] for i in self.places]
        for index, x in enumerate(self.outputs):
            x.node, x.index = self, index
        operation._nodes.append(self)

    @property
    def is_input(self) -> bool:
        return not self.inputs

    @property
    def index(self) -> int:
        """Which call of its operation this is."""
        return next(i for i, node in enumerate(self.operation._nodes) if node is self)

    # As Keras names them.
    input_tensors = property(lambda self: list(self.inputs))
    output_tensors = property(lambda self: list(self.outputs))
    layer = outbound_layer = property(lambda self: self.operation)
    parent_nodes = property(lambda self: list(dict.fromkeys(x.node for x in self.inputs if x.node is not None)))
    inbound_layers = property(lambda self: _single([x.operation for x in self.inputs]))

    def __repr__(self):
        return f"<Node {self.operation.name} {self.inputs} -> {self.outputs}>"


def infer(f, *args, **kwargs):
    """What f would return, as KTensors without a node: f runs on Values of a trace that is thrown away.

    KTensors and TensorTypes in the arguments stand for tensors of these types. Layers met on the way are built.
    """
    scope = current_scope()
    with suspend_recording(), at_scope(scope), Trace("infer") as trace:
        known = {}
        args, kwargs = tree.map_structure(lambda x: _stand_in(x, trace, known), (args, kwargs))
        return tree.map_structure(_abstract, f(*args, **kwargs))


def record(operation, args, kwargs):
    """Call an operation on KTensors: append a Node and return its output KTensors in the structure of its results."""
    for x in tree.flatten((args, kwargs)):
        if isinstance(x, Value):
            raise TypeError(f"{operation.name}: a KTensor was used together with {x!r}, inside the call of a layer: "
                            "pass the KTensor to that layer as an input")
    budget.spend(budget.OBJECT, "many calls of layers")
    results = operation.symbolic_call(*args, **kwargs)
    if results is None:
        raise ValueError(f"layer {operation.name!r} ({type(operation).__name__}): expected tensors from call(), "
                         "received None: does it lack a return?")
    Node(operation, args, kwargs, results)
    return results


def record_function(function, args, kwargs):
    """Record a call of a kgraph.ops function: its operands stay in the Node, the other arguments become settings."""
    bound = _signature(function).bind(*args, **kwargs)
    operands = [name.lstrip("*") for name in _operands(function)]
    positional, named, settings = [], {}, {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            positional += value
        elif kind is inspect.Parameter.VAR_KEYWORD:
            settings.update(value)
        elif name in operands or any_symbolic(value):
            named[name] = value
        else:
            settings[name] = value
    for name in operands:
        if name not in named:
            break
        positional.append(named.pop(name))
    results = record(OpFunction(function, **settings), tuple(positional), named)
    _warn_of_dropped_masks(function.__name__, (args, kwargs), results)
    return results


def _warn_of_dropped_masks(name, inputs, results):
    """Functions drop masks, as in Keras 3. Say so where the result has the axes that the mask is for."""
    masks = [m for x in tree.flatten(inputs) if (m := get_mask(x)) is not None]
    lost = [x for x in tree.flatten(results) if isinstance(x, KTensor) and is_float(x.dtype)
            and get_mask(x) is None and any(m.shape == x.shape[:m.ndim] and x.ndim > m.ndim for m in masks)]
    if lost:
        warn_at_user(f"ops.{name} drops the mask of its input, as in Keras 3: layers after it count padding too. Use a "
                     "layer instead (Add, Multiply, Activation, Lambda(..., mask=...)), or pass mask= on")


ops_core.record_symbolic = record_function


def _stand_in(x, trace, known):
    if isinstance(x, TensorType):
        return trace.add_input(x)
    if not isinstance(x, KTensor):
        return x
    if x not in known:
        known[x] = trace.add_input(x.type, x.name)
        mask = get_mask(x)
        if mask is not None:
            set_mask(known[x], _stand_in(mask, trace, known))
    return known[x]


def _abstract(x):
    if not isinstance(x, TensorLike):
        return x
    tensor = KTensor(x.type.shape, x.type.dtype)
    mask = get_mask(x)
    if mask is not None:
        mask_tensor = KTensor(mask.type.shape, mask.type.dtype, name=f"{tensor.name}_mask")
        Node(MaskOf(mask_tensor.name), (tensor,), {}, mask_tensor)
        set_mask(tensor, mask_tensor)
    return tensor


def _single(items):
    return items[0] if len(items) == 1 else list(items)
