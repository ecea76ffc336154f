"""Where the values of variables come from, and what memory they have."""
import copy

import numpy as np
import pytest

import kgraph
from kgraph.variable import Variable, flatten, zeros


@pytest.mark.parametrize("make", [kgraph.initializers.GlorotUniform, kgraph.initializers.RandomNormal,
                                  kgraph.initializers.TruncatedNormal, kgraph.initializers.Orthogonal])
@pytest.mark.parametrize("shape", [(37, 5, 3), (7,), (0, 4)])
def test_what_is_drawn_in_pieces_is_what_is_drawn_at_once(make, shape, monkeypatch):
    if make is kgraph.initializers.Orthogonal and shape != (37, 5, 3):
        pytest.skip("of matrices alone")
    monkeypatch.setattr(kgraph.initializers, "_PIECE", 32)
    initializer = make(seed=3)
    drawn = Variable(initializer, shape=shape, dtype="float32").numpy()
    np.testing.assert_array_equal(drawn, np.asarray(initializer(shape, dtype="float32")))


def test_a_home_has_the_values_of_its_variables_written_or_not():
    blank, written, begun, single = (Variable(zeros((3, 2), "float32")), Variable(zeros((5,), "float32")),
                                     Variable(np.arange(4, dtype="float32")), Variable(0.0))
    assert blank.untouched and written.untouched and not begun.untouched
    written.assign(np.full(5, 2.0))
    assert not written.untouched and not copy.deepcopy(blank).untouched
    home = flatten([blank, written, begun, single], "home")
    assert home.numpy().tolist() == [0.0] * 6 + [2.0] * 5 + [0.0, 1.0, 2.0, 3.0] + [0.0]
    blank.assign(np.ones((3, 2)))
    assert home.numpy()[:6].tolist() == [1.0] * 6


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("initializer", [
    kgraph.initializers.GlorotUniform(seed=3), kgraph.initializers.RandomUniform(-0.1, 0.3, seed=2 ** 33 + 5),
    kgraph.initializers.HeNormal(seed=4)], ids=lambda x: type(x).__name__)
def test_what_is_drawn_first_does_not_depend_on_how_much_was_drawn_before(initializer, dtype, monkeypatch):
    """By NumPy, a few rows at a time, and where a process draws more, by a compiled function."""
    want = np.asarray(initializer((150, 701), dtype))
    for compiled in (1 << 40, 0):
        monkeypatch.setattr(kgraph.initializers, "_COMPILED", compiled)
        np.testing.assert_array_equal(kgraph.Variable(initializer, shape=(150, 701), dtype=dtype).numpy(), want)
