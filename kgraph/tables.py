"""`Table`: a Variable of which each process holds some rows, where `kgraph.distribution` says so of its path.

It is used as any other Variable: a program reads the whole of it, and what is made of it then (kgraph.compiler.
split_tables) works with the rows that are held. What a process asks for outside of programs, as ``numpy()``, comes from
all others: all have to ask for it at the same time. What process 0 does alone, as writing files, is done inside
`first_does`.
"""
from __future__ import annotations

import pickle
import weakref

import numpy as np

from kgraph import budget
from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.prims import collective
from kgraph.compiler.prims.collective import gather_rows_p, own_rows_p, rows_each
from kgraph.compiler.trace import bind, suspend_recording
from kgraph.config import floatx
from kgraph.variable import Variable, zeros

__all__ = ["Table", "first_does", "kind_of", "placing"]

PIECE = 1 << 22  # numbers of a table that are sent or written at once


class _Placing:
    """by_rows: whether a variable with that path and shape is kept by rows; None: none is."""

    by_rows = None


class _Asking:
    """Whether process 0 does something while the others answer."""

    now = False


placing, _asking = _Placing(), _Asking()
_numbered: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # the same numbers on every process
_count = [0]


def kind_of(path, shape) -> type:
    """The class of a variable with that path and shape: Variable or Table."""
    return Table if placing.by_rows is not None and placing.by_rows(path, shape) else Variable


class Table(Variable):
    """See above. ``home`` has the rows of this process, from ``start`` to ``stop``."""

    apart = True

    def __init__(self, initializer, shape, dtype=None, name=None, **settings):
        shape, dtype = tuple(shape), dtype or floatx()
        self._describe(TensorType(shape, dtype), name, **settings)
        each = rows_each(shape[0])
        self.start = min(_world(self).rank * each, shape[0])
        self.stop = min(self.start + each, shape[0])
        self.home = Variable(zeros, shape=(each, *shape[1:]), dtype=dtype, trainable=False, name=name, path=self.path)
        self.home.apart = True
        self._take_number()
        if not budget.begins_blank():
            self._begin(_of_the_first(initializer))

    def _take_number(self):
        self.number = _count[0]
        _count[0] += 1
        _numbered[self.number] = self

    def _begin(self, initializer):
        """The rows that the initializer gives. Those of drawn numbers are drawn alone."""
        if getattr(initializer, "by_rows", False):
            with suspend_recording():
                initializer.fill(self.held, self.shape, self.start)
            return
        with suspend_recording():
            self.held[...] = np.asarray(initializer(self.shape, dtype=self.type.dtype))[self.start:self.stop]

    def _pieces(self, start, stop):
        step = max(1, PIECE * self.shape[0] // max(self.size, 1))
        return [(a, min(a + step, stop)) for a in range(start, stop, step)]

    @property
    def held(self) -> np.ndarray:
        """The memory of this process's rows."""
        return self.home.buffer[:self.stop - self.start]

    @property
    def buffer(self):
        raise TypeError(f"variable {self.path}: each process holds some of its rows: expected numpy() to be called, by "
                        "all processes")

    def take_from(self, rows):
        """The whole of it out of the rows that are held."""
        return bind(gather_rows_p, rows, size=self.shape[0])

    def put_into(self, rows, value):
        """The rows that are held out of the whole of it."""
        each = rows_each(self.shape[0])
        return bind(own_rows_p, value, rows=each, start=each * _world(self).rank)

    def numpy(self) -> np.ndarray:
        """A copy of the whole. All processes have to ask for it, unless it is inside `first_does`."""
        result = np.empty(self.shape, numpy_dtype(self.type.dtype))
        if _asking.now:
            for start, part in self.parts():
                result[start:start + len(part)] = part
        else:
            _world(self).tables.gather_rows(self.home.buffer, result)
        return result

    def parts(self):
        """(first row, rows) one after the other, inside `first_does`."""
        each = rows_each(self.shape[0])
        for owner in range(_world(self).size):
            for a, b in self._pieces(owner * each, min((owner + 1) * each, self.shape[0])):
                yield a, _world(self).tables.ask(self, owner, a - owner * each, b - owner * each)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.numpy(), dtype=dtype)

    def store(self, array):
        self.held[...] = array[self.start:self.stop]
        self.wrote()

    def _repr_html_(self):
        return repr(self)

    def __reduce__(self):
        return _whole, (self.numpy(), {name: getattr(self, name) for name in _KEPT})

    def __deepcopy__(self, memo):
        copy = self.__class__.__new__(self.__class__)
        memo[id(self)] = copy
        copy.__dict__.update({**self.__dict__, "home": self.home.__deepcopy__(memo)})
        copy._take_number()
        return copy


_KEPT = ("trainable", "autocast", "aggregation", "name", "path", "regularizer", "constraint")


def _whole(array, settings) -> Variable:
    return Variable(array, **settings)


def _world(table):
    if collective.link.world is None:
        raise RuntimeError(f"variable {table.path}: each process holds some of its rows, and no distribution is in "
                           "force: expected the one that it was made in, by set_distribution()")
    return collective.link.world


def _of_the_first(initializer):
    """The initializer of process 0, whose seed may be another one."""
    try:
        mine = pickle.dumps(initializer)
    except (pickle.PicklingError, AttributeError, TypeError):
        return initializer  # a function of the program, the same on all
    return pickle.loads(collective.link.world.gather(mine)[0])


def first_does(work):
    """Process 0 calls work() and gets its result, and reads in it what it likes of tables; the others, which have to
    come here too, answer until it is done."""
    world = collective.link.world
    if world is None:
        return work()
    if _asking.now or not _count[0]:  # how many were ever made: those that are left go at other times on each process
        return work() if world.rank == 0 else None
    if world.rank:
        world.tables.answer(lambda number: _numbered[number].home.buffer)
        return None
    _asking.now = True
    try:
        return work()
    finally:
        _asking.now = False
        world.tables.end_asking()
