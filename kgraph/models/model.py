"""`Model`: a layer made of layers, that can be trained and saved."""
from __future__ import annotations

import contextlib
import inspect

import numpy as np

from kgraph import doors, ops, tree
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.trace import current_scope
from kgraph.graph import Graph, KTensor, get_mask, infer, places, replay, set_mask, shape_with_none
from kgraph.layers.base import Layer, as_shape, map_shapes
from kgraph.layers.calls import as_input, shapes_of
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.layers.input_spec import InputSpec
from kgraph.models.compiled_call import compiled_call
from kgraph.models.graph_config import dump_graph, graph_config, load_graph, tensors_from_config
from kgraph.models.host_prefix import front_of
from kgraph.models.quantize import Quantizing
from kgraph.naming import any_arguments, auto_name, nearest
from kgraph.serialization import CustomObjectScope, sharing_scope
from kgraph.training.data import Prepared
from kgraph.training.trainer import Trainer

__all__ = ["Model"]


class Model(Quantizing, Trainer, Layer):
    """A model, made in one of three ways.

    Model(inputs, outputs)     functional: everything between KTensors; both may be nested lists, tuples and dicts
    Sequential([layers])       one layer after the other
    class MyModel(Model)       subclassed: layers made in __init__, used in call(inputs, training=None)

    Raises ValueError for outputs that the inputs do not reach and for layer names that are not unique.

    Args:
        args: inputs and outputs: KTensors, or lists, tuples and dicts of them; none for a subclass with its own call.
    """

    def __init__(self, *args, **kwargs):
        inputs, outputs, functional = _structures(args, kwargs)
        if functional and kwargs.get("name") is None and type(self) is Model:
            kwargs["name"] = auto_name("functional")
        Layer.__init__(self, **{k: v for k, v in kwargs.items() if v is not None})
        Trainer.__init__(self)
        self._graph = self._inputs = self._outputs = self._front = None
        self._extras = []   # (KTensor, its Metric, None for a loss): outputs of the graph beside those of the model
        if functional:
            self._connect(inputs, outputs)

    # ------------------------------------------------------------------ the functional graph
    _explain_error = places.explain

    @property
    def is_functional(self) -> bool:
        """Whether the model is a recorded graph (functional and built Sequential models)."""
        return self._graph is not None

    def _connect(self, inputs, outputs):
        for what, tensors in (("inputs", inputs), ("outputs", outputs)):
            for x in tree.flatten(tensors):
                if not isinstance(x, KTensor):
                    raise ValueError(
                        f"model {self.name!r}: expected KTensors as {what} (from Input or a layer called on "
                        f"one), received {x!r}"
                    )
        if not tree.flatten(outputs):
            raise ValueError(f"model {self.name!r}: expected at least one output, received {outputs!r}")
        if not all(isinstance(x.operation, InputLayer) for x in tree.flatten(inputs)):
            inputs, outputs = _with_own_inputs(inputs, outputs)
        self._take_graph(Graph(tree.flatten(inputs), tree.flatten(outputs)))
        self._inputs, self._outputs = inputs, outputs
        self.input_spec = _input_specs(inputs)
        self.built = True

    def _take_graph(self, graph):
        self._graph = graph
        self._front = front_of(self, graph)

    @property
    def on_host(self) -> bool:
        """Whether the model takes text: as a layer of another model, it runs before what is compiled."""
        return self.is_functional and any(x.dtype == "string" for x in self._graph.inputs)

    takes_text = on_host

    @property
    def inputs(self) -> list | None:
        """The input KTensors, flat; None for a model without a graph."""
        return self._graph.inputs if self.is_functional else None

    @property
    def outputs(self) -> list | None:
        """The output KTensors, flat; None for a model without a graph."""
        return tree.flatten(self._outputs) if self.is_functional else None

    @property
    def input(self):
        return self._inputs if self.is_functional else super().input

    @property
    def output(self):
        return self._outputs if self.is_functional else super().output

    @property
    def input_shape(self):
        return _shapes(self._inputs) if self.is_functional else super().input_shape

    @property
    def output_shape(self):
        return _shapes(self._outputs) if self.is_functional else super().output_shape

    @property
    def input_names(self) -> list | None:
        return [x.operation.name for x in self.inputs] if self.is_functional else None

    @property
    def output_names(self) -> list | None:
        return [x.operation.name for x in self.outputs] if self.is_functional else None

    @property
    def operations(self) -> list:
        """All operations of the graph, layers and functions of kgraph.ops."""
        return list(self._graph.operations) if self.is_functional else self.layers

    @property
    def layers(self) -> list:
        """The layers, inputs first; of a subclassed model those kept in attributes."""
        found = self._graph.operations if self.is_functional else self._held(Layer)
        return [layer for layer in found if isinstance(layer, Layer)]

    @property
    def stateful(self) -> bool:
        """Whether a layer keeps states from one batch to the next."""
        return any(getattr(layer, "stateful", False) for layer in self._all_layers() if layer is not self)

    def _sublayers(self):
        held = super()._sublayers()
        graph = [op for op in self._graph.operations if isinstance(op, Layer)] if self.is_functional else []
        return list({id(layer): layer for layer in (*graph, *held)}.values())

    def get_layer(self, name=None, index=None):
        """The layer of that name, or at that index in `layers`. Raises ValueError when there is none.

        Args:
            name, index: one of them.

        Returns:
            A Layer.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer: expected a name or an index, received name={name!r}, index={index!r}")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"model {self.name!r} has {len(layers)} layers, received index={index}")
            return layers[index]
        names = {layer.name: layer for layer in layers}
        if name not in names:
            raise ValueError(f"model {self.name!r} has no layer {name!r}; its layers are {', '.join(names)}."
                             f"{nearest(name, names)}")
        return names[name]

    def _is_per_sample(self, training) -> bool:
        return self.is_functional and not self._extras and super()._is_per_sample(training) and all(
            operation._is_per_sample(training) for operation in self._graph.operations)

    # ------------------------------------------------------------------ calling
    def __call__(self, *args, **kwargs):
        found = compiled_call(self, args, kwargs)
        return super().__call__(*args, **kwargs) if found is None else found

    @any_arguments
    def call(self, inputs, training=None, mask=None):
        if not self.is_functional:
            raise NotImplementedError(f"model {type(self).__name__} {self.name!r} has no call() method")
        prepared = isinstance(inputs, Prepared)
        values = list(inputs) if prepared else self._standardize(inputs)
        if mask is not None:
            for x, m in zip(values, tree.flatten(mask)):
                set_mask(x, m)
        results = replay(self._front.back if prepared else self._graph, values)
        count = len(results) - len(self._extras)
        for (_, metric), value in zip(self._extras, results[count:]):
            self.add_loss(value) if metric is None else metric.update_state(value)
        return _unwrap(tree.pack_sequence_as(self._outputs, results[:count]))

    def _standardize(self, inputs) -> list:
        """The inputs as a flat list of tensors of the expected dtypes and ranks, or a ValueError."""
        found = _match(self._inputs, inputs, self.name)
        return [self._fit(x, expected) for x, expected in zip(found, self._graph.inputs)]

    def _fit(self, x, expected):
        if x is None and expected.operation.optional:
            return None
        x = as_input(np.asarray(x) if isinstance(x, (list, tuple, int, float)) else x, expected.dtype)
        if expected.dtype == "string" and isinstance(x, np.ndarray):
            return x.reshape(len(x), *expected.shape[1:]) if x.shape[1:] in ((), (1,)) else x
        if not isinstance(x, TensorLike):
            raise ValueError(f"model {self.name!r}: expected a tensor or an array for the input {expected.name!r}, "
                             f"received {x!r}")
        mask, shape, received = get_mask(x), expected.shape, shape_with_none(x.shape)
        if len(received) == len(shape) + 1 and received[-1] == 1:
            x = ops.squeeze(x, axis=-1)
        elif len(received) == len(shape) - 1 and shape[-1] == 1:
            x = ops.expand_dims(x, axis=-1)
        fits = len(x.shape) == len(shape) and all(
            a is None or b is None or a == b for a, b in zip(shape[1:], shape_with_none(x.shape)[1:]))
        if not fits:
            raise ValueError(f"model {self.name!r}: expected shape {shape} for the input {expected.name!r}, received "
                             f"{received}")
        x = ops.cast(x, expected.dtype) if x.dtype != expected.dtype else x
        if mask is not None and get_mask(x) is None:
            set_mask(x, mask)
        return x

    def _bind(self, args, kwargs):
        if self.is_functional and args and not isinstance(args[0], TensorLike | Prepared):
            args = (_match(self._inputs, args[0], self.name, packed=True), *args[1:])
        return super()._bind(args, kwargs)

    def _convert(self, x):
        """A functional model converts each input to the dtype of its own KTensor, in call()."""
        return as_input(x, "") if self.is_functional else super()._convert(x)

    def _check_inputs(self, inputs):
        if not self.is_functional:
            super()._check_inputs(inputs)

    def _scope(self):
        """The outermost functional model adds no name: its layers' paths are those with which they were built."""
        return contextlib.nullcontext() if self.is_functional and not current_scope() else super()._scope()

    def _carry_masks(self, inputs, outputs, mask):
        """The layers inside have attached the masks of the outputs already."""
        if type(self).compute_mask is not Layer.compute_mask:
            super()._carry_masks(inputs, outputs, mask)

    def add_loss(self, loss, inputs=None):
        """As for layers; a functional model also takes KTensors that its inputs reach.

        Args:
            loss: a scalar, or a function without arguments.
        """
        self._also_compute([(x, None) for x in tree.flatten(loss) if isinstance(x, KTensor)], "add_loss")
        super().add_loss([x for x in tree.flatten(loss) if not isinstance(x, KTensor)], inputs)

    def add_metric(self, value, name=None, aggregation=None):
        """As for layers; a functional model also takes KTensors that its inputs reach."""
        if isinstance(value, KTensor):
            self._also_compute([(value, self._mean_of_name(name, aggregation))], "add_metric")
        else:
            super().add_metric(value, name, aggregation)

    def _also_compute(self, extras, where):
        if extras and not self.is_functional:
            raise ValueError(f"model {self.name!r}: expected a functional model for {where} of KTensors")
        if extras:
            self._take_graph(Graph(self._graph.inputs, [*self._graph.outputs, *(x for x, _ in extras)]))
            self._extras += extras

    def _host_inputs(self, x):
        """x as the compiled part of the model takes it; see kgraph.models.host_prefix."""
        return x if self._front is None or isinstance(x, Prepared) else self._front.run(x)

    def entries_for(self, x) -> list:
        """The KTensors with which the compiled part begins, in the order of the leaves of x."""
        if isinstance(x, Prepared):
            return self._front.entries
        if isinstance(x, dict):
            names = dict(self._inputs) if isinstance(self._inputs, dict) else {
                i.operation.name: i for i in self.inputs}
            if set(x) <= set(names):
                return [names[name] for name in sorted(x)]
        return self.inputs

    def _prepare(self, mode, data):
        if mode == "train" and self._front is not None:
            self._front.check_trainable()
        super()._prepare(mode, data)

    # ------------------------------------------------------------------ building
    def build(self, input_shape):
        """Make the variables of a subclassed model for inputs of that shape (or nested shapes), by tracing call()."""
        if self.is_functional or self.built:
            return
        self.compute_output_shape(input_shape)

    def _ensure_built(self, call):
        """Without a build() of its own, a subclassed model is built by the call itself."""
        if type(self).build is not Model.build:
            super()._ensure_built(call)
        elif not self.built and not self._building:
            self.path = self.path or "/".join(filter(None, (current_scope(), self.name)))
            self._finish_build(shapes_of(call))

    def build_from_config(self, config):
        if self.built or not config:
            return
        if "shapes_dict" in config:
            tensors = {name.removesuffix("_shape"): map_shapes(lambda s: KTensor(s, self.input_dtype), shape)
                       for name, shape in config["shapes_dict"].items()}
            infer(self._run, **tensors)
        elif config.get("input_shape") is not None:
            self.build(as_shape(config["input_shape"]))

    # ------------------------------------------------------------------ config
    def _keras_identity(self):
        if not self.is_functional:
            raise NotImplementedError(f"model {self.name!r} has no layers: there is nothing to save")
        return "keras.src.models.functional", "Functional", "Functional"

    def get_config(self):
        if self.is_functional and _is_functional_constructor(type(self)):
            with sharing_scope(self):
                graph = graph_config(self._graph, self._inputs, self._outputs)
            return {"name": self.name, "trainable": self.trainable, **graph}
        return super().get_config()

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that a config describes, without its weights. Nothing is computed and nothing imported."""
        with CustomObjectScope(custom_objects), sharing_scope():
            if not {"layers", "input_layers", "output_layers"} <= set(config):
                return cls(**config)
            inputs, outputs = tensors_from_config(config)
            rest = {k: v for k, v in config.items() if k not in ("layers", "input_layers", "output_layers", "dtype")}
            return cls(inputs=inputs, outputs=outputs, **rest)

    def summary(self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False,
                layer_range=None, show_masks=False, kernels=False):
        """Print a table of the layers: names, output shapes, parameters, what they are connected to, and with
        ``kernels=True`` which kernels of predict serve them."""
        doors.summary.print_summary(self, line_length=line_length, positions=positions, print_fn=print_fn,
                      expand_nested=expand_nested, show_trainable=show_trainable, layer_range=layer_range,
                      show_masks=show_masks, kernels=kernels)

    def _repr_html_(self):
        return doors.displays.model(self)

    # ------------------------------------------------------------------ files
    def save(self, filepath, overwrite=True, include_optimizer=True, save_format=None, **kwargs):
        """Write the whole model to a .keras or .h5 file; see kgraph.saving.save_model."""
        doors.saving.save_model(self, filepath, overwrite=overwrite, include_optimizer=include_optimizer,
                          save_format=save_format, **kwargs)

    def save_weights(self, filepath, overwrite=True, save_format=None):
        """Write the weights to a .weights.h5 or .h5 file; see kgraph.saving.save_weights."""
        doors.saving.save_weights(self, filepath, overwrite=overwrite, save_format=save_format)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False) -> None:
        """Read weights that save_weights or save wrote, of kgraph or Keras; see kgraph.saving.load_weights."""
        doors.saving.load_weights(self, filepath, by_name=by_name, skip_mismatch=skip_mismatch)

    def export(self, filepath, format=None, verbose=None, input_signature=None, **options):
        """Write the model as what runs elsewhere: its weights and what predict computes, without training.

        Raises ValueError for a format that there is not and for a layer that cannot be exported, TypeError for an
        option that the format does not have, ImportError where a package is missing. Nothing is written then.

        Args:
            filepath: where to write
            format: a name in kgraph.export.FORMATS; by default what the suffix of the path means. "onnx": a file that
                ONNX Runtime and others run (needs the extra kgraph[onnx]); see kgraph.onnx.writer.export_onnx for its
                options (opset=21). "bundle": a folder that NumPy alone runs, kgraph.export.bundle.export_bundle (cpu=,
                classes=). "c": a C library, kgraph.export.c.export_c (target=). "web": WebAssembly and a page that runs
                it, kgraph.export.web.export_web (image=, classes=)
            verbose: print where the model was written
            input_signature: the inputs as InputSpecs, KTensors or whatever has a shape and a dtype, in the structure
                that call() takes; by default those of the model. Sizes of None stay open
            options: of the format; `python -m kgraph export MODEL.keras PATH --NAME VALUE` takes them too

        Example:
            >>> model = kgraph.Sequential([kgraph.Input((4,)), kgraph.layers.Dense(2)])
            >>> model.export("small.onnx")
        """
        doors.export.export(self, filepath, format, verbose=verbose, input_signature=input_signature, **options)

    def to_json(self, **kwargs) -> str:
        """The architecture as JSON; kgraph.models.model_from_json reads it."""
        return doors.saving.to_json(self, **kwargs)

    def to_yaml(self, **kwargs) -> str:
        """The architecture as YAML; kgraph.models.model_from_yaml reads it."""
        return doors.saving.to_yaml(self, **kwargs)

    def __getstate__(self):
        state = {**super().__getstate__(), "_programs": {}}
        if self.is_functional:
            dump = dump_graph(self._graph, self._inputs, self._outputs)
            state = {
                **state,
                "_graph": dump,
                "_inputs": None,
                "_outputs": None,
                "_front": None,
                "_extras": [metric for _, metric in self._extras],
            }
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        if self._graph is not None:
            graph, self._inputs, self._outputs = load_graph(self._graph)
            self._take_graph(graph)
            first = len(self._graph.outputs) - len(self._extras)
            self._extras = list(zip(self._graph.outputs[first:], self._extras))


def _structures(args, kwargs) -> tuple:
    """(inputs, outputs, whether they were given); Keras 1 called them input and output."""
    args = list(args)
    given = {}
    for name, old in (("inputs", "input"), ("outputs", "output")):
        if args:
            given[name] = args.pop(0)
        elif name in kwargs or old in kwargs:
            given[name] = kwargs.pop(name, None) if name in kwargs else kwargs.pop(old)
    if args:
        kwargs["name"] = args.pop(0)
    if args or len(given) == 1:
        raise TypeError(
            f"Model: expected inputs and outputs, received {sorted(given)} and {len(args)} further arguments"
        )
    return given.get("inputs"), given.get("outputs"), bool(given)


def _with_own_inputs(inputs, outputs) -> tuple:
    """The same graph with a new Input for each input that is the output of a layer, its calls recorded again."""
    graph = Graph(tree.flatten(inputs), tree.flatten(outputs))
    own = [x if isinstance(x.operation, InputLayer) else
           Input(batch_shape=x.type.shape, dtype=x.dtype, name=f"{x.name}_clone") for x in graph.inputs]
    return tree.pack_sequence_as(inputs, own), tree.pack_sequence_as(outputs, replay(graph, own))


def _match(structure, inputs, name, packed=False):
    """The leaves of inputs in the order of the model's inputs: by name, by place, or the only one."""
    expected = tree.flatten(structure)
    if isinstance(inputs, dict):
        keys = list(structure) if isinstance(structure, dict) else [x.name for x in expected]
        missing = [key for key in keys if key not in inputs]
        if missing:
            raise ValueError(
                f"model {name!r}: expected inputs named {', '.join(keys)}, received {', '.join(map(str, inputs))}: "
                f"{', '.join(missing)} missing.{nearest(next((k for k in inputs if k not in keys), ''), missing)}"
            )
        inputs = {key: inputs[key] for key in keys} if isinstance(structure, dict) else [inputs[key] for key in keys]
    elif isinstance(structure, dict) and len(expected) > 1:
        inputs = dict(zip(structure, tree.flatten(inputs))) if len(tree.flatten(inputs)) == len(expected) else inputs
    if len(expected) == 1 and isinstance(inputs, (list, tuple)) and not _holds_arrays(inputs):
        inputs = np.asarray(inputs)
    leaves = tree.flatten(inputs)
    if len(leaves) != len(expected):
        raise ValueError(f"model {name!r}: expected {len(expected)} input(s) ({', '.join(x.name for x in expected)}), "
                         f"received {len(leaves)}")
    return inputs if packed else leaves


def _holds_arrays(x) -> bool:
    return any(hasattr(leaf, "shape") for leaf in tree.flatten(x))


def _unwrap(x):
    return x[0] if isinstance(x, (list, tuple)) and len(x) == 1 else x


def _shapes(x):
    return _unwrap(tree.map_structure(lambda t: t.shape, x))


def _input_specs(inputs) -> list:
    names = sorted(inputs) if isinstance(inputs, dict) else [x.operation.name for x in tree.flatten(inputs)]
    return [
        InputSpec(shape=(None, *x.shape[1:]), allow_last_axis_squeeze=True, name=name, optional=x.operation.optional)
        for x, name in zip(tree.flatten(inputs), names)
    ]


def _is_functional_constructor(cls) -> bool:
    """Whether cls can be made from inputs and outputs alone."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return ({"inputs", "outputs"} <= {p.name for p in parameters}
            or {p.kind for p in parameters} >= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})
