"""Every function of the kernel language: compiled, and in Python, against NumPy."""
import numpy as np
import pytest
from plans import evaluate

REALS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
SPECIAL = [0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-3, 7.0, -7.0, np.inf, -np.inf, np.nan]

UNARY = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "tanh": np.tanh, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "floor": np.floor, "ceil": np.ceil, "rint": np.rint, "abs": np.abs,
    "sign": np.sign,
}
BINARY = {"maximum": np.maximum, "minimum": np.minimum, "pow": np.power, "remainder": np.remainder,
          "floordiv": np.floor_divide, "atan2": np.arctan2}


@pytest.fixture(params=["compiled", "python"])
def mode(request, monkeypatch):
    monkeypatch.setenv("KGRAPH_EMIT", "python" if request.param == "python" else "")
    return request.param


@pytest.fixture
def many(mode):
    """How many random numbers: the interpreter is slow."""
    return 500 if mode == "compiled" else 20


def same(got, wanted, ulps=4):
    tolerance = ulps * np.finfo(got.dtype).eps if got.dtype.kind == "f" else 0
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=np.finfo(got.dtype).tiny if tolerance else 0)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", sorted(UNARY))
def test_unary(name, dtype, many):
    x = np.concatenate([np.random.default_rng(0).normal(size=many) * 3, SPECIAL]).astype(dtype)
    with np.errstate(all="ignore"):
        same(evaluate(f"{name}(x0)", x, dtype=dtype), UNARY[name](x.astype("float64")).astype(dtype))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary(name, dtype, many):
    rng = np.random.default_rng(1)
    special = np.array(SPECIAL)
    a = np.concatenate([rng.normal(size=many) * 3, np.repeat(special, special.size)]).astype(dtype)
    b = np.concatenate([rng.normal(size=many) * 3, np.tile(special, special.size)]).astype(dtype)
    with np.errstate(all="ignore"):
        same(evaluate(f"{name}(x0, x1)", a, b, dtype=dtype), BINARY[name](a, b))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ["maximum", "minimum", "remainder", "floordiv", "abs", "sign"])
