"""A model's steps as compiled programs: one batch, or many batches cut out of whole arrays in one native call."""
from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field

import numpy as np

from kgraph import ops, tree
from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.prims.index import take_p
from kgraph.compiler.prims.move import dynamic_slice_p
from kgraph.compiler.split import EACH, Crosses, split
from kgraph.compiler.trace import Tensor, bind, name_scope
from kgraph.function import build
from kgraph.layers.calls import in_step
from kgraph.naming import warn_at_user
from kgraph.runtime.locks import kept
from kgraph.training import processes
from kgraph.training.data import parts_of
from kgraph.training.progress import setting_up
from kgraph.variable import Variable

__all__ = ["Logs", "Program", "Programs"]

CALL_SECONDS = 0.1  # a native call of many batches should take about this long: Ctrl-C and the bar wait for it
PREPARED = ("predict", "call")  # modes whose weights stay the same from call to call
B, N, ORDER = dims.dim("B"), dims.dim("N"), dims.dim("N_order")


@dataclass
class Logs:
    """How logs (name -> scalar or array) lie in one vector."""

    parts: list = field(default_factory=list)  # (name, start, stop, shape)
    scalars: bool = True

    def pack(self, logs):
        """The logs as one float vector; remembers where each is."""
        if not isinstance(logs, dict):
            raise TypeError(f"train_step and test_step: expected a dict of logs as result, received {logs!r}")
        self.parts, vectors, at = [], [], 0
        for name, value in _flat_logs(logs):
            value = ops.cast(value, "float32") if getattr(value, "dtype", "") != "float64" else value
            shape = tuple(ops.shape(value))
            size = dims.size_of(shape)
            if not isinstance(size, int):
                raise ValueError(f"log {name!r}: expected a fixed shape, received {shape}")
            self.parts.append((name, at, at + size, shape))
            vectors.append(ops.reshape(value, (size,)))
            at += size
        self.scalars = all(shape == () for *_, shape in self.parts)
        self.names = [name for name, *_ in self.parts]
        return ops.concatenate(vectors, axis=0) if len(vectors) != 1 else vectors[0]

    def unpack(self, vector) -> dict:
        """name -> float, or array for what is no scalar."""
        if self.scalars:
            return dict(zip(self.names, vector.tolist()))
        return {name: vector[a:b].reshape(shape).copy() if shape else float(vector[a])
                for name, a, b, shape in self.parts}


def _flat_logs(logs):
    for name, value in logs.items():
        yield from _flat_logs(value) if isinstance(value, dict) else [(name, value)]


def plain_logs(logs) -> dict:
    """The logs of an eager step: floats, and arrays for what is no scalar."""
    found = {}
    for name, value in _flat_logs(logs):
        array = np.asarray(value)
        found[name] = float(array) if array.ndim == 0 else array
    return found


class Program:
    """One compiled step. ``run(arrays, extents, steps)`` takes the leaves of what the step gets, in order.

    Args:
        shared: whether its batch is what this process has of it: see kgraph.training.processes
    """

    def __init__(self, compiled, logs, leading, structure, shared):
        self.compiled = compiled
        self.shared = shared
        self.logs = logs
        self.leading = leading  # the batch size it is fixed to, or None
        self.structure = structure
        self.output_types = [v.type for v in compiled.traced.outputs]
        self.per_sample: bool | None = None  # whether no result depends on another sample; looked for when first asked
        self._nested = tree.is_nested(structure)
        self._ready = False

    def ready(self) -> Program:
        """Itself, with its kernels compiled: the first step shall take no longer than the others."""
        if not self._ready:
            with setting_up():
                _ = self.compiled.executable
            processes.same_start(self.compiled.variables)
            self._ready = True
        return self

    def pack(self, arrays):
        """The outputs in the structure of the step's result."""
        return tree.pack_sequence_as(self.structure, arrays) if self._nested else arrays[0]

    @kept
    def step(self):
        """A function: the arrays of one batch of this process alone in, its logs out."""
        compiled, unpack, check = self.compiled, self.logs.unpack, self.check
        run = compiled.run if compiled.executable is None else compiled.executable.run
        several = [name for name, *_ in compiled._extent_places] != ["B"]

        def step(arrays):
            rows = {"B": len(arrays[0])}
            check(rows["B"])
            return unpack(run(arrays, {**compiled.extents(arrays), **rows} if several else rows)[0])
        return step

    def placed(self, arrays, rows) -> tuple:
        """A batch of which each process has some rows, as (the arrays to run on, their extents)."""
        if not self.shared and processes.together.world is not None:
            arrays = processes.gathered(arrays)
            rows = arrays[0].shape[0]
        self.check(rows)
        return arrays, {**self.compiled.extents(arrays), **(processes.sizes(rows) if self.shared else {"B": rows})}

    def check(self, rows):
        if self.leading is not None and rows != self.leading:
            raise ValueError(f"the model has a fixed batch size of {self.leading}, received a batch of {rows}. Give "
                             f"batch_size={self.leading} and a multiple of it as the number of samples.")


