"""Every case of the table with symbolic sizes, in several dtypes: one program each, bound to sizes of 0, 1, 2, 3 and
37, against the same function on arrays."""
import os

import numpy as np
import pytest
from ops_cases import CASES

from kgraph import ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorType
from kgraph.compiler.prims.move import full_p, iota_p
from kgraph.compiler.trace import bind
from kgraph.function import build
from kgraph.gradient import value_and_grad
from kgraph.ops import convert_to_tensor

NIGHTLY = os.environ.get("KGRAPH_NIGHTLY") == "1"  # every dtype, as machine code
DTYPES = ("float64", "int8", "uint8", "int32", "int64", "uint32", "bool")
SIZES = (0, 1, 2, 3, 37)
UNLIKE = {"corrcoef",         # of one row NumPy gives a scalar
          "resize_bilinear"}  # of integers, whose halves are rounded up or down by the last bit


def of_dtype(array, dtype, everything):
    """The array in that dtype, if it is of reals or everything is to be converted."""
    if array.dtype.kind == "f":
        scaled = array if dtype.startswith("float") else array * 3
        return (array > 0) if dtype == "bool" else (np.abs(scaled) if dtype[0] == "u" else scaled).astype(dtype)
    return array.astype(dtype) if everything and array.dtype.kind in "iu" else array


def attempts(case, dtype):
    """The arguments in that dtype, and ways to take their sizes: all as names, those of axis 0, none."""
    args = [np.asarray(a) for a in case.args]
    everything = not any(a.dtype.kind == "f" for a in args)
    args = [of_dtype(a, dtype, everything) for a in args]
    first = args[0].shape[0] if args[0].ndim else 1
    name = lambda n: dim(f"n{n}") if n > 1 else n
    ways = [[tuple(map(name, a.shape)) for a in args],
            [(name(a.shape[0]), *a.shape[1:]) if a.ndim and a.shape[0] == first else a.shape for a in args],
            [a.shape for a in args]]
    return args, ways


def compiled_case(case, args, ways):
    """The program with as many names as can be, and the shapes of its inputs."""
    for shapes in ways:
        types = [TensorType(s, a.dtype.name) for s, a in zip(shapes, args)]
        try:
            return build(case.name, lambda *xs: [case.use(*xs)], types), shapes
        except (ValueError, TypeError) as error:
            reason = error
    raise reason


def bindings(shapes) -> list:
    names = sorted({str(n) for s in shapes for n in s if not isinstance(n, int)})
    own = {n: int(n[1:]) for n in names}
    alike = [{**own, **dict.fromkeys(names, k)} for k in SIZES[:4]]
    one_by_one = [{**own, n: k} for n in names for k in SIZES] if NIGHTLY else [{**own, n: 37} for n in names[:1]]
    return [own, *alike, *one_by_one]


def outcome(f, arrays):
    try:
        return f(*arrays)
    except (ValueError, TypeError, IndexError, ZeroDivisionError) as error:
        return error


def check(case, dtype):
    args, ways = attempts(case, dtype)
    eager = lambda *xs: case.use(*map(convert_to_tensor, xs)).numpy()
    if isinstance(outcome(eager, args), Exception):
        return  # no dtype for this function
    compiled, shapes = compiled_case(case, args, ways)
    for extents in bindings(shapes):
        sized = [tuple(n if isinstance(n, int) else extents[str(n)] for n in s) for s in shapes]
        arrays = [np.ascontiguousarray(np.resize(a, s)) for a, s in zip(args, sized)]
        want, got = outcome(eager, arrays), outcome(lambda *xs: compiled(*xs)[0], arrays)
        if isinstance(got, Exception) or isinstance(want, Exception):
            # a size that is refused is never silent, but for an index that nothing is read with
            assert isinstance(got, Exception) or got.size == 0, (extents, want)
            continue
        assert got.dtype == want.dtype and got.shape == want.shape, extents
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4, err_msg=str(extents))


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{i}-{c.name}") for i, c in enumerate(CASES)])
def test_any_size(case, monkeypatch, request):
    if case.name.split("(")[0] in UNLIKE:
        pytest.skip("differs on purpose: see UNLIKE")
    if not NIGHTLY:
        monkeypatch.setenv("KGRAPH_EMIT", "python")
    number = int(request.node.callspec.id.split("-")[0])
    for dtype in ("float32", *(DTYPES if NIGHTLY else DTYPES[number % len(DTYPES):][:1])):
        check(case, dtype)


@pytest.mark.parametrize("f", [ops.tril, ops.triu])
def test_a_triangle_is_of_a_matrix(f):
    with pytest.raises(ValueError, match="expected at least two axes"):
        f(np.ones(3, "float32"))


def test_the_gradient_of_a_strided_slice_of_any_length():
    square = lambda x: [value_and_grad(lambda v: ops.sum(v[::3] ** 2))(x)[1]]
    compiled = build("strided", square, (TensorType((dim("n"), 2), "float32"),))
    for n in (0, 1, 2, 3, 4, 37):
        x = np.arange(2 * n, dtype="float32").reshape(n, 2)
        expected = np.zeros_like(x)
        expected[::3] = 2 * x[::3]
        np.testing.assert_array_equal(compiled(x)[0], expected)


@pytest.mark.parametrize("make", [lambda n: bind(iota_p, size=n, dtype="int32"),
                                  lambda n: bind(full_p, shape=(2, n), value=0, dtype="int32")])
def test_a_size_below_zero_is_refused(make):
    for where in (lambda: make(-1), lambda: build("made", lambda: make(-1), ())):
        with pytest.raises(ValueError, match="sizes of at least 0|negative dim"):
            where()


def test_arange_to_a_size_that_is_too_small():
    compiled = build("places", lambda x: [ops.arange(3, ops.shape(x)[0])], (TensorType((dim("n"),), "float32"),))
    for n in (0, 2, 3, 5):
        np.testing.assert_array_equal(compiled(np.zeros(n, "float32"))[0], np.arange(3, n))
