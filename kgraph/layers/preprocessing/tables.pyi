# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Iterator
from kgraph._types import ArrayLike
from numpy.typing import NDArray
from typing import Any

standards: dict[Any, Any]
def as_array(x: ArrayLike) -> NDArray[Any]: ...

class Lookup:
    name: str
    tokens: list[Any]
    first: int
    index: dict[Any, Any]
    unknown: tuple[Any, ...]
    by_rest: bool
    texts: bool
    def places(self, tokens: ArrayLike) -> NDArray[Any]: ...
    def __call__(self, values: ArrayLike) -> NDArray[Any]: ...
    def __init__(self, name: str, tokens: ArrayLike, first: int, mask: ArrayLike | None = None, unknown: tuple[Any, ...] = (0, 1), salt: Any = None, by_rest: bool = False, texts: bool = True) -> None: ...
    def __eq__(self, other: Any) -> Any: ...

class Text:
    name: str
    lookup: Lookup
    padding: int
    def places(self, texts: Any) -> tuple[Any, ...]: ...
    def __call__(self, texts: Any) -> NDArray[Any]: ...
    def __init__(self, name: str, lookup: Lookup, standardize: str | Callable[..., Any] | None = None, split: str | Callable[..., Any] | None = None, widths: list[Any] | None = None, length: int | None = None, padding: int = 0) -> None: ...
    def __eq__(self, other: Any) -> Any: ...

class Hash:
    name: str
    bins: int
    def __call__(self, values: ArrayLike) -> NDArray[Any]: ...
    def __init__(self, name: str, bins: int, mask: ArrayLike | None = None, salt: Any = None) -> None: ...
    def __eq__(self, other: Any) -> Any: ...

class Cross:
    name: str
    bins: int
    def __call__(self, *features: Any) -> NDArray[Any]: ...
    def __init__(self, name: str, bins: int) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
def tokens_of(texts: Any, standardize: str | Callable[..., Any] | None, split: str | Callable[..., Any] | None, widths: Any, name: str | None) -> Iterator[Any]: ...
def as_dict(step: Any) -> dict[str, Any]: ...

class Tables:
    inputs: Any
    entries: Any
    steps: list[Any]
    def __init__(self, found: dict[str, Any]) -> None: ...
    def __call__(self, arrays: Any) -> Any: ...

__all__ = [
    "Cross",
    "Hash",
    "Lookup",
    "Tables",
    "Text",
    "as_array",
    "as_dict",
    "standards",
    "tokens_of",
]
