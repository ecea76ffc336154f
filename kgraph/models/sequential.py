"""`Sequential`: one layer after the other."""
from __future__ import annotations

import numpy as np

from kgraph import tree
from kgraph.compiler.ir import TensorLike
from kgraph.graph import KTensor, get_mask, shape_with_none
from kgraph.layers.base import Layer, as_shape, is_shape
from kgraph.layers.input_layer import InputLayer
from kgraph.models.model import Model
from kgraph.naming import auto_name
from kgraph.serialization import deserialize_keras_object, serialize_keras_object, sharing_scope

__all__ = ["Sequential"]


class Sequential(Model):
    """A stack of layers, each with one input and one output.

    Args:
        layers: a list; the first may be an Input, which builds the model at once. Without one, the model is built when
            it is first called, or by build(input_shape).
    """

    _can_build_again = True

    def __init__(self, layers=None, trainable=True, name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._stack: list[Layer] = []
        taken: set = set()
        for layer in layers or []:
            self._append(layer, taken)
        self._rebuild()

    def add(self, layer, rebuild=True):
        """Put a layer on top. Raises ValueError for what is no layer, and for a name that is there already."""
        self._append(layer, {other.name for other in self._stack})
        if rebuild and self.is_functional:
            self._extend([self._stack[-1]], self._outputs)
        else:
            self._forget_graph()
            if rebuild:
                self._rebuild()

    def pop(self, rebuild=True):
        """Take the top layer away, and return it.

        Returns:
            The layer that was the last one.

        Raises:
            TypeError: there is no layer.
        """
        if not self.layers:
            raise TypeError(f"model {self.name!r}: expected a layer to take away, received a model without layers")
        layer = self._stack.pop()
        if rebuild and self.is_functional and self.layers:
            self._connect(self._inputs, self._outputs.node.inputs[0])
        else:
            self._forget_graph()
        return layer

    def _append(self, layer, taken):
        """taken: the names of the layers there; the new one's is added."""
        if isinstance(layer, KTensor) and isinstance(layer.operation, InputLayer):
            layer = layer.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"model {self.name!r}: expected a layer, received {layer!r} of type {type(layer).__name__}"
            )
        if not self._stack and not isinstance(layer, InputLayer) and layer._declared_shape is not None:
            self._stack.append(InputLayer(batch_shape=layer._declared_shape, dtype=_input_dtype(layer)))
            taken.add(self._stack[0].name)
        if layer.name in taken:
            raise ValueError(
                f"model {self.name!r}: expected layers with unique names, received a second {layer.name!r}"
            )
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(f"model {self.name!r}: expected an input as the first layer only, received {layer.name!r} "
                             f"after {self._stack[-1].name!r}")
        taken.add(layer.name)
        self._stack.append(layer)

    def _forget_graph(self):
        self._graph = self._inputs = self._outputs = self._front = None
        self.built = False

    def _rebuild(self):
        """Build when the inputs are known: from an Input, or from a model that comes first."""
        if len(self._stack) < 2:
            return
        first = self._stack[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif getattr(first, "is_functional", False):
            if is_shape(first.input_shape):
                self.build(first.input_shape)
            elif isinstance(first.output, KTensor):   # several inputs, as a Merge of Keras 1 has, are this model's
                self._inputs = first.input
                self._extend(self._stack, first.input)

    def build(self, input_shape=None):
        """Call the layers one after the other on an Input of that shape (with the batch axis).

        Raises ValueError for a shape other than that of the Input that the model begins with.
        """
        if not self._stack:
            raise ValueError(f"model {self.name!r}: expected layers before build(), received none: use add()")
        first = self._stack[0]
        if input_shape is not None and not is_shape(input_shape):
            return  # several inputs: the first layer takes them as they are, when the model is called
        if not isinstance(first, InputLayer):
            if input_shape is None:
                raise ValueError(f"model {self.name!r}: expected an input shape, received None")
            first = InputLayer(batch_shape=tuple(input_shape), dtype=_input_dtype(first))
            self._stack.insert(0, first)
        elif input_shape is not None and tuple(input_shape) != first.batch_shape:
            raise ValueError(f"model {self.name!r}: expected the input shape {first.batch_shape} with which it begins, "
                             f"received {tuple(input_shape)}")
        self._inputs = first.output
        self._extend(self._stack[1:], first.output)

    def _extend(self, layers, x):
        """Call layers one after the other, from the KTensor x on; what comes out is the model's output."""
        for layer in layers:
            x = layer(x)
            if not isinstance(x, KTensor):
                raise ValueError(f"model {self.name!r}: expected one output of each layer, received "
                                 f"{len(tree.flatten(x))} of {layer.name!r}")
        auto_name("functional")  # Keras counts the functional model that it makes here
        self._connect(self._inputs, x)

    def _ensure_built(self, call):
        if not self.is_functional and isinstance(call.first, TensorLike):
            self.build((None, *shape_with_none(call.first.shape)[1:]))
        self.built = True

    @property
    def on_host(self) -> bool:
        """Whether the model takes text."""
        return super().on_host if self.is_functional else bool(self._stack) and getattr(
            self._stack[0], "on_host", False)

    takes_text = on_host

    def _host_inputs(self, x):
        """A first layer that takes text: then the text says of which shape the inputs are."""
        if not self.is_functional and self.on_host:
            self.build((None, *np.shape(x)[1:]))
        return super()._host_inputs(x)

    def call(self, inputs, training=None, mask=None):
        if self.is_functional:
            return super().call(inputs, training=training, mask=mask)
        for layer in self._stack:
            arguments = {"mask": mask} if "mask" in layer._call_signature().parameters else {}
            inputs = layer(inputs, **arguments)
            mask = tree.map_structure(get_mask, inputs)
        return inputs

    @property
    def layers(self) -> list:
        """The layers, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    @property
    def input_shape(self):
        if not self.is_functional:
            raise AttributeError(f"model {self.name!r} has no input shape yet: it is not built")
        return super().input_shape

    @property
    def output_shape(self):
        if not self.is_functional:
            raise AttributeError(f"model {self.name!r} has no output shape yet: it is not built")
        return super().output_shape

    def _sublayers(self):
        return list(self._stack)

    def compute_output_shape(self, input_shape):
        """The output's shape for an input shape with None where a size is not known."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # ------------------------------------------------------------------ config
    def _keras_identity(self):
        return "keras", "Sequential", None

    def get_build_config(self):
        """What build_from_config needs.

        Returns:
            A dict, or None.
        """
        shape = self._known_shape()
        return None if shape is None else {"input_shape": shape}

    def _known_shape(self):
        """The shape of the Input that a built model begins with; None for several inputs."""
        return self._stack[0].batch_shape if self.is_functional and isinstance(self._stack[0], InputLayer) else None

    def build_from_config(self, config):
        if not self.is_functional and config and is_shape(config.get("input_shape")):
            self.build(as_shape(config["input_shape"]))

    def get_config(self):
        with sharing_scope(self):
            config = {**Layer.get_config(self), "layers": [serialize_keras_object(layer) for layer in self._stack]}
        if self._known_shape() is not None:
            config["build_input_shape"] = self._known_shape()
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that a config describes, without its weights. Keras 1 and 2 wrote a bare list of layers."""
        config = {"layers": config} if isinstance(config, list) else dict(config)
        with sharing_scope():
            layers = [deserialize_keras_object(layer, custom_objects=custom_objects) for layer in config.pop("layers")]
        shape = config.pop("build_input_shape", None)
        config.pop("dtype", None)
        model = cls(layers, **config)
        if not model.is_functional and layers and is_shape(shape):
            model.build(as_shape(shape))
        return model


def _input_dtype(layer) -> str:
    """The dtype of the input that a first layer expects."""
    if layer._declared_dtype is not None:
        return layer._declared_dtype
    if isinstance(layer, Sequential) and not layer.is_functional and layer._stack:
        return _input_dtype(layer._stack[0])
    first = layer.inputs[0] if getattr(layer, "is_functional", False) else None
    return layer.input_dtype if first is None else first.dtype
