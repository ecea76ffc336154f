"""A part of TensorFlow over kgraph."""
from kgraph.legacy.paths import lookup

__version__ = "2.21.0"
__all__ = ["keras"]


def __getattr__(name):
    if name == "keras":
        import kgraph
        return kgraph
    return lookup(__name__, name, __all__)
