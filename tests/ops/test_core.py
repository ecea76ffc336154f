"""Promotion, conversion, broadcasting, the table of functions and what happens with symbolic tensors."""
import numpy as np
import pytest

from kgraph import Input, Model, Variable, config, function, ops
from kgraph.compiler.dims import dim
from kgraph.compiler.ir import TensorLike, TensorType, Value, verify
from kgraph.compiler.trace import Tensor, Trace
from kgraph.function import build
from kgraph.ops import core

B, T = dim("B"), dim("T")


@pytest.mark.parametrize("kinds,expected", [
    (("int32", "float32"), "float32"), (("int64", "float16"), "float16"), (("uint8", "int8"), "int16"),
    (("uint32", "int32"), "int64"), (("uint64", "int64"), "float32"), (("bool", "int8"), "int8"),
    (("bool", int), "int32"),
    (("int8", int), "int8"), (("int8", float), "float32"), (("float16", float), "float16"),
    (("float64", float), "float64"),
    (("float32", "float64"), "float64"), ((int, float), "float32"), ((bool,), "bool"), (("bool", "bool"), "bool")])
def test_promotion_follows_keras(kinds, expected):
    assert core.result_type(*kinds) == expected == core.result_type(*reversed(kinds))


@pytest.mark.parametrize("data,dtype", [
    (1, "int32"), (1.5, "float32"), (True, "bool"), ([1, 2], "int32"), ([[1.0], [2]], "float32"), ([True], "bool"),
    (np.arange(3), "int64"), (np.ones(2), "float64"), (2**40, "int64"), ([2**40], "int64"), ([], "float32"),
    ([np.float64(1)], "float64"), (np.float32(1), "float32")])
def test_conversion(data, dtype):
    assert ops.convert_to_tensor(data).dtype == dtype
    assert ops.convert_to_tensor(data, dtype="float64").dtype == "float64"


def test_floatx_is_what_python_floats_become():
    config.set_floatx("float64")
    try:
        assert ops.convert_to_tensor(1.0).dtype == ops.zeros(3).dtype == ops.sqrt(np.int32([4])).dtype == "float64"
    finally:
        config.set_floatx("float32")


def test_tensors_nest():
    x = ops.convert_to_tensor([ops.ones(2), [3, 4]])
    assert x.shape == (2, 2) and x.dtype == "float32"