def test_integers(name, dtype, many):
    rng, info = np.random.default_rng(2), np.iinfo(dtype)
    edge = np.array([info.min, info.min + 1, 0, 1, 2, 3, info.max - 1, info.max], dtype)
    if info.min:
        edge = np.append(edge, np.array([-1, -2], dtype))
    a = np.concatenate([rng.integers(info.min, info.max, many, dtype, endpoint=True), np.repeat(edge, edge.size)])
    b = np.concatenate([rng.integers(info.min, info.max, many, dtype, endpoint=True), np.tile(edge, edge.size)])
    with np.errstate(all="ignore"):
        if name in ("abs", "sign"):
            same(evaluate(f"{name}(x0)", a, dtype=dtype), getattr(np, name)(a))
        else:
            numpy = {"floordiv": np.floor_divide}.get(name) or getattr(np, name)
            same(evaluate(f"{name}(x0, x1)", a, b, dtype=dtype), numpy(a, b))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_power(dtype, mode):
    a = np.repeat(np.arange(-3 if dtype.startswith("int") else 0, 6), 8).astype(dtype)
    b = np.tile(np.arange(8), a.size // 8).astype(dtype)
    with np.errstate(all="ignore"):
        same(evaluate("pow(x0, x1)", a, b, dtype=dtype), np.power(a, b))


@pytest.mark.parametrize("dtype", REALS)
def test_small_powers_are_exact(dtype, mode):
    a, b = (g.ravel().astype(dtype) for g in np.meshgrid(np.arange(-9, 10), np.arange(0, 8)))
    assert (evaluate("pow(x0, x1)", a, b, dtype=dtype) == np.power(a.astype("int64"), b.astype("int64"))).all()


@pytest.mark.parametrize("name,numpy", [("isnan", np.isnan), ("isfinite", np.isfinite)])
@pytest.mark.parametrize("dtype", REALS)
def test_tests(name, numpy, dtype, mode):
    x = np.array(SPECIAL * 4, dtype)
    assert (evaluate(f"{name}(x0)", x, dtype="bool") == numpy(x)).all()


@pytest.mark.parametrize("source", (*REALS, *INTEGERS, "bool"))
@pytest.mark.parametrize("target", (*REALS, *INTEGERS, "bool"))
def test_casts(source, target, mode):
    x = np.array([0, 1, 2, 3, 100, 1, 0, 7] * 3).astype(source)
    short = "b1" if target == "bool" else np.dtype(target).kind + str(8 * np.dtype(target).itemsize)
    assert (evaluate(f"{short}(x0)", x, dtype=target) == x.astype(target)).all()


def test_where_and_logic(mode):
    a, b = np.arange(-20, 20).astype("float32"), np.zeros(40, "float32")
    got = evaluate("where((x0 > x1) & (x0 < f32(5)), x0, f32(-1))", a, b)
    assert (got == np.where((a > 0) & (a < 5), a, -1)).all()


def test_random_bits_are_those_of_the_primitive(mode):
    from kgraph.compiler.prims.random import random_bits_p
    key = np.array([123, 2**32 - 7], "uint32")
    got = evaluate("mix_bits(u32(123), u32(4294967289), i)", np.zeros(100, "float32"), dtype="uint32")
    assert (got == random_bits_p.reference(key, shape=(100,))).all()


def test_index_arithmetic_rounds_down(mode):
    x = np.zeros(50, "int64")
    i = np.arange(50)
    below = (i - 25) // 7 * 100 + (i - 25) % 7
    assert (evaluate("(i - 25) // 7 * 100 + (i - 25) % 7", x, dtype="int64") == below).all()
    assert (evaluate("quotient(i, 7) * 100 + modulo(i, 7)", x, dtype="int64") == i // 7 * 100 + i % 7).all()
    assert (evaluate("min(max(i, 10), 20)", x, dtype="int64") == i.clip(10, 20)).all()


def test_the_front_end_does_not_call_llvm(monkeypatch):
    """Such calls would wait for the optimiser, which works on another kernel in another thread."""
    from llvmlite.binding import ffi
    from plans import pointwise, value

    from kgraph.codegen import frontend
    nest = pointwise("exp(x0)", [value((8,))], value((8,))).nest
    frontend.kernel_ir(nest, "f")
    called = []
    monkeypatch.setattr(ffi._lib_fn_wrapper, "__call__", lambda self, *args: called.append(args))
    assert "define" in frontend.kernel_ir(nest, "f")
    assert called == []


def test_nests_outside_the_language_are_refused():
    from kgraph.codegen.frontend import KernelError, kernel_ir
    from kgraph.compiler.loopnest.nodes import Call, Let, LoopNest, Name
    lo = Name("lo", "int64")
    with pytest.raises(KernelError, match="(?s)k1.*no function 'missing'.*let x: i64 = missing"):
        kernel_ir(LoopNest((Let("x", Call("missing", (lo,), "int64")),)), "k1")
    with pytest.raises(KernelError, match="exp: expected float32 or float64"):
        kernel_ir(LoopNest((Let("x", Call("exp", (lo,), "int64")),)), "k2")
    with pytest.raises(KernelError, match="(?s)kernel k3.*nothing.*let x: i64 = nothing"):
        kernel_ir(LoopNest((Let("x", Name("nothing", "int64")),)), "k3")


def test_a_test_is_asked_only_where_it_decides(mode):
    """The second operand of `both` and `either` may read what is not there, or do something."""
    from plans import run_nest

    from kgraph.compiler.loopnest.builder import Builder, both, either, equal
    b = Builder(("x", "n"))
    x, n = b.given
    numbers = b.buffer("numbers", "int64", x, 0)
    with b.loop("i", 0, n) as i:
        with b.when(both(i < n - 1, equal(numbers[i + 1], 5))):
            b.store(numbers[i], 1)
        with b.when(either(i < 2, equal(b.call("atomic_add", x + 8 * i, 10), 2))):
            b.store(numbers[i], numbers[i] + 100)
    given = np.array([0, 5, 2, 3], "int64")
    run_nest(b.nest("asked"), given, 4)
    assert given.tolist() == [101, 105, 112, 13]


def test_loops_down_and_by_a_step_that_is_known_late(mode):
    from plans import run_nest

    from kgraph.compiler.loopnest.builder import Builder
    b = Builder(("x", "n", "step"))
    x, n, step = b.given
    numbers = b.buffer("numbers", "int64", x, 0)
    b.let("at", 0)
    for name, start, stop, by in (("i", n, -1, -2), ("j", 0, n, step), ("k", n, 0, -step), ("m", n, 0, 1)):
        with b.loop(name, start, stop, step=by) as i:
            b.store(numbers[b.locals["at"]], i)
            b.let("at", b.locals["at"] + 1)
    given = np.full(12, -7, "int64")
    run_nest(b.nest("rounds"), given, 7, 3)
    assert given.tolist() == [7, 5, 3, 1, 0, 3, 6, 7, 4, 1, -7, -7]


def test_whole_numbers_with_and_without_sign_are_compared(mode):
    x = np.array([0, 1, 200, 255], "uint8")
    y = np.array([-1, 1, -100, 127], "int64")
    assert (evaluate("x0 > x1", x, y, dtype="bool") == (x > y)).all()
    big = np.array([0, 3, 2**63, 2**64 - 1], "uint64")
    assert (evaluate("x0 > 3", big, dtype="bool") == (big > 3)).all()


@pytest.mark.parametrize("expression", ["x0 + x1", "exp(x0)", "tanh(x0)", "log(x0)", "erf(x0)", "maximum(x0, x1)",
                                        "sigmoid(x0)", "x0 / x1", "sqrt(x0)", "where(x0 > x1, x0, x1)", "floor(x0)"])
def test_loops_are_vectorised(expression):
    from plans import pointwise, value

    from kgraph.codegen import frontend, target
    kernel = pointwise(expression, [value((8,)), value((8,))], value((8,)))
    text = target.assembly(frontend.kernel_ir(kernel.nest, kernel.name))
    registers = {64: "zmm", 32: "ymm", 16: "xmm"}
    assert text.count("%" + registers[target.machine().bytes]) > 2 or target.machine().registers == 32