class Programs:
    """The programs of one model and one mode (train, test, predict, call), made when first needed, one for each
    signature.

    Args:
        outputs_of: of a mode that gives outputs, not logs: a function of what the step gets
    """

    def __init__(self, model, mode, outputs_of=None):
        self.model = model
        self.mode = mode
        self.outputs_of = outputs_of
        self.not_compiled = set()  # types of batches that mode "call" leaves to the layers
        self.made = {}   # (kind, types of a batch, its structure) -> Program
        self._seen = {}  # (kind, sizes and dtypes of the arrays, structure) -> Program: the short way
        self.cursor = Variable(0, dtype="int32", trainable=False, name="cursor", path=f"{mode}/cursor")
        self._metrics = None
        self.prepared = False  # whether the variables of eager steps exist
        self.pace = 1  # batches that one native call should do

    def measured(self, seconds):
        """Learn from the time one batch took: how many fit into CALL_SECONDS."""
        self.pace = max(1, min(int(CALL_SECONDS / max(seconds, 1e-9)), 8 * self.pace))

    def batch(self, data, leaves) -> Program:
        """The program of one step on a batch with the structure and types of `data`, what the step gets."""
        return self._get("batch", data, leaves, lambda program, types: (program, types))

    def epoch(self, data, leaves) -> Program:
        """The program that takes the rows ``order[cursor:cursor + B]`` of whole arrays, and moves the cursor on.

        Its inputs are the order (int32[N_order]) and then the leaves.
        """
        def wrap(step, types):
            def run(order, *whole):
                start = self.cursor.value
                rows = bind(dynamic_slice_p, order, start, sizes=(types[0].shape[0],))
                batch = [bind(take_p, a, rows) for a in whole]
                with name_scope(EACH):
                    self.cursor.assign(start + ops.cast(types[0].shape[0], "int32"))
                return step(*batch)
            whole = [TensorType((N, *t.shape[1:]), t.dtype) for t in types]
            return run, [TensorType((ORDER,), "int32"), *whole]
        return self._get("epoch", data, leaves, wrap)

    @property
    def metrics(self) -> list:
        """The model's metrics. All layers are searched for them, so they are kept until a new program is made."""
        if self._metrics is None or self.model.run_eagerly:
            self._metrics = self.model.metrics
        return self._metrics

    def _get(self, kind, data, leaves, wrap):
        alone = processes.together.world is None
        key = (kind, tuple([(a.shape[1:], a.dtype) for a in leaves]), _shape_of(data), alone)
        program = self._seen.get(key)
        if program is None:
            with setting_up():
                program = self._seen[key] = self._find(kind, data, leaves, key[2:], wrap)
        return program

    def _find(self, kind, data, leaves, structure, wrap):
        self.model._prepare(self.mode, data)
        types = self._types(data, leaves)
        try:
            _check_sizes(types, leaves, data)
        except ValueError:
            # targets may have a length of their own, as labels for CTC do, unless the loss says otherwise
            types = self._with_own_lengths(types, data, leaves)
            program = self._program(kind, data, types, structure, wrap)
            if _broken(program.compiled.size_rules, types, leaves):
                raise
            return program
        return self._program(kind, data, types, structure, wrap)

    def _program(self, kind, data, types, structure, wrap):
        full = (kind, tuple(types), structure)
        if full not in self.made:
            self.made[full] = self._make(kind, data, types, wrap)
        return self.made[full]

    def _with_own_lengths(self, types, data, leaves):
        """types, with a Dim of their own for sizes of targets that outputs have not."""
        found, count = _sizes_of(types, leaves), sum(a is not None for a in tree.flatten(parts_of(data)[0]))

        def own(i, axis, size, given):
            if i < count or not axis or not isinstance(size, Dim) or dims.evaluate(size, found) == given:
                return size
            return given if given == 1 else dims.dim(f"targets_{i - count}_{axis}")
        return [TensorType(tuple(own(i, axis, *sizes) for axis, sizes in enumerate(zip(t.shape, a.shape))), t.dtype)
                for i, (t, a) in enumerate(zip(types, leaves))]

    def _make(self, kind, data, types, wrap):
        model = self.model
        logs, structure = Logs(), []

        def step(*values):
            filled = _fill(data, values)
            if self.outputs_of is not None:
                outputs = self.outputs_of(filled)
                structure.append(tree.map_structure(lambda v: None, outputs))
                return outputs
            return logs.pack(model.train_step(filled) if self.mode == "train" else model.test_step(filled))
        function, inputs = wrap(step, types)
        name = self.mode if kind == "batch" else f"{self.mode}_epoch"
        leading = types[0].shape[0]
        leading = leading if isinstance(leading, int) else None
        make = functools.partial(build, name, function, inputs, prepare=self.mode in PREPARED)
        with model._as_compiled(), in_step(model):
            several = processes.together.world is not None and self.mode in ("train", "test", "predict")
            shared = _shared(make, leading) if several else None
            compiled = shared or make()
        self._metrics = None  # tracing a step for the first time may make some
        return Program(compiled, logs, leading, structure[0] if structure else None, shared is not None)

    def _types(self, data, leaves):
        """Types of the leaves of a batch: sizes that the model leaves open are Dims, all others are fixed."""
        x_sizes, y_sizes, lead = self._open_sizes(data)
        count = sum(a is not None for a in tree.flatten(parts_of(data)[0]))
        types = []
        for i, a in enumerate(leaves):
            known = x_sizes[i] if i < count else y_sizes
            shape = [lead, *a.shape[1:]]
            for axis in range(1, len(shape)):
                if axis < len(known) and isinstance(known[axis], Dim):
                    shape[axis] = known[axis]
            types.append(TensorType(tuple(shape), a.dtype.name))
        return types

    def _open_sizes(self, data):
        """(shape of each input, shape of the outputs as far as they agree, batch size) of the model, with Dims."""
        model, (x, *_) = self.model, parts_of(data)
        count = len(tree.flatten(x))
        begin = model.entries_for(x) if model.is_functional else ()
        if len(begin) != count:
            return [()] * count, (), B
        inputs = [x.type.shape for x in begin]
        outputs = [x.type.shape for x in model.outputs]
        shared = outputs[0] if all(s[:2] == outputs[0][:2] for s in outputs) else ()
        return inputs, shared[:2], inputs[0][0]


