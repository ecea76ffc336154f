"""kgraph.ops.linalg: functions of matrices."""
from kgraph.ops.reduce import norm

__all__ = ["norm"]
