# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.losses.crossentropy import BinaryCrossentropy as BinaryCrossentropy, BinaryFocalCrossentropy as BinaryFocalCrossentropy, CategoricalCrossentropy as CategoricalCrossentropy, CategoricalFocalCrossentropy as CategoricalFocalCrossentropy, CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy, SparseCategoricalCrossentropy as SparseCategoricalCrossentropy, binary_crossentropy as binary_crossentropy, binary_focal_crossentropy as binary_focal_crossentropy, categorical_crossentropy as categorical_crossentropy, categorical_focal_crossentropy as categorical_focal_crossentropy, categorical_generalized_cross_entropy as categorical_generalized_cross_entropy, sparse_categorical_crossentropy as sparse_categorical_crossentropy
from kgraph.losses.ctc import CTC as CTC, ctc as ctc
from kgraph.losses.divergence import CategoricalHinge as CategoricalHinge, Circle as Circle, Dice as Dice, Hinge as Hinge, KLDivergence as KLDivergence, Poisson as Poisson, SquaredHinge as SquaredHinge, Tversky as Tversky, categorical_hinge as categorical_hinge, circle as circle, dice as dice, hinge as hinge, kl_divergence as kl_divergence, poisson as poisson, squared_hinge as squared_hinge, tversky as tversky
from kgraph.losses.loss import Loss as Loss, LossFunctionWrapper as LossFunctionWrapper
from kgraph.losses.regression import CosineSimilarity as CosineSimilarity, Huber as Huber, LogCosh as LogCosh, MeanAbsoluteError as MeanAbsoluteError, MeanAbsolutePercentageError as MeanAbsolutePercentageError, MeanSquaredError as MeanSquaredError, MeanSquaredLogarithmicError as MeanSquaredLogarithmicError, cosine_similarity as cosine_similarity, huber as huber, log_cosh as log_cosh, mean_absolute_error as mean_absolute_error, mean_absolute_percentage_error as mean_absolute_percentage_error, mean_squared_error as mean_squared_error, mean_squared_logarithmic_error as mean_squared_logarithmic_error
from typing import Any

def get(identifier: Any) -> Any: ...
def serialize(loss: Any) -> Any: ...
def deserialize(name: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CTC",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "LossFunctionWrapper",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
