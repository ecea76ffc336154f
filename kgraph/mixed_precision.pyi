# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.config import dtype_policy as dtype_policy, dtype_policy as global_policy, set_dtype_policy as set_dtype_policy, set_dtype_policy as set_global_policy
from kgraph.dtype_policies import DTypePolicy as DTypePolicy, DTypePolicy as Policy

__all__ = [
    "DTypePolicy",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
