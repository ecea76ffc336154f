# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Float, Int, PathLike, Seed
from typing import Any

def load_data(path: PathLike = 'reuters.npz', num_words: Int | None = None, skip_top: Int = 0, maxlen: Int | None = None, test_split: Float = 0.2, seed: Seed = 113, start_char: Int | None = 1, oov_char: Int | None = 2, index_from: Int = 3) -> tuple[Any, ...]: ...
def get_word_index(path: PathLike = 'reuters_word_index.json') -> dict[str, Any]: ...
def get_label_names() -> tuple[Any, ...]: ...

__all__ = [
    "get_label_names",
    "get_word_index",
    "load_data",
]