def _shared(make, leading):
    """The step for the rows that a process has, or None, with a warning, where each has to do all of it."""
    try:
        if leading is None:
            return make(split)
        reason = f"its batch size is fixed to {leading}"
    except Crosses as error:
        reason = f"rows of the batch meet in {error}"
    warn_at_user(f"the step cannot be shared by processes: {reason}. Each of them computes the whole batch.")
    return None


def _sizes_of(types, leaves) -> dict:
    """What the Dims that stand alone in types are, by name."""
    found = {"B": leaves[0].shape[0]}
    for size, given in itertools.chain(*(zip(t.shape, a.shape) for t, a in zip(types, leaves))):
        if isinstance(size, Dim) and size == dims.dim(str(size)):
            found.setdefault(str(size), given)
    return found


def _broken(rules, types, leaves) -> bool:
    """Whether a size rule that speaks of the types' Dims alone does not hold for these arrays."""
    found = _sizes_of(types, leaves)
    known = [r for r in rules if dims.names((r.a, r.b)) <= found.keys()]
    values = [(r.sign, dims.evaluate(r.a, found), dims.evaluate(r.b, found)) for r in known]
    return any(a != b if sign == "==" else a > b for sign, a, b in values)


def _check_sizes(types, leaves, data):
    """Raise ValueError where arrays have other sizes than the Dims of their types say that they have together."""
    found = _sizes_of(types, leaves)
    for name, t, a in zip(names_of(data), types, leaves):
        for axis, size in enumerate(t.shape):
            if axis and isinstance(size, Dim) and dims.evaluate(size, found) != a.shape[axis]:
                raise ValueError(f"{name}: expected size {dims.evaluate(size, found)} ({size}) on axis {axis}, as the "
                                 f"model has it for these inputs, received shape {a.shape}")


def names_of(data) -> list:
    """What the leaves of what a step gets are called: x, y['out'] ..."""
    parts = data if isinstance(data, tuple) else (data,)
    names = ("x", "y", "sample_weight", *(f"item {i} of the batch" for i in range(3, len(parts))))
    return [name + "".join(f"[{k!r}]" for k in path) for name, part in zip(names, parts)
            for path, leaf in tree.flatten_with_path(part) if leaf is not None]


def _shape_of(data):
    """A hashable picture of how data nests."""
    if isinstance(data, (tuple, list)):
        return tuple([_shape_of(d) for d in data])
    if isinstance(data, dict):
        return tuple([(k, _shape_of(data[k])) for k in sorted(data)])
    return data is None


def _fill(data, values):
    """data with its leaves replaced by the values in order; None stays."""
    rest = iter(values)
    return tree.map_structure(lambda a: None if a is None else next(rest), data)


def eager_data(data):
    """data as tensors, for a step that runs eagerly."""
    return tree.map_structure(lambda a: None if a is None else Tensor(a), data)


def leaves_of(data) -> list:
    """The arrays of what a step gets in order, without what is None."""
    return [a for a in tree.flatten(data) if a is not None]
