# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.layers.quantized import Quantizable


class QuantizedWindows(Quantizable): ...

__all__ = [
    "QuantizedWindows",
]
