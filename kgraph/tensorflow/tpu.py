"""tf.tpu: there are no TPUs, and what looks for one says so."""
from __future__ import annotations

from kgraph.naming import missing

__all__ = ["experimental"]


class experimental:
    """Functions that programs call after they have found a TPU."""

    @staticmethod
    def initialize_tpu_system(cluster_resolver=None):
        """Raises ValueError."""
        raise ValueError("initialize_tpu_system: expected a TPU, found none")

    shutdown_tpu_system = initialize_tpu_system


def __getattr__(name):
    raise missing(__name__, name, __all__)
