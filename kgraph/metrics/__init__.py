"""Metrics: what training reports. By class, by function, or by name (`get`).

Args:
    y_true: the targets, class ids or one-hot as the text says.
    y_pred: the predictions, (batch, ...).
    from_logits: whether y_pred are logits, of which no softmax or sigmoid has been taken. False by default.
    label_smoothing: the share by which labels are moved towards the uniform distribution, in [0, 1].
    axis: of the classes or features, the last by default.
    ignore_class: a class id whose places do not count; None: all count.
    k: how many of the largest scores count, 5.
    threshold: above it a prediction is positive, 0.5.
    num_thresholds: how many thresholds, evenly spaced in [0, 1], 200.
    num_classes: how many classes there are.
    target_class_ids: the classes that are looked at.
    sparse_y_true, sparse_y_pred: whether class ids are given rather than scores.
    from_sorted_ids: whether y_pred holds class ids, the most probable first.
    specificity, sensitivity, precision, recall: what is asked for at least, in [0, 1].
    custom_objects: {name: class or function} of what is not kgraph's.
    name: in the logs; by default the class's name in snake case.
    dtype: of the state; None: kgraph.config.floatx().
    sample_weight: a weight for each sample; None: all 1.
    values: tensors.
    args: y_true and y_pred, or values.
    shape, initializer: of a state: () and zeros by default.
    aggregation: of several devices: there is one.
    metric_variables: values of the state.
    config: what get_config gave.

Returns:
    One value for each sample, a tensor.
"""
from __future__ import annotations

from kgraph import losses, naming
from kgraph.legacy.paths import lookup
from kgraph.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from kgraph.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from kgraph.metrics.auc import AUC
from kgraph.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from kgraph.metrics.fscore import BinaryIoU, F1Score, FBetaScore, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
from kgraph.metrics.means import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    ConcordanceCorrelation,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
)
from kgraph.metrics.metric import Mean, MeanMetricWrapper, Metric, Sum

CLASSES = (
    AUC, Accuracy, BinaryAccuracy, BinaryCrossentropy, BinaryIoU, CategoricalAccuracy, CategoricalCrossentropy,
    CategoricalHinge, ConcordanceCorrelation, CosineSimilarity, F1Score, FBetaScore, FalseNegatives, FalsePositives,
    Hinge, IoU, KLDivergence, LogCoshError, Mean, MeanAbsoluteError, MeanAbsolutePercentageError, MeanIoU,
    MeanMetricWrapper, MeanSquaredError, MeanSquaredLogarithmicError, Metric, OneHotIoU, OneHotMeanIoU,
    PearsonCorrelation, Poisson, Precision, PrecisionAtRecall, R2Score, Recall, RecallAtPrecision,
    RootMeanSquaredError, SensitivityAtSpecificity, SparseCategoricalAccuracy, SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy, SpecificityAtSensitivity, SquaredHinge, Sum, TopKCategoricalAccuracy, TrueNegatives,
    TruePositives)
FUNCTIONS = (
    binary_accuracy, binary_crossentropy, binary_focal_crossentropy, categorical_accuracy, categorical_crossentropy,
    categorical_focal_crossentropy, categorical_hinge, concordance_correlation, cosine_similarity, hinge, huber,
    kl_divergence, log_cosh, mean_absolute_error, mean_absolute_percentage_error, mean_squared_error,
    mean_squared_logarithmic_error, pearson_correlation, poisson, sparse_categorical_accuracy,
    sparse_categorical_crossentropy, sparse_top_k_categorical_accuracy, squared_hinge, top_k_categorical_accuracy)
ALIASES = {"bce": BinaryCrossentropy, "BCE": BinaryCrossentropy, "mse": MeanSquaredError, "MSE": MeanSquaredError,
           "mae": MeanAbsoluteError, "MAE": MeanAbsoluteError, "mape": MeanAbsolutePercentageError,
           "MAPE": MeanAbsolutePercentageError, "msle": MeanSquaredLogarithmicError,
           "MSLE": MeanSquaredLogarithmicError, "rmse": RootMeanSquaredError, "RMSE": RootMeanSquaredError,
           "kld": KLDivergence, "KLD": KLDivergence, "kullback_leibler_divergence": KLDivergence,
           "cosine_proximity": CosineSimilarity, "cosine": CosineSimilarity, "logcosh": LogCoshError}
OBJECTS = {**{f.__name__: f for f in FUNCTIONS}, **{naming.to_snake_case(c.__name__): c for c in CLASSES},
           **{c.__name__: c for c in CLASSES}, **ALIASES}
__all__ = [*(c.__name__ for c in CLASSES), *(f.__name__ for f in FUNCTIONS), "deserialize", "get", "serialize"]


def get(identifier):
    """A metric from a name, a config, a class, a function or a Metric; None stays None.

    Raises ValueError for a name that is not known (with the nearest one) and for anything else.

    Args:
        identifier: a name, a config, a class, a function, a Metric, or None.

    Returns:
        A Metric or a function, or None.

    Example:
        >>> metrics.get("accuracy").name
        'accuracy'
    """
    from kgraph.serialization import find_object
    return find_object(identifier, OBJECTS, "metric")


def serialize(metric):
    """The config of a metric, as Keras writes it.

    Args:
        metric: a Metric or a function.

    Returns:
        A dict, or a name.

    Example:
        >>> metrics.serialize(metrics.AUC(name="auc"))["class_name"]
        'AUC'
    """
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(metric)


def deserialize(config, custom_objects=None):
    """A metric from its config.

    Args:
        config: a dict as serialize gives it.

    Returns:
        A Metric or a function.

    Example:
        >>> metrics.deserialize(metrics.serialize(metrics.AUC(name="auc"))).name
        'auc'
    """
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    if name in losses.ALIASES:
        return losses.ALIASES[name]
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