@pytest.mark.parametrize("use,error,message", [
    (lambda: ops.convert_to_tensor(None), ValueError, "received None"),
    (lambda: ops.convert_to_tensor(object()), TypeError, "numbers or texts, received <object"),
    (lambda: ops.convert_to_tensor(np.array(["a", None], object)), TypeError, "received array"),
    (lambda: ops.cast(1, "float31"), ValueError, "received 'float31'. Did you mean 'float32'"),
    (lambda: ops.convert_to_tensor(1, sparse=True), ValueError, "dense"),
    (lambda: ops.add(np.ones((3, 4)), np.ones((5, 4))), ValueError, r"add: .*\(3, 4\) and \(5, 4\)"),
    (lambda: ops.matmul(np.ones((3, 4)), np.ones((5, 4))), ValueError,
     r"matmul: shapes \(3, 4\) and \(5, 4\).*4 and 5"),
    (lambda: ops.matmul(np.ones(()), np.ones(3)), ValueError, "at least one axis"),
    (lambda: ops.sum(np.ones(3), axis=1), ValueError, r"sum: expected an axis in \[-1, 1\), received 1"),
    (lambda: ops.sum(np.ones((3, 3)), axis=(0, -2)), ValueError, "each axis once"),
    (lambda: ops.max(np.ones((0, 3))), ValueError, "at least one element"),
    (lambda: ops.reshape(np.ones(6), (4, -1)), ValueError, "6 elements"),
    (lambda: ops.reshape(np.ones(6), (-1, -1)), ValueError, "at most one -1"),
    (lambda: ops.reshape(np.ones(6), (2, 2)), ValueError, "6 elements"),
    (lambda: ops.squeeze(np.ones((2, 1)), 0), ValueError, "size 1 on axis 0"),
    (lambda: ops.split(np.ones(5), 2), ValueError, "2 equal parts"),
    (lambda: ops.concatenate([np.ones(3), np.ones((3, 1))]), ValueError, "one rank"),
    (lambda: ops.pad(np.ones(3), 1, mode="odd"), ValueError, "received 'odd'"),
    (lambda: ops.broadcast_to(np.ones(3), (2,)), ValueError, "expected"),
    (lambda: ops.einsum("ij,jk->il", np.ones((2, 2)), np.ones((2, 2))), ValueError, "output labels"),
    (lambda: ops.einsum("ij,jk", np.ones((2, 2))), ValueError, "2 operands"),
    (lambda: ops.einsum("ijk->i", np.ones((2, 2))), ValueError, "expected 3 axes"),
    (lambda: ops.take(np.ones(3), [5]), IndexError, r"index 5 is outside \[0, 3\)"),
    (lambda: ops.ones(3)[3], IndexError, "index 3 is outside"),
    (lambda: ops.ones(3)[0, 0], IndexError, "at most 1 indices"),
    (lambda: ops.ones(3)[0.5], IndexError, "expected integers"),
    (lambda: ops.ones(3)[::0], ValueError, "step other than 0"),
    (lambda: ops.where(True, 1.0), ValueError, "both x1 and x2"),
    (lambda: ops.categorical_crossentropy(np.ones((2, 3)), np.ones((2, 4))), ValueError, "one shape"),
    (lambda: ops.sparse_categorical_crossentropy(np.ones((2, 3)), np.ones((2, 4))), ValueError, "without axis 1"),
    (lambda: ops.fft(np.ones(3)), ValueError, "pair"), (lambda: ops.stft(np.ones(9), 4, 2, 3), ValueError, "at least"),
    (lambda: ops.image.resize(np.ones((4, 4)), (2, 2)), ValueError, "rank 3 or a batch of rank 4"),
    (lambda: ops.image.resize(np.ones((4, 4, 1)), (2, 2), "odd"), ValueError, "received 'odd'"),
    (lambda: ops.image.crop_images(np.ones((4, 4, 1)), 1, 1), ValueError, "exactly two"),
    (lambda: ops.image.crop_images(np.ones((4, 4, 1)), 1, 1, 1, target_width=5), ValueError, "at least 0"),
    (lambda: ops.image.rgb_to_hsv(np.ones((4, 4, 3), "uint8")), ValueError, "float dtype, received uint8"),
    (lambda: ops.image.map_coordinates(np.ones((4, 4)), np.ones((2, 3)), 2), ValueError, "order 0 or 1"),
    (lambda: len(ops.ones(())), TypeError, "without axes")])
def test_bad_arguments_are_named(use, error, message):
    with pytest.raises(error, match=message):
        use()


class Symbol(TensorLike):
    is_symbolic = True
    shape, dtype = (None, 3), "float32"


@pytest.mark.parametrize("call,name", [
    (lambda s: ops.exp(s), "exp"), (lambda s: s + 1, "add"), (lambda s: 1 - s, "subtract"), (lambda s: s @ s, "matmul"),
    (lambda s: ops.concatenate([s, np.ones(3)]), "concatenate"), (lambda s: s[:, 1], "get_item"),
    (lambda s: -s, "negative"),
    (lambda s: ops.where(s > 0, s, 0), "where"), (lambda s: ops.mean(x=s, axis=0), "mean"), (lambda s: s != 0, "not")])
def test_symbolic_arguments_are_recorded(call, name, monkeypatch):
    seen = []
    monkeypatch.setattr(core, "record_symbolic", lambda f, args, kwargs: seen.append((f, args, kwargs)) or Symbol())
    assert isinstance(call(Symbol()), Symbol)
    function = seen[-1][0]
    assert function.__name__.startswith(name) or name == "not"
    assert core.OPS[function.__name__] is function


def test_sizes_that_must_be_equal_are_noted():
    with Trace("f") as trace:
        a, b = (trace.add_input(TensorType((n, 4), "float32")) for n in (B, T))
        total = ops.sum(a + b, axis=0) + ops.matmul(ops.transpose(a), b)[0] + ops.concatenate([a, b], 1)[0, :4]
        program = verify(trace.finish([total]))
    assert {rule[:3] for rule in trace.size_rules} >= {(B, "==", T)} and program.outputs[0].shape == (4,)


