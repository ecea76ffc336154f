# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Int, Policy
from kgraph.compiler.ir import TensorLike
from kgraph.layers.base import Layer
from kgraph.layers.preprocessing.host import HostLayer
from kgraph.layers.preprocessing.tables import Hash
from typing import Any

def as_salt(layer: Layer, salt: Any) -> Any: ...

class Hashing(HostLayer):
    num_bins: int
    mask_value: Any
    salt: Any
    output_mode: str
    def __init__(self, num_bins: Int, mask_value: Any = None, salt: Any = None, output_mode: str = 'int', sparse: bool = False, **kwargs: Any) -> None: ...
    @property
    def strong_hash(self) -> bool: ...
    def table(self) -> Hash: ...
    def finish(self, bins: ArrayLike) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

class HashedCrossing(HostLayer):
    num_bins: int
    output_mode: str
    def __init__(self, num_bins: Int, output_mode: str = 'int', sparse: bool = False, name: str | None = None, dtype: Policy | None = None, **kwargs: Any) -> None: ...
    def table(self) -> Any: ...
    def finish(self, bins: ArrayLike) -> TensorLike: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "HashedCrossing",
    "Hashing",
    "as_salt",
]
