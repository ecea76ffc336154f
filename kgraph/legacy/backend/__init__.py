"""The functions that Keras 2 had as `K`, for old losses, metrics, Lambda layers and layers.

They work on arrays, on tensors inside layers and losses, and on KTensors. New code uses kgraph.ops.
"""
from kgraph.legacy.backend import graphs, maths, networks, sessions, values

__all__ = [*graphs.__all__, *maths.__all__, *networks.__all__, *sessions.__all__, *values.__all__]
globals().update({name: getattr(part, name) for part in (graphs, maths, networks, sessions, values)
                  for name in part.__all__})
