"""tf.distribute: every strategy is the one replica that there is."""
from __future__ import annotations

import contextlib
from enum import StrEnum

from kgraph import tree
from kgraph.naming import missing

__all__ = ["CentralStorageStrategy", "InputContext", "MirroredStrategy", "MultiWorkerMirroredStrategy",
           "OneDeviceStrategy", "ReduceOp", "ReplicaContext", "Strategy", "TPUStrategy", "cluster_resolver",
           "experimental", "get_replica_context",
           "get_strategy", "has_strategy", "in_cross_replica_context"]


class ReduceOp(StrEnum):
    """How the values of replicas are joined."""

    SUM, MEAN = "sum", "mean"


class InputContext:
    """What a function that makes a data set learns: there is one pipeline."""

    num_input_pipelines, input_pipeline_id, num_replicas_in_sync = 1, 0, 1

    def get_per_replica_batch_size(self, global_batch_size):
        return global_batch_size


class ReplicaContext:
    """The replica: the first of one."""

    num_replicas_in_sync = 1
    replica_id_in_sync_group = 0

    def all_reduce(self, reduce_op, value, options=None):
        return value

    def merge_call(self, merge_fn, args=(), kwargs=None):
        return merge_fn(get_strategy(), *args, **(kwargs or {}))


class Strategy:
    """Runs things on the one replica. Its arguments (devices, clusters) are taken and make no difference."""

    num_replicas_in_sync = 1

    def __init__(self, *args, **kwargs):
        self.extended = self

    @contextlib.contextmanager
    def scope(self):
        """The strategy in use inside `with`."""
        _open.append(self)
        try:
            yield self
        finally:
            _open.pop()

    def run(self, fn, args=(), kwargs=None, options=None):
        """fn(*args, **kwargs)."""
        return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op, value, axis):
        """The sum or mean of value over axis; None: value itself."""
        if axis is None:
            return value
        from kgraph import ops
        f = ops.mean if getattr(reduce_op, "value", str(reduce_op).lower()) == "mean" else ops.sum
        return tree.map_structure(lambda x: f(x, axis), value)

    def gather(self, value, axis):
        """value itself."""
        return value

    def experimental_distribute_dataset(self, dataset, options=None):
        """dataset itself."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn, options=None):
        """The data set that the function makes."""
        return dataset_fn(InputContext())

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def experimental_local_results(self, value) -> tuple:
        """(value,)."""
        return (value,)


class MirroredStrategy(Strategy):
    """One replica."""


class OneDeviceStrategy(Strategy):
    """One replica."""


class CentralStorageStrategy(Strategy):
    """One replica."""


class MultiWorkerMirroredStrategy(Strategy):
    """One replica."""


class TPUStrategy(Strategy):
    """Raises ValueError: there is no TPU."""

    def __init__(self, *args, **kwargs):
        raise ValueError("TPUStrategy: expected a TPU, found none: programs that try it go on without")


class cluster_resolver:
    """Where clusters are: there are none."""

    class TPUClusterResolver:
        """Raises ValueError, as TensorFlow does where there is no TPU: programs that try it go on without."""

        def __init__(self, tpu=None, **kwargs):
            raise ValueError(f"TPUClusterResolver: expected a TPU, found none (tpu={tpu!r})")


_default = Strategy()
_open: list = []


def get_strategy() -> Strategy:
    """The strategy whose scope is open, else the default one."""
    return _open[-1] if _open else _default


def has_strategy() -> bool:
    """Whether the scope of a strategy is open."""
    return bool(_open)


def in_cross_replica_context() -> bool:
    """Whether the scope of a strategy is open."""
    return bool(_open)


def get_replica_context() -> ReplicaContext:
    """The one replica."""
    return ReplicaContext()


class experimental:
    """Older names."""

    CentralStorageStrategy = CentralStorageStrategy
    MultiWorkerMirroredStrategy = MultiWorkerMirroredStrategy


def __getattr__(name):
    raise missing(__name__, name, __all__)
