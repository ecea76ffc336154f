"""`Executable`: a Plan ready to run. Extents are bound to integers, memory is laid out, kernels are machine code.

A `_Binding` is what a call needs for one set of extents: argument blocks, table. A `_Workspace` is memory for one call
at a time: an arena, and the bindings whose words point into it. A call takes a free workspace and the binding for its
extents, writes the addresses of its inputs and outputs into the blocks, and makes one native call. Concurrent calls
take different workspaces. Scratch memory of the kernels belongs to threads, not to bindings.
"""
from __future__ import annotations

import itertools
import os
import struct

import numpy as np

from kgraph import variable
from kgraph.codegen import functions
from kgraph.compiler.dims import evaluate, in_lines, names
from kgraph.compiler.ir import Value
from kgraph.compiler.loopnest import interpret
from kgraph.compiler.plan import EXCHANGE, STATUS, Address, Code, Given, Plan, Symbol
from kgraph.log import is_heard, report
from kgraph.runtime import exchange, executor, thread_pool
from kgraph.runtime.locks import once
from kgraph.runtime.memory import Block, aligned, give_scratch, take_scratch
from kgraph.runtime.placing import Places
from kgraph.runtime.preparation import preparation
from kgraph.runtime.routines import module_of, of_calls, routine

__all__ = ["Executable", "function_of", "names_of"]

MAX_BINDINGS = 64      # sets of extents whose argument blocks are kept,
MAX_BYTES = 1 << 24    # as long as they take no more than this
# in scalar operations of a vectorised loop, of which a thread does some ten in a nanosecond
SHARED_WORK = 24_000   # of a kernel, from which it pays to meet the other threads
WAKING_WORK = 200_000  # of all such kernels in a call, from which it pays to wake them
CHUNK_WORK = 200_000   # of a part of a thread's share that another thread may do instead;
CHUNK_TILES = 100_000_000  # of a native product, where each part packs its operands anew
CHUNKS = 4             # of a share at most
TILE_SPEED = 16        # operations of a native product in the time of one
BYTES_OF_WORK = 8      # bytes of its operands in the time of one: a product of one row does little but read
KEPT_BYTES = 1 << 20   # of an arena that `release` leaves
NOTHING = Block(0)


