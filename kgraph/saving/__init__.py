"""Saving and loading: configs of objects, whole models, weights.

Args:
    custom_objects: {name: class or function} of what is not kgraph's.
    safe_mode: refuse code in files. True by default.
    model: a Model.
    filepath: of a file: the ending says the format.
    obj: a class, a function or an object.
    config: a dict.
    name: under which a class is registered.
    package: its first part, "Custom" by default.
    module_objects: where to look first.
    overwrite: an existing file. True by default.
    max_shard_size: gigabytes of a file at most; None: no bound.
    save_format: Keras 2's: "h5" or "keras"; None: by the ending.
    object_name, object_path, weight_name: where a weight is in the file.
    new_name: what it shall be called.
    weights: {name: array}.
    reference_model: a Model.
"""
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
           "KerasFileEditor", *_FILES]


def __getattr__(name):
    if name == "KerasFileEditor":
        return importlib.import_module("kgraph.saving.file_editor").KerasFileEditor
    if name not in _FILES:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module("kgraph.saving.files"), name)


def __dir__():
    return sorted(__all__)
