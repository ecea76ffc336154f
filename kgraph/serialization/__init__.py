"""Configs of objects: what files and text say of layers, losses, metrics, optimizers, and the way back."""
from kgraph.serialization.objects import (
    CustomObjectScope,
    KTensorReference,
    custom_object,
    custom_object_scope,
    deserialize_keras_object,
    find_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    in_safe_mode,
    register_keras_serializable,
    safe_mode_scope,
    serialize_keras_object,
    sharing_scope,
)

__all__ = ["CustomObjectScope", "KTensorReference", "custom_object", "custom_object_scope", "deserialize_keras_object",
           "find_object", "get_custom_objects", "get_registered_name", "get_registered_object", "in_safe_mode",
           "register_keras_serializable", "safe_mode_scope", "serialize_keras_object", "sharing_scope"]