class Executable:
    """Runs a Plan.

    states     the Variables (or arrays, written in place) of the plan's state buffers, in their order
    constants  arrays of its constant buffers
    unprepared gives the plan that runs where the preparation makes no numbers of weights that are
    """

    def __init__(self, plan: Plan, states=(), constants=(), unprepared=None):
        self.plan, self._unprepared = plan, unprepared
        self.states = list(states)
        self.constants = [np.ascontiguousarray(c) for c in constants]
        self.python = os.environ.get("KGRAPH_EMIT") == "python"
        self.extent_names = sorted(names_of(plan))
        program = plan.program
        self.inputs = _by_index(plan, "input", program.inputs)
        self.outputs = [plan.buffer(v) for v in program.outputs]
        if not self.python:
            functions.prepare(self._functions())
        self.kernels = [0 if self.python else self.code(k) for k in plan.kernels]
        self.debug = is_heard(2)
        self.collective = any(a is EXCHANGE for k in plan.kernels for a in k.args)
        self.elsewhere = [i for i, buffer in enumerate(self.outputs) if buffer.kind != "output"]
        self.preparation = None if plan.preparation is None else preparation(
            plan.preparation, self.states, constants, Executable)
        written = [self.states[plan.buffer(s).index] for s, _ in program.updates]
        self._written = [s for s in written if hasattr(s, "wrote")]
        self._idle: list[_Workspace] = []  # the last one is taken next
        self._last: tuple | None = None

    @once
    def plain(self) -> Executable:
        """The same without a preparation."""
        return Executable(self._unprepared(), self.states, self.constants)

    def code(self, kernel) -> int:
        """The address of a kernel's machine code."""
        if self.python:
            return interpret.handle(kernel.nest)
        return functions.address(self._function(kernel))

    def _function(self, kernel) -> functions.Function:
        return function_of(kernel, ", ".join(kernel.scopes) or self.plan.program.name)

    def _functions(self) -> list:
        """All native functions that the plan needs."""
        needed, symbols = list(self.plan.kernels), set()
        for kernel in needed:  # grows by the kernels that loops call
            needed += [a.kernel for a in kernel.args if isinstance(a, Code)]
            symbols |= {a.name for a in kernel.args if isinstance(a, Symbol)}
        named = [routine(name) for name in sorted(symbols)]
        return [*named, *map(self._function, needed), *of_calls()]

    def run(self, inputs, extents=None, outputs=None, steps: int = 1, exact: bool = False) -> list | None:
        """Run the program ``steps`` times in one native call.

        inputs   arrays in the order of the plan's inputs; others than contiguous ones of the right dtype are copied
        extents  {name: int} for the names in its sizes
        outputs  arrays to write the results into: contiguous, of the right shapes and dtypes; else new ones are made
        exact    do nothing and return None unless the inputs are arrays that can be read where they lie
        returns  the list of results, owned by the caller

        Raises ValueError for a wrong shape, IndexError for an index outside its range.
        """
        if self.preparation is not None and not self.preparation.refresh() and self._unprepared is not None:
            return self.plain.run(inputs, extents, outputs, steps, exact)
        self._last = key = tuple([extents[n] for n in self.extent_names]) if self.extent_names else ()
        try:
            workspace = self._idle.pop()
        except IndexError:
            workspace = _Workspace(self)
        try:
            binding = workspace.last if key == workspace.key else workspace.binding(key)
            threads = thread_pool._threads or thread_pool.get_num_threads()
            moved = self.plan.exchanged and binding.room[0] is not exchange.room(self.plan.exchanged)[0]
            if binding.generation != variable.generation or binding.threads != threads or moved:
                binding.bind()
            return binding.call(inputs, outputs, steps, exact)
        finally:
            self._idle.append(workspace)
            if self._written:
                variable.wrote(self._written)

    def release(self):
        """Give memory that waits for the next call back, where it is much. For an Executable that nobody else runs."""
        self._idle = [workspace for workspace in self._idle if len(workspace.arena) <= KEPT_BYTES]

    @property
    def arena_bytes(self) -> dict:
        """For the last extents that ran: bytes of the arena as planned, and what naive allocation would take."""
        extents = dict(zip(self.extent_names, self._last or ()))
        planned = sum(evaluate(list(self.plan.slots), extents))
        return {"planned": planned, "naive": evaluate(self.plan.naive_bytes, extents)}

    def time_kernels(self, inputs, extents=None, repeats: int = 20) -> list:
        """Seconds of each kernel: medians over ``repeats`` runs, kernel by kernel. States keep their values."""
        if self.preparation is not None:
            self.preparation.refresh()
        workspace = _Workspace(self)
        binding = workspace.binding(tuple((extents or {})[n] for n in self.extent_names))
        saved = [(s, s.copy()) for s in (getattr(s, "buffer", s) for s in self.states)]
        try:
            return np.median([binding.timed(inputs) for _ in range(repeats)], axis=0).tolist()
        finally:
            for state, contents in saved:
                state[...] = contents


class _Workspace:
    """Memory for one call at a time: an arena as large as the largest extents need, and bindings that point into it."""

    def __init__(self, executable: Executable):
        self.executable = executable
        self.arena = aligned(0)
        self.key = self.last = None      # the extents of the last call, and their binding
        self.bindings: dict = {}         # extents -> _Binding, the most recent one last
        self.kept = 0                    # bytes of all bindings

    def binding(self, key: tuple) -> _Binding:
        """The binding for these extents. It becomes the last."""
        found = self.bindings.pop(key, None) or self._make(key)
        self.bindings[key] = found
        self.key, self.last = key, found
        while len(self.bindings) > MAX_BINDINGS or self.kept > MAX_BYTES and len(self.bindings) > 1:
            self.kept -= self.bindings.pop(next(iter(self.bindings))).nbytes
        return found

    def _make(self, key: tuple) -> _Binding:
        plan, extents = self.executable.plan, dict(zip(self.executable.extent_names, key))
        for rule in plan.size_rules:
            rule.check(extents, plan.program.name)
        *starts, size = itertools.accumulate(map(in_lines, evaluate(list(plan.slots), extents)), initial=0)
        if size > len(self.arena):
            self.bindings.clear()  # they point into the memory before
            self.kept, self.arena = 0, aligned(size)
        made = _Binding(self.executable, extents, [self.arena[start:] for start in starts])
        self.kept += made.nbytes
        return made


