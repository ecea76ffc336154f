"""Losses: what training makes small. By class, by function, or by name (`get`)."""
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
    """
    from kgraph.serialization import find_object
    return find_object(identifier, OBJECTS, "loss")


def serialize(loss):
    """The config of a loss, as Keras writes it."""
    from kgraph.serialization import serialize_keras_object
    return serialize_keras_object(loss)


def deserialize(config, custom_objects=None):
    """A loss from its config."""
    from kgraph.serialization import deserialize_keras_object
    return deserialize_keras_object(config, module_objects=OBJECTS, custom_objects=custom_objects)


def __getattr__(name):
    if name in ALIASES:
        return ALIASES[name]
    return lookup(__name__, name, __all__)
