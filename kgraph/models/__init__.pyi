# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.models.cloning import clone_model as clone_model
from kgraph.models.model import Model as Model
from kgraph.models.sequential import Sequential as Sequential
from kgraph.saving.files import load_model as load_model, model_from_json as model_from_json, model_from_yaml as model_from_yaml, save_model as save_model


class Functional: ...

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]
