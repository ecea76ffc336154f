"""`load_onnx`: a functional Model of an ONNX file, one layer for each node of its graph that is not arithmetic with
constants or sizes."""
from __future__ import annotations

import contextlib
import re

import numpy as np

from kgraph import budget, ops
from kgraph.budget import spend
from kgraph.compiler.dims import Dim, dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES, kind_of
from kgraph.compiler.trace import Trace, suspend_recording
from kgraph.graph import KTensor
from kgraph.layers.input_layer import Input
from kgraph.models import Model
from kgraph.naming import printable, to_snake_case
from kgraph.onnx.graph import Node
from kgraph.onnx.layer import OnnxNode
from kgraph.onnx.operators import evaluate, find_operator
from kgraph.onnx.registry import TENSORS, TRAINED, Kernel, NeedsValues, as_kernel
from kgraph.onnx.sizes import DATA_TYPES, Sizes, fold_sizes

__all__ = ["load_onnx"]

ROOM, TIMES = 64 << 20, 64    # what a file may ask for while it is read: bytes, and so many times its size
SMALL = 64                    # elements of a constant that is kept in the configuration, not as a weight
_KEEPS_TRAINED = ("Transpose", "Reshape", "Cast", "Identity", "Unsqueeze", "Squeeze", "Flatten")


def load_onnx(source) -> Model:
    """The Model that an ONNX file describes; it predicts, trains on and is saved as any other.

    The model is called with a list of arrays in the order of the graph's inputs, or with a dict of their names ("/"
    becomes "_"). Floats of Conv, Gemm, MatMul ... are trained, other constants are not. Sizes without a value stay
    open; those of one name are equal. Operators of the sets 7 to 28 are known. Where the shape of a result depends on
    values (NonZero, Unique ...), the model runs on arrays and with run_eagerly=True, and is not compiled.

    Raises ImportError without the package onnx, FileNotFoundError, and ValueError for a file that is damaged, asks for
    more than a model, has weights outside of its folder, or uses what kgraph does not have, naming the node.

    Args:
        source: a path, bytes or an onnx.ModelProto.

    Example:
        >>> model = kgraph.load_onnx("model.onnx")     # doctest: +SKIP
        >>> model.predict(x)                           # doctest: +SKIP
    """
    with _documented_errors():
        from kgraph.onnx import reader
        file = reader.parse(source)
        with budget.budget(ROOM + TIMES * file.size, weights=budget.half_of_memory()):
            graph = reader.read_graph(file)
            return _Builder(graph, lambda: reader.inferred_types(file)).model()


@contextlib.contextmanager
def _documented_errors():
    try:
        yield
    except ValueError as error:
        error.args = tuple(printable(a, keep="\n") if isinstance(a, str) else a for a in error.args)
        raise
    except (RecursionError, MemoryError, LookupError, AttributeError, TypeError, ArithmeticError,
            NotImplementedError) as error:
        raise ValueError(f"the ONNX model cannot be used ({type(error).__name__}: {printable(str(error)[:1000])})"
                         ) from error


