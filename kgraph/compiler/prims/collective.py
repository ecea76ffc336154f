"""What all processes that run a program together make of their values: a sum, the largest, the smallest; and rows of
tables of which each process holds some.

Alone, a process gets its own values back. `kgraph.distribution` puts the way to the others into ``link``. In two
parts, a begin and an end, the exchange runs beside what is computed between them.

Of a table with ``size`` rows every process holds the same number in memory, ``rows_each(size)``, the first process the
first ones; the last may hold some that are none of the table's, of any value.
"""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive
from kgraph.compiler.prims.index import check_bounds
from kgraph.compiler.prims.rules import INTEGERS, check_dtype, require

__all__ = ["HOW", "LARGE", "PHASES", "ROWS", "collective_begin_p", "collective_end_p", "collective_p", "exchange",
           "gather_rows", "gather_rows_p", "halves", "link", "own_rows_p", "rows_each", "send_rows", "send_rows_p",
           "take_rows", "take_rows_p"]

HOW = ("sum", "max", "min")
ROWS = ("gather_rows", "take_rows", "send_rows")
LARGE = 1 << 16  # bytes of arrays from which each process joins a part of them for all
PHASES = ("collective", "collective_begin", "collective_end", *ROWS)


class Link:
    """The way to the other processes.

    world  None: there are none. Else kgraph.distribution.world.World, or what has its rank, size, overlap,
           exchange(arrays, their HOW, arrays for the results), room(bytes) as it says, and tables, which has a
           method for each of ROWS
    """

    world = None

    @property
    def overlap(self) -> bool:
        """Whether large gradients begin to travel as soon as they are there."""
        return self.world is not None and self.world.overlap


link = Link()


def exchange(arrays, how, results):
    """Write into the results what the arrays give, joined with those of the other processes element by element."""
    if link.world is not None:
        link.world.exchange(list(arrays), list(how), list(results))
        return
    for array, result in zip(arrays, results):
        result[...] = array


def _reference(*xs, how):
    results = tuple(map(np.empty_like, xs))
    exchange(xs, how, results)
    return results


def _infer(*types, how):
    require(len(how) == len(types) > 0 and all(h in HOW for h in how),
            lambda: f"collective: expected one of {', '.join(HOW)} for each of {len(types)} inputs, received {how}")
    require(all(t.dtype in DTYPES for t in types), lambda: f"collective: expected numbers, received {types}")
    return tuple(types)


# params: how, one of HOW for each input; all of them travel together.
collective_p = Primitive(
    "collective", "collective", _infer, _reference, NOT_DIFFERENTIABLE, "collective",
    lambda rng: [([rng.normal(size=(3, 37)).astype("float32")], {"how": ("sum",)}),
                 ([rng.normal(size=()), np.arange(5, dtype="int32"), rng.normal(size=(0, 2)).astype("float32")],
                  {"how": ("max", "sum", "min")})])

# number: tells those under way at the same time apart. What begin gives, end takes, with the same inputs.
collective_begin_p = Primitive(
    "collective_begin", "collective", lambda *types, how, number: (_infer(*types, how=how), TensorType((), "int32"))[1],
    lambda *xs, how, number: np.asarray(number, "int32"), NOT_DIFFERENTIABLE, "collective", lambda rng: [])
collective_end_p = Primitive(
    "collective_end", "collective", lambda begun, *types, how, number: _infer(*types, how=how),
    lambda begun, *xs, how, number: _reference(*xs, how=how), NOT_DIFFERENTIABLE, "collective",
    lambda rng: [([np.asarray(0, "int32"), rng.normal(size=(3, 37))], {"how": ("sum",), "number": 0})])


# --- rows of tables ---------------------------------------------------------------------------------------------------

