"""How the kernel of a collective reaches the other processes: by a Python function that native code calls.

Such a kernel hands over its values one by one: `take(source, kind, count, target)`, kind being (a number for what is
under way at the same time, the numbers of the dtype, of how they are joined and of the phase, whether it is the last
one). With the last one all travel, by `kgraph.compiler.prims.collective.exchange`, and the results are written where
their kernel wants them. What is done with rows of tables (ROWS there) hands over its inputs without a target and its
results without a source, and as each one's number the size of its table. Once something was begun and not ended, a
thread does all exchanges, in their order. What fails is kept, the walk of the step ends early by its STATUS, and who
called raises it.
"""
from __future__ import annotations

import ctypes
import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kgraph.compiler.loopnest import interpret
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.prims import collective
from kgraph.runtime.memory import aligned

__all__ = ["FAILED", "address", "begin", "failure", "room"]

FAILED = -1  # as the number of a check in STATUS
_NAMES = list(DTYPES)


class _Call:
    """What one step has handed over so far, where it reports to, what went wrong, what is under way."""

    status, failed, waiting, begun = None, None, (), {}
    thread = None  # a pool of one, from the first that was begun on


_now = _Call()
_alone: list = []  # what `room` gave last where other processes see nothing


def begin(status):
    """A program with collectives is about to run; STATUS of it. One such program runs at a time in a process."""
    _now.status, _now.failed, _now.waiting, _now.begun = status, None, [], {}


def room(nbytes) -> tuple:
    """(memory for what is exchanged, memory for what comes of it), of so many bytes each: what other processes see
    too, if they are on this machine."""
    world = collective.link.world
    shared = None if world is None else world.room(nbytes)
    if shared is None and (not _alone or len(_alone[0]) < nbytes):
        _alone[:] = aligned(nbytes), aligned(nbytes)
    return tuple(_alone) if shared is None else shared


def failure() -> BaseException:
    """Why the exchange failed."""
    return _now.failed


def _array(address, count, dtype):
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(address)
    return np.ndarray(count, dtype, memory)


def take(source, kind, count, target):
    """One value of a collective; see above."""
    try:
        kind, last = divmod(kind, 2)
        kind, phase = divmod(kind, len(collective.PHASES))
        kind, how = divmod(kind, len(collective.HOW))
        number, dtype = divmod(kind, len(_NAMES))
        phase, how, dtype = collective.PHASES[phase], collective.HOW[how], numpy_dtype(_NAMES[dtype])
        into = None if phase == "collective_begin" or not target else _array(target, count, dtype)
        _now.waiting.append((number, _array(source, count, dtype) if source else None, how, into))
        if last and not _now.status[0]:
            given, _now.waiting = list(zip(*_now.waiting)), []
            _do(phase, *given)
    except BaseException as error:  # noqa: BLE001  it cannot cross native code
        _now.failed, _now.waiting = error, []
        _now.status[0] = FAILED


def _do(phase, numbers, sources, hows, targets):
    if phase in collective.ROWS:
        inputs, results = ([x for x in part if x is not None] for part in (sources, targets))
        work = functools.partial(_MOVES[phase], numbers, inputs, results)
        work() if _now.thread is None else _now.thread.submit(work).result()
        return
    number = numbers[0]
    if phase == "collective_begin":
        _now.begun[number] = _start(sources, hows)
        return
    job = _now.begun.pop(number, None) if phase == "collective_end" else None
    if job is None and _now.thread is None:
        collective.exchange(sources, hows, targets)
        return
    for target, result in zip(targets, (job or _start(sources, hows)).result()):
        target[...] = result


# By the primitive's meaning, on arrays of whole rows: all that kernels know of a row is how much it takes.

def _as_rows(array, rows) -> np.ndarray:
    return array.reshape(rows, array.size // rows) if rows else array.reshape(0, 1)


def _gather_rows(numbers, inputs, results):
    (rows,), (result,), (size, *_) = inputs, results, numbers
    collective.gather_rows(_as_rows(rows, collective.rows_each(size)), _as_rows(result, size))


def _take_rows(numbers, inputs, results):
    sizes = numbers[:len(results)]
    tables, indices = collective.halves(inputs, len(sizes))
    tables = [_as_rows(table, collective.rows_each(size)) for table, size in zip(tables, sizes)]
    results = [r.reshape(-1, max(table.shape[1], 1)) for r, table in zip(results, tables)]
    collective.take_rows(tables, indices, results, sizes)


def _send_rows(numbers, inputs, results):
    sizes = numbers[:len(inputs) // 2]
    indices, updates = collective.halves(inputs, len(sizes))
    places, given = collective.halves(results, len(sizes))
    given = [_as_rows(g, p.size) for g, p in zip(given, places)]
    updates = [u.reshape(-1, g.shape[1]) for u, g in zip(updates, given)]
    collective.send_rows(indices, updates, places, given, sizes)


_MOVES = dict(zip(collective.ROWS, (_gather_rows, _take_rows, _send_rows)))


def _start(sources, hows):
    """The exchange in the thread; a Future of its results."""
    if _now.thread is None:
        _now.thread = ThreadPoolExecutor(1, "exchange")
    return _now.thread.submit(_exchanged, sources, hows)


def _exchanged(sources, hows) -> list:
    results = [np.empty_like(source) for source in sources]
    collective.exchange(sources, hows, results)
    return results


@functools.cache
def _native():
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(take)


def address(python: bool) -> int:
    """The address of `take`; for interpreted kernels what stands for it."""
    return interpret.handle(take) if python else ctypes.cast(_native(), ctypes.c_void_p).value
