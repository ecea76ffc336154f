"""What metrics add up sees each term, however large it has grown."""
import copy

import numpy as np

from kgraph import metrics
from kgraph.compiler.ir import TensorType
from kgraph.function import build


def test_a_mean_over_many_batches():
    metric, term, batches = metrics.Mean(), np.full((1,), 0.9, "float32"), 500_000
    compiled = build("update", metric.update_state, [TensorType((1,), "float32")])
    compiled.run([term], {}, None, batches)
    assert float(metric.count.value) == batches
    np.testing.assert_allclose(metric.total.numpy(), batches * np.float64(term[0]), rtol=1e-7)
    assert metric.result().numpy() == term[0]


def test_counts_go_on():
    metric = metrics.TruePositives()
    metric.true_positives.assign([2.0**24])
    for _ in range(6):
        metric.update_state([1, 0], [1, 1])
    assert metric.true_positives.numpy() == 2**24 + 6 and len(metric.variables) == 1
    other = copy.deepcopy(metric)
    other.update_state([1], [1])
    other.true_positives.assign_sub([1.0])
    assert other.true_positives.numpy() == metric.true_positives.numpy() == 2**24 + 6
    metric.true_positives.assign([3.0])
    metric.update_state([1], [1])
    assert metric.true_positives.numpy() == 4


def test_infinity_and_a_new_beginning():
    metric = metrics.Sum()
    for value in (1.0, np.inf, 1.0):
        metric.update_state(value)
    assert np.isposinf(metric.result().numpy())
    metric.update_state(-np.inf)
    assert np.isnan(metric.result().numpy())
    metric.reset_state()
    metric.update_state(2.0)
    assert metric.result().numpy() == 2
