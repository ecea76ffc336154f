"""Copies of models with new weights."""
from __future__ import annotations

from kgraph import tree
from kgraph.graph import KTensor, replay
from kgraph.layers.base import Layer
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential
from kgraph.serialization.objects import copying_scope

__all__ = ["clone_model", "fresh", "input_like", "same_function"]


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False) -> Model:
    """A model with the same layers, made anew, and new weights.

    Raises ValueError for what is no model, or cannot be made from its config.

    Args:
        input_tensors: KTensors to build the copy on; new Inputs by default
        clone_function: layer -> the layer of the copy; by default one made from the layer's config
        call_function: (layer, *args, **kwargs) -> outputs: how to call a layer of the copy
        recursive: use both inside models that are layers too

    Returns:
        A Model.
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: expected a model, received {model!r} of type {type(model).__name__}")

    def clone(layer):
        if recursive and isinstance(layer, Model):
            return clone_model(layer, clone_function=clone_function, call_function=call_function, recursive=True)
        return clone_function(layer) if clone_function else fresh(layer)

    if isinstance(model, Sequential):
        return _clone_sequential(model, clone, input_tensors)
    if model.is_functional:
        return _clone_functional(model, clone, input_tensors, call_function)
    if clone_function or call_function or input_tensors is not None:
        raise ValueError(f"clone_model: expected a functional or Sequential model with these arguments, received "
                         f"{type(model).__name__} {model.name!r}")
    return fresh(model)


def fresh(layer):
    """A layer made from the config of another."""
    with copying_scope(layer):
        made = type(layer).from_config(layer.get_config())
    if hasattr(layer, "keras_version"):
        made.keras_version = layer.keras_version
    return made


def _clone_sequential(model, clone, input_tensors):
    layers = [clone(layer) for layer in model.layers]
    inputs = tree.flatten(input_tensors) if input_tensors is not None else [
        fresh(layer) for layer in model._stack if isinstance(layer, InputLayer)]
    return Sequential([*inputs, *layers], name=model.name, trainable=model.trainable)


def _clone_functional(model, clone, input_tensors, call_function):
    given = model.inputs if input_tensors is None else tree.flatten(input_tensors)
    if len(given) != len(model.inputs):
        raise ValueError(f"clone_model: expected {len(model.inputs)} input tensors, received {len(given)}")
    inputs = [input_like(x, old, input_tensors is None) for x, old in zip(given, model.inputs)]
    copies = {}

    def call(operation, args, kwargs):
        if operation not in copies:
            copies[operation] = clone(operation) if isinstance(operation, Layer) else same_function(operation)
        function = call_function if call_function and isinstance(operation, Layer) else None
        return function(copies[operation], *args, **kwargs) if function else copies[operation](*args, **kwargs)

    outputs = replay(model._graph, inputs, call)[:len(model.outputs)]
    return type(model)(tree.pack_sequence_as(model.input, inputs), tree.pack_sequence_as(model.output, outputs),
                       name=model.name, trainable=model.trainable)


def input_like(x, old, anew):
    """The KTensor that takes the place of an input: a new Input like the old one, or what is given."""
    if not anew and isinstance(x, KTensor):
        return x
    if not anew:
        return Input(tensor=x, name=f"input_wrapper_for_{old.name}")
    return fresh(old.operation).output


def same_function(operation):
    """An operation of the same function, to be called again."""
    config = operation.get_config()
    return type(operation)(operation.function, **config) if hasattr(operation, "function") else operation
