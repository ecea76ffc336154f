"""From a Python function to native code: trace it once for given types, compile it, call it.

`build` is what training and models use; `function` is the same for users, one trace for each set of input shapes.
"""
from __future__ import annotations

import functools
import os
import warnings

import numpy as np

from kgraph import tree
from kgraph.compiler import dims
from kgraph.compiler.dims import Dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import DTYPES, TensorType, Value
from kgraph.compiler.trace import Tensor, Trace, current_trace, open_tapes, suspend_recording
from kgraph.log import is_heard, report
from kgraph.ops.core import as_tensor
from kgraph.runtime.locks import once

__all__ = ["Compiled", "build", "function"]


class Compiled:
    """A traced and compiled function. ``traced`` is its Program before the passes, ``plan`` what the compiler made of
    it (``plan.program`` is the Program after the passes), ``variables`` the states that it reads or updates."""

    def __init__(self, name: str, f, types, change=None, prepare=False, trace=Trace):
        with suspend_recording(), trace(name) as trace:
            self._inputs = [trace.add_input(t, n) for n, t in _named_leaves(types)]
            result = f(*tree.pack_sequence_as(types, self._inputs))
            outputs = [_result(name, x) for x in tree.flatten(result) if x is not None]
        self._structure = tree.map_structure(lambda x: x is not None, result)
        program = trace.finish(outputs)
        self.traced = program if change is None else change(program)
        self.prepare = prepare
        self.variables = list(trace.states)
        self._states = list(trace.states.values())
        self._captured = trace.captured
        self.size_rules = tuple(trace.size_rules)
        self.before_again = trace.before_again
        self._extent_places = _extent_places(self._inputs)

    @once
    def plan(self):
        plan = self._planned(self.prepare)()
        if is_heard(3):
            nests = "\n".join(f"{k.name}{k.nest}" for k in plan.kernels)
            report(3, f"traced\n{self.traced}\nkgraph: after the passes\n{plan.program}\nkgraph: loop nests\n{nests}")
        return plan

    def _planned(self, prepare):
        """What makes the plan, with or without a preparation."""
        from kgraph.compiler.pipeline import compile_program
        return functools.partial(compile_program, self.traced, self._states, [v for v, _ in self._captured],
                                 self.size_rules, prepare, _multiplies_pairs())

    @property
    def program(self):
        """The Program after the passes."""
        return self.plan.program

    @once
    def executable(self):
        """The native form; None where there is none: with KGRAPH_DISABLE_JIT=1, and where something has to be compiled
        and what it takes is not installed."""
        if os.environ.get("KGRAPH_DISABLE_JIT") == "1":
            return None
        from kgraph.runtime.executable import Executable
        try:
            return Executable(self.plan, self.variables, [t.numpy() for _, t in self._captured], self._planned(False))
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in ("numba", "llvmlite"):
                raise
            warnings.warn(f"{missing} is not installed, and not all code of {self.traced.name} is in the cache: it "
                          "runs with NumPy, slowly", stacklevel=3)
            return None

    def extents(self, arrays) -> dict:
        """The integer of each name in the input types, read off the arrays' shapes."""
        return {name: arrays[i].shape[axis] for name, i, axis in self._extent_places}

    def run(self, arrays, extents=None, outputs=None, steps=1) -> list:
        """Flat form of a call: a list of NumPy arrays in, a list of NumPy arrays out.

        Args:
            outputs: arrays to write the results into (contiguous, of the right types), else new ones are made
            steps: how often to run the whole program, states carried from one to the next
        """
        if extents is None:
            extents = self.extents(arrays)
        if self.executable is not None:
            return self.executable.run(arrays, extents, outputs, steps)
        for _ in range(steps):
            results = self.interpret(arrays, extents)
        if outputs is not None:
            for target, value in zip(outputs, results, strict=True):
                target[...] = value
            return outputs
        return results

    def __call__(self, *arrays, extents=None, steps=1):
        """Arguments nested as the types were; results nested as the function's were, as NumPy arrays; None stays."""
        flat = [np.asarray(a, v.dtype) for a, v in zip(tree.flatten(arrays), self._inputs, strict=True)]
        return self._nested(self.run(flat, {**self.extents(flat), **(extents or {})}, steps=steps))

    def _nested(self, results):
        """Results as the function's were nested."""
        rest = iter(results)
        return tree.map_structure(lambda given: next(rest) if given else None, self._structure)

    def tensors(self, arrays):
        """The results for a list of arrays of its types, as Tensors nested as the function's results were."""
        results = [Tensor(x) for x in self.run(arrays)]
        return results[0] if self._structure is True else self._nested(results)

    def interpret(self, arrays, extents=None) -> list:
        """One step of `run` by the NumPy references of the primitives, as the program was traced."""
        for rule in self.size_rules:
            rule.check(extents or {}, self.traced.name)
        values = dict(zip(self._inputs, arrays, strict=True))
        values.update((v, x.buffer) for v, x in zip(self._states, self.variables))
        values.update((v, t.numpy()) for v, t in self._captured)
        found = interpret(self.traced, values, extents)
        results = [np.array(found[v]) for v in self.traced.outputs]
        variable_of = dict(zip(self._states, self.variables))
        new = [(variable_of[state], np.array(found[v])) for state, v in self.traced.updates]
        for variable, array in new:
            variable.assign(array)
        return results


