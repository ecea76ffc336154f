# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from numpy.typing import NDArray
from typing import Any

def aligned(size: int) -> NDArray[Any]: ...

class Block:
    array: NDArray[Any]
    nbytes: int
    address: Any
    def __init__(self, nbytes: int) -> None: ...
def take_scratch(size: int) -> Block: ...
def give_scratch(block: Block) -> None: ...
def address_of(array: Any) -> Any: ...

__all__ = [
    "Block",
    "address_of",
    "aligned",
    "give_scratch",
    "take_scratch",
]
