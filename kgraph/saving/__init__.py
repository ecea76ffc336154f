"""Saving and loading: configs of objects, whole models, weights."""
import importlib

from kgraph.legacy.paths import lookup
from kgraph.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

_FILES = ("load_model", "load_weights", "model_from_json", "model_from_yaml", "save_model", "save_weights",
          "to_json", "to_yaml")

__all__ = ["CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
           "get_registered_name", "get_registered_object", "register_keras_serializable", "serialize_keras_object",
           *_FILES]


def __getattr__(name):
    if name not in _FILES:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module("kgraph.saving.files"), name)
