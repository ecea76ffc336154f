"""kgraph.preprocessing: what Keras 2 had to prepare texts, sequences and images outside of models."""
from kgraph.legacy.paths import lookup
from kgraph.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]


def __getattr__(name):
    return lookup(__name__, name, __all__)
