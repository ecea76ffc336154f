"""Which layers of a model can be done in int8, and models with other layers in their places."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kgraph import layers, tree
from kgraph.graph import KTensor, replay
from kgraph.layers.base import Layer
from kgraph.models import Model
from kgraph.models.cloning import fresh, input_like, same_function
from kgraph.quantizers.storage import Bytes
from kgraph.runtime import locks

__all__ = ["Unit", "in_parts", "rebuilt", "units_of"]

DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
PRODUCTS = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D, *DEPTHWISE)
MOVES = (layers.Flatten, layers.Reshape, layers.Permute, layers.MaxPooling1D, layers.MaxPooling2D,
         layers.MaxPooling3D, layers.ZeroPadding1D, layers.ZeroPadding2D, layers.Cropping1D, layers.Cropping2D,
         layers.UpSampling1D)   # of integers as of reals: whatever is rounded stays so
IDLE = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)


@dataclass(eq=False)
class Unit:
    """A product with what belongs to it.

    layer   a Dense or a convolution
    input   the KTensor that is rounded
    before  layers between that and the product
    norm    the BatchNormalization behind it, which becomes part of kernel and bias
    shared  what others read too, if there is such a tensor: the input, or what layers that only move or choose numbers
            make of it
    """

    layer: Layer
    input: KTensor
    before: list[Layer] = field(default_factory=list)
    norm: Layer | None = None
    shared: KTensor | None = None

    @property
    def form(self) -> tuple[Any, Any, Any, int]:
        """strides, padding, dilation_rate and groups of a convolution."""
        la = self.layer
        if isinstance(la, layers.Dense):
            return None, None, None, 1
        groups = la.kernel.shape[-2] if type(la) in DEPTHWISE else la.groups
        return la.strides, la.padding, la.dilation_rate, groups

    @locks.kept
    def _weights(self) -> tuple:
        kernel, norm = np.asarray(self.layer.kernel, "float32"), self.norm
        if type(self.layer) in DEPTHWISE:
            kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
        bias = np.asarray(self.layer.bias) if self.layer.bias is not None else np.zeros(kernel.shape[-1], "float32")
        if norm is None:
            return kernel, bias
        factor = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        factor = factor * np.asarray(norm.gamma) if norm.scale else factor
        shift = np.asarray(norm.beta) if norm.center else 0.0
        return kernel * factor, (bias - np.asarray(norm.moving_mean)) * factor + shift

    @property
    def kernel(self):
        """With the normalization in it; so is the bias."""
        return self._weights[0]

    @property
    def bias(self):
        return self._weights[1]

    @locks.kept
    def _rounded(self) -> tuple:
        shape = self.kernel.shape
        found = Bytes(shape, tuple(range(len(shape) - 1))).quantized(self.kernel)
        return found[""].numpy(), 1 / found["_scale"].numpy()

    @property
    def integers(self):
        """The kernel in int8; times `steps`, one number for each filter, it is about the kernel."""
        return self._rounded[0]

    @property
    def steps(self):
        return self._rounded[1]


class _Graph:
    """Who makes and reads the tensors of a model."""

    def __init__(self, model: Model):
        self.nodes, self.outputs = model._graph.nodes, model._graph.outputs
        self.calls, self.maker, self.readers = {}, {}, {}
        for node in self.nodes:
            self.calls.setdefault(node.operation, []).append(node)
            self.maker.update((t, node) for t in node.outputs)
            for t in tree.flatten((node.args, node.kwargs)):
                if isinstance(t, KTensor):
                    self.readers.setdefault(t, []).append(node)

    def only_input(self, node):
        """The one tensor that a layer reads in its only call, else None."""
        given = [t for t in tree.flatten((node.args, node.kwargs)) if isinstance(t, KTensor)]
        once = isinstance(node.operation, Layer) and len(self.calls[node.operation]) == 1
        return given[0] if once and len(given) == 1 and node.args and node.args[0] is given[0] else None

    def only_reader(self, tensor):
        """The one call that reads a tensor, which is no output of the model; else None."""
        readers = self.readers.get(tensor, ())
        return readers[0] if len(readers) == 1 and not any(t is tensor for t in self.outputs) else None

    def is_shared(self, tensor) -> bool:
        """Whether several calls read a tensor, which is no output of the model."""
        return len(self.readers[tensor]) > 1 and not any(t is tensor for t in self.outputs)


def _is_product(layer) -> bool:
    if type(layer) not in PRODUCTS or getattr(layer, "quantization_mode", None) is not None or \
            getattr(layer, "lora_enabled", False):
        return False
    plain = layer.compute_dtype == layer.variable_dtype == "float32"
    return plain and (isinstance(layer, layers.Dense) or layer.data_format == "channels_last")


def _norm_behind(graph: _Graph, node):
    layer = node.operation
    reader = graph.only_reader(node.outputs[0])
    if reader is None or type(reader.operation) is not layers.BatchNormalization or layer.activation(2.5) != 2.5 or \
            layer.activation(-2.5) != -2.5:
        return None
    norm, rank = reader.operation, len(node.outputs[0].shape)
    return norm if graph.only_input(reader) is not None and norm.axis in (-1, rank - 1) else None


def units_of(model: Model) -> list:
    """The Units of a model in the order of its calls. Layers that are called more than once are none."""
    graph, found = _Graph(model), []
    for node in graph.nodes:
        start = graph.only_input(node)
        if start is None or not _is_product(node.operation):
            continue
        before = []
        while (maker := graph.maker.get(start)) is not None and graph.only_reader(start) is not None and \
                type(maker.operation) in (*MOVES, *IDLE) and graph.only_input(maker) is not None:
            before[:0] = [maker.operation]
            start = graph.only_input(maker)
        shared = start if graph.is_shared(start) else None
        while shared is not None and (maker := graph.maker.get(start)) is not None and \
                type(maker.operation) in MOVES and (given := graph.only_input(maker)) is not None and \
                graph.only_reader(given) is not None:
            start = given
        found.append(Unit(node.operation, start, before, _norm_behind(graph, node), shared))
    return found


def in_parts(model: Model) -> Model:
    """The model with two layers in the place of each SeparableConv, which is two products."""
    pairs = {la: _pair(la) for la in model.layers if type(la) in (layers.SeparableConv1D, layers.SeparableConv2D)
             and la.padding != "causal" and la.dtype_policy.name == "float32"}
    if not pairs:
        return model
    made = rebuilt(model, {la: lambda x, pair=pair: pair[1](pair[0](x)) for la, pair in pairs.items()})
    for la, (first, second) in pairs.items():
        first.set_weights([la.depthwise_kernel])
        second.set_weights([la.pointwise_kernel, *([] if la.bias is None else [la.bias])])
    return made


def _pair(layer) -> tuple:
    one = isinstance(layer, layers.SeparableConv1D)
    first, second = DEPTHWISE[not one], layers.Conv1D if one else layers.Conv2D
    shared = {"data_format": layer.data_format}
    return (first(layer.kernel_size, layer.strides, layer.padding, layer.depth_multiplier, use_bias=False,
                  dilation_rate=layer.dilation_rate, name=f"{layer.name}_depthwise", **shared),
            second(layer.filters, 1, activation=layer.activation, use_bias=layer.use_bias,
                   name=f"{layer.name}_pointwise", **shared))


def rebuilt(model: Model, places: dict, made=lambda tensor, value: value) -> Model:
    """The model with other layers in some layers' places, or nothing (None); all others are copied with their
    weights. made: see replay."""
    copies, inputs = {}, [input_like(x, x, True) for x in model.inputs]

    def call(operation, args, kwargs):
        if operation in places:
            given = tree.flatten(args)[0]
            return given if places[operation] is None else places[operation](given)
        if operation not in copies:
            copies[operation] = fresh(operation) if isinstance(operation, Layer) else same_function(operation)
        return copies[operation](*args, **kwargs)
    outputs = replay(model._graph, inputs, call, made)[:len(model.outputs)]
    for old, new in copies.items():
        if isinstance(old, Layer) and old.weights:
            new.set_weights(old.get_weights())
    return Model(tree.pack_sequence_as(model.input, inputs), tree.pack_sequence_as(model.output, outputs),
                 name=model.name)
