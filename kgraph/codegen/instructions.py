"""Instructions of the kernel language that are not arithmetic: calls by address, atomics, threads, reports.

`INSTRUCTIONS` maps the names of kgraph.compiler.loopnest.language.ACTIONS, which says how many int64 they take and
whether they give one, to functions ``(builder, *values)`` that write the instructions. Addresses are int64, in bytes.
"""
from __future__ import annotations

from kgraph.codegen import llvm_ir as ir
from kgraph.compiler.loopnest.language import CALLS

__all__ = ["INSTRUCTIONS", "SYMBOLS"]

# functions of the C library that native code calls, by name; the loader finds them in the process
SYMBOLS = frozenset(("sched_yield", "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_wait",
                     "pthread_cond_broadcast", "usleep",
                     "clock_gettime"))


def _pointer(builder, address, kind=None):
    return builder.inttoptr(address, (kind or ir.I64).as_pointer())


def _call(builder, address, *values):
    """Call the routine at an address: void(int64, ...)."""
    kind = ir.FunctionType(ir.VOID, [ir.I64] * len(values))
    builder.call(builder.inttoptr(address, kind.as_pointer()), values)


def _libc(name):
    def emit(builder, *values):
        module = builder.module
        f = module.globals.get(name) or ir.Function(module, ir.FunctionType(ir.I32, [ir.I64] * len(values)), name)
        builder.call(f, values)
    return emit


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
        name, values = "llvm.aarch64.hint", [ir.Constant(ir.I32, 1)]
    else:
        return
    kind = ir.FunctionType(ir.VOID, [v.type for v in values])
    builder.call(module.globals.get(name) or ir.Function(module, kind, name), values)


def _prefetch(for_writing):
    """Ask for the line of memory at an address, which will be read or written soon; never fails."""
    def emit(builder, address):
        module, kind, name = builder.module, ir.IntType(8).as_pointer(), "llvm.prefetch.p0"
        of = ir.FunctionType(ir.VOID, [kind, ir.I32, ir.I32, ir.I32])
        f = module.globals.get(name) or ir.Function(module, of, name)
        builder.call(f, [builder.inttoptr(address, kind), *(ir.Constant(ir.I32, n) for n in (for_writing, 3, 1))])
    return emit


def _report(builder, status, number, index):
    """STATUS, whose address this is, becomes (number, index) unless something was reported before."""
    status = _pointer(builder, status)
    unset = builder.icmp_signed("==", builder.load_atomic(status, "monotonic", 8), ir.Constant(ir.I64, 0))
    with builder.if_then(unset, likely=False):
        builder.store(index, builder.gep(status, [ir.Constant(ir.I64, 1)]))
        builder.store_atomic(number, status, "release", 8)


def _checked(builder, status, number, index, size):
    """index, or the nearest one in [0, size) after a report."""
    zero, one = ir.Constant(ir.I64, 0), ir.Constant(ir.I64, 1)
    inside = builder.icmp_unsigned("<", index, size)
    with builder.if_then(builder.not_(inside), likely=False):
        _report(builder, status, number, index)
    last = builder.sub(size, one)
    nearest = builder.select(builder.icmp_signed("<", index, zero), zero, last)
    return builder.select(inside, index, nearest)


INSTRUCTIONS = {
    **dict.fromkeys(CALLS, _call),  # name(address, ...): the parameters of the routine there (kgraph.kernels)
    "report": _report,              # report(status, number, index)
    "checked": _checked,            # checked(status, number, index, size) -> index
    "load_acquire": _load_acquire, "store_release": _store_release, "atomic_add": _atomic_add,
    "prefetch": _prefetch(0), "prefetch_to_write": _prefetch(1), "pause": _pause,
    **{name: _libc(name) for name in SYMBOLS},
}
