# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Float, Int, Monitored, PathLike
from kgraph.callbacks.callback import Callback
from typing import Any


class TensorBoard(Callback):
    log_dir: Any
    histogram_freq: float
    write_graph: bool
    write_images: bool
    write_grads: bool
    write_steps_per_second: bool
    update_freq: int | str
    embeddings_freq: float
    embeddings_layer_names: Any
    embeddings_metadata: Any
    embeddings_data: Any
    batch_size: int
    writes: bool
    reads: bool
    def __init__(self, log_dir: PathLike = 'logs', histogram_freq: Float = 0, write_graph: bool = True, write_images: bool = False, write_steps_per_second: bool = False, update_freq: int | str = 'epoch', profile_batch: Float = 0, embeddings_freq: Float = 0, embeddings_metadata: Any = None, write_grads: bool = False, embeddings_layer_names: Any = None, embeddings_data: Any = None, batch_size: Int = 32, **kwargs: Any) -> None: ...
    def sees_batches(self, mode: Monitored) -> bool: ...
    def writer(self, name: str | None) -> Any: ...
    def on_train_begin(self, logs: Any = None) -> None: ...
    def on_train_end(self, logs: Any = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...
    def on_test_end(self, logs: Any = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

__all__ = [
    "TensorBoard",
]
