# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from numpy.typing import NDArray
from typing import Any, Self

OPTIONS: tuple[Any, ...]

class Saved:
    def get_weights(self) -> list[NDArray[Any]]: ...
    def set_weights(self, weights: Sequence[Any]) -> None: ...
    def save_own_variables(self, store: Any) -> None: ...
    def load_own_variables(self, store: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...
    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> Self: ...

__all__ = [
    "OPTIONS",
    "Saved",
]
