# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from typing import Any


class DType:
    name: str
    short: str
    kind: str
    bits: int
    compute: str | Any
    digits: int
    bias: int
    foreign: bool
    @property
    def sums(self) -> str | None: ...
    @property
    def is_narrow(self) -> bool: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def is_float(self) -> bool: ...
    def __init__(self, name: str, short: str, kind: str, bits: int, compute: str | None, digits: int = 0, bias: int = 0, foreign: bool = False) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
    def __hash__(self) -> int: ...
DTYPES: dict[Any, Any]
NARROW: tuple[Any, ...]
REALS: tuple[Any, ...]
def short_name(dtype: str) -> str: ...
def is_float(dtype: Any) -> bool: ...
def numpy_dtype(name: str) -> Any: ...
def kind_of(dtype: Any) -> str: ...
def limits(name: str) -> Any: ...
def joined(a: str, b: str) -> str: ...
def computed(operator: str, a: str, b: str) -> str: ...

__all__ = [
    "DTYPES",
    "DType",
    "NARROW",
    "REALS",
    "computed",
    "is_float",
    "joined",
    "kind_of",
    "limits",
    "numpy_dtype",
    "short_name",
]
