"""A vector of more than 2^31 elements: what is found in it, and how many. Nightly, where 10 GB of memory are free."""
import os
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import ops

N = 2**31 + 3
WHERE = N - 2  # of the only element that is not 0
NEEDED = 10 << 30


def available_bytes() -> int:
    memory = Path("/proc/meminfo")
    lines = memory.read_text().splitlines() if memory.exists() else ()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


pytestmark = pytest.mark.skipif(os.environ.get("KGRAPH_NIGHTLY") != "1" or available_bytes() < NEEDED,
                                reason="runs nightly, with 10 GB of free memory")


@pytest.fixture(scope="module")
def x():
    x = np.zeros(N, "int8")
    x[WHERE] = 3
    return x


FOUND = {
    "argmax": (lambda x: ops.argmax(x), WHERE),
    "argmax of a row": (lambda x: ops.argmax(x[None], axis=1)[0], WHERE),
    "argmax of a column": (lambda x: ops.argmax(x[:, None], axis=0)[0], WHERE),
    "argmin": (lambda x: ops.argmin(-x), WHERE),
    "max": (lambda x: ops.max(x), 3),
    "min of a column": (lambda x: ops.min(-x[:, None], axis=0)[0], -3),
    "count_nonzero": (lambda x: ops.count_nonzero(x + 1), N),
    "sum": (lambda x: ops.sum(x), 3),
    "all": (lambda x: ops.all(x < 3), False),
    "last": (lambda x: x[-2], 3),
    "take": (lambda x: ops.sum(ops.take(x, np.array([0, WHERE]))), 3),
}


@pytest.mark.parametrize("name", FOUND)
def test_places_and_counts(name, x):
    f, expected = FOUND[name]
    assert int(kgraph.function(f)(x)) == expected


@pytest.mark.parametrize("name", ["argmax", "max", "last"])
def test_places_eagerly(name, x):
    f, expected = FOUND[name]
    assert int(f(ops.convert_to_tensor(x))) == expected
