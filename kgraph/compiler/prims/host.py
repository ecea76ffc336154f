"""A Python function of arrays as an operation: for text, and for what only NumPy does. It has no kernel."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.ir import TensorType
from kgraph.compiler.primitive import NOT_DIFFERENTIABLE, Primitive

# params: function, of the arrays; type, the TensorType of its result.
host_p = Primitive(
    "host", "host", lambda *xs, function, type: type, lambda *xs, function, type: np.asarray(function(*xs), type.dtype),
    NOT_DIFFERENTIABLE, "host",
    lambda rng: [([rng.normal(size=(3,)).astype("float32")],
                  {"function": np.negative, "type": TensorType((3,), "float32")})])
