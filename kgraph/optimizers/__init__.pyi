# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import OptimizerLike
from kgraph.optimizers import schedules as schedules
from kgraph.optimizers.adaptive import Adam as Adam, AdamW as AdamW, Adamax as Adamax, Nadam as Nadam, ScheduleFreeAdamW as ScheduleFreeAdamW
from kgraph.optimizers.combined import LossScaleOptimizer as LossScaleOptimizer, MultiOptimizer as MultiOptimizer, OptimizerMap as OptimizerMap
from kgraph.optimizers.layerwise import Adafactor as Adafactor, Lamb as Lamb, Muon as Muon
from kgraph.optimizers.optimizer import Optimizer as Optimizer
from kgraph.optimizers.rules import Adadelta as Adadelta, Adagrad as Adagrad, Ftrl as Ftrl, Lion as Lion, RMSprop as RMSprop, SGD as SGD
from typing import Any

def get(identifier: Any) -> Any: ...
def serialize(optimizer: OptimizerLike) -> dict[str, Any]: ...
def deserialize(config: Any, custom_objects: Any = None) -> Any: ...

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
