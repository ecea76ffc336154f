"""Where Keras 2 had HDF5Matrix."""
from kgraph.legacy.hdf5_matrix import HDF5Matrix

__all__ = ["HDF5Matrix"]
