# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Int, PathLike, Seed
from typing import Any

def load_data(path: PathLike = 'imdb.npz', num_words: Int | None = None, skip_top: Int = 0, maxlen: Int | None = None, seed: Seed = 113, start_char: Int | None = 1, oov_char: Int | None = 2, index_from: Int = 3) -> tuple[Any, ...]: ...
def get_word_index(path: PathLike = 'imdb_word_index.json') -> dict[str, Any]: ...

__all__ = [
    "get_word_index",
    "load_data",
]
