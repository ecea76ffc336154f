"""kgraph.preprocessing: what Keras 2 had to prepare texts, sequences and images outside of models."""
from kgraph.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
