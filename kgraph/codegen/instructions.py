"""Instructions of the kernel language that are not arithmetic: calls by address, atomics, threads, reports.

`INSTRUCTIONS` maps a name to ``(number of int64 parameters, has a result, emit)``; ``emit(builder, *values)`` writes
the instructions. Addresses are int64, in bytes.
"""
from __future__ import annotations

from llvmlite import ir

__all__ = ["INSTRUCTIONS", "SYMBOLS"]

_I32, _I64, _VOID = ir.IntType(32), ir.IntType(64), ir.VoidType()
# functions of the C library that native code calls, by name; the loader finds them in the process
_LIBC = {"sched_yield": 0, "pthread_mutex_lock": 1, "pthread_mutex_unlock": 1, "pthread_cond_wait": 2,
         "pthread_cond_broadcast": 1}
SYMBOLS = frozenset(_LIBC)


def _pointer(builder, address, kind=_I64):
    return builder.inttoptr(address, kind.as_pointer())


def _call(builder, address, *values):
    """Call the routine at an address: void(int64, ...)."""
    kind = ir.FunctionType(_VOID, [_I64] * len(values))
    builder.call(builder.inttoptr(address, kind.as_pointer()), values)


def _libc(name, arity):
    def emit(builder, *values):
        module = builder.module
        f = module.globals.get(name) or ir.Function(module, ir.FunctionType(_I32, [_I64] * arity), name)
        builder.call(f, values)
    return arity, False, emit


def _load_acquire(builder, address):
    return builder.load_atomic(_pointer(builder, address), "acquire", 8)


def _store_release(builder, address, value):
    builder.store_atomic(value, _pointer(builder, address), "release", 8)


def _atomic_add(builder, address, n):
    """Adds n; returns the value before."""
    return builder.atomic_rmw("add", _pointer(builder, address), n, "acq_rel")


def _pause(builder):
    """Tell the processor that this is a waiting loop."""
    module = builder.module
    if module.triple.startswith(("x86", "i686", "amd64")):
        name, values = "llvm.x86.sse2.pause", []
    elif module.triple.startswith(("aarch64", "arm64")):
        name, values = "llvm.aarch64.hint", [ir.Constant(_I32, 1)]
    else:
        return
    kind = ir.FunctionType(_VOID, [v.type for v in values])
    builder.call(module.globals.get(name) or ir.Function(module, kind, name), values)


def _prefetch(for_writing):
    """Ask for the line of memory at an address, which will be read or written soon; never fails."""
    def emit(builder, address):
        module, kind, name = builder.module, ir.IntType(8).as_pointer(), "llvm.prefetch.p0"
        f = module.globals.get(name) or ir.Function(module, ir.FunctionType(_VOID, [kind, _I32, _I32, _I32]), name)
        builder.call(f, [builder.inttoptr(address, kind), *(ir.Constant(_I32, n) for n in (for_writing, 3, 1))])
    return 1, False, emit


def _report(builder, status, number, index):
    """STATUS, whose address this is, becomes (number, index) unless something was reported before."""
    status = _pointer(builder, status)
    unset = builder.icmp_signed("==", builder.load_atomic(status, "monotonic", 8), ir.Constant(_I64, 0))
    with builder.if_then(unset, likely=False):
        builder.store(index, builder.gep(status, [ir.Constant(_I64, 1)]))
        builder.store_atomic(number, status, "release", 8)


def _checked(builder, status, number, index, size):
    """index, or the nearest one in [0, size) after a report."""
    zero, one = ir.Constant(_I64, 0), ir.Constant(_I64, 1)
    inside = builder.icmp_unsigned("<", index, size)
    with builder.if_then(builder.not_(inside), likely=False):
        _report(builder, status, number, index)
    last = builder.sub(size, one)
    nearest = builder.select(builder.icmp_signed("<", index, zero), zero, last)
    return builder.select(inside, index, nearest)


INSTRUCTIONS = {
    "call_kernel": (5, False, _call),   # call_kernel(address, args, lo, hi, scratch)
    "gemm": (14, False, _call),         # gemm(address, ...): the parameters of kgraph.kernels.gemm
    "plan_windows": (2, False, _call),  # plan_windows(address, block); convolve(address, ...), weigh(address, ...): the
    "convolve": (7, False, _call),      # parameters of kgraph.kernels.conv
    "weigh": (8, False, _call),
    "winograd": (8, False, _call),      # winograd(address, ...), winograd_weights(address, ...): the parameters of
    "winograd_weights": (7, False, _call),  # kgraph.kernels.winograd
    "report": (3, False, _report),      # report(status, number, index)
    "checked": (4, True, _checked),     # checked(status, number, index, size) -> index
    "load_acquire": (1, True, _load_acquire),
    "store_release": (2, False, _store_release),
    "atomic_add": (2, True, _atomic_add),
    "prefetch": _prefetch(0), "prefetch_to_write": _prefetch(1),
    "pause": (0, False, _pause),
    **{name: _libc(name, arity) for name, arity in _LIBC.items()},
}
