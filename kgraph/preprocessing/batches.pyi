# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Iterator, Sequence
from kgraph._types import ArrayLike, Int, PathLike, Seed
from kgraph.training.data import PyDataset
from numpy.typing import NDArray
from typing import Any


class _Batches(PyDataset):
    generator: Any
    rows: int
    batch_size: int
    shuffle: bool
    seed: Any
    n: int
    epoch: int
    batch_index: int
    def __init__(self, generator: Any, rows: Int, batch_size: Int, shuffle: bool, seed: Seed) -> None: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: Any) -> Any: ...
    def on_epoch_end(self) -> None: ...
    def reset(self) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...
    def next(self) -> Any: ...

class ArrayBatches(_Batches):
    others: list[Any]
    x: NDArray[Any]
    y: NDArray[Any] | Any
    weights: NDArray[Any] | Any
    def __init__(self, generator: Any, x: ArrayLike, y: ArrayLike, weights: Sequence[Any], batch_size: Int, shuffle: bool, seed: Seed, rows: Int) -> None: ...

class FileBatches(_Batches):
    directory: Any
    filenames: Any
    loading: Any
    classes: NDArray[Any]
    class_mode: str | Any
    class_indices: dict[Any, Any]
    num_classes: int
    samples: int
    image_shape: tuple[Any, ...]
    def __init__(self, generator: Any, directory: PathLike, names: Any, labels: ArrayLike, classes: Sequence[str], class_mode: str | None, batch_size: Int, shuffle: bool, seed: Seed, loading: Any) -> None: ...
    @property
    def filepaths(self) -> list[Any]: ...

__all__ = [
    "ArrayBatches",
    "FileBatches",
]
