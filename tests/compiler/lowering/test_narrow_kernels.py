"""Kernels for floats of 16 bits: every primitive's examples against its reference, within two units of the last place.
"""
from functools import partial

import numpy as np
import pytest
from test_kernels import EAGER, UNCOMPILED, _apply

from kgraph.compiler.ir import Program, TensorType
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.compiler.primitive import PRIMITIVES
from kgraph.function import build

NARROW = ("bfloat16", "float16")
WIDE = {"panel_product", "conv_transformed"}   # what prediction makes of products of wide floats alone


def narrowed(x, dtype):
    """An array, or a param, with float32 and float64 replaced."""
    if isinstance(x, str):
        return dtype if x in ("float32", "float64") else x
    return x.astype(numpy_dtype(dtype)) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def narrow_examples(prim, dtype):
    for arrays, params in prim.examples(np.random.default_rng(0)):
        if any(isinstance(p, Program) for p in params.values()) or "function" in params or "attention" in prim.name:
            continue   # bodies have types of their own; ops.attention casts before
        arrays = [narrowed(np.asarray(a), dtype) for a in arrays]
        params = {k: narrowed(p, dtype) for k, p in params.items()}
        types = [TensorType(a.shape, a.dtype.name) for a in arrays]
        out = prim.infer(*types, **params)
        used = {t.dtype for t in (*types, *(out if isinstance(out, tuple) else (out,)))}
        if dtype in used:
            yield arrays, params, types


def last_places(got, want, dtype):
    """How far they are apart, in units of the last place of what is wanted; of the largest where terms cancel."""
    got, want = got.astype("float64"), want.astype("float64")
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    same = (got == want) | np.isnan(want)
    scale = np.maximum(np.abs(want), 2.0 ** (1 - DTYPES[dtype].bias))
    unit = 2.0 ** (np.floor(np.log2(scale)) - DTYPES[dtype].digits)
    with np.errstate(invalid="ignore"):
        return np.max(np.where(same, 0, np.abs(got - want) / unit), initial=0)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - UNCOMPILED - {*EAGER} - WIDE))
def test_compiled_primitive_equals_reference(name, dtype):
    prim = PRIMITIVES[name]
    for arrays, params, types in narrow_examples(prim, dtype):
        want = prim.compute(*arrays, **params)
        want = want if isinstance(want, tuple) else (want,)
        compiled = build(name, partial(_apply, prim, params), types)
        for got, expected in zip(compiled(*arrays), want, strict=True):
            assert got.dtype == expected.dtype and got.shape == expected.shape
            if expected.dtype.name == dtype:
                assert last_places(got, expected, dtype) <= 2
            else:
                np.testing.assert_allclose(got.astype("float64"), expected.astype("float64"), rtol=1e-5)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("m,k,n", [(1, 37, 5), (3, 300, 37), (70, 513, 130), (5, 1000, 64), (0, 3, 4), (3, 0, 4)])
def test_products_read_16_bits_where_they_lie(m, k, n, dtype):
    rng = np.random.default_rng(0)
    for turned in range(4):
        a, b = ((m, k)[::-1] if turned & 1 else (m, k)), ((k, n)[::-1] if turned & 2 else (k, n))
        labels = {"a_axes": (1, 0) if turned & 1 else (0, 1), "b_axes": (2, 1) if turned & 2 else (1, 2),
                  "out_axes": (0, 2)}
        arrays = [rng.normal(size=s).astype(numpy_dtype(dtype)) for s in (a, b)]
        compiled = build("product", partial(_apply, PRIMITIVES["contract"], labels),
                         [TensorType(x.shape, dtype) for x in arrays])
        if min(m, n) > 1 and k > 1:
            assert [k.op.inputs[0].dtype for k in compiled.plan.kernels] == [dtype]
        want = PRIMITIVES["contract"].compute(*arrays, **labels)
        got, = compiled(*arrays)
        scale = np.abs(want.astype("float64")).max(initial=0)
        np.testing.assert_allclose(got.astype("float64"), want.astype("float64"), rtol=0,
                                   atol=scale * 2.0 ** -DTYPES[dtype].digits)