def rows_each(size: int) -> int:
    """How many rows of a table of that size each process holds."""
    return size if link.world is None else -(-size // link.world.size)


def _rest(rows: TensorType, size: int) -> tuple:
    """The shape of a row."""
    require(rows.ndim > 0 and isinstance(size, int) and 0 < rows.shape[0] <= size,
            lambda: f"expected the rows that a process holds of a table of {size} rows, received {rows}")
    return rows.shape[1:]


def gather_rows(rows, result):
    """Write the whole table into the result."""
    if link.world is None:
        result[...] = rows[:len(result)]
    else:
        link.world.tables.gather_rows(rows, result)


def take_rows(tables, indices, results, sizes):
    """Write those rows of each table into its result, one for each index."""
    for asked, size in zip(indices, sizes):
        check_bounds(asked, size)
    if link.world is not None:
        link.world.tables.take_rows(tables, indices, results)
        return
    for rows, asked, result in zip(tables, indices, results):
        result[...] = rows[asked]


def send_rows(indices, updates, places, given, sizes):
    """Write into places and given the updates that are meant for rows of this process, of each table."""
    for numbers, size in zip(indices, sizes):
        check_bounds(numbers, size)
    if link.world is not None:
        link.world.tables.send_rows(indices, updates, places, given, [rows_each(size) for size in sizes])
        return
    for here, there in zip((*places, *given), (*indices, *updates)):
        here[...] = there


def _gather_rows(rows, size):
    result = np.empty((size, *rows.shape[1:]), rows.dtype)
    gather_rows(rows, result)
    return result


def halves(values, count) -> tuple:
    """The first so many, and the rest."""
    return list(values[:count]), list(values[count:])


def _take_rows(*inputs, sizes, scopes=()):
    tables, indices = halves(inputs, len(sizes))
    results = [np.empty((*i.shape, *rows.shape[1:]), rows.dtype) for rows, i in zip(tables, indices)]
    take_rows(tables, [i.reshape(-1) for i in indices], [r.reshape(-1, *r.shape[i.ndim:])
                                                         for r, i in zip(results, indices)], sizes)
    return tuple(results) if len(sizes) > 1 else results[0]


def _send_rows(*inputs, sizes, rooms, scopes=()):
    indices, updates = halves(inputs, len(sizes))
    rests = [u.shape[i.ndim:] for i, u in zip(indices, updates)]
    places = [np.empty(room, i.dtype) for room, i in zip(rooms, indices)]
    given = [np.empty((room, *rest), u.dtype) for room, rest, u in zip(rooms, rests, updates)]
    send_rows([i.reshape(-1) for i in indices], [u.reshape(-1, *rest) for u, rest in zip(updates, rests)], places,
              given, sizes)
    return (*places, *given)


def _take_rows_infer(*types, sizes, scopes=()):
    tables, indices = halves(types, len(sizes))
    for i in indices:
        check_dtype("take_rows (indices)", i, INTEGERS)
    found = tuple(TensorType((*i.shape, *_rest(rows, size)), rows.dtype)
                  for rows, i, size in zip(tables, indices, sizes, strict=True))
    return found if len(sizes) > 1 else found[0]


def _send_rows_infer(*types, sizes, rooms, scopes=()):
    indices, updates = halves(types, len(sizes))
    for i, u in zip(indices, updates, strict=True):
        check_dtype("send_rows (indices)", i, INTEGERS)
        require(u.shape[:i.ndim] == i.shape,
                lambda i=i, u=u: f"send_rows: expected updates that begin with the shape of {i}, received {u}")
    return (*(TensorType((room,), i.dtype) for room, i in zip(rooms, indices, strict=True)),
            *(TensorType((room, *u.shape[i.ndim:]), u.dtype) for room, i, u in zip(rooms, indices, updates)))


def _own_rows(x, rows, start):
    result = np.zeros((rows, *x.shape[1:]), x.dtype)
    part = x[start:start + rows]
    result[:len(part)] = part
    return result


def _own_rows_lower(e, op, index):
    place = index[0] + op.params["start"]
    return e.choose(e.at(place) < e.size(op.inputs[0].shape[0]), lambda: e.read(0, (place, *index[1:])),
                    lambda: e.constant(0, op.outputs[0].dtype))


# The whole table on every process, out of the rows that each holds.
gather_rows_p = Primitive(
    "gather_rows", "collective", lambda rows, size: TensorType((size, *_rest(rows, size)), rows.dtype), _gather_rows,
    NOT_DIFFERENTIABLE, "rows", lambda rng: [([rng.normal(size=(5, 3)).astype("float32")], {"size": 5})])
# Rows of tables, whoever holds them: (the rows that are held of each table, indices into each), all of which travel
# together. sizes: the rows of each whole table; scopes: the layers that ask, if not the op's.
take_rows_p = Primitive(
    "take_rows", "collective", _take_rows_infer, _take_rows, NOT_DIFFERENTIABLE, "rows",
    lambda rng: [([rng.normal(size=(5, 3)), rng.integers(0, 5, (2, 4)).astype("int32")], {"sizes": (5,)}),
                 ([rng.normal(size=(5, 3)), rng.normal(size=7), rng.integers(0, 5, (2, 4)).astype("int32"),
                   rng.integers(0, 7, 3)], {"sizes": (5, 7)})])
# (indices into each table, updates of those rows), sent to those who hold them: places among the rows of this process,
# of each table, and updates, in the order of the processes. rooms: of all processes together, which one may get; what
# is left of it is zeros for the first row.
send_rows_p = Primitive(
    "send_rows", "collective", _send_rows_infer, _send_rows, NOT_DIFFERENTIABLE, "rows",
    lambda rng: [([rng.integers(0, 5, (2, 4)).astype("int32"), rng.normal(size=(2, 4, 3)).astype("float32")],
                  {"sizes": (5,), "rooms": (8,)}),
                 ([rng.integers(0, 5, (2, 4)).astype("int32"), rng.integers(0, 7, 3), rng.normal(size=(2, 4, 3)),
                   rng.normal(size=(3, 2)).astype("float32")], {"sizes": (5, 7), "rooms": (8, 3)})])
# The rows from start on, as many as a process holds; zeros beyond the end.
own_rows_p = Primitive(
    "own_rows", "move", lambda x, rows, start: TensorType((rows, *x.shape[1:]), x.dtype), _own_rows,
    NOT_DIFFERENTIABLE, _own_rows_lower,
    lambda rng: [([rng.normal(size=s).astype("float32")], {"rows": n, "start": a})
                 for s, n, a in (((5, 3), 2, 1), ((7,), 4, 4), ((3, 2), 2, 4))], branches=True)
