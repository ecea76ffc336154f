"""The functions of the language of loop nests, and the dtypes of their results.

A rule is a function of the operands' dtypes that gives the result's, or raises ValueError. What the functions compute
is said twice, in LLVM instructions (kgraph.codegen.intrinsics and instructions) and in NumPy (meaning.py); the tests
compare the two, name by name.
"""
from __future__ import annotations

import functools

from kgraph.compiler.loopnest.dtypes import DTYPES, computed, joined

__all__ = ["ACTIONS", "CALLS", "CASTS", "COMPARISONS", "FUNCTIONS", "OPERATORS", "result_of"]

OPERATORS = ("+", "-", "*", "/", "<<", ">>", "&", "|", "^")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CASTS = {t.short: t.name for t in DTYPES.values() if t.compute}


def _all(dtypes) -> str:
    return functools.reduce(joined, dtypes)


def _real(dtypes):
    if not DTYPES[_all(dtypes)].is_float:
        raise ValueError(f"expected float32 or float64, received {', '.join(dtypes)}")
    return _all(dtypes)


def _choice(dtypes):
    if dtypes[0] != "bool":
        raise ValueError(f"expected a bool first, received {dtypes[0]}")
    return _all(dtypes[1:])


def _fixed(count, result):
    def rule(dtypes):
        return result
    return count, rule


_REAL = ("exp", "expm1", "tanh", "sigmoid", "log", "log1p", "erf", "rsqrt", "sqrt", "floor", "ceil", "rint", "sin",
         "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")
_ALIKE = ("//", "%", "floordiv", "remainder", "maximum", "minimum", "min", "max", "pow", "quotient", "modulo",
          "sum_so_far", "product_so_far", "maximum_so_far", "minimum_so_far")
FUNCTIONS = {  # name: (number of operands, rule)
    **{name: (2, functools.partial(lambda sign, dtypes: computed(sign, *dtypes), name)) for name in OPERATORS},
    **{name: _fixed(2, "bool") for name in COMPARISONS},
    **dict.fromkeys(_ALIKE, (2, _all)),
    "and": _fixed(2, "bool"), "or": _fixed(2, "bool"), "not": _fixed(1, "bool"),
    "neg": (1, lambda dtypes: computed("-", dtypes[0], dtypes[0])),
    **{name: _fixed(1, dtype) for name, dtype in CASTS.items()},
    **dict.fromkeys(_REAL, (1, _real)), "atan2": (2, _real), "abs": (1, _all), "sign": (1, _all),
    "isnan": _fixed(1, "bool"), "isfinite": _fixed(1, "bool"), "where": (3, _choice),
    "mix_bits": _fixed(3, "uint32"),
    "word": _fixed(2, "int64"), "real32": _fixed(2, "float32"), "real64": _fixed(2, "float64"),
}
# Instructions whose operands are int64, by their number and whether they give an int64.
CALLS = {"call_kernel": 5, "gemm": 14, "plan_windows": 2, "convolve": 7, "weigh": 8, "winograd": 8,
          "winograd_weights": 7}  # of a routine or kernel by its address
ACTIONS = {**{name: (count, False) for name, count in CALLS.items()},
           "report": (3, False), "checked": (4, True), "load_acquire": (1, True), "store_release": (2, False),
           "atomic_add": (2, True), "prefetch": (1, False), "prefetch_to_write": (1, False), "pause": (0, False),
           "sched_yield": (0, False), "pthread_mutex_lock": (1, False), "pthread_mutex_unlock": (1, False),
           "pthread_cond_wait": (2, False), "pthread_cond_broadcast": (1, False)}


def result_of(function: str, dtypes) -> str | None:
    """The dtype of a call's result, None where it has none. Raises ValueError for what the language has not."""
    if function in FUNCTIONS:
        count, rule = FUNCTIONS[function]
    elif function in ACTIONS:
        count, rule = ACTIONS[function][0], lambda dtypes: "int64" if ACTIONS[function][1] else None
    else:
        raise ValueError(f"the language of loop nests has no function {function!r}")
    if len(dtypes) != count:
        raise ValueError(f"{function}: expected {count} operands, received {len(dtypes)}")
    if None in dtypes:
        raise ValueError(f"{function}: an operand has no value")
    try:
        return rule(dtypes)
    except ValueError as error:
        raise ValueError(f"{function}: {error}") from None
