"""What the compiler returns: a `Plan` of `Kernel`s and buffers. Pure text and data; nothing here is executable."""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.nodes import LoopNest
from kgraph.compiler.printing import printed

__all__ = ["EXCHANGE", "STATUS", "Address", "Buffer", "Code", "Given", "Kernel", "Plan", "Symbol"]


@dataclass(frozen=True)
class Symbol:
    """An argument word: the address of a native routine of kgraph.kernels, such as ``gemm_f32``."""

    name: str


@dataclass(frozen=True)
class Address:
    """An argument word: the address of a Value's buffer, and some bytes more. A Value alone stands for its start."""

    value: Value
    offset: Size = 0


@dataclass(frozen=True, eq=False)
class Code:
    """An argument word: the address of another kernel's code. Loops call the kernels of their bodies so."""

    kernel: Kernel


@dataclass(frozen=True)
class Given:
    """An argument word: an address that the runtime gives."""

    name: str


STATUS = Given("status")      # of int64[2]: (failed check number or 0, offending index)
EXCHANGE = Given("exchange")  # of what takes a value to the other processes: see kgraph.runtime.exchange


@dataclass(frozen=True)
class Buffer:
    """Where a Value lives.

    kind    input, output, state, constant: the index-th of its sort, memory given from outside;
            prepared: the index-th result of the plan's preparation;
            slot: memory of the plan's arena, shared by values whose lifetimes do not overlap;
            given, joined: memory for what is exchanged with other processes and for what comes of it, one each
    offset  bytes from the start of that memory (views of another buffer; parts of a concatenation)
    """

    kind: str
    index: int
    offset: Size = 0


@dataclass(frozen=True, eq=False)
class Kernel:
    """One entry of a step: source text and what to call it with.

    nest    what it does, a LoopNest; its printed text is ``source``, and the hash of that makes ``name``
    args    the words of its argument block: a Value (address of its buffer), an int or Dim (an extent),
            a float (its float64 bits), a Symbol, an Address, a Code, a Given
    extent  how many units of the outer axis there are; threads take [lo, hi) shares of it
    grain   shares begin at multiples of it
    work    an estimate of its scalar operations: decides how many threads take part
    flops, bytes   for the profiler: floating-point operations, and bytes read and written
    scratch bytes each thread needs
    op      the (fused) op it computes
    scopes  paths of the layers that it serves
    """

    nest: LoopNest
    args: tuple
    extent: Size
    grain: int
    work: Size
    flops: Size
    bytes: Size
    scratch: Size
    op: Op
    scopes: tuple = ()

    @property
    def name(self) -> str:
        """The function's name: equal sources have equal names."""
        return printed(self.nest)[0]

    @property
    def source(self) -> str:
        """``def NAME(args, lo, hi, scratch): ...`` in the kernel language (kgraph.compiler.printing)."""
        return printed(self.nest)[1]


@dataclass(frozen=True, eq=False)
class Plan:
    """program after the passes; kernels in execution order; buffers: Value -> Buffer; slots: bytes of each slot;
    checks: a message for each check number; size_rules: SizeRules for the extents that are bound;
    naive_bytes: what the slots would take without reuse; exchanged: bytes of each of the memories given and joined;
    preparation: the Plan of what is made of weights alone, of which nothing changes until one of them is written; its
    states and constants are this plan's."""

    program: Program
    kernels: tuple
    buffers: dict
    slots: tuple
    checks: tuple = ()
    size_rules: tuple = ()
    naive_bytes: Size = 0
    exchanged: int = 0
    preparation: Plan | None = None

    def buffer(self, value: Value) -> Buffer:
        return self.buffers[value]
