"""Saving and loading: configs of objects, whole models, weights."""
from kgraph.saving.serialization import (CustomObjectScope, custom_object_scope, deserialize_keras_object,
                                         get_custom_objects, get_registered_name, get_registered_object,
                                         register_keras_serializable, serialize_keras_object)

__all__ = ["CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
           "get_registered_name", "get_registered_object", "register_keras_serializable", "serialize_keras_object"]
