"""Names, configs, state and errors of metrics. Their numbers are compared with Keras in tests/training."""
import numpy as np
import pytest

from kgraph import metrics, ops
from kgraph.compiler.ir import TensorType
from kgraph.function import build

SETTINGS = {"IoU": {"num_classes": 4, "target_class_ids": [0, 1]}, "MeanIoU": {"num_classes": 4},
            "OneHotIoU": {"num_classes": 4, "target_class_ids": [0, 1]}, "OneHotMeanIoU": {"num_classes": 4},
            "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
            "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5}}
CLASSES = [c for c in metrics.CLASSES if c not in (metrics.Metric, metrics.MeanMetricWrapper)]


def make(cls):
    return cls(**SETTINGS.get(cls.__name__, {}))


def inputs(cls, n=12):
    g = np.random.default_rng(0)
    pred = g.random((n, 4)).astype("float32")
    ids = g.integers(0, 4, n).astype("int32")
    if cls in (metrics.Mean, metrics.Sum):
        return (pred,)
    if cls in (metrics.IoU, metrics.MeanIoU):
        return ids, g.integers(0, 4, n).astype("int32")
    return (ids if "Sparse" in cls.__name__ else np.eye(4, dtype="float32")[ids]), pred


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_eager_and_traced_agree_over_batches(cls):
    data = inputs(cls)
    eager, traced = make(cls), make(cls)
    if hasattr(traced, "_build") and not traced.variables:
        traced.update_state(*data)
        traced.reset_state()

    def step(*batch):
        traced.update_state(*batch)
        return traced.result()

    program = build("metric", step, tuple(TensorType((6, *a.shape[1:]), a.dtype.name) for a in data))
    for rows in (slice(0, 6), slice(6, 12)):
        batch = [a[rows] for a in data]
        np.testing.assert_allclose(program(*batch), np.asarray(eager(*batch)), rtol=1e-5, atol=1e-6)
    traced.reset_state()
    assert all(not v.numpy().any() for v in traced.variables)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_config_round_trip(cls):
    metric = make(cls)
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is cls and again.get_config() == metric.get_config()


def test_names():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError) and isinstance(metrics.get("AUC"), metrics.AUC)
    assert metrics.get("huber") is metrics.huber and metrics.get("hinge").name == "hinge"
    assert isinstance(metrics.get("cosine_proximity"), metrics.CosineSimilarity)
    assert [v.path for v in metrics.Mean(name="loss").variables] == ["loss/total", "loss/count"]


class Largest(metrics.Metric):
    """A metric as users write them, with another inside."""

    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.top = self.add_weight(name="top", initializer="zeros")
        self.mean = metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.top.assign(ops.maximum(self.top, ops.max(y_pred)))
        self.mean.update_state(y_pred)

    def result(self):
        return self.top + self.mean.result()


def test_a_users_own_metric():
    metric = Largest()
    assert float(metric([0], np.array([1.0, 3.0], "float32"))) == 5.0
    assert len(metric.variables) == 3
    metric.reset_states()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("make, text", [
    (lambda: metrics.get("binary_acuracy"), "'binary_accuracy'"),
    (lambda: metrics.get(3), "metric"),
    (lambda: metrics.Precision(thresholds=[0.5, 2]), "thresholds"),
    (lambda: metrics.AUC(curve="XY"), "curve"),
    (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
    (lambda: metrics.AUC(num_labels=3), "multi_label"),
    (lambda: metrics.AUC(summation_method="sum"), "summation_method"),
    (lambda: metrics.PrecisionAtRecall(2), "recall"),
    (lambda: metrics.F1Score(average="all"), "average"),
    (lambda: metrics.FBetaScore(beta=1), "beta"),
    (lambda: metrics.F1Score()(np.ones(3), np.ones(3)), "shape"),
    (lambda: metrics.R2Score(class_aggregation="x"), "class_aggregation"),
    (lambda: metrics.IoU(2, [2]), "target_class_ids"),
    (lambda: metrics.Recall(class_id=1)(np.ones(3), np.ones(3)), "class_id"),
])
def test_errors(make, text):
    with pytest.raises(ValueError, match=text):
        make()


def test_one_number_of_predictions_with_a_mask():
    """As in tf.keras 2: a function of one's own looks at the mask itself; batches weigh by what is kept."""
    metric = metrics.MeanMetricWrapper(lambda y, p: ops.max(p))
    for kept, number in (([[True, True, False]], 2.0), ([[True, False, False]], 5.0)):
        p = ops.multiply(ops.ones((1, 3)), number)
        p._keras_mask = np.array(kept)
        metric.update_state(np.ones((1, 3)), p)
    assert float(metric.result()) == pytest.approx((2 * 2 + 5) / 3, rel=1e-6)
