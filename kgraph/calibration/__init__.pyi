# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Data, Float, Int
from kgraph.models.model import Model
from typing import Any


class LayerCost:
    name: str
    limit: float
    error: float
    changed: float | Any
    integers: bool
    def __init__(self, name: str, limit: float, error: float, changed: float | None, integers: bool) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
    def __hash__(self) -> int: ...

class Costs:
    layers: tuple[Any, ...]
    error: float
    changed: float | Any
    def __init__(self, layers: tuple[Any, ...], error: float, changed: float | None) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
    def __hash__(self) -> int: ...
def quantize(model: Model, calibration_data: Data, max_loss: Float | None = None, batch_size: Int = 32) -> Any: ...

__all__ = [
    "Costs",
    "LayerCost",
    "quantize",
]