def test_a_size_has_to_reach_a_constant_position():
    with Trace("f") as trace:
        x = trace.add_input(TensorType((B, T), "float32"))
        assert x[:, 4].shape == (B,) and x[:, 1:-1].shape == (B, T - 2) and x[:, -3:].shape == (B, 3)
        assert x[:, ::2].shape == (B, (T - 1) // 2 + 1) and x[::-1].shape == (B, T) and x[..., :5].shape == (B, 5)
    assert {rule[:3] for rule in trace.size_rules} >= {(5, "<=", T), (3, "<=", T), (1, "<=", T - 1)}


def test_reshape_with_symbolic_sizes():
    with Trace("f") as trace:
        x = trace.add_input(TensorType((B, T, 6), "float32"))
        assert ops.reshape(x, (-1, 6)).shape == (B * T, 6) and ops.reshape(x, (B, T, 2, -1)).shape == (B, T, 2, 3)
        assert ops.reshape(x, (None, -1)).shape == (B, 6 * T) and ops.shape(x) == (B, T, 6) and ops.size(x) == 6 * B * T


def test_operators():
    x, y = ops.convert_to_tensor([1.0, -2.0]), np.float32([3, 4])
    made = {"+": x + y, "r+": y + x, "-": x - 1, "r-": 1 - x, "*": 2 * x, "/": x / 2, "r/": 1 / x, "//": x // 2,
            "%": x % 2,
            "**": x**2, "r**": 2**x, "@": x @ y, "neg": -x, "abs": abs(x)}
    wanted = {"+": [4, 2], "r+": [4, 2], "-": [0, -3], "r-": [0, 3], "*": [2, -4], "/": [0.5, -1], "r/": [1, -0.5],
              "//": [0, -1], "%": [1, 0], "**": [1, 4], "r**": [2, 0.25], "@": -5, "neg": [-1, 2], "abs": [1, 2]}
    assert {k: v.tolist() for k, v in made.items()} == wanted
    assert all(isinstance(v, Tensor) and v.dtype == "float32" for v in made.values())
    assert (x > 0).tolist() == [True, False] and (~(x > 0)).tolist() == [False,
                                                                         True] and (x == y).tolist() == [False] * 2
    assert (x != x).tolist() == [False, False] and ((x > 0) & (x < 2)).tolist() == [True, False]
    assert len(x) == 2 and [v.item() for v in x] == [1, -2] and (x == "text") is False


def test_equality_of_traced_values():
    with Trace("f") as trace:
        a, b = (trace.add_input(TensorType((3,), "float32")) for _ in range(2))
        assert a in (a, b) and a in {a: 1}
        assert (a == 1).dtype == "bool" and (a == b).shape == (3,)
        with pytest.raises(TypeError, match="no truth value"):
            bool(a)
    assert (a == b) is False and isinstance(a, Value) and b not in (a,)


def test_variables_compare_by_identity_with_each_other():
    from kgraph import Variable
    a, b = Variable(np.ones(2)), Variable(np.ones(2))
    assert b in [a, b] and [a, b].index(b) == 1 and a != b and (a == 1).tolist() == [True, True]


@pytest.mark.parametrize("x,dtype,expected", [
    ([300.0, -300.0, 1.5], "int8", [127, -128, 1]), ([3e9, -3e9], "int32", [2147483520, -2147483648]),
    ([-1, 300], "uint8", [0, 255])])
def test_saturate_cast(x, dtype, expected):
    assert ops.saturate_cast(x, dtype).tolist() == expected


def test_results_whose_size_is_data():
    assert [v.tolist() for v in ops.nonzero([[0, 1], [2, 0]])] == [[0, 1], [1, 0]]
    assert ops.ones(3)[np.array([True, False, True])].shape == (2,)
    values, counts = ops.unique([3, 1, 3], return_counts=True)
    assert values.tolist() == [1, 3] and counts.tolist() == [1, 2]
    assert ops.unique([3, 1, 3], size=4, fill_value=0).tolist() == [1, 3, 0, 0]
    assert ops.histogram(np.arange(4.0), 2)[0].tolist() == [2, 2]
    inputs = Input((3,))
    model = Model(inputs, [*ops.nonzero(inputs), inputs[inputs > 1], ops.unique(inputs),
                           ops.segment_sum(inputs[:, 0], ops.cast(inputs[:, 1], "int32"))])
    found = [v.numpy().tolist() for v in model(np.float32([[1, 0, 2], [0, 1, 2]]))]
    assert found == [[0, 0, 1, 1], [0, 2, 1, 2], [2, 2], [0, 1, 2], [1, 0]]
    with pytest.raises(NotImplementedError, match="use run_eagerly=True"):
        model.predict(np.ones((2, 3)), verbose=0)


@pytest.mark.parametrize("made,expected", [
    (lambda: ops.arange(3), [0, 1, 2]), (lambda: ops.arange(1, 7, 2), [1, 3, 5]),
    (lambda: ops.arange(5, 0, -2), [5, 3, 1]),
    (lambda: ops.arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75]), (lambda: ops.linspace(0, 1, 3), [0, 0.5, 1]),
    (lambda: ops.linspace(0, 1, 2, endpoint=False), [0, 0.5]), (lambda: ops.logspace(0, 2, 3), [1, 10, 100]),
    (lambda: ops.eye(2, 3, 1), [[0, 1, 0], [0, 0, 1]]), (lambda: ops.tri(2, 3), [[1, 0, 0], [1, 1, 0]]),
    (lambda: ops.full((2,), 7), [7, 7]), (lambda: ops.ones_like(np.int32([5])), [1]), (lambda: ops.zeros(()), 0),
    (lambda: ops.meshgrid([1, 2], [3, 4, 5])[1], [[3, 3], [4, 4], [5, 5]]), (lambda: ops.bartlett(3), [0, 1, 0]),
    (lambda: ops.vander([1, 2, 3], 2), [[1, 1], [2, 1], [3, 1]]), (lambda: ops.diag([1, 2]), [[1, 0], [0, 2]])])
