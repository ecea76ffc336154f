# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Structure
from kgraph.compiler.ir import TensorLike
from kgraph.layers.base import Layer
from kgraph.layers.basic import Wrapper
from kgraph.layers.quantized import Holder
from typing import Any


class TimeDistributed(Holder, Wrapper):
    def __init__(self, layer: Layer, **kwargs: Any) -> None: ...
    def build(self, input_shape: Any) -> None: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any: ...
    def __call__(self, inputs: Structure, training: bool | None = None, mask: ArrayLike | None = None) -> TensorLike: ...

__all__ = [
    "TimeDistributed",
]
