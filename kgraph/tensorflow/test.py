"""tf.test: what the machine has."""
from __future__ import annotations

from kgraph.naming import missing

__all__ = ["gpu_device_name", "is_built_with_cuda", "is_built_with_gpu_support", "is_built_with_rocm",
           "is_built_with_xla", "is_gpu_available"]


def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None) -> bool:
    """False: there is a CPU only."""
    return False


def gpu_device_name() -> str:
    """Nothing: there is a CPU only."""
    return ""


def is_built_with_cuda() -> bool:
    """False."""
    return False


is_built_with_gpu_support = is_built_with_rocm = is_built_with_xla = is_built_with_cuda


def __getattr__(name):
    raise missing(__name__, name, __all__)