class _Binding:
    """The argument blocks of a plan for one set of extents.

    slots    the memory of each slot
    scratch  what the call that runs now was lent
    """

    def __init__(self, executable: Executable, extents: dict, slots: list):
        self.executable, self.extents = executable, extents
        plan = executable.plan
        self.status = np.zeros(2, np.int64)
        self._reported = memoryview(self.status)
        self.inputs = [(np.dtype(v.dtype), evaluate(v.shape, extents)) for v in executable.inputs]
        self._results = [(np.dtype(v.dtype), evaluate(v.shape, extents)) for v in plan.program.outputs]
        self._slots, self.scratch = slots, NOTHING
        self.bind()

    @property
    def nbytes(self) -> int:
        """Of its argument blocks and tables."""
        return self.words.nbytes + 96 * len(self.entries)

    def bind(self):
        """Write argument blocks and table: the addresses of variables, the number of threads."""
        plan, extents = self.executable.plan, self.extents
        self.generation, self.threads = variable.generation, thread_pool.get_num_threads()
        self.room = exchange.room(plan.exchanged) if plan.exchanged else (None, None)
        self._memory = {"slot": self._slots, "given": self.room[:1], "joined": self.room[1:],
                        "constant": self.executable.constants,
                        "state": [getattr(s, "buffer", s) for s in self.executable.states],
                        "prepared": self.executable.preparation.arrays if self.executable.preparation else []}
        words, starts = [], []
        self._found = found = {"input": {}, "output": {}}
        for kernel in plan.kernels:
            starts.append(len(words))
            for argument in kernel.args:
                words.append(self._word(argument, len(words)))
        self.words = np.array(words or [0], np.int64)
        of = lambda kind, given: [(*known, tuple(found[kind].get(i, ()))) for i, known in enumerate(given)]
        self._places = Places(self._name, of("input", self.inputs), of("output", self._results), self.words,
                              native=not self.executable.python)
        self.entries, self._shared_work = [], 0
        for kernel, address, start in zip(plan.kernels, self.executable.kernels, starts):
            extent, work, moved = evaluate((kernel.extent, kernel.work, kernel.bytes), extents)
            units = -(-extent // kernel.grain)
            native = any(isinstance(a, Symbol) for a in kernel.args)
            if native:
                work = max(work // TILE_SPEED, moved // BYTES_OF_WORK)
            shares = max(min(self.threads, units), 1) if work >= SHARED_WORK else 1
            chunks = min(work // shares // (CHUNK_TILES if native else CHUNK_WORK), units // shares, CHUNKS)
            chunks = max(chunks, 1) if shares > 1 else 1
            self._shared_work += work if shares > 1 else 0
            block = self.words.ctypes.data + 8 * start
            self.entries.append(executor.Entry(address, block, extent, kernel.grain, shares, chunks))
        self.scratch_bytes = in_lines(max((self._scratch_of(k) for k in plan.kernels), default=0))
        self.team_size = self.threads if any(e.shares > 1 for e in self.entries) else 1
        if not self.executable.python:
            self._alone = executor.Table(self.entries, 1, self.status, self.scratch_bytes)
            self._together = executor.Table(self.entries, self.team_size, self.status, self.scratch_bytes) \
                if self.team_size > 1 else self._alone
            self._single = None

    def _scratch_of(self, kernel) -> int:
        called = [module_of(a.name).scratch() for a in kernel.args if isinstance(a, Symbol)]
        return evaluate(kernel.scratch, self.extents) + max(called, default=0)

    def _word(self, argument, position) -> int:
        if isinstance(argument, Value):
            return self._address(argument, position)
        if isinstance(argument, Address):
            return self._address(argument.value, position, evaluate(argument.offset, self.extents))
        if isinstance(argument, Code):
            return self.executable.code(argument.kernel)
        if isinstance(argument, float):
            return struct.unpack("q", struct.pack("d", argument))[0]
        if isinstance(argument, Given):
            return self.status.ctypes.data if argument is STATUS else exchange.address(self.executable.python)
        if isinstance(argument, Symbol):
            if self.executable.python:
                return interpret.handle(routine(argument.name).nest)
            return functions.address(routine(argument.name))
        return evaluate(argument, self.extents)

    def _address(self, value, position, more: int = 0) -> int:
        buffer = self.executable.plan.buffer(value)
        offset = evaluate(buffer.offset, self.extents) + more
        if buffer.kind in self._found:
            self._found[buffer.kind].setdefault(buffer.index, []).append((position, offset))
            return 0
        return self._memory[buffer.kind][buffer.index].ctypes.data + offset

    def call(self, inputs, outputs, steps, exact=False) -> list | None:
        placed, executable = self._places.fill(inputs, outputs, exact), self.executable
        if placed is None:
            return None
        kept, results = placed
        if executable.collective:
            exchange.begin(self.status)
        if executable.python:
            self._run_python(steps)
        elif executable.debug:
            self._run_printing(steps)
        else:
            self._run_native(steps)
        if self._reported[0]:
            self._raise_reported()
        for i in executable.elsewhere:
            results[i][...] = self._contents(i, kept)
        return results

    def _run_native(self, steps):
        """One native call, with the team if that is worth it and nobody else has it."""
        team = thread_pool.take(self.threads) if self._shared_work * steps >= WAKING_WORK else None
        if team is None:
            self.scratch = scratch = take_scratch(self.scratch_bytes)
            self._alone.run(scratch.address, steps)
            give_scratch(scratch)
        else:
            try:
                self.scratch = team.scratch(self.scratch_bytes)
                self._together.run(self.scratch.address, steps, team.address)
            finally:
                team.busy.release()
        self.scratch = NOTHING

    def timed(self, inputs) -> list:
        """Seconds of each kernel in one step."""
        placed = self._places.fill(inputs)
        seconds = self._time_entries()
        del placed
        return seconds

    def _time_entries(self) -> list:
        """Run the kernels one by one. An empty table tells what the call itself takes."""
        if self._single is None:
            self._single = [executor.Table([e], self.threads if e.shares > 1 else 1, self.status, self.scratch_bytes)
                            for e in self.entries]
            self._empty = executor.Table([], 1, self.status, self.scratch_bytes)
        with thread_pool.stopwatch(self.team_size, self.scratch_bytes) as seconds:
            call = min(seconds(self._empty) for _ in range(5))
            return [max(seconds(table) - call, 0.0) for table in self._single]

    def _run_printing(self, steps):
        """KGRAPH_DEBUG=2: every kernel's time, as it runs."""
        for _ in range(steps):
            for kernel, seconds in zip(self.executable.plan.kernels, self._time_entries()):
                flops, moved = evaluate((kernel.flops, kernel.bytes), self.extents)
                rate = max(seconds, 1e-9) * 1e9
                report(2, f"{kernel.name} {1e6 * seconds:9.2f} us {flops / rate:8.2f} GFLOP/s "
                          f"{moved / rate:8.2f} GB/s  {', '.join(kernel.scopes)}")

    def _contents(self, i, inputs) -> np.ndarray:
        """The value of an output that lies in memory of another kind: an input, a state, a constant, a slot."""
        buffer = self.executable.outputs[i]
        memory = inputs if buffer.kind == "input" else self._memory[buffer.kind]
        dtype, shape = self._results[i]
        start = evaluate(buffer.offset, self.extents)
        flat = memory[buffer.index].reshape(-1).view(np.uint8)
        return flat[start:start + dtype.itemsize * int(np.prod(shape))].view(dtype).reshape(shape)

    def _run_python(self, steps):
        """As threads would, but one chunk after another; the last one first, since none may need another."""
        scratch = Block(self.scratch_bytes)
        for _ in range(steps):
            for kernel, (_, words, extent, grain, shares, chunks) in zip(self.executable.plan.kernels, self.entries):
                units, parts = -(-extent // grain), shares * chunks
                for part in reversed(range(parts)):
                    lo, hi = (grain * (units * p // parts) for p in (part, part + 1))
                    interpret.run(kernel.nest, words, lo, min(hi, extent), scratch.address)
                    if self._reported[0]:
                        return

    def _raise_reported(self):
        number, index = self.status.tolist()
        self.status[:] = 0
        if number == exchange.FAILED:
            raise exchange.failure()
        scope, extent = self.executable.plan.checks[number - 1]
        error = IndexError(f"{scope}: index {index} is outside [0, {evaluate(extent, self.extents)})")
        error.scope = scope
        raise error

    @property
    def _name(self) -> str:
        return self.executable.plan.program.name


def function_of(kernel, reason: str) -> functions.Function:
    """A kernel as a native function."""
    return functions.Function(kernel.name, kernel.source, reason, lambda: kernel.nest)


def _by_index(plan, kind, values) -> list:
    """The values whose own memory is of that kind, in the order of their index."""
    found = {plan.buffer(v).index: v for v in values if plan.buffer(v).kind == kind}
    return [found[i] for i in sorted(found)]


def names_of(plan: Plan) -> set:
    """All names in the plan's sizes."""
    sizes = [*plan.slots, *(s for rule in plan.size_rules for s in (rule.a, rule.b)), plan.naive_bytes]
    for kernel in plan.kernels:
        sizes += [kernel.extent, kernel.work, kernel.scratch, *(a for a in kernel.args if not isinstance(a, Value))]
    for v in (*plan.program.inputs, *plan.program.outputs):
        sizes += v.shape
    return names(sizes)
