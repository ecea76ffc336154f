"""Plans without addresses: what a program needs to run elsewhere, as tables of small numbers.

A `Relocatable` is what leaves the process: the weights as one block, the native functions, and a `Routine` for each
program. A word of an argument block is a base and a size: base[i] + size[j]. Bases are addresses that only the other
side knows (functions, weights, memory), sizes are integers and polynomials over the sizes that a call leaves open
(kgraph.compiler.dims). kgraph/export/runtime.c does with them what kgraph.runtime.executable does here.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

from kgraph.compiler.dims import Size, evaluate, in_lines
from kgraph.compiler.ir import Value
from kgraph.compiler.plan import STATUS, Address, Code, Symbol
from kgraph.runtime import executable, routines

__all__ = ["Array", "Region", "Relocatable", "Routine"]

METRIC = 2
ZERO, STATUS_BASE = 0, 1  # the first two bases: 0, and the address of the status


@dataclass(frozen=True)
class Array:
    """An input or output: its name, dtype (NumPy's), and shape with Dims where it is open."""

    name: str
    dtype: str
    shape: tuple

    @property
    def nbytes(self) -> Size:
        total: Size = np.dtype(self.dtype).itemsize
        for n in self.shape:
            total = total * n
        return total


@dataclass
class Region:
    """Memory that outlives a call, such as a weight. mutable: a program writes it, so each user has a copy; METRIC: it
    is of a metric, too."""

    path: str
    contents: np.ndarray
    offset: int = 0  # in the block of weights
    mutable: int = 0


@dataclass(frozen=True)
class Entry:
    """A kernel of a routine. Numbers of sizes, but for function, words (the first of its argument block), grain and
    native (whether it calls a native product)."""

    function: int
    words: int
    extent: int
    work: int
    bytes: int
    scratch: int
    grain: int
    native: int


@dataclass
class Routine:
    """One program.

    inputs, outputs   Arrays
    logs     names of the numbers in the output of a training step
    sizes    integers and Dims, all different
    words    (base, number of a size)
    entries  one for each kernel
    slots    numbers of the sizes of the memory between kernels
    copies   (output, base, number of a size) of outputs that lie in other memory
    rules    (0 for == or 1 for <=, two numbers of sizes, what for)
    checks   (scope, number of a size) of the indices that kernels check
    """

    name: str
    inputs: list
    outputs: list
    logs: tuple = ()
    sizes: dict = field(default_factory=dict)
    words: list = field(default_factory=list)
    entries: list = field(default_factory=list)
    slots: list = field(default_factory=list)
    copies: list = field(default_factory=list)
    rules: list = field(default_factory=list)
    checks: list = field(default_factory=list)

    def size(self, value: Size) -> int:
        """The number of a size."""
        return self.sizes.setdefault(value, len(self.sizes))


class Relocatable:
    """Some programs over common weights.

    steps      {name: kgraph.export.steps.Step}
    metrics    identities of variables that belong to metrics
    dims       names of the sizes that are open in any of them, that of the batch first
    functions  kgraph.codegen.functions.Function in the order of their bases, for the machine that the thread compiles
               for
    regions    the weights, and what else lasts
    routines   a Routine for each program
    """

    def __init__(self, steps: dict, metrics=()):
        self.functions: list = []
        self._numbers: dict = {}  # (name, source) of a function -> its number
        self.regions: list[Region] = []
        self._places: dict = {}   # identity of a Variable with memory of its own, or of a constant -> its region
        plans = [step.compiled.plan for step in steps.values()]
        for step in steps.values():
            self._take_memory(step, metrics)
        for plan in plans:  # all functions first: their bases come before those of a routine
            for kernel in plan.kernels:
                self._take_functions(kernel)
        known = set().union(*map(executable.names_of, plans))
        self.dims = sorted(known, key=lambda n: (n != "B", n))
        at = 0
        for region in self.regions:
            region.offset = at
            at += in_lines(region.contents.nbytes)
        self.nbytes = at
        self.routines = [self._routine(name, step) for name, step in steps.items()]

    def place_of(self, variable) -> tuple | None:
        """(number of the region, offset in it) of a Variable; None where no program has it."""
        home = variable if id(variable) in self._places else variable.home
        if id(home) not in self._places:
            return None
        return self._places[id(home)], 0 if home is variable else variable.offset * variable.buffer.itemsize

    def weights(self) -> bytes:
        """The block of all regions, each from its offset on."""
        block = bytearray(self.nbytes)
        for region in self.regions:
            contents = np.ascontiguousarray(region.contents).tobytes()
            block[region.offset:region.offset + len(contents)] = contents
        return bytes(block)

    def arena_bytes(self, batch: int) -> int:
        """What one thread needs beside the weights, for so many rows and 1 for each other open size: what fixed_bytes
        and needed of runtime.c find."""
        extents = {n: batch if n == "B" else 1 for n in self.dims}
        total = sum(in_lines(r.contents.nbytes) for r in self.regions if r.mutable)
        arena = scratch = 0
        for r in self.routines:
            sizes = evaluate(list(r.sizes), extents)
            bases = self.first_slot + len(r.slots) + len(r.inputs) + len(r.outputs)
            total += sum(in_lines(8 * n) for n in (len(sizes), bases, len(r.words), 8 + 9 * len(r.entries)))
            arena = max(arena, sum(in_lines(sizes[s]) for s in r.slots))
            scratch = max(scratch, max((in_lines(sizes[e.scratch]) for e in r.entries), default=0))
        return max(total + arena + scratch, 8 * max(len(r.sizes) for r in self.routines))

    # ------------------------------------------------------------------ memory
    def _take_memory(self, step, metrics):
        """A region for each state and constant that the kernels touch, and for what was prepared."""
        compiled, plan = step.compiled, step.compiled.plan
        touched = _touched(plan)
        for i, (variable, value) in enumerate(zip(compiled.variables, compiled._states)):
            if ("state", i) not in touched:
                continue
            if id(variable) not in self._places:
                self._places[id(variable)] = len(self.regions)
                self.regions.append(Region(variable.path, variable.buffer))
            number = self._places[id(variable)]
            if any(state is value for state, _ in compiled.traced.updates):
                self.regions[number].mutable = METRIC if id(variable) in metrics else 1
        constants = [("constant", i, tensor.numpy()) for i, (_, tensor) in enumerate(compiled._captured)]
        prepared = [("prepared", i, array) for i, array in enumerate(step.prepared)]
        for kind, i, array in (*constants, *prepared):
            if (kind, i) in touched:
                self._places[id(plan), kind, i] = len(self.regions)
                self.regions.append(Region(f"{kind}_{len(self.regions)}", np.asarray(array)))

    # ------------------------------------------------------------------ functions
    def _take_functions(self, kernel):
        for argument in kernel.args:
            if isinstance(argument, Code):
                self._take_functions(argument.kernel)
        self._number(_function_of(kernel))
        for argument in kernel.args:
            if isinstance(argument, Symbol):
                self._number(routines.routine(argument.name))

    def _number(self, function) -> int:
        key = function.name, function.source
        if key not in self._numbers:
            self._numbers[key] = len(self.functions)
            self.functions.append(function)
        return self._numbers[key]

    # ------------------------------------------------------------------ routines
    def _routine(self, name, step) -> Routine:
        compiled, plan = step.compiled, step.compiled.plan
        made = Routine(name, [Array(n, v.dtype, v.shape) for n, v in zip(step.inputs, compiled._inputs, strict=True)],
                       [Array(n, v.dtype, v.shape) for n, v in zip(step.outputs, plan.program.outputs, strict=True)],
                       step.logs)
        made.size(0)
        made.slots = [made.size(s) for s in plan.slots]
        for kernel in plan.kernels:
            self._add_kernel(made, compiled, kernel)
        for i, value in enumerate(plan.program.outputs):
            buffer = plan.buffer(value)
            if buffer.kind != "output":
                made.copies.append((i, *self._address(made, compiled, value)))
        made.rules = [(int(r.sign != "=="), made.size(r.a), made.size(r.b), r.what) for r in plan.size_rules]
        made.checks = [(scope, made.size(extent)) for scope, extent in plan.checks]
        for array in (*made.inputs, *made.outputs):
            for n in (*array.shape, array.nbytes):
                made.size(n)
        return made

    def _add_kernel(self, made, compiled, kernel):
        symbols = [a for a in kernel.args if isinstance(a, Symbol)]
        scratch = kernel.scratch + max((routines.module_of(a.name).scratch() for a in symbols), default=0)
        made.entries.append(Entry(
            self._number(_function_of(kernel)), len(made.words), made.size(kernel.extent), made.size(kernel.work),
            made.size(kernel.bytes), made.size(scratch), kernel.grain, int(bool(symbols))))
        made.words += [self._word(made, compiled, argument) for argument in kernel.args]

    def _word(self, made, compiled, argument) -> tuple:
        if isinstance(argument, Value):
            return self._address(made, compiled, argument)
        if isinstance(argument, Address):
            return self._address(made, compiled, argument.value, argument.offset)
        if isinstance(argument, float):
            return ZERO, made.size(struct.unpack("q", struct.pack("d", argument))[0])
        if argument is STATUS:
            return STATUS_BASE, made.size(0)
        if isinstance(argument, Code):
            return 2 + self._number(_function_of(argument.kernel)), made.size(0)
        if isinstance(argument, Symbol):
            return 2 + self._number(routines.routine(argument.name)), made.size(0)
        return ZERO, made.size(int(argument) if isinstance(argument, (bool, np.integer)) else argument)

    def _address(self, made, compiled, value, more: Size = 0) -> tuple:
        buffer = compiled.plan.buffer(value)
        start = 0
        if buffer.kind == "state":
            number, start = self.place_of(compiled.variables[buffer.index])
            base = self.first_region + number
        elif buffer.kind in ("constant", "prepared"):
            base = self.first_region + self._places[id(compiled.plan), buffer.kind, buffer.index]
        else:
            first = self.first_slot
            base = buffer.index + {"slot": first, "input": first + len(made.slots),
                                   "output": first + len(made.slots) + len(made.inputs)}[buffer.kind]
        return base, made.size(buffer.offset + more + start)

    @property
    def first_region(self) -> int:
        """The base of the first region: after zero, the status and the functions."""
        return 2 + len(self.functions)

    @property
    def first_slot(self) -> int:
        """The base of a routine's first slot; its inputs and outputs come next."""
        return self.first_region + len(self.regions)


def _touched(plan) -> set:
    """(kind, index) of the buffers that a plan reads or writes."""
    values = [a.value if isinstance(a, Address) else a for kernel in plan.kernels for a in kernel.args
              if isinstance(a, (Value, Address))]
    values += [*plan.program.outputs, *(state for state, _ in plan.program.updates)]
    return {(buffer.kind, buffer.index) for buffer in map(plan.buffer, values)}


def _function_of(kernel):
    return executable.function_of(kernel, ", ".join(kernel.scopes))
