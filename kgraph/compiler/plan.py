"""What the compiler returns: a `Plan` of `Kernel`s and buffers. Pure text and data; nothing here is executable."""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.compiler.dims import Size
from kgraph.compiler.ir import Op, Program, Value
from kgraph.compiler.loopnest.nodes import LoopNest
from kgraph.compiler.printing import printed

__all__ = ["STATUS", "Address", "Buffer", "Code", "Kernel", "Plan", "Symbol"]


@dataclass(frozen=True)
class Symbol:
    """An argument word: the address of a native routine of kgraph.codegen.intrinsics, such as ``gemm_f32``."""

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


STATUS = Symbol("status")  # an argument word: the address of int64[2], (failed check number or 0, offending index)


@dataclass(frozen=True)
class Buffer:
    """Where a Value lives.

    kind    input, output, state, constant: the index-th of its sort, memory given from outside;
            slot: memory of the plan's arena, shared by values whose lifetimes do not overlap
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
            a float (its float64 bits), a Symbol, an Address, a Code
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
        """``def NAME(args, lo, hi, scratch): ...`` in the kernel language (kgraph.codegen.intrinsics)."""
        return printed(self.nest)[1]


@dataclass(frozen=True, eq=False)
class Plan:
    """program after the passes; kernels in execution order; buffers: Value -> Buffer; slots: bytes of each slot;
    checks: a message for each check number; size_rules: SizeRules for the extents that are bound;
    naive_bytes: what the slots would take without reuse."""

    program: Program
    kernels: tuple
    buffers: dict
    slots: tuple
    checks: tuple = ()
    size_rules: tuple = ()
    naive_bytes: Size = 0

    def buffer(self, value: Value) -> Buffer:
        return self.buffers[value]
