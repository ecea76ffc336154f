# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, PathLike
from kgraph.models.model import Model


class Report(str): ...
def report(model: Model, to_file: PathLike | None = 'report.html', x: ArrayLike | None = None, y: ArrayLike | None = None, which: str | None = None, assembly: bool = True) -> Report: ...

__all__ = [
    "Report",
    "report",
]
