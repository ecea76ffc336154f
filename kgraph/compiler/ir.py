"""The intermediate representation: a `Program` is an ordered list of `Op`s over typed `Value`s (SSA).

Everything here is frozen. A pass builds a new Program. Values and ops are compared by identity.
"""
from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.loopnest.dtypes import DTYPES, short_name
from kgraph.compiler.shapes import Shape, dtype_name

__all__ = ["Op", "Program", "ProgramError", "TensorLike", "TensorType", "Value", "Values", "frozen",
           "verify"]

MAX_AXES = 32


class ProgramError(ValueError):
    """A Program that breaks the grammar of the IR."""


@dataclass(frozen=True)
class TensorType:
    """Shape (ints and Dims) and dtype (a NumPy name) of a value; printed as ``f32[B,128]``."""

    shape: tuple
    dtype: str

    def __post_init__(self):
        if len(self.shape) > MAX_AXES:
            raise ValueError(f"expected a tensor of at most {MAX_AXES} axes, as NumPy has it, received "
                             f"{len(self.shape)}")
        object.__setattr__(self, "shape", Shape(self.shape))
        object.__setattr__(self, "dtype", dtype_name(self.dtype))

    @property
    def size(self):
        """Number of elements, an int or a Dim."""
        return dims.size_of(self.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return DTYPES[self.dtype].itemsize if self.dtype in DTYPES else np.dtype(self.dtype).itemsize

    @property
    def nbytes(self):
        """Bytes of all elements, an int or a Dim."""
        return self.size * self.itemsize

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __str__(self):
        return f"{short_name(self.dtype)}[{','.join(map(str, self.shape))}]"


class TensorLike:
    """What users compute with: Tensor (concrete), Value (traced), KTensor (recorded) and Variable.

    kgraph.ops gives this class its Python operators, slicing and len().
    """

    __slots__ = ()
    __array_priority__ = 1000  # so that ndarray + tensor comes to our __radd__
    is_symbolic = False        # True for KTensor: calls of kgraph.ops are then recorded, not run

    def get_shape(self):
        """The shape, as TensorFlow's programs ask for it."""
        return self.shape

    def set_shape(self, shape):
        """Says what shape this tensor has, which it knows itself.

        Raises:
            ValueError: it has another.
        """
        sizes = self.shape.as_list()
        if len(shape) != len(sizes) or any(a is not None and b is not None and a != b for a, b in zip(shape, sizes)):
            raise ValueError(f"set_shape: expected what fits shape {tuple(self.shape)}, received {tuple(shape)}")

    def item(self):
        """The only element, as a Python number."""
        return self.numpy().item()

    def tolist(self):
        """The elements as nested lists of Python numbers."""
        return self.numpy().tolist()

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __format__(self, spec):
        return format(self.item(), spec) if spec else str(self)

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """The value for another library, such as `numpy.from_dlpack(tensor)`.

        The memory is shared where that library knows memory that must not be written (DLPack 1.0), else copied.

        Args:
            stream, max_version, dl_device: what the other library asks for; see the Array API standard.
            copy: True for a copy, False for none, None (the default) for one where it is needed.

        Raises:
            BufferError: copy=False where a copy is needed; a dtype that NumPy has none of its own for (bfloat16).
            TypeError: there is no value yet.
        """
        array = self.numpy()
        if array.dtype.kind not in "biufc":
            raise BufferError(f"DLPack: expected a dtype of NumPy's own, received {self.dtype}: cast to float32 first")
        asked = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        if max_version is None and copy is None and not array.flags.writeable:
            array = array.copy()
        return array.__dlpack__(**{name: value for name, value in asked.items() if value is not None})

    def __dlpack_device__(self):
        """(1, 0): memory of the processor."""
        return 1, 0


class Value(TensorLike):
    """One result of one Op, or an input of a Program. Compared by identity; the name is for people."""

    __slots__ = ("type", "name", "__weakref__")

    def __init__(self, type: TensorType, name: str = ""):
        self.type = type
        self.name = name

    @property
    def shape(self) -> tuple:
        return self.type.shape

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    @property
    def size(self):
        return self.type.size

    def numpy(self):
        raise TypeError(f"{self!r} has no value yet: it is part of a graph that is being recorded. "
                        "compile(run_eagerly=True) runs call() and train_step() on values.")

    def __index__(self):
        return self.item()

    def __array__(self, dtype=None, copy=None):
        return self.numpy()

    def __repr__(self):
        return f"<Value {self.name or '?'} {self.type}>"


class Values(tuple):
    """A tuple of values whose ``in`` asks for the value itself: ``==`` of values is an operation of their own."""

    __slots__ = ()

    def __contains__(self, value):
        return any(value is v for v in self)


@dataclass(frozen=True, eq=False)
class Op:
    """One application of a primitive. ``params`` are plain values (hashable, or a Program for loops and fused ops)."""

    prim: object
    inputs: tuple
    params: dict
    outputs: tuple
    scope: str = ""

    def __post_init__(self):
        object.__setattr__(self, "inputs", Values(self.inputs))
        object.__setattr__(self, "outputs", Values(self.outputs))

    def reading(self, inputs) -> Op:
        """The op with other inputs of the same types."""
        same = all(a is b for a, b in zip(inputs, self.inputs, strict=True))
        return self if same else Op(self.prim, tuple(inputs), self.params, self.outputs, self.scope)


@dataclass(frozen=True, eq=False)
class Program:
    """Ops in execution order. ``updates`` pairs a state input with the value that replaces it: the only updates."""

    name: str
    inputs: tuple
    ops: tuple
    outputs: tuple
    updates: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "inputs", Values(self.inputs))
        object.__setattr__(self, "outputs", Values(self.outputs))

    def __str__(self):
        return format_program(self)

    def users(self) -> dict:
        """Value -> list of the ops that read it."""
        found = {}
        for op in self.ops:
            for v in op.inputs:
                found.setdefault(v, []).append(op)
        return found

    def with_ops(self, ops) -> Program:
        return Program(self.name, self.inputs, tuple(ops), self.outputs, self.updates)


