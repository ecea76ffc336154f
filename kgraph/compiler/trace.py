"""bind(): apply a primitive now, or record it. Also the two recorders, Trace and Tape, and the concrete Tensor.

With a traced Value among its arguments, bind infers a type and appends an Op to the current Trace. Otherwise it runs
the NumPy reference, and appends the same kind of Op to every open Tape. One backward() serves both.
"""
from __future__ import annotations

import contextlib
import threading

import numpy as np

from kgraph import budget, doors
from kgraph.compiler.dims import SizeRule, names
from kgraph.compiler.ir import Op, Program, TensorLike, TensorType, Value
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.primitive import Primitive
from kgraph.compiler.shapes import Shape, dtype_name

__all__ = ["Tape", "Tensor", "Trace", "assume_sizes", "bind", "current_trace", "name_scope", "suspend_recording",
           "to_tensor"]


# NumPy takes microseconds to name a dtype
_NAMES = {np.dtype(name): dtype_name(name) for name, t in DTYPES.items() if not t.foreign}


class Tensor(TensorLike):
    """A concrete value: an immutable NumPy array with kgraph's operators. NumPy functions accept it."""

    __slots__ = ("_array", "__weakref__")

    def __init__(self, array):
        array = np.asarray(array)
        self._array = array.view()
        self._array.flags.writeable = False

    @property
    def type(self) -> TensorType:
        return TensorType(self._array.shape, self.dtype)

    @property
    def shape(self) -> tuple:
        return Shape(self._array.shape)

    @property
    def dtype(self) -> str:
        return _NAMES.get(self._array.dtype) or dtype_name(self._array.dtype.name)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def size(self) -> int:
        return self._array.size

    def numpy(self) -> np.ndarray:
        """The value as a (read-only) NumPy array."""
        return self._array

    def __array__(self, dtype=None, copy=None):
        return np.array(self._array, dtype=dtype, copy=copy)

    def item(self):
        return self._array.item()

    def tolist(self):
        return self._array.tolist()

    def __float__(self):
        return float(self._array.item())

    def __int__(self):
        return int(self._array.item())

    def __index__(self):
        return self._array.__index__()

    def __bool__(self):
        return bool(self._array)

    def __format__(self, spec):
        return format(self._array.item() if self._array.ndim == 0 else self._array, spec)

    def __repr__(self):
        return f"<Tensor {self.type} {np.array2string(self._array, threshold=20)}>"

    def _repr_html_(self):
        return doors.displays.array(self._array, f"Tensor {self.type}")

    def __reduce__(self):
        return Tensor, (np.array(self._array),)


class _Recorders(threading.local):
    def __init__(self):
        self.traces = []
        self.tapes = []
        self.scope = []


_recorders = _Recorders()


def current_trace() -> Trace | None:
    """The innermost Trace being recorded in this thread, or None."""
    return _recorders.traces[-1] if _recorders.traces else None


def open_tapes() -> list:
    """The Tapes recording in this thread."""
    return _recorders.tapes


@contextlib.contextmanager
def name_scope(name: str):
    """Ops recorded inside carry this path element; the printer, errors and the profiler show it."""
    _recorders.scope.append(name)
    try:
        yield
    finally:
        _recorders.scope.pop()


def current_scope() -> str:
    return "/".join(_recorders.scope)


@contextlib.contextmanager
def at_scope(path: str):
    """Replace the whole scope path (the reverse walk puts gradient ops beside the op they belong to)."""
    saved, _recorders.scope = _recorders.scope, [path] if path else []
    try:
        yield
    finally:
        _recorders.scope = saved


@contextlib.contextmanager
def suspend_recording():
    """Inside, nothing is recorded: no trace, no tape (initial values of variables are made so)."""
    traces, tapes, scope = _recorders.traces, _recorders.tapes, _recorders.scope
    _recorders.traces, _recorders.tapes, _recorders.scope = [], [], []
    try:
        yield
    finally:
        _recorders.traces, _recorders.tapes, _recorders.scope = traces, tapes, scope


@contextlib.contextmanager
def back_in(trace: Trace):
    """Record in an enclosing trace again."""
    saved = _recorders.traces
    _recorders.traces = saved[:saved.index(trace) + 1]
    try:
        yield
    finally:
        _recorders.traces = saved


def assume_sizes(a, sign: str, b, what: str):
    """Take a == b or a <= b for granted, and have it checked when the extents are bound. Outside of traces nothing."""
    trace = current_trace()
    if trace is not None:
        while trace.parent is not None:
            trace = trace.parent
        scope = current_scope()
        trace.size_rules[SizeRule(a, sign, b, f"{what} ({scope})" if scope else what, scope)] = None


