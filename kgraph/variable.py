"""`Variable`: a named buffer that lives as long as the variable does."""
from __future__ import annotations

import contextlib
import itertools
import math
import threading

import numpy as np

from kgraph import budget, doors, watch
from kgraph.compiler.ir import TensorLike, TensorType
from kgraph.compiler.loopnest.dtypes import is_float, numpy_dtype
from kgraph.compiler.shapes import dtype_name
from kgraph.compiler.trace import Tensor, bind, current_trace, open_tapes, suspend_recording, to_tensor
from kgraph.config import floatx
from kgraph.naming import auto_name, nearest
from kgraph.runtime.memory import aligned

__all__ = ["Variable", "flatten", "is_followed", "mark_trainable", "wrote", "zeros"]

AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")
generation = 0  # grows whenever a variable's memory moves: compiled code then binds its addresses again
last_write = 0  # when some variable was written, by a clock that goes on with every write
_clock = itertools.count(1)


class _Scopes(threading.local):
    open = ()   # of kgraph.stateless, which puts back what is assigned inside
    autocast = False   # the float dtype in which variables are read; None: their own; False: outside of such layers


scopes = _Scopes()


def is_followed() -> bool:
    """Whether a trace, a tape or a stateless scope follows what is computed and assigned in this thread."""
    return current_trace() is not None or bool(open_tapes()) or bool(scopes.open)


@contextlib.contextmanager
def autocasting(dtype: str | None):
    """Inside, float variables are read in that dtype; None: in their own."""
    before, scopes.autocast = scopes.autocast, dtype
    try:
        yield
    finally:
        scopes.autocast = before