class _Builder:
    """Makes KTensors of the values of a graph, node by node. values: name -> KTensor, array or Sizes."""

    def __init__(self, graph, infer_types):
        self.graph, self.infer_types = graph, infer_types
        self.values = dict(graph.constants)
        self.trained = {n for n, a in graph.constants.items()
                        if _is_float(a) and a.ndim and a.size > 1 and np.isfinite(a).all()}
        self.sources: dict = {}      # name of a size -> (KTensor, axis)
        self.parameters: dict = {}   # name of a constant that several nodes read -> KTensor
        self.names: set = set()
        self.shared = self._shared()

    def model(self) -> Model:
        self.inputs = self._make_inputs()
        if not self.inputs:
            raise ValueError("expected an ONNX graph with at least one input, received one that is a constant")
        for node in self.graph.nodes:
            self._take(node)
        outputs = [self._output(name) for name, *_ in self.graph.outputs]
        name = self._layer_name(self.graph.name or "onnx_model")
        return Model(self.inputs, outputs if len(outputs) > 1 else outputs[0], name=name)

    # -------------------------------------------------------------- inputs and outputs
    def _make_inputs(self) -> list:
        names, made = _SizeNames(self.graph.inputs), []
        for name, dtype, shape in self.graph.inputs:
            if shape is None or dtype is None:
                raise ValueError(f"ONNX input {name[:100]!r}: expected a dtype and a rank, received none")
            sizes = tuple(names.size(n, f"{name}_{axis}", axis) for axis, n in enumerate(shape))
            narrow = DTYPES[dtype].is_narrow      # an input layer of these gives float32
            made.append(Input(batch_shape=sizes, dtype="float32" if narrow else dtype, name=self._layer_name(name)))
            self._set(name, made[-1])
            if narrow:
                self._set(name, self._record(_cast(name, dtype), made[-1:])[0])
        return made

    def _output(self, name):
        value = self.values[name]
        if isinstance(value, KTensor) and not value.node.is_input:
            return value
        return self._record(Node("Identity", "", 13, [name], [name], name=name), [value])[0]

    def _set(self, name, value):
        self.values[name] = value
        if isinstance(value, KTensor):
            for axis, size in enumerate(value.type.shape):
                if isinstance(size, Dim) and size == dim(next(iter(size.names()))):
                    self.sources.setdefault(next(iter(size.names())), (value, axis))

    def _layer_name(self, text) -> str:
        base = re.sub(r"[^\w.\-:]+", "_", text).strip("_")[:200] or "node"
        name, number = base, 0
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        return name

    # -------------------------------------------------------------- nodes
    def _take(self, node):
        operator = find_operator(node)
        if operator is None:
            raise ValueError(f"{node.label()}: kgraph has no operator {node.domain + '.' * bool(node.domain)}{node.op} "
                             f"of version {node.version}")
        operator.check(node)
        try:
            found = self._results(node, operator)
        except NeedsValues:
            if node.types:
                raise
            types = self.infer_types()
            node.types = [types.get(name) for name in node.outputs]
            found = self._results(node, operator)
        except (LookupError, AttributeError, TypeError, ArithmeticError, NotImplementedError) as error:
            raise ValueError(f"{node.label()}: {type(error).__name__}: {str(error)[:500]}") from error
        if len(found) < len(node.outputs):
            raise ValueError(f"{node.label()}: expected at most {len(found)} outputs, received {len(node.outputs)}")
        for name, value in zip(node.outputs, found):
            self._set(name, value)

    def _results(self, node, operator):
        args = [self._argument(name, operator.needs(i)) for i, name in enumerate(node.inputs)]
        args += [self._argument(name, None) for name in node.captures]
        if node.op in ("Shape", "Size") and isinstance(args[0], KTensor):
            return evaluate(node, [args[0].type])
        found = fold_sizes(node, args)
        if found is None and not operator.impure and not node.bodies() and all(
                x is None or isinstance(x, np.ndarray) for x in args):
            found = _computed(node, args, operator)
            if node.op in _KEEPS_TRAINED and node.inputs[0] in self.trained and _is_float(found[0]):
                self.trained.add(node.outputs[0])
        return self._record(node, args, operator) if found is None else found

    def _argument(self, name, need):
        if not name:
            return None
        if name in self.shared and need in TRAINED:
            if name not in self.parameters:
                self.parameters[name] = self._parameter(name)
            return self.parameters[name]
        return self.values[name]

    def _shared(self) -> set:
        """Trained constants that several inputs of nodes read: one weight each, so that they stay the same."""
        count: dict = {}
        for node in self.graph.nodes:
            operator = find_operator(node)
            for i, name in enumerate([*node.inputs, *node.captures]):
                need = operator.needs(i) if operator and i < len(node.inputs) else None
                if name in self.trained and need in TRAINED:
                    count[name] = count.get(name, 0) + 1
        return {name for name, uses in count.items() if uses > 1}

    def _parameter(self, name):
        array = self.graph.constants[name]
        node = Node("Identity", "", 13, [name], [name], name=name)
        return self._record(node, [array], trained=[name])[0]

    # -------------------------------------------------------------- layers
    def _record(self, node, args, operator=None, trained=()) -> list:
        """Call a new OnnxNode. The weights of a node are named like the constants of the file."""
        arguments, tensors, weights, arrays, asked = [], [], [], [], set()
        names = [*node.inputs, *node.captures]
        for i, x in enumerate(args):
            need = operator.needs(i) if operator and i < len(node.inputs) else None
            if isinstance(x, KTensor):
                tensors += [] if x in tensors else [x]
                arguments.append(("tensor", tensors.index(x)))
            elif isinstance(x, np.ndarray) and _is_weight(x, need, names[i] in self.trained):
                x = as_kernel(x) if need == Kernel else x
                arguments.append(("kernel" if need == Kernel else "weight", len(arrays)))
                trains = need in TRAINED and names[i] in self.trained
                weights.append((_weight_name(names[i], weights), list(x.shape), x.dtype.name, trains))
                arrays.append(x)
            else:
                asked |= x.names() if isinstance(x, Sizes) else set()
                arguments.append(None if x is None else ("value", x))
        sizes = self._places_of(sorted(asked), tensors)
        layer = OnnxNode(node, arguments, weights, sizes, name=self._layer_name(self._wanted_name(node)))
        found = layer(*(tensors or self.inputs[:1]))
        with suspend_recording():
            for variable, array in zip(layer._values, arrays):
                variable.assign(array)
        return list(found) if isinstance(found, (list, tuple)) else [found]

    def _wanted_name(self, node):
        ends = {name for name, *_ in self.graph.outputs}
        shown = next((name for name in node.outputs if name in ends), None)
        return shown or node.name or to_snake_case(node.op)

    def _places_of(self, names, tensors) -> dict:
        """Where a layer finds the value of each name of a size: (number of the tensor, axis). Appends to tensors."""
        places = {}
        for name in names:
            own = ((i, axis) for i, x in enumerate(tensors) for axis, n in enumerate(x.type.shape)
                   if isinstance(n, Dim) and n == dim(name))
            places[name] = next(own, None)
            if places[name] is None:
                if name not in self.sources:
                    raise ValueError(f"the size {name} is not that of an axis of any tensor")
                tensor, axis = self.sources[name]
                tensors.append(tensor)
                places[name] = (len(tensors) - 1, axis)
        return places


