"""Runs the examples of docstrings, in one process, and compares what they print.

An example finds np, kgraph, the modules of kgraph (layers, ops, losses ...) and the name itself imported, the seed set,
a folder to write to, and a small compiled model with a batch (model, x, y). Numbers agree when they are within 1e-4 of
each other, for processors differ in last digits.
"""
from __future__ import annotations

import contextlib
import doctest
import importlib
import inspect
import re
import tempfile

import numpy as np

import kgraph
from kgraph.docs.names import MODULES, methods, public_names

__all__ = ["run_examples"]

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")


class Checker(doctest.OutputChecker):
    """Text is compared as doctest does, numbers by value."""

    def check_output(self, want, got, optionflags):
        numbers = [[float(n) for n in _NUMBER.findall(text)] for text in (want, got)]
        if len(numbers[0]) == len(numbers[1]) and np.allclose(*numbers, rtol=1e-4, atol=1e-4):
            want, got = (_NUMBER.sub("0", text) for text in (want, got))
        return super().check_output(want, got, optionflags)


class Runner(doctest.DocTestRunner):
    """Runs examples; one that needs an optional package that is not here is passed over."""

    def report_unexpected_exception(self, out, test, example, exc_info):
        if issubclass(exc_info[0], ImportError):
            self.failures -= 1
        else:
            super().report_unexpected_exception(out, test, example, exc_info)


def scope() -> dict:
    """The names that examples find."""
    modules = {m: importlib.import_module(f"kgraph.{m}") for m in MODULES if m and "." not in m}
    return {"np": np, "kgraph": kgraph, **modules}


def small_model() -> dict:
    """A compiled model of one layer, and a batch for it."""
    model = kgraph.Sequential([kgraph.Input((3,)), kgraph.layers.Dense(1, name="dense")], name="small")
    model.compile("sgd", "mse")
    return {"model": model, "x": np.ones((8, 3), "float32"), "y": np.ones((8, 1), "float32")}


def run_examples(only: str = "") -> tuple:
    """Run the examples of all public names and their methods.

    Args:
        only: those whose path begins so.

    Returns:
        How many examples ran, and how many failed; what failed is printed.
    """
    runner = Runner(Checker(), optionflags=FLAGS, verbose=False)
    start = scope()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), np.printoptions(precision=4, suppress=True):
        for path, value in _documented():
            if path.startswith(only):
                kgraph.utils.set_random_seed(0)
                globs = {**start, **small_model(), value.__name__: value}
                test = doctest.DocTestParser().get_doctest(inspect.getdoc(value) or "", globs, path, *_place(value))
                runner.run(test)
    return runner.tries, runner.failures


def _documented():
    for name in public_names():
        yield name.path, name.value
        if inspect.isclass(name.value):
            yield from ((f"{name.path}.{m}", f) for m, f in methods(name.value) if f.__doc__)


def _place(value) -> tuple:
    """The file and line of a name, for messages."""
    value = inspect.unwrap(value)
    try:
        return inspect.getsourcefile(value), inspect.getsourcelines(value)[1]
    except (TypeError, OSError):
        return None, None