def test_creation(made, expected):
    np.testing.assert_allclose(made().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 37])
@pytest.mark.parametrize("reduce", ["sum", "mean", "max", "logsumexp"])
def test_empty_batches(size, reduce):
    assert getattr(ops, reduce)(np.zeros((0, size), "float32"), axis=1).shape == (0,)
    assert ops.matmul(np.zeros((0, size), "float32"), np.zeros((size, 2), "float32")).shape == (0, 2)
    assert ops.softmax(np.zeros((0, size), "float32")).shape == (0, size)


def test_extremes_stay_finite():
    big = np.float32([-1e4, -100, 0, 100, 1e4])
    assert ops.softplus(big).tolist() == pytest.approx([0, 0, np.log(2), 100, 1e4])
    assert ops.log_sigmoid(big).tolist() == pytest.approx([-1e4, -100, -np.log(2), 0, 0])
    np.testing.assert_array_equal(ops.softmax(big), [0, 0, 0, 0, 1])
    assert np.isfinite(ops.log_softmax(big)).all() and ops.logsumexp(big).item() == 1e4
    assert np.isfinite(ops.binary_crossentropy(np.ones(5), big, from_logits=True)).all()
    assert np.isnan(ops.relu(np.float32([np.nan])).item()) and np.isnan(ops.softmax(np.float32([np.nan, 1]))).all()


def test_nan_stands_after_all_numbers():
    x = np.float32([np.nan, -np.inf, 0.5, np.inf])
    assert ops.digitize(x, [0.0, 0.5, 1.0]).tolist() == np.digitize(x, [0.0, 0.5, 1.0]).tolist() == [3, 0, 2, 3]
    assert ops.searchsorted([0.0, 0.5, 1.0], x).tolist() == [3, 0, 1, 3]


def test_variables_as_numbers():
    rate, steps = Variable(0.25, name="rate"), Variable(3)
    assert float(rate) == 0.25 and int(steps) == 3 and f"{rate:.1f}" == "0.2" and bool(steps) and not Variable(0.0)
    assert (rate.dtype, steps.dtype, Variable([1, 2]).dtype, Variable(True).dtype) == (
        "float32", "int32", "int32", "bool")
    assert Variable(initializer="ones", shape=(2,)).numpy().tolist() == [1, 1]
    with pytest.raises(TypeError, match=r"variable pair: expected a scalar .*received shape \(2,\)"):
        float(Variable([1, 2], name="pair"))
    with pytest.raises(TypeError, match="has no value yet"):
        build("f", lambda x: x * float(rate), (TensorType((2,), "float32"),))


def test_a_size_that_was_cast_and_computed_with_is_a_size():
    def f(x, y):
        rows = ops.cast(ops.shape(x)[0], "int32")
        many = ops.maximum(rows * 2 - 1, ops.convert_to_tensor(3))
        return (ops.ones((rows, 2)), ops.zeros([many // 2 + many % 2]), ops.reshape(y, (rows, -1)), y[:rows - 1],
                ops.broadcast_to(1.0, (ops.cast(rows, "int64"),)))

    for rows in (2, 5, 2):
        x, y = np.ones((rows, 3), "float32"), np.ones((rows * 4,), "float32")
        sizes = [tuple(t.shape) for t in function(f)(x, y)]
        many = max(2 * rows - 1, 3)
        assert sizes == [(rows, 2), (many // 2 + many % 2,), (rows, 4), (rows - 1,), (rows,)]
    with pytest.raises(TypeError, match="has no value yet"):
        function(lambda x: ops.ones((ops.cast(ops.sum(x), "int32"),)))(np.ones(3, "float32"))
