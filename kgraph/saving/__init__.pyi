# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph.saving.file_editor import KerasFileEditor as KerasFileEditor
from kgraph.saving.files import load_model as load_model, load_weights as load_weights, model_from_json as model_from_json, model_from_yaml as model_from_yaml, save_model as save_model, save_weights as save_weights, to_json as to_json, to_yaml as to_yaml
from kgraph.serialization.objects import CustomObjectScope as CustomObjectScope, CustomObjectScope as custom_object_scope, deserialize_keras_object as deserialize_keras_object, get_custom_objects as get_custom_objects, get_registered_name as get_registered_name, get_registered_object as get_registered_object, register_keras_serializable as register_keras_serializable, serialize_keras_object as serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "model_from_json",
    "model_from_yaml",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
    "to_json",
    "to_yaml",
]
