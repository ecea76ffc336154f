"""The tables of text where kgraph.export.loader looks for them; an exported bundle has a copy of them there."""
from kgraph.layers.preprocessing.tables import Tables, as_array

__all__ = ["Tables", "as_array"]
