"""Models: functional, sequential, subclassed."""
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
OBJECTS = {"Model": Model, "Functional": Model, "Sequential": Sequential}