class Trace:
    """Records ops into a Program. Use as a context manager.

    Reading a Variable inside gives its state input, assigning one records an update. A Value of an enclosing Trace,
    an array or a Tensor used inside becomes an input too, kept in ``captured``.
    """

    def __init__(self, name: str):
        self.name = name
        self.parent = None
        self.inputs: list[Value] = []
        self.ops: list[Op] = []
        self.states: dict = {}      # Variable -> its state input
        self.current: dict = {}     # Variable -> the Value that it holds now
        self.captured: list = []    # (input Value, the Tensor or outer Value that it stands for)
        self.size_rules: dict = {}  # SizeRule -> None: what was taken for granted; checked when extents are bound
        self.tapes: list = []       # open Tapes that note which values variables had
        self.before_again: list = []  # what to call before tracing once more, for a better program of the same meaning
        self._known: set = set()
        self._lifted: dict = {}

    def __enter__(self):
        self.parent = current_trace()
        _recorders.traces.append(self)
        return self

    def __exit__(self, *exc):
        _recorders.traces.pop()

    def ask_again(self, prepare):
        """Have ``prepare()`` called when the outermost trace is over, and everything traced again."""
        outermost = self
        while outermost.parent is not None:
            outermost = outermost.parent
        outermost.before_again.append(prepare)

    def add_input(self, type: TensorType, name: str = "") -> Value:
        value = Value(type, name)
        self.inputs.append(value)
        self._known.add(value)
        return value

    def lift(self, x) -> Value:
        """x as a Value of this trace: its own, or an input that captures what comes from outside."""
        if x in self._known:
            return x
        if x in self._lifted:
            return self._lifted[x]
        value = self.add_input(x.type, x.name if isinstance(x, Value) else f"const_{len(self.captured)}")
        self._lifted[x] = value
        self.captured.append((value, x))
        return value

    def record(self, prim: Primitive, args, params):
        budget.spend(budget.OP, "many operations")
        inferred = prim.infer(*[a.type for a in args], **params)
        many = isinstance(inferred, tuple)
        outputs = tuple(map(Value, inferred if many else (inferred,)))
        self.ops.append(Op(prim, tuple(args), params, outputs, current_scope()))
        self._known.update(outputs)
        return outputs if many else outputs[0]

    def read(self, variable) -> Value:
        value = self._current(variable)
        for tape in self.tapes:
            tape.note(variable, value)
        return value

    def _current(self, variable) -> Value:
        if variable not in self.current:
            if self.parent is not None:
                with back_in(self.parent):
                    value = self.parent.read(variable)
                return self.lift(value)
            if variable.home is not None:
                self.current[variable] = variable.take_from(self.read(variable.home))
            else:
                self.states[variable] = self.current[variable] = self.add_input(variable.type, variable.path)
        return self.current[variable]

    def assign(self, variable, value: Value):
        if self.parent is not None:
            raise TypeError(f"variable {variable.path} is assigned inside a loop body or a branch: "
                            "make it part of the loop's carry, and assign the result after the loop")
        self.read(variable)
        if variable.home is not None:
            self.current[variable.home] = variable.put_into(self.read(variable.home), value)
        for v in [v for v in self.current if v.home is variable]:
            del self.current[v]
        self.current[variable] = value

    def finish(self, outputs) -> Program:
        """The Program recorded so far, with updates for the variables that were assigned."""
        outputs = tuple(self.lift(o) for o in outputs)
        updates = tuple((s, self.current[v]) for v, s in self.states.items() if self.current[v] is not s)
        return Program(self.name, tuple(self.inputs), tuple(self.ops), outputs, updates)


class Tape:
    """Records what runs eagerly, while open (a context manager). Ops hold Tensors in place of Values.

    variables   Variable -> what reading it gave, one value for each time it was assigned; None: not read since
    """

    def __init__(self):
        self.ops: list[Op] = []
        self.variables: dict = {}

    def note(self, variable, value):
        """Reading the variable gave this value; None: it was assigned."""
        values = self.variables.setdefault(variable, [])
        if not values or values[-1] is not value:
            values.append(value)

    def latest(self, variable):
        """What reading the variable gave, if it was read and not assigned since."""
        return self.variables.get(variable, [None])[-1]

    def __enter__(self):
        _recorders.tapes.append(self)
        return self

    def __exit__(self, *exc):
        _recorders.tapes.remove(self)


def to_tensor(x):
    """x as what bind works on: a Value or Tensor stays, a Variable is read, anything else becomes a Tensor."""
    if isinstance(x, (Value, Tensor)):
        return x
    if hasattr(x, "__kgraph_value__"):
        return x.__kgraph_value__()
    return Tensor(x)


def _symbolic_size(params) -> bool:
    """Whether a param holds a Dim: then even constants can only be recorded."""
    return any(names(p) for p in params.values())


def bind(prim: Primitive, *args, **params):
    """Apply a primitive: record it when a traced Value (or, inside a trace, no tensor at all, or a symbolic size) is
    among the arguments, else compute it with the NumPy reference. Returns a Value or a Tensor, or a tuple of them."""
    args = [to_tensor(a) for a in args]
    trace = current_trace()
    if trace is not None and (any(isinstance(a, Value) for a in args) or not args or _symbolic_size(params)):
        return trace.record(prim, [trace.lift(a) for a in args], params)
    for a in args:
        if isinstance(a, Value):
            raise TypeError(f"{prim.name} received {a!r} of a graph whose recording has ended")
    result = prim.compute(*[a.numpy() for a in args], **params)
    many = isinstance(result, tuple)
    outputs = tuple(map(Tensor, result if many else (result,)))
    for tape in open_tapes():
        tape.ops.append(Op(prim, tuple(args), params, outputs, current_scope()))
    return outputs if many else outputs[0]
