"""What a model that is exported takes and gives, by name; and its call on traced values."""
from __future__ import annotations

from dataclasses import dataclass

from kgraph import tree
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.trace import Trace
from kgraph.export.front import Front, front_of
from kgraph.graph import KTensor, shape_with_none
from kgraph.layers.base import Layer, is_shape
from kgraph.training.data import Prepared

__all__ = ["ApartTrace", "Signature", "signature_of"]


class ApartTrace(Trace):
    """A trace in which each variable is a state of its own, not a part of the memory that it shares with others."""

    def _current(self, variable):
        if variable not in self.current and self.parent is None:
            self.states[variable] = self.current[variable] = self.add_input(variable.type, variable.path)
        return super()._current(variable)

    def assign(self, variable, value):
        if self.parent is not None:
            super().assign(variable, value)
        self.read(variable)
        self.current[variable] = value


@dataclass
class Signature:
    """The inputs of a model, flat, and its call.

    names, types   of the inputs; sizes that are open are Dims: B, that of the batch, and others
    structure      what the call takes, with anything in place of tensors
    front          the tables before it, of a model that begins with text; names and types are those of what they give
    """

    model: object
    names: list
    types: list
    structure: object
    front: Front | None = None

    def call(self, values) -> dict:
        """The outputs by name, for traced values of the inputs. Raises ValueError that names the layer which cannot be
        traced."""
        try:
            if self.front is None:
                given = tree.pack_sequence_as(self.structure, list(values))
            else:
                given = Prepared(finish(v) for finish, v in zip(self.front.finish, values))
            result = self.model(given, training=False)
        except Exception as error:
            layer = _innermost_layer(error) or self.model
            if isinstance(error, ValueError) and repr(layer.name) in str(error):
                raise
            raise ValueError(f"layer {layer.name!r} ({type(layer).__name__}): expected a call() made of kgraph.ops, "
                             f"which can be traced, received {type(error).__name__}: {error}") from error
        leaves = tree.flatten(result)
        return dict(zip(_output_names(self.model, result, len(leaves)), leaves))


def signature_of(model, given=None, tables=False) -> Signature:
    """The signature of a model, or that of a call with these inputs: InputSpecs, KTensors or whatever has a shape and a
    dtype, in the structure that call() takes. Raises ValueError where nothing says what it takes, for text that tables
    cannot turn into numbers and, without `tables`, for all text."""
    if model.on_host and not model.is_functional:
        model.build((None,))
    if getattr(model, "_front", None) is not None:
        return _of_text(model, given, tables)
    if model.is_functional:
        specs, structure = list(model.inputs), model._inputs
        names = model.input_names
        if given is not None:
            specs = _fixed(model, specs, tree.flatten(given))
    else:
        structure = given if given is not None else _built_for(model)
        if isinstance(structure, (list, tuple)) and len(structure) == 1:
            structure = structure[0]
        specs = tree.flatten(structure)
        names = [getattr(s, "name", None) or f"input_{i}" for i, s in enumerate(specs)]
        specs = [KTensor(s.shape, getattr(s, "dtype", None) or model.input_dtype, name=name) for s, name in
                 zip(specs, names)]
    _refuse_text(model, specs)
    return Signature(model, names, [s.type for s in specs], structure)


def _fixed(model, own, given) -> list:
    """The model's inputs with the sizes that are given."""
    if len(own) != len(given):
        raise ValueError(f"input_signature: expected {len(own)} inputs, as model {model.name!r} has them, received "
                         f"{len(given)}")
    found = []
    for x, spec in zip(own, given):
        sizes = shape_with_none(spec.shape)
        if len(sizes) != len(x.shape) or any(None not in (a, b) and a != b for a, b in zip(sizes, x.shape)):
            raise ValueError(f"input_signature: expected shape {x.shape} for the input {x.name!r}, received {sizes}")
        found.append(KTensor([n if m is None else m for n, m in zip(x.type.shape, sizes)], x.dtype, name=x.name))
    return found


def _built_for(model):
    """A KTensor for what a subclassed model was built for."""
    shapes = list((model._build_shapes or {}).values())
    if len(shapes) != 1 or not is_shape(shapes[0]):
        raise ValueError(f"model {model.name!r}: expected input_signature= with the shapes that its call() takes, such "
                         "as [kgraph.InputSpec(shape=(None, 8), dtype='float32')], as it has no graph")
    return KTensor((None, *shapes[0][1:]), model.input_dtype, name="input_0")


def _of_text(model, given, tables) -> Signature:
    if given is not None:
        raise ValueError(f"input_signature: expected None for model {model.name!r}, which begins with text, received "
                         f"{given!r}")
    if tables:
        front = front_of(model)
        return Signature(model, _unique(front.names), front.types, None, front)
    at = [(f"m.get_layer({x.operation.name!r})", x.node.is_input) for x in model._front.entries]
    cut = ", ".join(f"{layer}.output" for layer, _ in at)
    looked = ", ".join(layer for layer, is_input in at if not is_input)
    names = ", ".join(repr(op.name) for op in model._front.own.operations if getattr(op, "on_host", False))
    raise ValueError(f"model {model.name!r}: expected layers that are arithmetic for this format, received {names}, "
                     f"which look up in tables: cut the model m after them, export kgraph.Model([{cut}], m.outputs), "
                     f"and give it what {looked} gives. Formats bundle and web have the tables inside")


def _refuse_text(model, specs):
    for x in specs:
        if x.dtype not in DTYPES:
            raise ValueError(f"model {model.name!r}: expected inputs of numbers, or text that goes into a layer such "
                             f"as TextVectorization, received {x.dtype} for {x.name!r}")


def _output_names(model, result, count) -> list:
    if model.is_functional:
        wishes = model.output_names
    elif isinstance(result, dict):
        wishes = ["/".join(map(str, path)) for path, _ in tree.flatten_with_path(result)]
    else:
        wishes = [f"output_{i}" for i in range(count)]
    return _unique(wishes)


def _unique(wishes) -> list:
    names: list = []
    for wish in wishes:
        number = sum(n == wish or n.startswith(f"{wish}:") for n in names)
        names.append(f"{wish}:{number}" if number else wish)
    return names


def _innermost_layer(error):
    """The layer in whose call() an error arose."""
    found, traceback = None, error.__traceback__
    while traceback is not None:
        here = traceback.tb_frame.f_locals.get("self")
        if isinstance(here, Layer) and traceback.tb_frame.f_code.co_name in ("__call__", "call"):
            found = here
        traceback = traceback.tb_next
    return found
