"""Models: functional, sequential, subclassed."""
from kgraph.models.model import Model

__all__ = ["Model"]
OBJECTS = {"Model": Model, "Functional": Model}
