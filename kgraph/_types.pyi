"""What the stubs call the kinds of arguments. For type checkers and editors alone: there is no such module at run time.

A set of words is written ``Literal[...] | str``: an editor offers them, and a program that keeps one in a str is right.
"""
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from kgraph.compiler.ir import TensorLike
from kgraph.dtype_policies import DTypePolicy
from kgraph.initializers import Initializer
from kgraph.losses.loss import Loss
from kgraph.metrics.metric import Metric
from kgraph.optimizers.optimizer import Optimizer
from kgraph.optimizers.schedules import LearningRateSchedule
from kgraph.random import SeedGenerator
from kgraph.training.data import PyDataset

Int: TypeAlias = int | np.integer[Any]
Float: TypeAlias = float | np.floating[Any] | np.integer[Any]
Range: TypeAlias = Float | Sequence[Float]                  # how strong: one number, or the least and the largest
Ints: TypeAlias = Int | Sequence[Any]                       # one for all axes, or one each; pairs for both sides
Axis: TypeAlias = Int | Sequence[Int] | None
Shape: TypeAlias = Int | Sequence[Any]                      # sizes; None, or what ops.shape gives, where not known
DTypeLike: TypeAlias = str | type | np.dtype[Any]
Policy: TypeAlias = DTypeLike | DTypePolicy | Mapping[str, Any]
PathLike: TypeAlias = str | os.PathLike[str]

ArrayLike: TypeAlias = npt.ArrayLike | Sequence[Any]        # tensors, arrays, numbers, nested lists of them
Structure: TypeAlias = ArrayLike | Mapping[str, Any]        # tensors in lists, tuples and dicts
Data: TypeAlias = Structure | Iterable[Any] | PyDataset     # arrays, generators, data sets of other libraries

ActivationLike: TypeAlias = str | Callable[..., Any] | Mapping[str, Any] | None
InitializerLike: TypeAlias = str | Initializer | Callable[..., Any] | Mapping[str, Any] | ArrayLike | None
RegularizerLike: TypeAlias = str | Callable[..., Any] | Mapping[str, Any] | None
ConstraintLike: TypeAlias = str | Callable[..., Any] | Mapping[str, Any] | None
OptimizerLike: TypeAlias = str | Optimizer | Mapping[str, Any]
LossLike: TypeAlias = str | Loss | Callable[..., Any] | Mapping[str, Any] | Sequence[Any]
MetricsLike: TypeAlias = str | Metric | Callable[..., Any] | Mapping[str, Any] | Sequence[Any]
LearningRate: TypeAlias = Float | LearningRateSchedule | Callable[..., Any] | TensorLike
Seed: TypeAlias = Int | SeedGenerator | TensorLike | None
CustomObjects: TypeAlias = Mapping[str, Any] | Sequence[Any] | None

DataFormat: TypeAlias = Literal["channels_last", "channels_first"] | str | None
Padding: TypeAlias = Literal["valid", "same", "causal"] | str
Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"] | str
FillMode: TypeAlias = Literal["constant", "nearest", "reflect", "wrap", "mirror"] | str
Reduction: TypeAlias = Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none"] | str
BoxFormat: TypeAlias = Literal["xyxy", "xywh", "center_xywh", "yxyx", "rel_xyxy", "rel_yxyx", "rel_xywh"] | str
Verbose: TypeAlias = Literal["auto", 0, 1, 2] | bool | int | str
Monitored: TypeAlias = Literal["auto", "min", "max"] | str