def _cast(name, dtype) -> Node:
    number = next(n for n, known in DATA_TYPES.items() if known == dtype)
    return Node("Cast", "", 13, [name], [name], {"to": number}, name=f"{name}_{dtype}")


class _SizeNames:
    """The Dims of inputs: B for the size that axis 0 of the first input with an open one has, else by its name."""

    def __init__(self, inputs):
        self.batch = next((shape[0] for _, _, shape in inputs if shape and not isinstance(shape[0], int)), None)
        self.known: dict = {}

    def size(self, n, default, axis):
        if isinstance(n, int):
            return n
        if n is None and axis == 0 or n is not None and n == self.batch:
            return dim("B")
        n = n or default
        if n not in self.known:
            name = re.sub(r"\W", "_", n, flags=re.ASCII)
            name = name if name.isidentifier() and name != "B" else f"size_{name}"
            while dim(name) in self.known.values():
                name += "_"
            self.known[n] = dim(name)
        return self.known[n]


def _is_weight(array, need, trained) -> bool:
    return need in TENSORS and (trained and need in TRAINED or array.size > SMALL)


def _is_float(array) -> bool:
    return kind_of(array.dtype) == "f"


def _weight_name(name, weights) -> str:
    base = re.sub(r"[^0-9A-Za-z_.-]+", "_", name)[:100] or "weight"
    return f"{base}_{len(weights)}" if any(other == base for other, *_ in weights) else base


def _computed(node, args, operator) -> list:
    """A node of constants, computed now; what it makes on the way counts first."""
    with suspend_recording(), Trace("constant") as trace:
        stand_ins = [trace.add_input(TensorType(x.shape, x.dtype.name))
                     if x is not None and operator.needs(i) in TENSORS else x for i, x in enumerate(args)]
        with contextlib.suppress(NeedsValues):
            evaluate(node, stand_ins)
    for op in trace.ops:
        for x in op.outputs:
            size = int(x.type.size) * DTYPES[x.type.dtype].itemsize
            spend(size, f"a constant of shape {x.type.shape}", weight=True)
    with suspend_recording():
        found = evaluate(node, args)
        return [x if isinstance(x, Sizes) else ops.convert_to_numpy(x) for x in found]
