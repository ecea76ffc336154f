"""The area under a curve of rates, by a Riemann sum over thresholds."""
from __future__ import annotations

import numpy as np

from kgraph import ops
from kgraph.config import epsilon
from kgraph.metrics.confusion import ConfusionMetric, even_thresholds, parse_thresholds

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(ConfusionMetric):
    """Area under the ROC, precision-recall or precision-recall-gain curve.

    Raises ValueError for an unknown curve or summation, fewer than two thresholds, or num_labels without multi_label.

    Args:
        num_thresholds: how many points of the curve (evenly spaced), unless ``thresholds`` gives them
        curve: ROC, PR (interpolated as Davis and Goadrich 2006) or PRGAIN (Flach and Kull 2015)
        summation_method: interpolation (mid-points), majoring or minoring (the higher or lower end of each interval)
        multi_label: one curve for each of the ``num_labels`` columns, averaged with ``label_weights``
        from_logits: apply a sigmoid first
        num_labels: how many columns, where multi_label is known to have them.
        label_weights: a weight for each label; None: all the same.

    Example:
        >>> metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
        <Tensor f32[] 0.75>
    """

    _direction = "up"

    def __init__(self, num_thresholds=200, curve="ROC", summation_method="interpolation", name=None, dtype=None,
                 thresholds=None, multi_label=False, num_labels=None, label_weights=None, from_logits=False):
        self.curve = _choice("curve", str(getattr(curve, "value", curve)).upper(), CURVES)
        self.summation_method = _choice("summation_method", str(getattr(summation_method, "value",
                                                                        summation_method)).lower(), SUMMATIONS)
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"num_thresholds: expected 2 or more, received {num_thresholds}")
        if num_labels and not multi_label:
            raise ValueError(f"num_labels={num_labels} is for multi_label=True, received multi_label=False")
        self._given = thresholds is not None
        inner = sorted(parse_thresholds(thresholds)) if self._given else even_thresholds(num_thresholds)[1:-1]
        self.num_thresholds = len(inner) + 2
        self.num_labels = num_labels
        self._from_logits = from_logits
        super().__init__(np.concatenate([[0.0 - epsilon()], inner, [1.0 + epsilon()]]), multi_label=multi_label,
                         label_weights=None if label_weights is None else np.asarray(label_weights, "float32"),
                         name=name, dtype=dtype)
        self._even = not self._given or np.allclose(inner, np.linspace(0, 1, self.num_thresholds)[1:-1])
        if num_labels:
            self._build((num_labels,))

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, ops.sigmoid(y_pred) if self._from_logits else y_pred, sample_weight)

    def result(self):
        if not self._own_variables:
            return ops.cast(0.0, self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._curve()
        low, high = y[1:], y[:-1]
        heights = {"interpolation": lambda: (low + high) / 2.0, "minoring": lambda: ops.minimum(low, high),
                   "majoring": lambda: ops.maximum(low, high)}[self.summation_method]()
        return self._mean((x[:-1] - x[1:]) * heights)

    def _curve(self):
        """The points (x, y) of the curve, one for each threshold."""
        recall = self._rate("true_positives", "false_negatives")
        if self.curve == "ROC":
            return self._rate("false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self._rate("true_positives", "false_positives")
        tp, fp, tn, fn = (getattr(self, name).value for name in self.counted)
        scale = ops.divide_no_nan(tp + fn, tn + fp)
        none = ops.equal(tp, 0.0)
        recall_gain = ops.where(none, 0.0, 1.0 - scale * ops.divide_no_nan(fn, tp))
        precision_gain = ops.where(none, 1.0, 1.0 - scale * ops.divide_no_nan(fp, tp))
        return ops.maximum(recall_gain, 0.0), precision_gain

    def interpolate_pr_auc(self):
        """The area under the precision-recall curve. Davis and Goadrich (2006): between two points true positives grow
        linearly with predicted positives.

        Returns:
            A tensor.
        """
        tp, fn = self.true_positives.value, self.false_negatives.value
        predicted = tp + self.false_positives
        gained = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(gained, ops.maximum(predicted[:-1] - predicted[1:], 0.0))
        intercept = tp[1:] - slope * predicted[1:]
        both = ops.logical_and(predicted[:-1] > 0, predicted[1:] > 0)
        ratio = ops.where(both, ops.divide_no_nan(predicted[:-1], ops.maximum(predicted[1:], 0.0)), 1.0)
        areas = slope * (gained + intercept * ops.log(ratio))
        return self._mean(ops.divide_no_nan(areas, ops.maximum(tp[1:] + fn[1:], 0.0)))

    def _mean(self, terms):
        """The sum of the terms; of several labels, the (weighted) mean of their sums."""
        if not self.multi_label:
            return ops.sum(terms)
        by_label = ops.sum(terms, axis=0)
        if self.label_weights is None:
            return ops.mean(by_label)
        weights = ops.cast(self.label_weights, self.dtype)
        return ops.divide_no_nan(ops.sum(by_label * weights), ops.sum(weights))

    def get_config(self):
        weights = None if self.label_weights is None else self.label_weights.tolist()
        config = {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
                  "summation_method": self.summation_method, "multi_label": self.multi_label,
                  "num_labels": self.num_labels, "label_weights": weights, "from_logits": self._from_logits}
        return {**config, "thresholds": self.thresholds[1:-1]} if self._given else config


def _choice(argument, value, choices):
    if value not in choices:
        raise ValueError(f"AUC: {argument}: expected one of {', '.join(choices)}, received {value!r}")
    return value
