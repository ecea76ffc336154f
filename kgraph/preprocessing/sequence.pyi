# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Float, Int, Ints, Seed, Structure
from kgraph.training.data import PyDataset
from kgraph.utils.sequences import pad_sequences as pad_sequences
from numpy.typing import NDArray
from typing import Any


class TimeseriesGenerator(PyDataset):
    data: NDArray[Any]
    targets: NDArray[Any]
    length: int
    sampling_rate: int
    stride: Any
    batch_size: int
    start_index: int
    end_index: int
    shuffle: bool
    reverse: bool
    def __init__(self, data: Structure, targets: ArrayLike, length: Int, sampling_rate: Int = 1, stride: Ints = 1, start_index: Int = 0, end_index: Int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: Int = 128) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any) -> Any: ...
    def get_config(self) -> dict[str, Any]: ...
def make_sampling_table(size: Ints, sampling_factor: Float = 1e-05) -> Any: ...
def skipgrams(sequence: Any, vocabulary_size: Any, window_size: Float = 4, negative_samples: Float = 1.0, shuffle: bool = True, categorical: bool = False, sampling_table: Any = None, seed: Seed | None = None) -> tuple[Any, ...]: ...

__all__ = [
    "TimeseriesGenerator",
    "make_sampling_table",
    "pad_sequences",
    "skipgrams",
]
