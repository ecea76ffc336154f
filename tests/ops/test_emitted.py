"""Every case of the table, and its gradients, as emitted kernels against the interpreter.

The kernels' source is run line by line in Python (KGRAPH_EMIT=python): what is tested is the text. That the same text
means the same as machine code is tested per primitive in tests/compiler.
"""
import numpy as np
import pytest
from ops_cases import CASES
from test_table import symbolic_types

from kgraph import GradientTape
from kgraph.function import build


def with_gradients(case):
    """case.use, and for a smooth case its gradients by all float arguments."""
    def function(*xs):
        with GradientTape() as tape:
            result = case.use(*xs)
        if not case.smooth:
            return [result]
        gradients = tape.gradient(result, [x for x in xs if x.dtype.startswith("float")])
        return [result, *(g for g in gradients if g is not None)]
    return function


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{i}-{c.name}") for i, c in enumerate(CASES)])
def test_emitted_kernels_mean_the_same(case, monkeypatch):
    monkeypatch.setenv("KGRAPH_EMIT", "python")
    types, extents = symbolic_types(case)
    compiled = build(case.name, with_gradients(case), types)
    arrays = [np.ascontiguousarray(a) for a in case.args]
    assert compiled.executable is not None
    for got, want in zip(compiled.run(arrays), compiled.interpret(arrays, extents), strict=True):
        np.testing.assert_allclose(got, want, rtol=3e-5, atol=3e-6)
