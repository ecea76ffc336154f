"""Errors of the vector formulas, in units in the last place, against long double."""
import numpy as np
import pytest
from plans import evaluate

BOUNDS = {"exp": 1.5, "expm1": 2.0, "log": 1.0, "log1p": 2.0, "tanh": 3.0, "sigmoid": 3.0, "erf": 6.0, "rsqrt": 2.0}
NUMPY = {"exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
         "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "rsqrt": lambda x: 1 / np.sqrt(x)}
AT = [np.inf, -np.inf, np.nan, 0.0]
SPECIAL = {"exp": [np.inf, 0, np.nan, 1], "expm1": [np.inf, -1, np.nan, 0], "log": [np.inf, np.nan, np.nan, -np.inf],
           "log1p": [np.inf, np.nan, np.nan, 0], "tanh": [1, -1, np.nan, 0], "sigmoid": [1, 0, np.nan, 0.5],
           "erf": [1, -1, np.nan, 0], "rsqrt": [0, np.nan, np.nan, np.inf]}


def numbers(name, dtype):
    """All magnitudes, where the function is defined and its result is a normal number."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    most = np.log(float(info.max))
    spread = np.exp(rng.uniform(np.log(float(info.tiny)) * 0.99, most * 0.99, 20000))
    parts = [rng.uniform(-most, most, 20000), rng.normal(size=20000),
             rng.normal(size=20000) * 10.0**rng.uniform(-30, 0, 20000)]
    if name in ("log", "rsqrt"):
        parts = [np.abs(p) for p in parts] + [spread, float(info.tiny) * rng.uniform(1e-3, 1, 1000)]
    elif name == "log1p":
        parts = [np.where(p > -1, p, -p) for p in parts] + [10.0**rng.uniform(-6, 0, 20000) - 1, spread]
    elif name in ("tanh", "erf"):
        parts += [spread, -spread]
    x = np.concatenate(parts).astype(dtype)
    return x[(x > 0) | (name not in ("log", "rsqrt"))]


def erf_of(x):
    """The Taylor series up to 3 in long double, the continued fraction of erfc beyond (Abramowitz and Stegun 7.1)."""
    y = np.abs(x)
    near = np.minimum(y, 3)
    term, total = near.copy(), near.copy()
    for k in range(1, 90):
        term = -term * near * near / k
        total = total + term / (2 * k + 1)
    far = np.clip(y, 3, 12)
    fraction = far.copy()
    for k in range(120, 0, -1):
        fraction = far + np.longdouble(k) / 2 / fraction
    root = np.sqrt(np.longdouble(np.pi) + np.longdouble("1.2246467991473532e-16"))
    return np.sign(x) * np.where(y < 3, 2 / root * total, 1 - np.exp(-far * far) / root / fraction)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_error_in_last_places(name, dtype):
    x = numbers(name, dtype)
    got = evaluate(f"{name}(x0)", x, dtype=dtype)
    with np.errstate(all="ignore"):
        exact = (erf_of if name == "erf" else NUMPY[name])(x.astype(np.longdouble))
        normal = (np.abs(exact) >= np.finfo(dtype).tiny) & (np.abs(exact) <= np.finfo(dtype).max)
        unit = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
        error = np.abs(got.astype(np.longdouble) - exact)[normal] / unit[normal]
    assert normal.sum() > 10000
    assert error.max() <= BOUNDS[name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(SPECIAL))
def test_special_values(name, dtype):
    x = np.tile(np.array(AT, dtype), 9)  # more than a vector, and a remainder
    got = evaluate(f"{name}(x0)", x, dtype=dtype)
    np.testing.assert_array_equal(got, np.tile(np.array(SPECIAL[name], dtype), 9))


@pytest.mark.parametrize("dtype,limit", [("float32", 88.73), ("float64", 709.79)])
def test_overflow_and_underflow(dtype, limit):
    x = np.full(40, limit, dtype)
    assert np.isinf(evaluate("exp(x0)", x, dtype=dtype)).all()
    assert np.isinf(evaluate("expm1(x0)", x, dtype=dtype)).all()
    assert (evaluate("exp(-x0 * x0)", x, dtype=dtype) == 0).all()
    subnormal = evaluate("exp(x0)", np.full(40, -limit, dtype), dtype=dtype)
    np.testing.assert_allclose(subnormal, np.exp(-np.float64(np.array(limit, dtype))), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("expression", ["x0 / x1", "x1 / sqrt(x0)", "rsqrt(x0) * x1", "x1 * (x0 - x0)"])
def test_fast_math_keeps_infinities_and_nan(expression, dtype):
    a = np.tile(np.array([0.0, np.inf, np.nan, 1e-38, 3.0], dtype), 13)
    b = np.repeat(np.array([0.0, np.inf, np.nan, 1.0, -2.0], dtype), 13)
    numpy = {"sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x), "x0": a, "x1": b}
    with np.errstate(all="ignore"):
        wanted = eval(expression, numpy)
    got = evaluate(expression, a, b, dtype=dtype)
    np.testing.assert_allclose(got, wanted, rtol=1e-5 if dtype == "float32" else 1e-14)
