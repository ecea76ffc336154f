"""Every primitive, from its own examples: infer against reference, vjp against differences, inputs left alone."""
import numpy as np
import pytest

from kgraph.compiler import prims
from kgraph.compiler.autodiff import pull_back
from kgraph.compiler.ir import Op, TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, PRIMITIVES, Primitive
from kgraph.compiler.trace import Tensor, bind


def type_of(array):
    return TensorType(array.shape, array.dtype.name)


def examples(primitive):
    return [([np.asarray(a) for a in args], params) for args, params in primitive.examples(np.random.default_rng(0))]


def wide(args, params):
    """The example in float64, as differences need it."""
    args = [a.astype("float64") if a.dtype.kind == "f" else a for a in args]
    return args, {k: "float64" if v == "float32" else v for k, v in params.items()}


def differentiable(primitive, args, params):
    args, params = wide(args, params)
    floats = any(a.dtype.kind == "f" for a in args) and params.get("dtype", "float64") == "float64"
    return floats and primitive.vjp is not NOT_DIFFERENTIABLE


CASES = [pytest.param(p, *example, id=f"{p.name}-{i}") for p in PRIMITIVES.values() for i,
         example in enumerate(examples(p))]
SMOOTH = [c for c in CASES if differentiable(*c.values)]


@pytest.mark.parametrize("primitive,args,params", CASES)
def test_infer_agrees_with_reference(primitive, args, params):
    for a in args:
        a.flags.writeable = False
    results = primitive.reference(*args, **params)
    inferred = primitive.infer(*map(type_of, args), **params)
    many = isinstance(inferred, tuple)
    assert isinstance(results, tuple) == many
    for result, expected in zip(results if many else (results,), inferred if many else (inferred,)):
        assert type_of(np.asarray(result)) == expected


@pytest.mark.parametrize("primitive,args,params", SMOOTH)
def test_vjp_against_a_difference_in_a_random_direction(primitive, args, params):
    args, params = wide(args, params)
    rng = np.random.default_rng(1)
    out = bind(primitive, *args, **params)
    outs = out if isinstance(out, tuple) else (out,)
    cts = [Tensor(rng.normal(size=o.shape)) for o in outs]
    pulled = pull_back(Op(primitive, tuple(map(Tensor, args)), params, outs), cts)
    directions = [rng.normal(size=a.shape) if a.dtype == np.float64 else None for a in args]

    def along(step):
        moved = [a if d is None else a + step * d for a, d in zip(args, directions)]
        results = primitive.reference(*moved, **params)
        results = results if isinstance(results, tuple) else (results,)
        return sum(np.sum(ct.numpy() * r) for ct, r in zip(cts, results))

    step = 1e-6
    expected = (along(step) - along(-step)) / (2 * step)
    got = sum(np.sum(g.numpy() * d) for g, d in zip(pulled, directions) if d is not None and g is not None)
    for g, a in zip(pulled, args):
        assert g is None or (g.shape == a.shape and g.dtype == a.dtype.name)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], "float32")
MEANING = {"neg": np.negative, "abs": np.abs, "sign": np.sign, "exp": np.exp, "expm1": np.expm1, "log": np.log,
           "log1p": np.log1p, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "tan": np.tan,
           "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
           "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "floor": np.floor, "ceil": np.ceil,
           "round": np.rint, "is_nan": np.isnan, "is_finite": np.isfinite, "stop_gradient": np.array}


@pytest.mark.parametrize("name", MEANING)
def test_nan_and_infinity_pass_through(name):
    with np.errstate(all="ignore"):
        expected = MEANING[name](SPECIAL)
    np.testing.assert_array_equal(PRIMITIVES[name].reference(SPECIAL), expected)


@pytest.mark.parametrize("name,expected", [
    ("sigmoid", [np.nan, 1, 0, 0.5, 0.5, 0.7310586]), ("erf", [np.nan, 1, -1, 0, 0, 0.8427008]),
    ("rsqrt", [np.nan, 0, np.nan, np.inf, -np.inf, 1])])
def test_special_values(name, expected):
    np.testing.assert_allclose(PRIMITIVES[name].reference(SPECIAL), np.array(expected, "float32"), rtol=1e-7)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min"])
def test_reductions_do_not_lose_nan(name):
    x = np.array([[1, np.nan, 3], [1, 2, 3]], "float32")
    result = PRIMITIVES[name].reference(x, axes=(1,))
    assert np.isnan(result[0]) and np.isfinite(result[1])


def test_erf_against_the_c_library():
    import math
    x = np.linspace(-7, 7, 2001)
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(PRIMITIVES["erf"].reference(x), expected, rtol=0, atol=4e-16)
    assert PRIMITIVES["erf"].reference(x.astype("float32")).dtype == np.float32


@pytest.mark.parametrize("x,expected", [
    ([2, 3, 4], [12, 8, 6]), ([0, 3, 4], [12, 0, 0]), ([0, 0, 4], [0, 0, 0]), ([0, 0, 0], [0, 0, 0])])
