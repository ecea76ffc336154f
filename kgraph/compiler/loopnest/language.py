"""The functions of the language of loop nests: what they take, and the dtypes of their results.

A rule is a function of the operands' dtypes that gives (the dtypes to which they are converted, the result's dtype), or
raises ValueError. Functions that are made of others are formulas (functions.py). What the others compute is said twice,
in LLVM instructions (kgraph.codegen.intrinsics and instructions) and in NumPy (meaning.py); the tests compare the two,
name by name.
"""
from __future__ import annotations

import functools

from kgraph.compiler.loopnest.dtypes import DTYPES, computed, joined

__all__ = ["ACTIONS", "CALLS", "CASTS", "COMPARISONS", "FUNCTIONS", "OPERATORS", "result_of", "signature_of"]

OPERATORS = ("+", "-", "*", "/", "<<", ">>", "&", "|", "^")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CASTS = {t.short: t.name for t in DTYPES.values() if t.compute}


def _chosen(dtypes):
    """A result that needs no rounding: one of the operands, or a whole number near it."""
    dtype = functools.reduce(joined, dtypes)
    return (dtype,) * len(dtypes), dtype


def _alike(dtypes):
    dtype = DTYPES[functools.reduce(joined, dtypes)].compute
    return (dtype,) * len(dtypes), dtype


def _real(dtypes):
    taken, dtype = _alike(dtypes)
    if not DTYPES[dtype].is_float:
        raise ValueError(f"expected float32 or float64, received {', '.join(dtypes)}")
    return taken, dtype


def _whole(dtypes):
    taken, dtype = _alike(dtypes)
    if DTYPES[dtype].is_float:
        raise ValueError(f"expected whole numbers, received {', '.join(dtypes)}")
    return taken, dtype


def _choice(dtypes):
    if dtypes[0] != "bool":
        raise ValueError(f"expected a bool first, received {dtypes[0]}")
    taken, dtype = _chosen(dtypes[1:])
    return ("bool", *taken), dtype


def _bits(dtypes):
    """The bits of a float as a signed integer."""
    taken, dtype = _real(dtypes)
    return taken, f"int{DTYPES[dtype].bits}"


def _float_of_bits(dtypes):
    if dtypes[0] not in ("int32", "int64"):
        raise ValueError(f"expected int32 or int64, received {dtypes[0]}")
    return tuple(dtypes), f"float{DTYPES[dtypes[0]].bits}"


def _operator(sign, dtypes):
    dtype = computed(sign, *dtypes)
    return (dtype, dtype), dtype


def _fixed(result, *taken):
    """A rule of one result, and of these operands; else of any one."""
    return lambda dtypes: (taken or tuple(dtypes), result)


_REAL = ("exp", "expm1", "tanh", "sigmoid", "log", "log1p", "erf", "rsqrt", "sqrt", "floor", "ceil", "rint", "sin",
         "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "e4m3", "e5m2")
_ALIKE = ("//", "%", "floordiv", "remainder", "c_remainder", "min", "max", "pow",
          "sum_so_far", "product_so_far", "maximum_so_far", "minimum_so_far")
FUNCTIONS = {  # name: (number of operands, rule)
    **{name: (2, functools.partial(_operator, name)) for name in OPERATORS},
    **dict.fromkeys((*COMPARISONS, "and", "or"), (2, _fixed("bool"))), "not": (1, _fixed("bool")),
    **dict.fromkeys(_ALIKE, (2, _alike)), **dict.fromkeys(("maximum", "minimum"), (2, _chosen)),
    **dict.fromkeys(("quotient", "modulo", "c_quotient"), (2, _whole)),
    "neg": (1, lambda dtypes: _operator("-", 2 * dtypes)),
    **{name: (1, _fixed(dtype)) for name, dtype in CASTS.items()},
    **dict.fromkeys(_REAL, (1, _real)), "atan2": (2, _real), "times_plus": (3, _real),
    "pair": (2, _fixed("int32", "float32", "float32")),
    "bits": (1, _bits), "float_of_bits": (1, _float_of_bits), "abs": (1, _chosen), "sign": (1, _chosen),
    **dict.fromkeys(("isnan", "isfinite"), (1, _fixed("bool"))), "where": (3, _choice),
    "mix_bits": (3, _fixed("uint32", "uint32", "uint32", "uint64")),
    "word": (2, _fixed("int64")), "real32": (2, _fixed("float32")), "real64": (2, _fixed("float64")),
}
# Instructions whose operands are int64, by their number and whether they give an int64.
CALLS = {"call_kernel": 5, "gemm": 14, "plan_windows": 2, "convolve": 7, "weigh": 8, "convolve_packed": 8,
          "winograd_weights": 7}  # of a routine or kernel by its address
ACTIONS = {**{name: (count, False) for name, count in CALLS.items()},
           "report": (3, False), "checked": (4, True), "load_acquire": (1, True), "store_release": (2, False),
           "atomic_add": (2, True), "prefetch": (1, False), "prefetch_to_write": (1, False), "pause": (0, False),
           "sched_yield": (0, False), "usleep": (1, False), "clock_gettime": (2, False),
           "pthread_mutex_lock": (1, False), "pthread_mutex_unlock": (1, False), "pthread_cond_wait": (2, False),
           "pthread_cond_broadcast": (1, False)}


def signature_of(function: str, dtypes) -> tuple:
    """(dtypes of the operands as it takes them, that of the result: None where it has none). Raises ValueError for what
    the language has not."""
    if function in FUNCTIONS:
        count, rule = FUNCTIONS[function]
    elif function in ACTIONS:
        count, has_result = ACTIONS[function]
        rule = _fixed("int64" if has_result else None)
    else:
        raise ValueError(f"the language of loop nests has no function {function!r}")
    if len(dtypes) != count:
        raise ValueError(f"{function}: expected {count} operands, received {len(dtypes)}")
    if None in dtypes:
        raise ValueError(f"{function}: an operand has no value")
    try:
        return rule(list(dtypes))
    except ValueError as error:
        raise ValueError(f"{function}: {error}") from None


@functools.cache
def result_of(function: str, dtypes: tuple) -> str | None:
    """The dtype of a call's result. Raises as `signature_of`."""
    return signature_of(function, dtypes)[1]
