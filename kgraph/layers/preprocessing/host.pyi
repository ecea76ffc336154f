# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Iterator
from kgraph._types import ArrayLike, Int, Structure
from kgraph.compiler.ir import TensorType
from kgraph.layers.base import Layer
from numpy.typing import NDArray
from typing import Any


class HostLayer(Layer):
    takes_text: bool
    on_host: bool
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def table(self) -> Any: ...
    def table_type(self, *types: Any) -> TensorType: ...
    def finish(self, places: Any) -> Any: ...
    def __call__(self, inputs: Structure, training: bool | None = None) -> Any: ...
def as_data(x: ArrayLike) -> NDArray[Any]: ...
def batches_of(data: Structure, steps: Int | None = None) -> Iterator[Any]: ...

__all__ = [
    "HostLayer",
    "as_data",
    "batches_of",
]
