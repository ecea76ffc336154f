# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Callable, Iterator
from kgraph._types import ArrayLike, Float, Int, Seed, Structure
from typing import Any


class PyDataset:
    workers: int
    use_multiprocessing: bool
    max_queue_size: int
    def __init__(self, workers: Int = 1, use_multiprocessing: bool = False, max_queue_size: Int = 10) -> None: ...
    def __getitem__(self, index: Any) -> Any: ...
    @property
    def num_batches(self) -> int | None: ...
    def on_epoch_begin(self) -> None: ...
    def on_epoch_end(self) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...
Sequence = PyDataset

class Prepared(list[Any]): ...

class Source:
    name: str | Any
    steps: int
    in_memory: bool
    ended: bool
    def __init__(self, name: str | None, steps: Int) -> None: ...
    def span(self, count: Int, turn: Any) -> tuple[Any, ...]: ...
    def say_short(self, done: Any, turn: Any) -> None: ...
    def on_epoch_end(self) -> None: ...

class Arrays(Source):
    x: Any
    y: Any
    sample_weight: Any
    data: Any
    leaves: list[Any]
    rows: int
    count: int
    shuffle: bool
    seed: Any
    def __init__(self, x: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None, batch_size: Int | None = None, shuffle: bool = False, seed: Seed = 0, steps: Int | None = None, name: str | None = 'fit') -> None: ...
    def epoch(self, turn: Float = 0) -> tuple[Any, ...]: ...
    def bounds(self, start: Any, stop: Any) -> list[Any]: ...
    def batches(self, turn: Float = 0) -> Iterator[Any]: ...
def split(x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike, fraction: Any) -> tuple[Any, ...]: ...
def unpack(data: Structure) -> Any: ...
def unpack_x_y_sample_weight(data: Structure) -> Any: ...
def parts_of(data: Structure) -> tuple[Any, ...]: ...
def pack_x_y_sample_weight(x: ArrayLike, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> Any: ...

class Iterable(Source):
    shards: Any
    shard: Any
    source: Any
    convert: Callable[..., Any] | Any
    bound: int | Any
    weigh: Any
    once: Any
    def __init__(self, source: Any, steps: Int | None = None, weigh: Any = None, convert: Callable[..., Any] | None = None, name: str | None = 'fit') -> None: ...
    def batches(self, turn: Float = 0) -> Iterator[Any]: ...

class Sequences(Source):
    source: Any
    convert: Callable[..., Any] | Any
    count: int
    shards: Any
    shard: Any
    shuffle: bool
    seed: Any
    weigh: Any
    def __init__(self, source: Any, steps: Int | None = None, shuffle: bool = False, seed: Seed = 0, weigh: Any = None, convert: Callable[..., Any] | None = None, name: str | None = 'fit') -> None: ...
    def batches(self, turn: Float = 0) -> Iterator[Any]: ...
    def on_epoch_end(self) -> None: ...
def make_source(*args: Any, **kwargs: Any) -> Any: ...

__all__ = [
    "Arrays",
    "Iterable",
    "Prepared",
    "PyDataset",
    "Sequence",
    "Sequences",
    "make_source",
    "pack_x_y_sample_weight",
    "parts_of",
    "split",
    "unpack",
    "unpack_x_y_sample_weight",
]