def build(name: str, f, types, change=None, prepare=False, trace=Trace) -> Compiled:
    """Trace f over Values of these types and compile it.

    Args:
        types: a tuple with one (nested) TensorType for each argument of f; sizes may be Dims, bound at each call
        f: computes with kgraph.ops; Variables that it reads or assigns become states of the program. It is traced twice
            where an optimizer first has to lay its weights side by side
        change: what makes of the traced Program the one that is meant, with the same inputs
        prepare: whether what depends on variables alone is made once, and again when one was written: it takes memory
        trace: the kind of Trace that records it
    """
    compiled = Compiled(name, f, tuple(types), change, prepare, trace)
    if compiled.before_again:
        for again in compiled.before_again:
            again()
        compiled = Compiled(name, f, tuple(types), change, prepare, trace)
    return compiled


def function(f):
    """Compile a function of tensors (a decorator). It is traced once for each set of argument shapes and dtypes;
    arguments that are no tensors or arrays belong to that key. Kernels are shared between shapes. Inside another trace,
    and under a GradientTape, f itself runs, so that its ops are recorded there.

    Args:
        f: a function of tensors.

    Returns:
        A function that takes and gives tensors; each structure of its arguments is compiled once.

    Example:
        >>> square = kgraph.function(lambda x: x * x + 1)
        >>> square(np.ones(3, "float32")).numpy()
        array([2., 2., 2.], dtype=float32)
    """
    traced: dict = {}
    short: dict = {}  # types of arguments that are arrays, each by itself -> what was traced for them

    @functools.wraps(f)
    def call(*args):
        recorded = current_trace() is not None or open_tapes()
        plain = [_plain(x) for x in args]
        types = tuple([None if a is None else (a.shape, a.dtype) for a in plain])
        if types in short and not recorded:
            return short[types].tensors(plain)
        leaves = tree.flatten(args)
        if recorded or any(isinstance(x, Value) or getattr(x, "is_symbolic", False) for x in leaves):
            return f(*args)
        arrays = {i: np.asarray(x) for i, x in enumerate(leaves) if _is_data(x)}
        key = tuple(_signature(arrays.get(i), x) for i, x in enumerate(leaves))
        key = (key, repr(tree.map_structure(lambda x: None, args)))
        if key not in traced:
            types = tuple(TensorType(a.shape, a.dtype.name) for a in arrays.values())

            def flat(*values, args=args, places=tuple(arrays)):
                given = dict(zip(places, values))
                return f(*tree.pack_sequence_as(args, [given.get(i, x) for i, x in enumerate(tree.flatten(args))]))
            traced[key] = build(getattr(f, "__name__", "function"), flat, types)
        if None not in types:
            short[types] = traced[key]
        return traced[key].tensors([np.asarray(a, v.dtype) for a, v in zip(arrays.values(), traced[key]._inputs)])

    call.traced = traced
    return call


def _multiplies_pairs() -> bool:
    """Whether kernels are made, and for a machine that multiplies pairs of bfloat16."""
    if os.environ.get("KGRAPH_DISABLE_JIT") == "1":
        return False
    from kgraph.codegen.target import machine
    try:
        return machine().pairs
    except ModuleNotFoundError:
        return False


def _result(name, x):
    """What a traced function returns, as a tensor."""
    found = as_tensor(x)
    if found.dtype not in DTYPES:
        raise TypeError(f"{name}: expected tensors, numbers or None as results, received {x!r}")
    return found


def _plain(x):
    """The array that an argument is; None where it is something else, or holds several."""
    return x if type(x) is np.ndarray else x.numpy() if type(x) is Tensor else None


def _is_data(x) -> bool:
    return isinstance(x, (np.ndarray, Tensor)) or hasattr(x, "__array__") and not hasattr(x, "assign")


def _signature(array, x):
    return x if array is None else (array.shape, array.dtype.name)


def _named_leaves(types) -> list:
    return [("/".join(map(str, ("x", *path))), t) for path, t in tree.flatten_with_path(types)]


def _extent_places(inputs) -> list:
    """Where each name can be read off an input's shape: (name, input, axis)."""
    places = {}
    for i, v in enumerate(inputs):
        for axis, size in enumerate(v.shape):
            if isinstance(size, Dim) and size == dims.dim(str(size)):
                places.setdefault(str(size), (str(size), i, axis))
    return list(places.values())
