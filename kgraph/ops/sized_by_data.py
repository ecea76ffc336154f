"""Results whose sizes are not known before the values are."""
from __future__ import annotations

import numpy as np

from kgraph.compiler import dims
from kgraph.compiler.ir import TensorType, Value
from kgraph.compiler.prims.host import host_p
from kgraph.compiler.prims.rules import index_dtype
from kgraph.compiler.trace import Tensor, bind
from kgraph.naming import auto_name
from kgraph.ops.core import as_tensor, op

__all__ = ["nonzero", "sized_by_data"]


def sized_by_data(what, function, xs, types) -> list:
    """function(*arrays of xs) -> arrays whose axis 0 is as long as the data says, as tensors.

    types: (dtype, the shape after axis 0) of each. In a graph that length has a name of its own; such a graph runs
    eagerly only, as there is no kernel for it.
    """
    xs = [as_tensor(x) for x in xs]
    if not any(isinstance(x, Value) for x in xs):
        return [Tensor(np.asarray(a).astype(dtype)) for a, (dtype, _) in zip(function(*(x.numpy() for x in xs)), types)]
    size = dims.dim(auto_name(f"{what}_size"))
    part = lambda k: lambda *arrays: function(*arrays)[k]
    return [bind(host_p, *xs, function=part(k), type=TensorType((size, *shape), dtype))
            for k, (dtype, shape) in enumerate(types)]


@op
def nonzero(x):
    """A tuple with the positions (int32) of what is not zero, one array per axis. Compiled graphs refuse it.

    Example:
        >>> ops.nonzero([0, 5, 0, 7])
        (<Tensor i32[2] [1 3]>,)
    """
    x = as_tensor(x)
    return tuple(sized_by_data("nonzero", np.nonzero, [x], [(index_dtype("nonzero", n), ()) for n in x.shape]))
