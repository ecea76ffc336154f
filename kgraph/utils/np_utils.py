"""Where Keras 1 and 2 had these."""
from kgraph.utils.numerical import normalize, to_categorical

__all__ = ["normalize", "to_categorical"]
