"""The primitives. Importing this package fills the table `kgraph.compiler.primitive.PRIMITIVES`."""
from kgraph.compiler.prims import (
    attention,
    collective,
    composite,
    contract,
    custom,
    elementwise,
    erfinv,
    host,
    index,
    linalg,
    move,
    normalize,
    pairs,
    random,
    reduce,
    scatter,
    window,
)

__all__ = ["attention", "collective", "composite", "contract", "custom", "elementwise", "erfinv", "host", "index",
           "linalg", "move", "normalize", "pairs", "random", "reduce", "scatter", "window"]
