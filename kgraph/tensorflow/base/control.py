"""Control flow, printing and scopes of `tf`."""
from __future__ import annotations

import contextlib
import sys

import numpy as np

from kgraph import ops, tree
from kgraph.compiler.trace import current_trace
from kgraph.tensorflow.base.arrays import Sizes, convert_to_tensor, stacked
from kgraph.tensorflow.base.texts import StringTensor

__all__ = ["case", "cond", "control_dependencies", "device", "executing_eagerly", "foldl", "get_logger", "group",
           "init_scope", "map_fn", "name_scope", "no_op", "numpy_function", "print", "py_function",
           "recompute_grad", "scan", "switch_case", "timestamp", "vectorized_map", "while_loop"]


def cond(pred, true_fn=None, false_fn=None, name=None):
    """true_fn() where pred holds, else false_fn(); in a graph both are computed and one is chosen."""
    return ops.cond(pred, true_fn, false_fn)


def case(pred_fn_pairs, default=None, exclusive=False, strict=False, name="case"):
    """The function of the first pair whose condition holds, else default, called."""
    pairs = list(pred_fn_pairs)
    result = pairs[-1][1] if default is None else default
    for pred, f in reversed(pairs):
        result = lambda pred=pred, f=f, other=result: ops.cond(pred, f, other)
    return result()


def switch_case(branch_index, branch_fns, default=None, name="switch_case"):
    """The function of that number, called; default for numbers beyond."""
    fns = [f for _, f in sorted(branch_fns.items())] if isinstance(branch_fns, dict) else list(branch_fns)
    return ops.switch(branch_index, [*fns, default] if default is not None else fns)


def while_loop(cond, body, loop_vars, shape_invariants=None, parallel_iterations=10, back_prop=True, swap_memory=False,
               maximum_iterations=None, name=None):
    """While cond(*loop_vars): loop_vars = body(*loop_vars). Eagerly they may change shape and be TensorArrays."""
    if current_trace() is not None:
        return ops.while_loop(cond, body, loop_vars, maximum_iterations)
    count, values = 0, tuple(loop_vars)
    while (maximum_iterations is None or count < maximum_iterations) and bool(cond(*values)):
        result = body(*values)
        values = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        count += 1
    values = [convert_to_tensor(v) if isinstance(v, (bool, int, float, np.ndarray)) else v for v in values]
    return values if isinstance(loop_vars, list) else tuple(values)


def map_fn(fn, elems, dtype=None, parallel_iterations=None, back_prop=True, swap_memory=False, infer_shape=True,
           name=None, fn_output_signature=None):
    """fn of each slice of elems (a tensor or a structure of them) along the first axis, joined again."""
    if current_trace() is not None:
        return ops.map(fn, elems)
    columns = [convert_to_tensor(x) for x in tree.flatten(elems)]
    items = [tree.pack_sequence_as(elems, list(row)) for row in zip(*columns)]
    if not items:
        raise ValueError("tf.map_fn: expected elems with at least one slice, received none")
    return stacked([fn(item) for item in items])


def vectorized_map(fn, elems, fallback_to_while_loop=True, warn=True):
    """fn of each slice of elems along the first axis, joined again."""
    return map_fn(fn, elems)


def scan(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, infer_shape=True,
         reverse=False, name=None):
    """The results of a = fn(a, slice of elems), one after the other, joined; initializer: the first a."""
    if initializer is None:
        at, others = (-1, slice(-1)) if reverse else (0, slice(1, None))
        first, elems = tree.map_structure(lambda x: x[at], elems), tree.map_structure(lambda x: x[others], elems)
        rest = scan(fn, elems, first, reverse=reverse)
        order = -1 if reverse else 1
        return tree.map_structure(lambda a, b: ops.concatenate([ops.expand_dims(a, 0), b][::order], 0), first, rest)

    def step(a, x):
        result = fn(a, x)
        return result, result
    start = tree.map_structure(ops.convert_to_tensor, initializer)
    return ops.scan(step, start, tree.map_structure(ops.convert_to_tensor, elems), reverse=reverse)[1]


def foldl(fn, elems, initializer=None, parallel_iterations=10, back_prop=True, swap_memory=False, name=None):
    """The last of `scan`."""
    return tree.map_structure(lambda x: x[-1], scan(fn, elems, initializer))


def print(*inputs, output_stream=sys.stderr, summarize=3, sep=" ", end="\n", name=None):
    """Write tensors and texts to a stream (sys.stderr). In a graph their types are written, once."""
    stream = {"stdout": sys.stdout, "stderr": sys.stderr}.get(str(output_stream), output_stream)
    stream = sys.stderr if isinstance(stream, str) else stream
    stream.write(sep.join(_shown(x, summarize) for x in inputs) + end)


def _shown(x, summarize):
    if isinstance(x, StringTensor):
        found = x.numpy()
        return found.decode() if isinstance(found, bytes) else str(found)
    if isinstance(x, Sizes) or not hasattr(x, "numpy"):
        return str(x)
    if current_trace() is not None:
        return repr(x)
    edge = summarize if summarize >= 0 else sys.maxsize
    return np.array2string(np.asarray(x.numpy()), threshold=2 * edge, edgeitems=edge)


def py_function(func, inp, Tout, name=None):
    """func(*inp) in Python, with its results as tensors of dtypes Tout."""
    results = func(*(convert_to_tensor(x) for x in inp))
    return _typed(results, Tout)


def numpy_function(func, inp, Tout, stateful=True, name=None):
    """func of the arrays of inp, with its results as tensors of dtypes Tout."""
    return _typed(func(*(convert_to_tensor(x).numpy() for x in inp)), Tout)


def _typed(results, dtypes):
    if isinstance(dtypes, (list, tuple)):
        if len(dtypes) == 0:
            return ()
        results = results if isinstance(results, (list, tuple)) else [results]
        return [convert_to_tensor(r, t) for r, t in zip(results, dtypes, strict=True)]
    return convert_to_tensor(results, getattr(dtypes, "dtype", dtypes))


def get_logger():
    """The logger named "tensorflow", whose level programs set."""
    import logging
    return logging.getLogger("tensorflow")


def group(*inputs, **kwargs):
    """None: what was given has been done."""


def no_op(name=None):
    """None."""


def recompute_grad(f):
    """f: what it computed is kept for its gradient."""
    return f


def executing_eagerly() -> bool:
    """Whether values are there at once, rather than recorded in a graph."""
    return current_trace() is None


def timestamp(name=None):
    """Seconds since 1970, float64."""
    import time
    return ops.convert_to_tensor(time.time(), "float64")


@contextlib.contextmanager
def device(device_name):
    """A scope without effect: there is one device."""
    yield device_name


@contextlib.contextmanager
def name_scope(name):
    """A scope without effect: names of variables have no scopes here."""
    yield name


@contextlib.contextmanager
def control_dependencies(control_inputs):
    """A scope without effect: things are done in their order."""
    yield control_inputs


@contextlib.contextmanager
def init_scope():
    """A scope without effect."""
    yield
