# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Float, InitializerLike
from kgraph.layers.quantized import Quantizable
from typing import Any


class Adapted:
    name: str | Any
    place: str

class LowRank(Quantizable):
    lora_rank: int
    lora_alpha: float
    lora_enabled: bool
    def enable_lora(self, rank: int, lora_alpha: Float | None = None, a_initializer: InitializerLike = 'he_uniform', b_initializer: InitializerLike = 'zeros') -> None: ...
    def save_own_variables(self, store: Any) -> None: ...
    def load_own_variables(self, store: Any) -> None: ...
    def get_config(self) -> dict[str, Any]: ...

__all__ = [
    "Adapted",
    "LowRank",
]
