# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from typing import Any

def get_session(op_input_list: Sequence[Any] = ()) -> Any: ...
def set_session(session: Any) -> None: ...

__all__ = [
    "get_session",
    "set_session",
]
