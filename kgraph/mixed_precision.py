"""Dtype policies under the names that they have in keras.mixed_precision."""
from kgraph.config import dtype_policy, set_dtype_policy
from kgraph.dtype_policies import DTypePolicy
from kgraph.legacy.paths import lookup

__path__: list = []   # old modules below this one: kgraph.legacy.paths
__all__ = ["DTypePolicy", "Policy", "dtype_policy", "global_policy", "set_dtype_policy", "set_global_policy"]

Policy, global_policy, set_global_policy = DTypePolicy, dtype_policy, set_dtype_policy


def __getattr__(name):
    return lookup(__name__, name, __all__)


def __dir__():
    return sorted(__all__)
