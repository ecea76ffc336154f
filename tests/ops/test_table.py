"""Every case of the table: values against NumPy, the traced graph against that, gradients against differences."""
import numpy as np
import pytest
from ops_cases import CASES

from kgraph import ops, value_and_grad
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.trace import Tensor, Trace

TABLE = [pytest.param(c, id=f"{i}-{c.name}") for i, c in enumerate(CASES)]
SMOOTH = [p for p in TABLE if p.values[0].smooth]


def expected_of(case):
    with np.errstate(all="ignore"):
        return np.asarray(case.meaning(*case.args))


@pytest.mark.parametrize("case", TABLE)
def test_values(case):
    result, expected = case.use(*case.args), expected_of(case)
    assert tuple(result.shape) == expected.shape
    assert np.dtype(result.dtype).kind == expected.dtype.kind
    assert result.dtype in ("float32", "int32", "bool")
    np.testing.assert_allclose(result.numpy(), expected, rtol=10 * case.tolerance, atol=case.tolerance)


def symbolic_types(case):
    """The types of the arguments: the batch size, where the case allows one, is the Dim B."""
    n = case.args[0].shape[0] if case.args[0].ndim else 1
    batch = case.batch and n != 1
    shape = lambda a: (dim("B"), *a.shape[1:]) if batch and a.ndim and a.shape[0] == n else a.shape
    return [TensorType(shape(a), a.dtype.name) for a in case.args], {"B": n} if batch else {}


@pytest.mark.parametrize("case", TABLE)
def test_the_traced_graph_means_the_same(case):
    types, extents = symbolic_types(case)
    with Trace(case.name) as trace:
        values = [trace.add_input(t) for t in types]
        program = verify(trace.finish([case.use(*values)]))
    arrays = dict(zip(values, case.args)) | {v: outer.numpy() for v, outer in trace.captured}
    result = interpret(program, arrays, extents)[program.outputs[0]]
    eager = case.use(*case.args).numpy()
    assert result.dtype == eager.dtype
    np.testing.assert_allclose(result, eager, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", SMOOTH)
def test_gradients_against_a_difference(case):
    rng = np.random.default_rng(1)
    args = [a.astype("float64") if a.dtype.kind == "f" else a for a in case.args]
    floats = tuple(i for i, a in enumerate(args) if a.dtype.kind == "f")
    weight = rng.normal(size=case.use(*args).shape)

    def total(*args):
        return ops.sum(case.use(*args) * weight)

    directions = [rng.normal(size=a.shape) for a in args]
    moved = lambda step: [a + step * d if i in floats else a for i, (a, d) in enumerate(zip(args, directions))]
    step = 1e-6
    difference = (total(*moved(step)).item() - total(*moved(-step)).item()) / (2 * step)
    _, grads = value_and_grad(total, floats)(*map(Tensor, args))
    got = sum(np.sum(g.numpy() * directions[i]) for g, i in zip(grads, floats) if g is not None)
    np.testing.assert_allclose(got, difference, rtol=2e-5, atol=1e-6)

