"""Models: functional, sequential, subclassed; and their copies. Reading and writing them is in kgraph.saving."""
from kgraph import doors
from kgraph.legacy.paths import lookup
from kgraph.models.cloning import clone_model
from kgraph.models.model import Model
from kgraph.models.sequential import Sequential

OBJECTS = {"Model": Model, "Functional": Model, "Sequential": Sequential}
_IN_SAVING = ("load_model", "model_from_json", "model_from_yaml", "save_model")
__all__ = ["Model", "Sequential", "clone_model", *_IN_SAVING]


def __getattr__(name):
    if name not in _IN_SAVING:
        return lookup(__name__, name, __all__)
    return getattr(doors.saving, name)
