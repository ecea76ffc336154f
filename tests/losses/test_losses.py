"""Names, configs, masks and errors of losses. Their numbers are compared with Keras in tests/training."""
import numpy as np
import pytest

from kgraph import losses, ops
from kgraph.compiler.ir import TensorType
from kgraph.function import build
from kgraph.gradient import value_and_grad
from kgraph.graph import set_mask

CLASSES = [c for n, c in losses.OBJECTS.items() if isinstance(c, type) and n not in ("Loss", "LossFunctionWrapper")]


def inputs(cls):
    g = np.random.default_rng(0)
    pred = g.random((6, 4)).astype("float32")
    pred /= pred.sum(-1, keepdims=True)
    if cls is losses.CTC:
        return np.array([[1, 3], [2, 0], [1, 1]]), g.normal(size=(3, 5, 4)).astype("float32")
    if cls in (losses.SparseCategoricalCrossentropy, losses.CategoricalGeneralizedCrossEntropy, losses.Circle):
        return g.integers(0, 4, 6), pred
    return np.eye(4, dtype="float32")[g.integers(0, 4, 6)], pred


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 1), (2, 3, 1), (1, 3, 1, 1)])
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("ignored", [None, 0])
def test_class_ids_along_another_axis(shape, from_logits, ignored):
    g = np.random.default_rng(0)
    pred = g.random(shape).astype("float32")
    pred /= pred.sum(1, keepdims=True)
    ids = g.integers(0, 3, (shape[0], *shape[2:]))
    settings = {"from_logits": from_logits, "ignore_class": ignored, "reduction": "none"}
    expected = losses.SparseCategoricalCrossentropy(**settings)(ids[..., None], np.moveaxis(pred, 1, -1))
    loss = losses.SparseCategoricalCrossentropy(axis=1, **settings)
    for true in (ids, ids[:, None]):
        np.testing.assert_allclose(loss(true, pred), expected, rtol=1e-6)
    compiled = build("loss", loss, (TensorType(ids.shape, "int64"), TensorType(shape, "float32")))
    np.testing.assert_allclose(compiled(ids, pred), expected, rtol=1e-5)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_eager_traced_and_differentiated(cls):
    true, pred = inputs(cls)
    loss = cls()
    value, grad = value_and_grad(lambda p: loss(true, p))(pred)
    direction = np.random.default_rng(1).normal(size=pred.shape)
    wide = cls(dtype="float64")
    step = 1e-6 * direction
    slope = (float(wide(true, pred + step)) - float(wide(true, pred - step))) / 2e-6
    assert float((np.asarray(grad) * direction).sum()) == pytest.approx(slope, rel=2e-2, abs=1e-3)
    types = (TensorType(true.shape, true.dtype.name), TensorType(pred.shape, "float32"))
    compiled = build("loss", lambda t, p: value_and_grad(lambda q: loss(t, q))(p), types)
    traced, traced_grad = compiled(true, pred)
    np.testing.assert_allclose(traced, float(value), rtol=2e-5)
    np.testing.assert_allclose(traced_grad, np.asarray(grad), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_config_round_trip(cls):
    loss = cls(reduction="sum")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is cls and again.get_config() == loss.get_config()
    true, pred = inputs(cls)
    assert float(again(true, pred)) == pytest.approx(float(loss(true, pred)))


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "mape", "msle", "bce", "kld", "cosine_proximity", "logcosh",
                                  "kullback_leibler_divergence", "hinge", "huber", "MeanSquaredError"])
def test_names(name):
    assert callable(losses.get(name))


def test_functions_of_the_user():
    def away(y_true, y_pred):
        return ops.abs(y_true - y_pred)

    assert losses.get(away) is away
    wrapped = losses.LossFunctionWrapper(away, reduction="sum")
    assert float(wrapped(np.zeros((2, 3)), np.ones((2, 3)))) == 6


def test_mask_leaves_values_out_of_the_mean():
    true, pred = np.zeros((2, 3, 2), "float32"), ops.convert_to_tensor(np.arange(12, dtype="float32").reshape(2, 3, 2))
    mask = ops.convert_to_tensor(np.array([[True, False, True], [True, True, False]]))
    set_mask(pred, mask)
    each = np.square(pred.numpy()).mean(-1)
    kept = mask.numpy()
    assert float(losses.MeanSquaredError()(true, pred)) == pytest.approx(each[kept].mean())
    assert float(losses.MeanSquaredError(reduction="sum")(true, pred)) == pytest.approx(each[kept].sum())
    weights = np.array([1.0, 3.0], "float32")
    assert float(losses.MeanSquaredError()(true, pred, sample_weight=weights)) == pytest.approx(
        (each * weights[:, None])[kept].sum() / kept.sum())


def test_weights_of_fewer_axes():
    true, pred = np.zeros((2, 3, 2), "float32"), np.arange(12, dtype="float32").reshape(2, 3, 2)
    each = np.square(pred).mean(-1)
    for weight in (np.array([1.0, 3.0]), np.array([[1.0], [3.0]])):
        assert float(losses.MeanSquaredError()(true, pred, sample_weight=weight)) == pytest.approx(
            (each * np.reshape(weight, (2, 1))).mean())


def test_ranks_that_differ_by_one():
    true, pred = np.array([0.0, 1.0, 2.0], "float32"), np.array([[1.0], [1.0], [1.0]], "float32")
    assert float(losses.MeanSquaredError()(true, pred)) == pytest.approx(2 / 3)
    assert float(losses.MeanSquaredError()(true[:, None], pred[:, 0])) == pytest.approx(2 / 3)


def test_hinge_takes_bits_and_signs():
    pred = np.array([[0.5, -0.2]], "float32")
    assert float(losses.Hinge()(np.array([[1.0, 0.0]]), pred)) == float(losses.Hinge()(np.array([[1.0, -1.0]]), pred))


def test_not_finite_goes_through():
    pred = np.array([[np.nan, 0.5]], "float32")
    for cls in CLASSES:
        if cls not in (losses.Circle, losses.CTC):
            true = np.array([0]) if "Sparse" in cls.__name__ or "Generalized" in cls.__name__ else np.ones((1, 2))
            assert np.isnan(float(cls()(true, pred))), cls.__name__


@pytest.mark.parametrize("make, text", [
    (lambda: losses.get("mean_squred_error"), "'mean_squared_error'"),
    (lambda: losses.get(3), "loss"),
    (lambda: losses.MeanSquaredError(reduction="avg"), "reduction.*'avg'"),
    (lambda: losses.CategoricalGeneralizedCrossEntropy(q=2), "q: expected"),
    (lambda: losses.categorical_crossentropy([[1.0]], [[1.0]], axis=True), "axis"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()
    assert losses.MeanSquaredError(reduction="auto").reduction == "sum_over_batch_size"
