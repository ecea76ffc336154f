# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Int, Seed
from kgraph.utils.pipeline import Dataset
from typing import Any

def timeseries_dataset_from_array(data: Any, targets: ArrayLike | None, sequence_length: Int, sequence_stride: Int = 1, sampling_rate: Int = 1, batch_size: Int = 128, shuffle: bool = False, seed: Seed | None = None, start_index: Int | None = None, end_index: Int | None = None, format: str = 'tf') -> Dataset: ...

__all__ = [
    "timeseries_dataset_from_array",
]
