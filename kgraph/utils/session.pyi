# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.

def set_random_seed(seed: int) -> None: ...
def clear_session(free_memory: bool = True) -> None: ...

__all__ = [
    "clear_session",
    "set_random_seed",
]