def test_gradient_of_a_product_with_zeros(x, expected):
    x = Tensor(np.array(x, "float64"))
    out = bind(PRIMITIVES["prod"], x, axes=(0,))
    grad, = PRIMITIVES["prod"].vjp(Tensor(np.float64(1)), out, x, axes=(0,))
    np.testing.assert_array_equal(grad.numpy(), expected)


def test_ties_share_the_gradient_of_max():
    x = Tensor(np.array([1.0, 3.0, 3.0]))
    grad, = PRIMITIVES["max"].vjp(Tensor(np.float64(1)), bind(PRIMITIVES["max"], x, axes=(0,)), x, axes=(0,))
    np.testing.assert_array_equal(grad.numpy(), [0, 0.5, 0.5])


def f32(*shape):
    return TensorType(shape, "float32")


REFUSED = [("add", (f32(3), f32(4)), {}, "one shape"), ("add", (f32(3), TensorType((3,), "float64")), {}, "one dtype"),
           ("exp", (TensorType((3,), "int32"),), {}, "dtype among float16, float32, float64, bfloat16, received i32"),
           ("where", (f32(3), f32(3), f32(3)), {}, "expected a dtype among bool"),
           ("broadcast", (f32(3),), {"shape": (2, 4), "axes": (1,)}, "expected size 1 or 4"),
           ("reshape", (f32(3),), {"shape": (2, 2)}, "3 elements"),
           ("transpose", (f32(3, 2),), {"perm": (0, 0)}, "permutation"),
           ("slice", (f32(3),), {"starts": (1,), "limits": (4,), "strides": (1,)}, "limit <= 3, received 1, 4"),
           ("pad", (f32(3),), {"low": (-1,), "high": (0,), "value": 0}, "at least 0"),
           ("concatenate", (f32(3, 2), f32(3, 3)), {"axis": 0}, "equal sizes but for axis 0"),
           ("sum", (f32(3),), {"axes": (1,)}, "ascending axes"), ("argmax", (f32(3, 2),), {"axes": (0, 1)}, "one axis"),
           ("contract", (f32(3, 4), f32(5, 6)), {"a_axes": (0, 1), "b_axes": (1, 2), "out_axes": (0, 2)},
            "expected 4 on axis 0"),
           ("contract", (f32(3, 4), f32(4)), {"a_axes": (0, 1), "b_axes": (1,), "out_axes": ()}, "label 0 in two"),
           ("take", (f32(3), f32(2)), {}, "indices"), ("random_bits", (f32(2),), {"shape": (3,)}, "u32"),
           ("dynamic_slice", (f32(3), TensorType((), "int32")), {"sizes": (4,)}, "at most")]


@pytest.mark.parametrize("name,types,params,message", REFUSED)
def test_wrong_types_are_refused(name, types, params, message):
    with pytest.raises(ValueError, match=message):
        PRIMITIVES[name].infer(*types, **params)


@pytest.mark.parametrize("name,args,params", [
    ("take", [np.zeros((5, 2)), np.array([0, 7])], {}), ("scatter_add", [np.array([7]), np.ones(1)], {"size": 5}),
    ("take_along", [np.zeros((5,)), np.array([7])], {"axis": 0})])
def test_an_index_outside_is_an_error(name, args, params):
    with pytest.raises(IndexError, match=r"index 7 is outside \[0, 5\)"):
        bind(PRIMITIVES[name], *args, **params)


def test_random_bits_depend_on_key_and_place_only():
    bits = lambda key, shape: PRIMITIVES["random_bits"].reference(np.array(key, "uint32"), shape=shape)
    np.testing.assert_array_equal(bits((3, 4), (100,))[:10], bits((3, 4), (2, 5)).ravel())
    assert not np.array_equal(bits((3, 4), (100,)), bits((3, 5), (100,)))
    uniform = (bits((1, 2), (100_000,)) >> 8) * 2.0**-24
    assert abs(uniform.mean() - 0.5) < 5e-3 and abs(uniform.var() - 1 / 12) < 2e-3
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < 0.01


def test_the_table_has_every_module():
    assert {p.kind for p in PRIMITIVES.values()} >= {"elementwise", "move", "reduce", "contract", "index", "random"}
    assert set(prims.__all__) >= {"elementwise", "move", "reduce", "contract", "index", "random"}


def test_every_field_of_a_primitive_is_needed():
    with pytest.raises(TypeError, match="examples"):
        Primitive("half_done", "elementwise", None, None, None, None)
    with pytest.raises(ValueError, match="expected a kind among"):
        Primitive("odd_kind", "odd", None, None, None, None, None)
    assert "odd_kind" not in PRIMITIVES


@pytest.mark.parametrize("name,params", [("argmax", {"axes": (0,)}), ("argmin", {"axes": (0,)}),
                                         ("argsort", {"axis": 0})])
@pytest.mark.parametrize("size,dtype", [(5, "int32"), (2**31 - 1, "int32"), (2**31, "int64"), (2**40, "int64")])
def test_positions_are_wide_enough(name, params, size, dtype):
    assert PRIMITIVES[name].infer(f32(size, 2), **params).dtype == dtype