class Variable(TensorLike):
    """State: weights, statistics, counters.

    aggregation, synchronization and layout are accepted for Keras's sake.

    Reading it inside a trace gives the trace's state input, and `assign` there records an update; outside, they read
    and write the buffer. The buffer's address never changes by assignment: compiled code keeps it.

    Args:
        initializer: an array, or a callable (shape, dtype) -> array or the name of one, called at once
        shape: needed with a callable
        dtype: a NumPy name; default: that of the array, floatx of Python floats, int32 of Python integers
        trainable: whether optimizers update it
        name: last part of its path; unique inside its layer
        autocast: whether layers that compute in another float dtype read it in that dtype, as it says itself inside
            them
        aggregation, synchronization, layout: accepted; of several devices.
        path: by default the names of the scopes, and its own.
        regularizer: what it adds to the loss; None: nothing.
        constraint: a function of it after each update; None: none.

    Raises:
        ValueError: a callable without a shape, or an initial value of another shape.
    """

    synchronization = "auto"
    apart = False  # whether each process has something of its own in it: see kgraph.tables
    untouched = False  # whether its memory began as zeros that nobody wrote, so that it takes none until it is

    def __init__(self, initializer, shape=None, dtype=None, trainable=True, autocast=True, aggregation="none",
                 synchronization="auto", name=None, layout=None, path=None, regularizer=None, constraint=None):
        name = name or auto_name("variable")
        if isinstance(initializer, str):
            initializer = doors.initializers.get(initializer)
        if callable(initializer) and not isinstance(initializer, TensorLike):
            if shape is None:
                raise ValueError(f"variable {name}: an initializer needs a shape, received shape=None")
            self._buffer, self.untouched = _initial(initializer, tuple(shape), dtype or floatx())
        else:
            array = np.asarray(initializer, dtype=dtype and numpy_dtype(dtype))
            if dtype is None and not hasattr(initializer, "dtype"):
                array = array.astype({"f": floatx(), "i": "int32"}.get(array.dtype.kind, array.dtype))
            self._buffer, self.untouched = _own_memory(array)
        if shape is not None and tuple(shape) != self._buffer.shape:
            raise ValueError(f"variable {name}: expected shape {tuple(shape)}, received {self._buffer.shape}")
        self._describe(TensorType(self._buffer.shape, self._buffer.dtype.name), name, path, trainable, autocast,
                       aggregation, regularizer, constraint)
        self.synchronization = synchronization

    def _describe(self, type, name, path=None, trainable=True, autocast=True, aggregation="none", regularizer=None,
                  constraint=None):
        if aggregation not in AGGREGATIONS:
            raise ValueError(f"variable {name}: expected aggregation among {', '.join(AGGREGATIONS)}, received "
                             f"{aggregation!r}.{nearest(aggregation, AGGREGATIONS)}")
        self.type = type
        self.trainable = trainable
        self.autocast, self.aggregation = bool(autocast), aggregation
        self.name = name
        self.path = path or name
        self.regularizer = regularizer
        self.constraint = constraint
        self.home = None   # the Variable with this one's memory: a flat one, of which it is a part from `offset` on
        self.offset = 0
        self.written_at = 0  # as `last_write`
        self.read_by_rows = False  # whether it is a table that layers look up rows of

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self.__dict__["trainable"]

    @trainable.setter
    def trainable(self, value):
        self.__dict__["trainable"] = value
        watch.changed(flags=True)

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an optimizer puts its gradient in its place."""
        return self.__dict__.get("overwrite_with_gradient", False)

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value):
        if not isinstance(value, bool):
            raise TypeError(f"variable {self.path}: expected overwrite_with_gradient to be True or False, received "
                            f"{value!r}")
        self.__dict__["overwrite_with_gradient"] = value

    @property
    def shape(self) -> tuple:
        return self.type.shape

    @property
    def dtype(self) -> str:
        own, cast = self.type.dtype, scopes.autocast
        return dtype_name(cast) if cast and self.autocast and is_float(own) else own

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    @property
    def size(self) -> int:
        return self.type.size

    @property
    def buffer(self) -> np.ndarray:
        """The memory itself. For the runtime and for saving, who call `wrote` when they have written into it; others
        read `value` and call `assign`."""
        return self._buffer

    def wrote(self):
        """Tell that the memory was written: what was made of its contents is made anew when it is needed next."""
        wrote((self,))

    @property
    def last_written(self) -> tuple:
        """Changes whenever its memory is written, by its own name or by its home's."""
        return self.written_at, 0 if self.home is None else self.home.written_at

    def take_from(self, flat):
        """This variable's value as a part of its home's value.

        Args:
            flat: a vector that holds several variables.

        Returns:
            The part that is this variable.
        """
        from kgraph.compiler.prims.move import reshape_p, slice_p
        part = bind(slice_p, flat, starts=(self.offset,), limits=(self.offset + self.size,), strides=(1,))
        return bind(reshape_p, part, shape=self.shape)

    def put_into(self, flat, value):
        """Its home's value with this part replaced.

        Args:
            flat, value: that vector, and what takes the variable's place in it.

        Returns:
            The vector.
        """
        from kgraph.compiler.prims.move import concatenate_p, reshape_p, slice_p
        end = self.offset + self.size
        parts = [bind(slice_p, flat, starts=(a,), limits=(b,), strides=(1,))
                 for a, b in ((0, self.offset), (end, flat.shape[0])) if a < b]
        parts.insert(1 if self.offset else 0, bind(reshape_p, value, shape=(self.size,)))
        return bind(concatenate_p, *parts, axis=0)

    @property
    def value(self):
        """A Value while a graph is recorded, else a Tensor with a copy of the contents."""
        value, dtype = self._contents(), self.dtype
        return value if dtype == self.type.dtype else cast_value(value, dtype)

    def _contents(self):
        trace = current_trace()
        if trace is not None:
            return trace.read(self)
        tapes = open_tapes()
        known = [x for tape in tapes if (x := tape.latest(self)) is not None]
        tensor = known[0] if known else Tensor(self.numpy())
        for tape in tapes:
            tape.note(self, tensor)
        return tensor

    __kgraph_value__ = value.fget

    def numpy(self) -> np.ndarray:
        """A copy of the contents."""
        return self._buffer.copy()

    def __bool__(self):
        return bool(self.value)

    def __float__(self):
        return float(self._scalar())

    def __int__(self):
        return int(self._scalar())

    def __format__(self, spec):
        return format(self.value, spec) if spec else str(self)

    def _scalar(self):
        if self.shape:
            raise TypeError(f"variable {self.path}: expected a scalar to make a number of, received shape {self.shape}")
        return self.value.numpy()

    def __array__(self, dtype=None, copy=None):
        return np.array(self.buffer, dtype=dtype)

    def __dlpack__(self, *, copy=None, **asked):
        """A copy of the contents for another library: what writes into the memory must tell so, as `assign` does.

        Raises:
            BufferError: copy=False; a dtype that NumPy has none of its own for (bfloat16).
        """
        if copy is False:
            raise BufferError(f"variable {self.path}: expected copy=None or True, received copy=False: its memory is "
                              "written by assign alone")
        return super().__dlpack__(**asked)

    def assign(self, value):
        """Replace the contents. Shapes must agree; the dtype is converted. Returns the new value.

        Raises ValueError on another shape, and changes nothing then.

        Args:
            value: a tensor of the variable's shape, or what broadcasts to it.

        Returns:
            The new value.
        """
        for scope in scopes.open:
            scope.remember(self)
        if current_trace() is not None:
            value = to_tensor(value)
            self._check_shape(value.shape)
            value = _separate(cast_value(value, self.type.dtype))
            trace = current_trace()
            trace.assign(self, trace.lift(value))
            return value
        array = np.asarray(value)
        self._check_shape(array.shape)
        self.store(array)
        for tape in open_tapes():
            tape.note(self, None)
        return self.value if open_tapes() else array

    def store(self, array):
        """Write an array of its shape into its memory, which no tape learns of.

        Args:
            array: the new values
        """
        self._buffer[...] = array
        self.wrote()

    def assign_add(self, value):
        """Add a value in place.

        Args:
            value: a tensor of the variable's shape, or what broadcasts to it.

        Returns:
            The new value.
        """
        return self.assign(self._contents() + value)

    def assign_sub(self, value):
        """Subtract a value in place.

        Args:
            value: a tensor of the variable's shape, or what broadcasts to it.

        Returns:
            The new value.
        """
        return self.assign(self._contents() - value)

    def _check_shape(self, shape):
        if tuple(shape) != self.shape:
            raise ValueError(f"variable {self.path}: expected a value of shape {self.shape}, received {tuple(shape)}")

    def __repr__(self):
        return f"<Variable {self.path} {self.type}{'' if self.trainable else ' not trainable'}>"

    def _repr_html_(self):
        return doors.displays.array(self.buffer, f"Variable {self.path} {self.type}")

    def __deepcopy__(self, memo):
        copy = self.__class__.__new__(self.__class__)
        memo[id(self)] = copy
        copy.__dict__.update(self.__getstate__())
        return copy

    def __getstate__(self):
        # not when it was written: by the clock of another process that may be a time that is yet to come
        return {**self.__dict__, "_buffer": self._buffer.copy(), "home": None, "offset": 0, "written_at": 0,
                "untouched": False}


