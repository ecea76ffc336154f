"""Floats of 16 bits: values and dtypes against Keras's, promotion, variables, conversion, gradients."""
import sys
from pathlib import Path

import numpy as np
import pytest

import kgraph
from kgraph import ops

HERE = Path(__file__).parents[1]
sys.path.insert(0, str(HERE / "oracle"))
import narrow  # noqa: E402

ANSWERS = np.load(HERE / "data" / "narrow.npz")
DIGITS = {"bfloat16": 7, "float16": 10, "float32": 23}
CASES = [(dtype, e, loose) for loose, text in enumerate((narrow.EXACT, narrow.LOOSE))
         for e in narrow.expressions(text) for dtype in narrow.DTYPES]


def of_last_place(x, dtype):
    """The distance of neighbours at x in that dtype."""
    return 2.0 ** (np.floor(np.log2(np.maximum(np.abs(x), 1e-30))) - DIGITS.get(dtype, 23))


@pytest.mark.parametrize("dtype,expression,loose", CASES)
def test_values_and_dtypes_are_keras(dtype, expression, loose):
    got, key = narrow.evaluate(kgraph, expression, dtype), f"{dtype} {expression}".replace("/", "|")
    want, kind = ANSWERS[key], str(ANSWERS[f"{key} dtype"])
    assert got.dtype == kind and tuple(got.shape) == want.shape
    got = np.asarray(ops.cast(got, "float32"))
    most = 2 * of_last_place(want, kind)
    # Keras adds up some of its float16 sums in float16; what cancels is as exact as its terms
    most = np.maximum(most, (2 if loose else 0.5) * of_last_place(np.max(np.abs(want), initial=0), kind))
    assert np.all(np.abs(got - want) <= most)


JOINED = [("bfloat16", "float16", "float32"), ("bfloat16", "float32", "float32"), ("bfloat16", "float64", "float64"),
          ("bfloat16", "int64", "bfloat16"), ("bfloat16", float, "bfloat16"), ("bfloat16", int, "bfloat16"),
          ("bfloat16", "bool", "bfloat16"), ("float16", "uint8", "float16"), ("float16", float, "float16"),
          ("bfloat16", "uint64", "bfloat16")]


@pytest.mark.parametrize("a,b,joined", JOINED)
def test_promotion(a, b, joined):
    assert kgraph.backend.result_type(a, b) == kgraph.backend.result_type(b, a) == joined


def test_floats_of_8_bits_are_storage():
    x = ops.cast([0.3, 1.0, 500.0, -3.0], "float8_e4m3fn")
    assert x.dtype == "float8_e4m3fn"
    assert ops.cast(x, "float32").numpy()[[0, 1, 3]].tolist() == [0.3125, 1.0, -3.0]
    assert ops.cast(ops.saturate_cast([1e9, -1e9], "float8_e4m3fn"), "float32").numpy().tolist() == [448, -448]
    assert ops.reshape(x, (2, 2)).dtype == "float8_e4m3fn"
    with pytest.raises(ValueError, match="cast floats of 8 bits first"):
        x + 1.0


@pytest.mark.parametrize("dtype", narrow.DTYPES)
def test_variables_keep_their_dtype(dtype):
    v = kgraph.Variable([1.0, 2.0, 3.001], dtype=dtype)
    assert v.dtype == dtype and v.numpy().dtype.name == dtype
    v.assign(np.array([0.1, 0.2, 0.3], "float32"))
    assert v.numpy().astype("float32").tolist() == np.array([0.1, 0.2, 0.3]).astype(v.numpy().dtype).astype(
        "float32").tolist()
    assert (v + 1).dtype == dtype
    assert kgraph.Variable("zeros", shape=(2,), dtype=dtype).dtype == dtype
    assert kgraph.Variable("glorot_uniform", shape=(2, 3), dtype=dtype).numpy().dtype.name == dtype


@pytest.mark.parametrize("dtype", narrow.DTYPES)
def test_arrays_come_and_go(dtype):
    array = ops.cast([[1.5, -2.25]], dtype).numpy()
    assert array.dtype.name == dtype
    assert ops.convert_to_tensor(array).dtype == dtype
    assert ops.convert_to_tensor(array, "float32").numpy().tolist() == [[1.5, -2.25]]
    assert ops.convert_to_numpy(ops.convert_to_tensor([1, 2], dtype)).dtype.name == dtype
    assert float(ops.convert_to_tensor(0.5, dtype)) == 0.5


def test_rounding_is_to_the_even_neighbour_and_keeps_what_is_no_number():
    x = np.array([1 + 2**-8, 1 + 3 * 2**-8, np.nan, np.inf, -np.inf, -0.0, 3.4e38, 1e-40], "float32")
    got = ops.cast(x, "bfloat16").numpy().astype("float32")
    np.testing.assert_array_equal(got[:6], np.array([1, 1 + 2**-6, np.nan, np.inf, -np.inf, -0.0], "float32"))
    assert got[6] == np.inf and 0 < got[7] < 1.01e-40
    assert ops.cast(np.float64(1 + 2**-8 + 2**-40), "bfloat16").item() == 1.0  # by way of float32


@pytest.mark.parametrize("dtype", narrow.DTYPES)
@pytest.mark.parametrize("draw", ["uniform", "normal", "truncated_normal"])
def test_random_numbers_are_those_of_float32_rounded(dtype, draw):
    drawn = getattr(kgraph.random, draw)
    got, wide = drawn((1000,), dtype=dtype, seed=3), drawn((1000,), seed=3)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got.numpy(), ops.cast(wide, dtype).numpy())
    assert np.isfinite(got.numpy().astype("float32")).all()


@pytest.mark.parametrize("dtype", narrow.DTYPES)
def test_gradients_have_the_dtype_of_what_they_are_for(dtype):
    w = kgraph.Variable([[1.0, 2.0], [3.0, 4.0]], dtype=dtype)
    with kgraph.GradientTape() as tape:
        y = ops.sum(ops.cast(ops.tanh(ops.matmul(ops.ones((3, 2), dtype), w)), "float32"))
    g = tape.gradient(y, w)
    assert g.dtype == dtype
    want = 3 * (1 - np.tanh([4.0, 6.0])**2)
    np.testing.assert_allclose(g.numpy().astype("float32")[0], want, rtol=0.1, atol=0.02)
