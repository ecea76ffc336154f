# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.losses.crossentropy import binary_crossentropy as binary_crossentropy, binary_focal_crossentropy as binary_focal_crossentropy, categorical_crossentropy as categorical_crossentropy, categorical_focal_crossentropy as categorical_focal_crossentropy, sparse_categorical_crossentropy as sparse_categorical_crossentropy
from kgraph.losses.divergence import categorical_hinge as categorical_hinge, hinge as hinge, kl_divergence as kl_divergence, poisson as poisson, squared_hinge as squared_hinge
from kgraph.losses.regression import huber as huber, log_cosh as log_cosh, mean_absolute_error as mean_absolute_error, mean_absolute_percentage_error as mean_absolute_percentage_error, mean_squared_error as mean_squared_error, mean_squared_logarithmic_error as mean_squared_logarithmic_error
from kgraph.metrics.accuracy import Accuracy as Accuracy, BinaryAccuracy as BinaryAccuracy, CategoricalAccuracy as CategoricalAccuracy, SparseCategoricalAccuracy as SparseCategoricalAccuracy, SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy as TopKCategoricalAccuracy, binary_accuracy as binary_accuracy, categorical_accuracy as categorical_accuracy, sparse_categorical_accuracy as sparse_categorical_accuracy, sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy, top_k_categorical_accuracy as top_k_categorical_accuracy
from kgraph.metrics.auc import AUC as AUC
from kgraph.metrics.confusion import FalseNegatives as FalseNegatives, FalsePositives as FalsePositives, Precision as Precision, PrecisionAtRecall as PrecisionAtRecall, Recall as Recall, RecallAtPrecision as RecallAtPrecision, SensitivityAtSpecificity as SensitivityAtSpecificity, SpecificityAtSensitivity as SpecificityAtSensitivity, TrueNegatives as TrueNegatives, TruePositives as TruePositives
from kgraph.metrics.fscore import BinaryIoU as BinaryIoU, F1Score as F1Score, FBetaScore as FBetaScore, IoU as IoU, MeanIoU as MeanIoU, OneHotIoU as OneHotIoU, OneHotMeanIoU as OneHotMeanIoU
from kgraph.metrics.means import BinaryCrossentropy as BinaryCrossentropy, CategoricalCrossentropy as CategoricalCrossentropy, CategoricalHinge as CategoricalHinge, ConcordanceCorrelation as ConcordanceCorrelation, CosineSimilarity as CosineSimilarity, Hinge as Hinge, KLDivergence as KLDivergence, LogCoshError as LogCoshError, MeanAbsoluteError as MeanAbsoluteError, MeanAbsolutePercentageError as MeanAbsolutePercentageError, MeanSquaredError as MeanSquaredError, MeanSquaredLogarithmicError as MeanSquaredLogarithmicError, PearsonCorrelation as PearsonCorrelation, Poisson as Poisson, R2Score as R2Score, RootMeanSquaredError as RootMeanSquaredError, SparseCategoricalCrossentropy as SparseCategoricalCrossentropy, SquaredHinge as SquaredHinge, concordance_correlation as concordance_correlation, cosine_similarity as cosine_similarity, pearson_correlation as pearson_correlation
from kgraph.metrics.metric import Mean as Mean, MeanMetricWrapper as MeanMetricWrapper, Metric as Metric, Sum as Sum
from typing import Any

def get(identifier: Any) -> Any: ...
def serialize(metric: Any) -> Any: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "cosine_similarity",
    "deserialize",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
