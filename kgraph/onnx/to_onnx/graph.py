"""`Graph`: an ONNX graph that grows by the ops of a program."""
from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import Op, TensorType, Value
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.trace import Trace, suspend_recording
from kgraph.onnx.to_onnx.held import Held, common_form, identity
from kgraph.onnx.to_onnx.matching import Match, chosen
from kgraph.onnx.to_onnx.sizes import Sizes
from kgraph.onnx.to_onnx.table import FOLDED, REFUSED, RULES

__all__ = ["Graph", "Node"]

AS_THEY_ARE = {"broadcast", "reshape", "transpose", "cast", "full", "stop_gradient"}  # dtypes do not matter to them
SHARED = 1024  # bytes of a constant up to which equal ones are looked for


class Node:
    """One node: plain data, of which the writer makes messages. An attribute may be a Graph."""

    def __init__(self, kind, inputs, outputs, attributes, name):
        self.kind, self.inputs, self.outputs = kind, list(inputs), list(outputs)
        self.attributes, self.name = attributes, name

    def reads(self) -> set:
        """Names of the tensors that it reads, those that its bodies read of the graph around among them."""
        bodies = [body for body in self.attributes.values() if isinstance(body, Graph)]
        return {*self.inputs}.union(*({name for node in body.nodes for name in node.reads()} for body in bodies))


class Names:
    """Names that are taken in a model, its bodies included."""

    def __init__(self):
        self._next = {}

    def new(self, wish: str) -> str:
        """The name wished for, or the next free one with a number."""
        name = wish
        while name in self._next:
            name = f"{wish}_{self._next[wish]}"
            self._next[wish] += 1
        self._next[name] = 1
        return name


def place(op) -> str:
    """Where an op is, for errors."""
    return f"layer {op.scope!r}" if op.scope else "an operation between layers"


