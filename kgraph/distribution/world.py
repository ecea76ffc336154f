"""World: what the processes say to each other, over MPI's messages between two of them.

Everything is sent without blocking and waited for with a time limit, so that nobody waits for ever, and who did not
come is known by name. A sum is made in the order of the processes by one of them for each part of an array, which then
sends it to the others: so all get the same bits, and get them again in the next run. (MPI leaves the order to the
library.) On one machine sums go through shared memory: see kgraph.distribution.shared.
"""
from __future__ import annotations

import os
import pickle
import socket
import time

import numpy as np

from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.compiler.prims.collective import LARGE
from kgraph.distribution.shared import Shared, join_in_order
from kgraph.distribution.tables import Tables

__all__ = ["World"]

EAGER = 2e-3      # seconds in which a process that waits looks again at once, if nobody else wants its processor;
REST = 20e-6      # those that it rests for between looks later
SIZE, VALUE, ROWS, START, PARTS, SUMS, SWAP = range(7)  # why something is sent
SMALL_SUM = 1 << 10
JOIN = {"sum": np.add, "max": np.maximum, "min": np.minimum}
give_way = getattr(os, "sched_yield", lambda: None)


class World:
    """The processes that mpiexec started.

    rank, size  the number of this process, how many there are
    hosts       the name of each one's machine
    neighbours  how many of them are on this one's machine
    auto_shard  see kgraph.training.processes
    limit       seconds to wait for others: KGRAPH_MPI_TIMEOUT, by default 300
    overlap     whether large gradients travel while the rest of the backward pass is computed: KGRAPH_MPI_OVERLAP=1
    wire        as what large arrays of float32 travel: KGRAPH_MPI_WIRE, which may be bfloat16, half as many bytes. Each
                process rounds what it sends, and takes the sums rounded too, so that all have the same
    """

    auto_shard = True

    def __init__(self, mpi):
        self._mpi = mpi
        self._messages = mpi.COMM_WORLD.Dup()
        self.rank, self.size = self._messages.rank, self._messages.size
        self.others = [i for i in range(self.size) if i != self.rank]
        self.limit = float(os.environ.get("KGRAPH_MPI_TIMEOUT", 300))
        self.overlap = os.environ.get("KGRAPH_MPI_OVERLAP") == "1"
        self.wire = os.environ.get("KGRAPH_MPI_WIRE")
        if self.wire not in (None, "float32", "bfloat16"):
            raise ValueError(f"KGRAPH_MPI_WIRE: expected float32 or bfloat16, received {self.wire!r}")
        self.wire = None if self.wire == "float32" else self.wire
        self.tables = Tables(self)
        self.hosts = [""] * self.size
        self.hosts = self.gather(socket.gethostname())
        near = self._messages.Split_type(mpi.COMM_TYPE_SHARED)
        self.neighbours = near.size
        shared = Shared(self, mpi, self._messages) if near.size == self.size and not self.wire else None
        self._shared = shared if shared is not None and shared.works else None

    def end(self, status: int):
        """End all processes."""
        self._mpi.COMM_WORLD.Abort(status)

    # --- messages -------------------------------------------------------------------------------------------------

    def _exchange(self, why: int, send: dict, receive: dict):
        """Send arrays and receive into arrays; both are other process -> array. Where why is not the same, in processes
        that do different things, nothing comes."""
        incoming = {i: self._messages.Irecv(_bytes(array), i, why) for i, array in receive.items()}
        outgoing = {i: self._messages.Isend(_bytes(array), i, why) for i, array in send.items()}
        requests = [*incoming.values(), *outgoing.values()]

        def missing():
            late = [i for i, request in incoming.items() if request != self._mpi.REQUEST_NULL and not request.Test()]
            return late or [i for i, request in outgoing.items() if not request.Test()]
        self.wait(lambda: self._mpi.Request.Testall(requests), missing)

    def wait(self, there, missing):
        """Until there() is true. Raises TimeoutError after the limit, naming the processes that missing() gives."""
        started = time.monotonic()
        while not there():
            waited = time.monotonic() - started
            self._messages.Iprobe()  # MPI goes on with what it has begun while it is called
            time.sleep(0 if waited < EAGER else REST)  # other threads of this process, and other processes, may go on
            give_way()
            if waited > self.limit:
                names = ", ".join(f"process {i} on {self.hosts[i]}" for i in missing())
                raise TimeoutError(f"process {self.rank} on {self.hosts[self.rank]} waited {self.limit:g} s for {names}"
                                   ": does it hang, or do something else than the others? KGRAPH_MPI_TIMEOUT sets the "
                                   "limit")

    def exchange_some(self, why: int, send: dict, receive: dict):
        """The same without what is empty, which both sides know."""
        self._exchange(why, *({i: np.ascontiguousarray(a) if way is send else a for i, a in way.items() if a.size}
                              for way in (send, receive)))

    def _everywhere(self, why: int, mine: np.ndarray, sizes) -> list:
        """The arrays of bytes of all processes, whose sizes are known."""
        found = [mine if i == self.rank else np.empty(sizes[i], np.uint8) for i in range(self.size)]
        self._exchange(why, dict.fromkeys(self.others, mine), {i: found[i] for i in self.others})
        return found

    def gather_array(self, why: int, array: np.ndarray) -> list:
        """The arrays of all processes, which have one shape and dtype."""
        found = self._everywhere(why, _bytes(array), [array.nbytes] * self.size)
        return [part.view(array.dtype).reshape(array.shape) for part in found]

    # --- what kgraph.training.processes asks for ------------------------------------------------------------------

    def gather(self, value) -> list:
        """The Python values of all processes, in their order."""
        mine = np.frombuffer(pickle.dumps(value), np.uint8)
        sizes = self._everywhere(SIZE, np.array([mine.size]).view(np.uint8), [8] * self.size)
        found = self._everywhere(VALUE, mine, [int(n.view(np.int64)[0]) for n in sizes])
        return [value if i == self.rank else pickle.loads(part.tobytes()) for i, part in enumerate(found)]

    def gather_rows(self, array: np.ndarray) -> np.ndarray:
        """Arrays of all processes, equal but for axis 0, one after the other."""
        array = np.ascontiguousarray(array)
        rows = self.gather(array.shape[0])
        parts = [np.empty((n, *array.shape[1:]), array.dtype) for n in rows]
        parts[self.rank] = array
        self._exchange(ROWS, dict.fromkeys(self.others, array), {i: parts[i] for i in self.others})
        return np.concatenate(parts)

    def swap(self, given: np.ndarray, taken: np.ndarray):
        """Send an array to the next process and receive one from the one before."""
        self._exchange(SWAP, {(self.rank + 1) % self.size: given}, {(self.rank - 1) % self.size: taken})

    def broadcast(self, arrays):
        """Overwrite arrays by those of process 0."""
        for array in arrays:
            if self.rank == 0:
                self._exchange(START, dict.fromkeys(self.others, array), {})
            else:
                self._exchange(START, {}, {0: array})

    # --- what programs ask for: kgraph.compiler.prims.collective --------------------------------------------------

    def exchange(self, arrays, how, results):
        """Write into the results the arrays joined with those of all processes, element by element. how: a name of JOIN
        for each."""
        arrays, joins = [np.ascontiguousarray(a).reshape(a.shape) for a in arrays], [JOIN[h] for h in how]
        if self._shared is not None and self._shared.exchange(arrays, joins, results):
            return
        small = [i for i, a in enumerate(arrays) if a.nbytes < LARGE]
        if small:
            self._join_small(*([part[i] for i in small] for part in (arrays, joins, results)))
        for array, join, result in zip(arrays, joins, results):
            if array.nbytes >= LARGE:
                self._join_messages(array.reshape(-1), join, result)

    def room(self, nbytes: int):
        """(memory of this process, memory of all) where a program may have the arrays that it exchanges, and what comes
        of them, at the same places in both; None: there is none. All processes ask for it together."""
        return None if self._shared is None else self._shared.room(nbytes)

    def _join_small(self, arrays, joins, results):
        mine = np.concatenate([_bytes(a) for a in arrays])
        found, at = self._everywhere(SMALL_SUM + mine.size % SMALL_SUM, mine, [mine.size] * self.size), 0
        for array, join, result in zip(arrays, joins, results):
            parts = [part[at:at + array.nbytes].view(array.dtype).reshape(array.shape) for part in found]
            join_in_order(parts, join, result)
            at += array.nbytes

    def bounds(self, count) -> list:
        """The part of an array that each process joins."""
        return [slice(count * i // self.size, count * (i + 1) // self.size) for i in range(self.size)]

    def _join_messages(self, array, join, result):
        """Each process joins one part, and sends it to the others."""
        bounds, own = self.bounds(array.size), self.bounds(array.size)[self.rank]
        narrow = self.wire is not None and array.dtype == np.float32
        sent = array.astype(numpy_dtype(self.wire)) if narrow else array
        parts = {i: np.empty_like(sent[own]) for i in self.others} | {self.rank: array[own]}
        self._exchange(PARTS, {i: sent[bounds[i]] for i in self.others}, {i: parts[i] for i in self.others})
        total, sums = np.empty_like(array[own]), np.empty_like(sent)
        join_in_order([parts[i].astype(array.dtype, copy=False) for i in range(self.size)], join, total)
        sums[own] = total
        self._exchange(SUMS, dict.fromkeys(self.others, sums[own]), {i: sums[bounds[i]] for i in self.others})
        result[...] = sums.reshape(result.shape)


def _bytes(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1).view(np.uint8)