def frozen(params: dict) -> tuple:
    """Params as a key: equal keys mean the same."""
    return tuple((k, _typed(params[k])) for k in sorted(params))


def _typed(v):
    """0, 0.0 and False are equal in Python but not in a program; nor are 0.0 and -0.0. Names of dtypes are texts."""
    if isinstance(v, tuple):
        return tuple(map(_typed, v))
    return ("str", str(v)) if isinstance(v, str) else (type(v).__name__, repr(v) if isinstance(v, float) else v)


def label(values) -> dict:
    """Names for printing: Value -> ``%n`` or its own name."""
    return {v: v.name if v.name else f"%{i}" for i, v in enumerate(values)}


def format_program(program: Program, indent: str = "", names: dict | None = None) -> str:
    """The text form: one line an op, ``%7:f32[B,10] = dot(%5, dense/kernel)  # dense``; bodies indented under it."""
    own = list(program.inputs) + [o for op in program.ops for o in op.outputs]
    names = {**(names or {}), **_unique_names(own, set((names or {}).values()))}
    show = lambda v: f"{names.get(v, '?')}:{v.type}"
    lines = [f"{indent}{program.name}({', '.join(map(show, program.inputs))})"]
    for op in program.ops:
        plain = {k: v for k, v in op.params.items() if not isinstance(v, Program)}
        args = [names.get(v, "?") for v in op.inputs] + [f"{k}={_param_text(v)}" for k, v in plain.items()]
        left = ", ".join(map(show, op.outputs))
        lines.append(f"{indent}  {left} = {op.prim.name}({', '.join(args)})" + (f"  # {op.scope}" if op.scope else ""))
        for body in op.params.values():
            if isinstance(body, Program):
                lines.append(format_program(body, indent + "    ", names))
    for state, new in program.updates:
        lines.append(f"{indent}  {names.get(state, '?')} <- {names.get(new, '?')}")
    lines.append(f"{indent}  return {', '.join(names.get(v, '?') for v in program.outputs)}")
    return "\n".join(lines)


def _unique_names(values, taken) -> dict:
    names, count = {}, 0
    for v in values:
        if v in names:
            continue
        name = v.name
        if not name or name in taken:
            while (name := f"%{count}") in taken:
                count += 1
        taken.add(name)
        names[v] = name
    return names


def _param_text(v) -> str:
    return "(" + ",".join(map(_param_text, v)) + ")" if isinstance(v, tuple) else str(v)


_verified: weakref.WeakSet = weakref.WeakSet()  # ops


def _verify_op(op, where: str):
    """Its outputs' types agree with infer; so do those of its bodies."""
    inferred = op.prim.infer(*[v.type for v in op.inputs], **op.params)
    inferred = inferred if isinstance(inferred, tuple) else (inferred,)
    if inferred != tuple(v.type for v in op.outputs):
        raise ProgramError(f"{where}: expected {', '.join(map(str, inferred))}, "
                           f"received {', '.join(str(v.type) for v in op.outputs)}")
    for body in op.params.values():
        if isinstance(body, Program):
            verify(body)


def verify(program: Program, outer: frozenset = frozenset()) -> Program:
    """Check the grammar: each value defined once and before use, types agree with infer, updates keep their type.

    Raises ProgramError naming the op and its scope. Returns the program. What an op says of itself is checked once:
    nothing of an Op changes.
    """
    known = set(outer)
    for v in program.inputs:
        if v in known:
            raise ProgramError(f"{program.name}: input {v!r} appears twice")
        known.add(v)
    for op in program.ops:
        where = f"{program.name}: {op.prim.name} ({op.scope or 'no scope'})"
        for v in op.inputs:
            if v not in known:
                raise ProgramError(f"{where}: reads {v!r}, which is not defined before it")
        if op not in _verified:
            _verify_op(op, where)
            _verified.add(op)
        for v in op.outputs:
            if v in known:
                raise ProgramError(f"{where}: {v!r} is defined twice")
            known.add(v)
    for v in program.outputs:
        if v not in known:
            raise ProgramError(f"{program.name}: returns {v!r}, which is not defined")
    for state, new in program.updates:
        if state not in program.inputs or new not in known:
            raise ProgramError(f"{program.name}: update of {state!r} by {new!r}: not an input, or not defined")
        if state.type != new.type:
            raise ProgramError(f"{program.name}: update of {state!r}: expected {state.type}, received {new.type}")
    return program