class Graph:
    """Nodes in order, and where each value of the program is held.

    opset   the version of ONNX's operators that may be used
    parent  the graph around a body: its values are seen inside
    """

    def __init__(self, opset, parent=None, name="main"):
        self.opset, self.parent, self.name = opset, parent, name
        self.root = parent.root if parent else self
        self.names = parent.names if parent else Names()
        self.sizes = parent.sizes if parent else Sizes(self)
        self.scope = parent.scope if parent else ""
        self.layers: list = []      # of the model; of the outermost graph only
        self.nodes: list[Node] = []
        self.inputs: list = []      # (name, TensorType)
        self.outputs: list = []     # (name, TensorType)
        self.constants: dict = {}   # name -> array; of the outermost graph only
        self._held: dict = {}       # Value -> Held
        self._aliases: dict = {}    # Value of another program -> Value
        self._written: dict = {}    # what a node computes -> its outputs
        self._shared: dict = {}     # what a constant is -> (its name, the array it is made of)

    # ------------------------------------------------------------------ writing
    def node(self, kind, *inputs, outputs=1, **attributes):
        """A node's output, or a tuple of them. An equal node that is there already serves again."""
        attributes = {k: v for k, v in attributes.items() if v is not None}
        key = (kind, inputs, outputs, tuple(sorted((k, str(v)) for k, v in attributes.items())))
        found = self._find(key)
        if found is None:
            name = self.names.new(f"{self.scope}/{kind}" if self.scope else kind)
            found = self._written[key] = tuple(self.names.new(f"{name}:{i}") for i in range(outputs))
            self.nodes.append(Node(kind, inputs, found, attributes, name))
        return found[0] if outputs == 1 else found

    def _find(self, key):
        graph = self
        while graph is not None and key not in graph._written:
            graph = graph.parent
        return graph._written[key] if graph is not None else None

    def constant(self, array, wish="") -> str:
        """The name of an initialiser of the outermost graph. Small ones that no name is wished for are shared."""
        array = np.asarray(array)
        key = (array.dtype.name, array.shape, array.tobytes()) if not wish and array.nbytes <= SHARED else None
        if key in self.root._shared:
            return self.root._shared[key]
        name = self.names.new(wish or f"constant_{'x'.join([array.dtype.name, *map(str, array.shape)])}")
        self.root.constants[name] = array
        if key:
            self.root._shared[key] = name
        return name

    def form_of_constant(self, held, make, *key) -> str:
        """The name of an initialiser that make(held) gives; for an equal key it is made once."""
        key = (id(held.array), *key)
        if key not in self.root._shared:
            self.root._shared[key] = self.constant(make(held), held.name), held.array  # which keeps the id its own
        return self.root._shared[key][0]

    def numbers(self, values) -> str:
        """A tensor int64[n] of numbers, or of sizes that are computed in the graph."""
        return self.sizes.vector(tuple(values))

    def scalar(self, value, dtype) -> str:
        return self.constant(np.asarray(value, dtype))

    @contextmanager
    def at(self, scope):
        """Nodes written inside are named after that scope."""
        before, self.scope = self.scope, scope or self.scope
        try:
            yield
        finally:
            self.scope = before

    # ------------------------------------------------------------------ where values are
    def tensor(self, name, shape, order=None) -> Held:
        """A tensor of this graph with all axes of a value of that shape."""
        return Held(tuple(shape), identity(len(shape)) if order is None else tuple(order), name, None, self)

    def known(self, array, wish="") -> Held:
        """An array that is to become an initialiser of that name."""
        return Held(array.shape, identity(array.ndim), wish, array)

    def put(self, value, held: Held):
        self._held[value] = held

    def held(self, value) -> Held:
        graph = self
        while True:
            while value in graph._aliases:
                value = graph._aliases[value]
            if value in graph._held:
                return graph._held[value]
            graph = graph.parent

    def array(self, value):
        """The whole array of a value, where it is known and so are its sizes; else None."""
        held = self.held(value)
        if held.array is None or dims.names(value.shape):
            return None
        return np.broadcast_to(held.aligned(identity(value.ndim)), value.shape)

    def aligned(self, held, order) -> str:
        """A tensor with axes in that order, which ONNX repeats by itself to the value's shape."""
        if held.array is not None:
            return self.form_of_constant(held, lambda h: h.aligned(order), *held.steps(order))
        perm, missing = held.steps(order)
        name, graph = held.name, held.graph
        if perm != identity(len(perm)):
            name = graph.node("Transpose", name, perm=perm)
        return graph.node("Unsqueeze", name, self.numbers(missing)) if missing else name

    def whole(self, value, order=None) -> str:
        """A tensor of the value's shape, with axes in that order."""
        held, order = self.held(value), identity(value.ndim) if order is None else tuple(order)
        if not held.is_part_of(value.shape, order):
            return self.aligned(held, order)
        shape = tuple(value.shape[a] for a in order)
        if held.array is not None and not dims.names(shape) and value.type.nbytes <= max(FOLDED, held.array.nbytes):
            return self.form_of_constant(held, lambda h: np.broadcast_to(h.aligned(order), shape), order, shape)
        node, name = (held.graph or self.root).node, self.aligned(held, order)
        if value.dtype != "bfloat16":
            return node("Expand", name, self.numbers(shape))
        wide = node("Expand", node("Cast", name, to=np.dtype("float32")), self.numbers(shape))
        return node("Cast", wide, to=numpy_dtype("bfloat16"))

    # ------------------------------------------------------------------ ops
    def run(self, program):
        """Write what the outputs and the updates of a program need."""
        for op in chosen(program, self):
            with self.at(op.scope):
                found = op.write(self) if isinstance(op, Match) else self._fold(op) or self._write(op)
            for value, held in zip(op.outputs, found if isinstance(found, tuple) else (found,), strict=True):
                self.put(value, held)

    def _write(self, op):
        name = op.prim.name
        if name in REFUSED:
            raise ValueError(f"{place(op)}: expected operations that ONNX has, received the primitive {name!r}: "
                             f"{REFUSED[name]}")
        narrow = op.prim.kind != "loop" and name not in AS_THEY_ARE and any(
            v.dtype == "bfloat16" for v in (*op.inputs, *op.outputs))
        return self._write_wide(op) if narrow else RULES[name](self, op)

    def _write_wide(self, op):
        """An op of bfloat16, for which ONNX and its runtimes have few operators: computed in float32 and rounded, as
        kgraph has it."""
        wide = lambda v: Value(TensorType(v.shape, "float32"), v.name) if v.dtype == "bfloat16" else v
        inputs, outputs = list(map(wide, op.inputs)), list(map(wide, op.outputs))
        for given, value in zip(op.inputs, inputs):
            if given is not value:
                self.put(value, self._cast(self.held(given), "float32"))
        found = RULES[op.prim.name](self, Op(op.prim, inputs, op.params, outputs, op.scope))
        found = found if isinstance(found, tuple) else (found,)
        return tuple(self._cast(h, v.dtype) if v.dtype == "bfloat16" else h for h, v in zip(found, op.outputs))

    def _cast(self, held, dtype) -> Held:
        if held.array is not None:
            return replace(held, array=held.array.astype(numpy_dtype(dtype)))
        return replace(held, name=held.graph.node("Cast", held.name, to=numpy_dtype(dtype)))

    def need_opset(self, op, least):
        """Raise ValueError where the operator that is meant came with a later opset."""
        if self.opset < least:
            raise ValueError(f"{place(op)}: expected opset={least} or more for the primitive {op.prim.name!r}, "
                             f"received {self.opset}")

    def _fold(self, op):
        """The result of an op whose inputs are known, where it is not much larger than they are."""
        helds = [self.held(v) for v in op.inputs]
        if op.prim.name in REFUSED or op.prim.kind == "loop" or any(h.array is None for h in helds):
            return None
        names = list(dict.fromkeys(h.name for h in helds if h.name))
        wish = names[0] if len(names) == 1 else f"{op.scope}/{op.prim.name}" if names else ""
        most = max([FOLDED, *[h.array.nbytes for h in helds]])
        if op.prim.kind == "elementwise":
            order, sizes, kept = common_form(helds)
            arrays = [h.aligned(order) for h in helds]
            if math.prod(np.broadcast_shapes(*[a.shape for a in arrays])) * op.outputs[0].type.itemsize > most:
                return None
            return Held(sizes, kept, wish, np.asarray(op.prim.reference(*arrays, **op.params)))
        arrays = [self.array(v) for v in op.inputs]
        types = [v.type for v in op.outputs]
        open_sizes = dims.names(tuple(op.params.values())) or any(dims.names(t.shape) for t in types)
        if open_sizes or any(a is None for a in arrays) or sum(t.nbytes for t in types) > most:
            return None
        results = op.prim.reference(*arrays, **op.params)
        return tuple(self.known(np.asarray(r), wish) for r in (results if isinstance(results, tuple) else (results,)))

    def elementwise(self, values, emit) -> Held:
        """What emit(*operands) gives for values of one shape: each may be repeated, all have their axes in the order of
        one of them."""
        return self.combined([self.held(v) for v in values], emit)

    def combined(self, helds, emit) -> Held:
        order, sizes, kept = common_form(helds)
        return Held(sizes, kept, emit(*[self.aligned(h, order) for h in helds]), None, self)

    def inline(self, program, inputs, constants=()) -> tuple:
        """Write the ops of another program whose inputs are these values. Gives where its outputs are."""
        self._aliases.update(zip(program.inputs, inputs))
        for inner, array in constants:
            self.put(inner, self.known(array))
        self.run(program)
        return tuple(self.held(v) for v in program.outputs)

    def written_out(self, op) -> tuple:
        """A composite as the primitives that it stands for."""
        with suspend_recording(), Trace(op.prim.name) as trace:
            inputs = [trace.add_input(v.type) for v in op.inputs]
            results = op.prim.lower(*inputs, **op.params)
            program = trace.finish(results if isinstance(results, tuple) else (results,))
        return self.inline(program, op.inputs, [(v, t.numpy()) for v, t in trace.captured])

    # ------------------------------------------------------------------ its ends
    def add_input(self, value, wish) -> str:
        name = self.names.new(wish)
        self.inputs.append((name, value.type))
        self.put(value, self.tensor(name, value.shape))
        return name

    def finish(self, values):
        """Make these values the outputs: each a tensor that a node of this graph gives, and that no other output is."""
        for i, value in enumerate(values):
            name = self.whole(value)
            made = {o for node in self.nodes for o in node.outputs} - {n for n, _ in self.outputs}
            if name not in made:
                given, name = name, self.names.new(f"{self.name}/output_{i}")
                self.nodes.append(Node("Identity", [given], [name], {}, self.names.new("Identity")))
            self.outputs.append((name, value.type))
        return self

    def without_unused(self):
        """Take out nodes and constants that no output needs."""
        needed, kept = {n for n, _ in self.outputs}, []
        for node in reversed(self.nodes):
            if any(name in needed for name in node.outputs):
                needed |= node.reads()
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {n: a for n, a in self.constants.items() if n in needed or n in dict(self.inputs)}

    def rename(self, new):
        """Other names for tensors, in the bodies too."""
        for node in self.nodes:
            node.inputs = [new.get(n, n) for n in node.inputs]
            node.outputs = [new.get(n, n) for n in node.outputs]
            for body in node.attributes.values():
                if isinstance(body, Graph):
                    body.rename(new)
        self.outputs = [(new.get(n, n), t) for n, t in self.outputs]
