# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import PathLike, Verbose
from kgraph.export.archive import ExportArchive as ExportArchive
from kgraph.models.model import Model
from typing import Any


class Format:
    module: str
    function: str
    suffixes: tuple[Any, ...]
    gives: str
    def load(self) -> Any: ...
    def __init__(self, module: str, function: str, suffixes: tuple[Any, ...], gives: str) -> None: ...
    def __eq__(self, other: Any) -> Any: ...
    def __hash__(self) -> int: ...
FORMATS: dict[Any, Any]
REFUSED: dict[Any, Any]
def export(model: Model, path: PathLike, format: str | None = None, verbose: Verbose | None = None, input_signature: Any = None, **options: Any) -> None: ...

__all__ = [
    "ExportArchive",
    "FORMATS",
    "Format",
    "REFUSED",
    "export",
]
