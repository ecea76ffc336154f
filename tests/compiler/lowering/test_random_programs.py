"""Random programs with gradients, compiled against NumPy, at sizes from 0 to 37 and on 1 to 5 threads.

By default the kernels are run as Python, by the interpreter of loop nests; nightly as machine code.
"""
import itertools
import os

import numpy as np
import pytest
from random_programs import grow, replay, with_gradients

from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.function import build
from kgraph.ops import convert_to_tensor
from kgraph.runtime import thread_pool

NIGHTLY = os.environ.get("KGRAPH_NIGHTLY") == "1"
PROGRAMS, STEPS = (10_000, 18) if NIGHTLY else (200, 12)
SIZES = (0, 1, 2, 3, 37)
EXTENTS = [e for e in itertools.product(SIZES, SIZES) if NIGHTLY or sum(e) <= 40]


def outcome(f, arrays):
    try:
        return [np.asarray(x) for x in f(*arrays)]
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        return error


def check(recipe, got, arrays):
    """Numbers agree as far as the program tells: where the last bits of its steps decide, the reference moves too."""
    def reference(noise):
        f = with_gradients(lambda *xs: replay(recipe, xs, noise))
        return outcome(lambda *xs: f(*map(convert_to_tensor, xs)), arrays)

    want = reference(None)
    if isinstance(want, Exception) or isinstance(got, Exception):
        assert isinstance(got, Exception) and isinstance(want, Exception), (got, want)
        return
    moved = []
    for place, (g, w) in enumerate(zip(got, want, strict=True)):
        assert (g.dtype, g.shape) == (w.dtype, w.shape), place
        with np.errstate(all="ignore"):
            if agree(g, w, 0.0).all():
                continue
            moved = moved or [reference(np.random.default_rng(i)) for i in range(8)]
            others = [m[place] for m in moved]
            spread = np.max([np.where(agree(m, w, 0.0, 1e-9), 0.0, np.abs(m - 1.0 * w)) for m in others], 0)
            assert agree(g, w, 30 * np.nan_to_num(spread, nan=np.inf)).all(), f"{place} {g} {w} {spread} {recipe}"


def agree(a, b, spread, tolerance=1e-4):
    scale = np.maximum(1.0, np.max(np.abs(b), where=np.isfinite(b), initial=0)) if b.dtype.kind == "f" else 1.0
    return (a == b) | (a != a) & (b != b) | (np.abs(a - 1.0 * b) <= tolerance * scale + spread) | np.isinf(spread)


def fitting(compiled, rng) -> list:
    """Places of the extents that the program takes, in random order: sizes of two names that it adds are equal."""
    def fits(number):
        try:
            for rule in compiled.size_rules:
                rule.check(dict(zip("BN", EXTENTS[number])), "random")
        except ValueError:
            return False
        return True
    return [int(i) for i in rng.permutation(len(EXTENTS)) if fits(i)]


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_program(seed, monkeypatch, any_number_of_threads):
    if not NIGHTLY:
        monkeypatch.setenv("KGRAPH_EMIT", "python")
    dtype = "float64" if seed % 4 == 3 else "float32"
    recipe = []

    def f(*xs):
        recipe[:] = grow(seed, xs, STEPS)
        return replay(recipe, xs)

    b, n = dim("B"), dim("N")
    compiled = build("random", with_gradients(f), [TensorType(s, dtype) for s in ((b, n), (n,), (b, 3))])
    rng = np.random.default_rng(seed)
    for number in fitting(compiled, rng)[:4 if NIGHTLY else 2]:
        thread_pool.set_num_threads(1 + (seed + number) % 5)
        rows, columns = EXTENTS[number]
        arrays = [rng.normal(size=s).astype(dtype) for s in ((rows, columns), (columns,), (rows, 3))]
        check(recipe, outcome(compiled, arrays), arrays)