def _initial(initializer, shape, dtype) -> tuple:
    """Memory with what the initializer gives (zeros where a loader fills the variable next), and whether it is
    untouched."""
    dtype = numpy_dtype(dtype)
    budget.spend(math.prod(shape) * dtype.itemsize, f"a weight of shape {shape}", weight=True)
    if budget.begins_blank():
        return _own_memory(zeros(shape, dtype))
    if shape and getattr(initializer, "by_rows", False):
        memory = _memory(shape, dtype)
        with suspend_recording():
            initializer.fill(memory, shape)
        return memory, False
    with suspend_recording():
        return _own_memory(np.asarray(initializer(shape, dtype=dtype.name), dtype=dtype))


def zeros(shape, dtype) -> np.ndarray:
    """Zeros to begin a Variable with, which take no memory before something else is written."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _memory(shape, dtype) -> np.ndarray:
    """Zeros in memory that begins at a line of the cache, where no vector of 64 bytes lies across two."""
    return aligned(math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)


def _own_memory(array) -> tuple:
    """A copy, and whether its memory is not touched yet: that of one zero, repeated."""
    memory = _memory(array.shape, array.dtype)
    one_zero = array.size > 0 and not any(array.strides) and not array.flat[0]
    if not one_zero:
        memory[...] = array
    return memory, one_zero and array.ndim > 0


def flatten(variables, name: str) -> Variable:
    """Give variables of one dtype a common home: one flat buffer of which each becomes a view. Returns the home.

    Variables that have a home already keep it: then a ValueError names them.
    """
    global generation
    settled = [v.path for v in variables if v.home is not None]
    if settled:
        raise ValueError(f"expected variables without a home, received {', '.join(settled)}")
    home = Variable(zeros((sum(v.size for v in variables),), variables[0].buffer.dtype), trainable=False, name=name)
    offset = 0
    for v in variables:
        part = home.buffer[offset:offset + v.size].reshape(v.shape)
        if not v.untouched:
            part[...] = v.buffer
        v.home, v.offset, v._buffer = home, offset, part
        offset += v.size
    home.untouched = False  # what is written into a part does not tell it
    generation += 1
    return home


def mark_trainable(variable, value):
    """Set a variable's `trainable` for the layer that holds it, among whose variables it keeps its place."""
    variable.__dict__["trainable"] = value
    watch.changed(searches=False, flags=True)


def wrote(variables):
    """Tell that the memory of variables was written; see Variable.wrote."""
    global last_write
    now = next(_clock)
    for v in variables:
        v.written_at, v.untouched = now, False
        if v.home is not None:
            v.home.written_at = now
    last_write = now


def cast_value(value, dtype):
    """value with that dtype, recorded only when it differs."""
    from kgraph.compiler.prims.elementwise import cast_p
    return value if value.dtype == dtype else bind(cast_p, value, dtype=dtype)


def _separate(value):
    """The value as one of its own: what is read after an assignment is the variable, and no gradient goes further."""
    from kgraph.compiler.prims.elementwise import stop_gradient_p
    return bind(stop_gradient_p, value)
