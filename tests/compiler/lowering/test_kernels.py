"""Compiled kernels against the NumPy references: every primitive's examples, and the corpus."""
from functools import partial

import numpy as np
import pytest
from corpus import CASES, StatefulCase, arrays_of, compiled_case, interpreted

from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.compiler.trace import bind, name_scope
from kgraph.function import build

EAGER = sorted(name for name, prim in PRIMITIVES.items() if prim.lower in ("linalg", "host"))  # NumPy does them
UNCOMPILED = {"fused", *EAGER}  # fused is made by a pass
LOOSE = {"power", "tan", "rsqrt", "erf"}


def close(got, want, rtol=1e-5, atol=1e-6):
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)


def _apply(prim, params, *xs):
    result = bind(prim, *xs, **params)
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - UNCOMPILED))
def test_compiled_primitive_equals_reference(name):
    prim = PRIMITIVES[name]
    for arrays, params in prim.examples(np.random.default_rng(0)):
        want = prim.reference(*arrays, **params)
        want = want if isinstance(want, tuple) else (want,)
        types = [TensorType(a.shape, a.dtype.name) for a in map(np.asarray, arrays)]
        compiled = build(name, partial(_apply, prim, params), types)
        for got, expected in zip(compiled(*arrays), want, strict=True):
            close(got, np.asarray(expected), rtol=3e-5 if name in LOOSE else 1e-5)


@pytest.mark.parametrize("name", sorted({*EAGER} - {"eig"}))   # whose results are complex: no graph gives them out
def test_a_primitive_without_a_kernel_is_refused_by_name(name):
    prim = PRIMITIVES[name]
    arrays, params = prim.examples(np.random.default_rng(0))[0]
    types = [TensorType(a.shape, a.dtype.name) for a in arrays]

    def function(*xs):
        with name_scope("my_layer"):
            return _apply(prim, params, *xs)
    with pytest.raises(NotImplementedError, match=rf"{name} \(my_layer\) has no kernel.*run_eagerly=True"):
        build(name, function, types)(*arrays)


@pytest.mark.parametrize("name", CASES)
def test_compiled_program_equals_interpreter(name):
    compiled, arrays = compiled_case(name), arrays_of(name)
    for got, want in zip(compiled.run(arrays), interpreted(compiled, compiled.traced, arrays)):
        close(got, want, rtol=1e-4, atol=1e-5)


def test_updates_are_written_in_place_step_by_step():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype("float32") for s in ((37, 7), (37, 5))]
    native, plain = StatefulCase(), StatefulCase()
    compiled, reference = native.compiled(), plain.compiled()
    for _ in range(3):
        got = compiled.run(arrays)
        close(got[0], reference.interpret(arrays, {"B": 37})[0], rtol=1e-4)
        for a, b in zip(native.variables(), plain.variables()):
            close(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)


def test_many_steps_in_one_call_equal_single_steps():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype("float32") for s in ((8, 7), (8, 5))]
    one, many = StatefulCase(), StatefulCase()
    single, together = one.compiled(), many.compiled()
    for _ in range(5):
        single.run(arrays)
    together.run(arrays, steps=5)
    for a, b in zip(one.variables(), many.variables()):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_another_batch_size_compiles_nothing():
    from kgraph.codegen.functions import records
    compiled, arrays = compiled_case("mlp"), arrays_of("mlp")
    compiled.run(arrays)
    before = len(records)
    smaller = [a[:3] if len(a) == 37 else a for a in arrays]
    for got, want in zip(compiled.run(smaller), interpreted(compiled, compiled.traced, smaller)):
        close(got, want, rtol=1e-4, atol=1e-5)
    assert len(records) == before


def test_equal_blocks_are_written_once(monkeypatch):
    """Their kernels have one text, and each the words of its own block."""
    from kgraph import ops
    from kgraph.compiler import pipeline
    emitted, emit = [], pipeline.emit
    monkeypatch.setattr(pipeline, "emit", lambda op, *rest: emitted.append(op) or emit(op, *rest))

    def blocks(x, *weights):
        for w in weights:
            x = ops.tanh(ops.matmul(x, w))
        return x
    square = TensorType((8, 8), "float32")
    compiled = build("blocks", blocks, (square,) * 5)
    kernels = compiled.plan.kernels
    assert len(kernels) == 4 and len({k.source for k in kernels}) == 1
    assert len(emitted) < 4
    assert all(set(k.op.inputs) | set(k.op.outputs) == {a for a in k.args if isinstance(a, Value)} for k in kernels)
    rng = np.random.default_rng(0)
    x, *weights = [rng.normal(size=(8, 8)).astype("float32") for _ in range(5)]
    expected = x
    for w in weights:
        expected = np.tanh(expected @ w)
    np.testing.assert_allclose(compiled(x, *weights), expected, rtol=1e-4, atol=1e-5)
