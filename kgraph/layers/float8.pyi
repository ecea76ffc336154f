# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.layers.lora import LowRank


class TrainsInFloat8(LowRank): ...

__all__ = [
    "TrainsInFloat8",
]
