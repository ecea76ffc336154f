# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Int, Policy, Shape
from kgraph.compiler.ir import TensorLike
from kgraph.graph.tensor import KTensor
from kgraph.layers.base import Layer
from typing import Any


class InputLayer(Layer):
    optional: bool
    sparse: bool
    ragged: bool
    def __init__(self, shape: Shape | None = None, batch_size: Int | None = None, dtype: Policy | None = None, sparse: bool | None = None, ragged: bool | None = None, batch_shape: Shape | None = None, input_tensor: Any = None, optional: bool = False, name: str | None = None, **kwargs: Any) -> None: ...
    @property
    def batch_shape(self) -> tuple[Any, ...]: ...
    @property
    def input(self) -> KTensor: ...
    @property
    def input_shape(self) -> tuple[Any, ...]: ...
    def call(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
    def __call__(self, *args: Any, **kwargs: Any) -> TensorLike: ...
def Input(shape: Shape | None = None, batch_size: Int | None = None, dtype: Policy | None = None, sparse: bool | None = None, ragged: bool | None = None, batch_shape: Shape | None = None, name: str | None = None, tensor: ArrayLike | None = None, optional: bool = False) -> KTensor: ...

__all__ = [
    "Input",
    "InputLayer",
]
