"""The primitives. Importing this package fills the table `kgraph.compiler.primitive.PRIMITIVES`."""
from kgraph.compiler.prims import (
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
    random,
    reduce,
    scatter,
    window,
)

__all__ = ["composite", "contract", "custom", "elementwise", "erfinv", "host", "index", "linalg", "move", "normalize",
           "random", "reduce", "scatter", "window"]
