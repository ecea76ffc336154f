"""The primitives. Importing this package fills the table `kgraph.compiler.primitive.PRIMITIVES`."""
from kgraph.compiler.prims import (
    composite,
    contract,
    elementwise,
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

__all__ = ["composite", "contract", "elementwise", "host", "index", "linalg", "move", "normalize", "random", "reduce",
           "scatter", "window"]
