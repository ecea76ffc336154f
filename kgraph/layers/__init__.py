"""Layers."""
from kgraph.layers.base import Layer
from kgraph.layers.dense import Dense
from kgraph.layers.input_layer import Input, InputLayer
from kgraph.layers.input_spec import InputSpec

__all__ = ["Dense", "Input", "InputLayer", "InputSpec", "Layer"]
OBJECTS = {"Dense": Dense, "InputLayer": InputLayer, "Layer": Layer}
