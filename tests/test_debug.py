"""KGRAPH_DEBUG: each level prints, to stderr, what the one below it prints and something more."""
import logging

import numpy as np
import pytest

import kgraph
from kgraph import ops


def printed(level, monkeypatch, capsys):
    """What a new function prints at a level. Its kernel is one that no other test has: they print once a process."""
    def f(x):
        for _ in range(level + 1):
            x = ops.cosh(ops.arctan(ops.sinh(x)))
        return x
    x = np.linspace(-1, 1, 3, dtype="float32")
    expected = f(x).numpy()
    monkeypatch.setenv("KGRAPH_DEBUG", str(level))
    monkeypatch.setattr(logging.getLogger("kgraph"), "propagate", False)  # to the handlers of pytest
    np.testing.assert_allclose(kgraph.function(f)(x), expected, rtol=1e-5)
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize("level", range(5))
def test_levels(level, monkeypatch, capsys):
    text = printed(level, monkeypatch, capsys)
    assert ("kgraph: compiled kg_" in text or "kgraph: loaded kg_" in text) == (level >= 1)
    assert text.count("GFLOP/s") == (level >= 2)
    assert ("kgraph: traced\n" in text and "kgraph: after the passes\n" in text) == (level >= 3)
    assert ("kgraph: loop nests\nkg_" in text and "for share i" in text) == (level >= 3)
    assert ("= cosh(%" in text and "= fused(x/0" in text) == (level >= 3)
    assert ("kgraph: source\ndef kg_" in text and "# sinh atan cosh" in text) == (level >= 4)


def test_an_unknown_level_is_named(monkeypatch):
    monkeypatch.setenv("KGRAPH_DEBUG", "yes")
    with pytest.raises(ValueError, match="expected KGRAPH_DEBUG to be 0, 1, 2, 3 or 4, received 'yes'"):
        kgraph.function(ops.tanh)(np.ones(3, "float32"))
