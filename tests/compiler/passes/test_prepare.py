"""What depends on weights alone is taken out of a program; scales behind products go into their weights."""
import numpy as np
import pytest

from kgraph import Variable, ops
from kgraph.compiler.dims import dim
from kgraph.compiler.interp import interpret
from kgraph.compiler.ir import TensorType, verify
from kgraph.compiler.passes import prepare
from kgraph.compiler.passes.prepare import fold_scales, pack_weights, prepared, transform_kernels
from kgraph.compiler.pipeline import PLAIN_PASSES, run_passes
from kgraph.compiler.trace import Trace
from kgraph.function import build

B = dim("B")


@pytest.fixture(autouse=True)
def small_matrices_are_packed(monkeypatch):
    monkeypatch.setattr(prepare, "LEAST_PACKED", 1 << 12)


def weight(*shape, dtype="float32"):
    return Variable(np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype), name="w")


K, T, W, V, S, TABLE = (weight(3, 3, 4, 5), weight(3, 3, 4, 1), weight(4, 5), weight(4, 2, 3), weight(5),
                        weight(300_000, 2))
D = weight(3, 3, 5, 4)
WINOGRAD, WIDE = weight(3, 3, 24, 33), weight(33)
P, HEADS, BACK, SMALL, TURNED = (weight(40, 150), weight(40, 3, 64), weight(4, 16, 100), weight(40, 4),
                                 weight(128, 40))
W64, COUNT = weight(4, 5, dtype="float64"), Variable(np.float32(1), name="count")


def scaled(y, scale=S, shift=S):
    return y * ops.exp(scale) + shift


def affine(y):
    return (((y + S) / ops.exp(S) - 2.0 * S) * S) * 3.0


def counted(x):
    COUNT.assign(COUNT + 1.0)
    return ops.matmul(x, W) * COUNT


# name: (function of a batch, shape of a row, names of the ops that no longer are in the rest)
CASES = {
    "conv": (lambda x: scaled(ops.conv(x, K, padding="same")), (6, 6, 4), {"exp", "multiply"}),
    "pointwise": (lambda x: scaled(ops.conv(x, K[:1, :1])), (3, 3, 4), {"exp", "multiply"}),
    "depthwise": (lambda x: scaled(ops.depthwise_conv(x, T), S[:4], S[1:]), (6, 6, 4), {"exp", "multiply"}),
    "transposed": (lambda x: scaled(ops.conv_transpose(x, D, 2)), (3, 3, 4), {"exp", "multiply"}),
    "dense": (lambda x: scaled(ops.matmul(x, W)), (4,), {"exp", "multiply"}),
    "float64": (lambda x: ops.matmul(ops.cast(x, "float64"), W64) * ops.exp(W64[0]), (4,), {"exp", "multiply"}),
    "several steps": (lambda x: affine(ops.matmul(x, W)), (4,), {"exp", "multiply", "divide"}),
    "two axes": (lambda x: ops.einsum("bi,ijk->bjk", x, V) * V[0] + V[1], (4,), {"multiply"}),
    "axes turned": (lambda x: ops.einsum("bi,ijk->bkj", x, V) * ops.transpose(V[0]), (4,), {"multiply"}),
    "a scale of places": (lambda x: ops.matmul(x, W) * ops.exp(W[:3, :1]), (3, 4), {"exp"}),
    "read twice": (lambda x: (y := ops.matmul(x, W)) * S + y, (4,), set()),
    "weights alone": (lambda x: x + ops.sum(ops.matmul(W, ops.transpose(W)), 0), (4,), {"contract"}),
    "an outer product": (lambda x: x + ops.exp(S)[:, None] * ops.exp(S), (5, 5), {"exp"}),
    "rows of a table": (lambda x: ops.take(TABLE * 2.0, ops.cast(x, "int32"), axis=0), (3,), set()),
    "a counter": (counted, (4,), set()),
    "a row that the batch's size tells": (lambda x: x + ops.exp(W[ops.shape(x)[0] - 2]), (5,), set()),
    "an output": (lambda x: (x + 1.0, ops.exp(S)), (4,), {"exp"}),
    "panels": (lambda x: ops.matmul(x, P) * ops.exp(P[0]) + P[1], (40,), {"exp", "multiply", "contract"}),
    "panels of axes": (lambda x: ops.einsum("bti,ihd->bhtd", x, HEADS), (5, 40), {"contract"}),
    "panels of several rows": (lambda x: ops.einsum("bhtd,hdo->bto", x, BACK), (4, 3, 16), {"contract"}),
    "a matrix turned round": (lambda x: ops.matmul(x, ops.transpose(TURNED)), (40,), {"contract"}),
    "narrow": (lambda x: ops.matmul(x, SMALL), (40,), set()),
    "winograd": (lambda x: scaled(ops.conv(x, WINOGRAD, padding="same"), WIDE, WIDE), (5, 7, 24), {"exp", "conv"}),
    "nothing": (lambda x: x * 2.0, (4,), set()),
}


