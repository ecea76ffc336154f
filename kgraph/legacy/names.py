"""Names that only older versions of Keras had; kgraph.legacy.paths says where they were."""
from __future__ import annotations

from kgraph.regularizers import L1, L1L2, L2

__all__ = ["Reduction", "activity_l1", "activity_l1l2", "activity_l2", "l1l2", "model_from_config", "pattern_broadcast"]

activity_l1, activity_l2 = L1, L2   # a regularizer is the same on weights and on outputs


class Reduction:
    """tf.keras 2's names for the reductions of losses, which are strings."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple:
        """All of them."""
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE

    @classmethod
    def validate(cls, key):
        """Raises ValueError for what is none of them."""
        if key not in cls.all():
            raise ValueError(f"reduction: expected one of {', '.join(cls.all())}, received {key!r}")


def l1l2(l1=0.01, l2=0.01):
    """Keras 1's L1L2, whose factors were not 0 by default."""
    return L1L2(l1, l2)


activity_l1l2 = l1l2


def pattern_broadcast(x, pattern):
    """x itself: which axes of Theano's tensors could be repeated had to be said, and need not here."""
    return x


def model_from_config(config, custom_objects=None):
    """A model, without its weights, from {"class_name": ..., "config": ...}. Raises ValueError for another config."""
    from kgraph.layers import deserialize
    if not isinstance(config, dict):
        raise ValueError("model_from_config: expected a dict with class_name and config, received "
                         f"{type(config).__name__}; Sequential.from_config takes a list of layers")
    return deserialize(config, custom_objects)
