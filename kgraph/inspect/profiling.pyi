# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from typing import Any


class Profile:
    which: Any
    rows: tuple[Any, ...]
    limits: Any
    def __init__(self, which: Any, rows: Any, limits: Any) -> None: ...
    @property
    def seconds(self) -> float: ...
def profile(model: Any, x: Any = None, y: Any = None, which: Any = None, repeats: Any = 20) -> Profile: ...

__all__ = [
    "Profile",
    "profile",
]