def parts_of(f, shape):
    """The plain program, its weights, and the result of the passes."""
    with Trace("f") as trace:
        outputs = f(trace.add_input(TensorType((B, *shape), "float32"), "x"))
    program = trace.finish([ops.core.as_tensor(o) for o in (outputs if isinstance(outputs, tuple) else (outputs,))])
    program = run_passes(program, PLAIN_PASSES)
    updated = {s for s, _ in program.updates}
    weights = [v for v in trace.states.values() if v not in updated]
    given = {v: x.numpy() for x, v in trace.states.items()} | {v: x.numpy() for v, x in trace.captured}
    return program, weights + [v for v, _ in trace.captured], given


@pytest.mark.parametrize("name", CASES)
def test_two_programs_give_what_one_gave(name):
    f, shape, gone = CASES[name]
    program, weights, given = parts_of(f, shape)
    folded = program
    for change in (fold_scales, pack_weights, transform_kernels):
        folded = verify(change(folded, weights))
    first, rest, made = prepared(folded, weights)
    x = np.abs(np.random.default_rng(1).normal(size=(3, *shape))).astype("float32")
    want = interpret(program, {**given, program.inputs[0]: x}, {"B": 3})
    if first is not None:
        assert verify(first) and [v.type for v in first.outputs] == [v.type for v in made]
        results = interpret(first, {v: given[v] for v in first.inputs}, {})
        given.update(zip(made, (results[v] for v in first.outputs), strict=True))
    got = interpret(verify(rest), {**given, program.inputs[0]: x}, {"B": 3})
    for a, b in zip(program.outputs, rest.outputs, strict=True):
        np.testing.assert_allclose(got[b], want[a], rtol=2e-6, atol=2e-6 * max(1, abs(want[a]).max()))
    before, after = ({op.prim.name for op in p.ops} for p in (program, rest))
    assert gone <= before and not gone & after


def test_memory_is_only_taken_for_what_is_no_larger_than_what_it_is_made_of():
    made = {name: sum(v.type.nbytes for v in prepared(fold_scales(p, w), w)[2])
            for name, (p, w, _) in ((n, parts_of(*CASES[n][:2])) for n in CASES)}
    assert made["an outer product"] == 20 and made["rows of a table"] == made["a counter"] == made["nothing"] == 0


def test_a_number_of_16_bits_is_rounded_where_it_was():
    program, weights, _ = parts_of(lambda x: ops.matmul(ops.cast(x, "bfloat16"), ops.cast(W, "bfloat16"))
                                   * ops.cast(S, "bfloat16"), (4,))
    assert fold_scales(program, weights) is program


@pytest.mark.parametrize("name", ["conv", "two axes", "an output", "a counter", "panels", "panels of axes",
                                  "a row that the batch's size tells",
                                  "panels of several rows", "winograd"])
def test_compiled_calls_are_equal_and_follow_what_is_written(name):
    f, shape, _ = CASES[name]
    types = (TensorType((B, *shape), "float32"),)
    plain, once = build(name, f, types), build(name, f, types, prepare=True)
    x = np.random.default_rng(1).normal(size=(3, *shape)).astype("float32")
    for _ in range(2):
        COUNT.assign(1.0)
        want = plain(x)
        COUNT.assign(1.0)
        got = once(x)
        got_first, want_first = (np.ravel(r[0] if isinstance(r, tuple) else r) for r in (got, want))
        np.testing.assert_allclose(got_first, want_first, rtol=2e-6, atol=2e-6 * abs(want_first).max())
        if name == "a counter":
            assert not np.array_equal(once(x), got)
        else:
            assert all(np.array_equal(a, b) for a, b in zip(once(x), got))
        for v in (S, K, V, P, HEADS, BACK, WINOGRAD):
            v.assign(v * 0.5)


def test_a_prepared_transform_gives_the_bits_of_one_made_in_the_kernel():
    """Also where a window holds infinities, which are added up as they are."""
    f, types = (lambda x: ops.conv(x, WINOGRAD, padding="same")), (TensorType((B, 5, 7, 24), "float32"),)
    x = np.random.default_rng(1).normal(size=(3, 5, 7, 24)).astype("float32")
    x[0, 0, 0, 0], x[1, 2, 3, 4] = np.inf, np.nan
    np.testing.assert_array_equal(build("f", f, types, prepare=True)(x), build("f", f, types)(x))
