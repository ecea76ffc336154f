"""Losses: what training makes small. By class, by function, or by name (`get`).

Args:
    y_true: the targets, class ids or one-hot as the text says.
    y_pred: the predictions, (batch, ...).
    from_logits: whether y_pred are logits, of which no softmax or sigmoid has been taken. False by default.
    label_smoothing: the share by which labels are moved towards the uniform distribution, in [0, 1].
    axis: of the classes or features, the last by default.
    ignore_class: a class id whose places do not count; None: all count.
    delta: where the error becomes linear.
    gamma: the power by which what is right already counts less.
    alpha: the weight of a class, or a vector of them.
    apply_class_balancing: weigh label 1 by alpha and label 0 by 1 - alpha.
    custom_objects: {name: class or function} of what is not kgraph's.
    config: what get_config gave.

Returns:
    One value for each sample (and step), a tensor.
"""
from __future__ import annotations

from kgraph.legacy.paths import lookup
from kgraph.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
)
from kgraph.losses.ctc import CTC, ctc
from kgraph.losses.divergence import (
    CategoricalHinge,
    Circle,
    Dice,
    Hinge,
    KLDivergence,
    Poisson,
    SquaredHinge,
    Tversky,
    categorical_hinge,
    circle,
    dice,
    hinge,
    kl_divergence,
    poisson,
    squared_hinge,
    tversky,
)
from kgraph.losses.loss import Loss, LossFunctionWrapper
from kgraph.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)

__all__ = [
    "CTC", "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanSquaredError", "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge",
    "Tversky", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_generalized_cross_entropy", "categorical_hinge", "circle",
    "cosine_similarity", "ctc", "deserialize", "dice", "get", "hinge", "huber", "kl_divergence", "log_cosh",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error",
    "poisson", "serialize", "sparse_categorical_crossentropy", "squared_hinge", "tversky"]

ALIASES = {"bce": binary_crossentropy, "BCE": binary_crossentropy, "kld": kl_divergence, "KLD": kl_divergence,
           "kullback_leibler_divergence": kl_divergence, "mae": mean_absolute_error, "MAE": mean_absolute_error,
           "mse": mean_squared_error, "MSE": mean_squared_error, "mape": mean_absolute_percentage_error,
           "MAPE": mean_absolute_percentage_error, "msle": mean_squared_logarithmic_error,
           "MSLE": mean_squared_logarithmic_error, "cosine_proximity": cosine_similarity, "cosine": cosine_similarity,
           "logcosh": log_cosh, "huber_loss": huber}
OBJECTS = {**{n: globals()[n] for n in __all__ if n not in ("get", "serialize", "deserialize")}, **ALIASES}


def get(identifier):
    """A loss from a name, a config, a class, a function or a Loss; None stays None.

    Raises ValueError for a name that is not known (with the nearest one) and for anything else.

    Args:
        identifier: a name, a config, a class, a function, a Loss, or None.

    Returns:
        A Loss or a function, or None.

    Example:
        >>> losses.get("mse").__name__
        'mean_squared_error'
    """
    from kgraph.serialization import find_object
    return find_object(identifier, OBJECTS, "loss")


def serialize(loss):
    """The config of a loss, as Keras writes it.

    Args:
        loss: a Loss or a function.

    Returns:
        A dict, or a name.

    Example:
        >>> losses.serialize(losses.Huber(2.0))["config"]["delta"]
        2.0
    """
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(loss)


def deserialize(name, custom_objects=None):
    """A loss from its config, or its name.

    Args:
        name: a config, or a name.

    Returns:
        A Loss or a function.

    Example:
        >>> losses.deserialize("mae").__name__
        'mean_absolute_error'
    """
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(name, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    if name in ALIASES:
        return ALIASES[name]
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
