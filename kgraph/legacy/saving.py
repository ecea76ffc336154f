"""Configs of single objects as Keras 2 wrote them: {"class_name": ..., "config": ...}, and names for functions."""
from __future__ import annotations

from kgraph.serialization import find_object, get_registered_name

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance):
    """An object with get_config() as Keras 2 wrote it, the name of a class or function, or None. Raises ValueError for
    anything else."""
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": get_registered_name(type(instance)), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ValueError(f"serialize_keras_object: expected an object with get_config(), received {instance!r}")


def deserialize_keras_object(identifier, module_objects=None, custom_objects=None, printable_module_name="object"):
    """The object of a config, or of a name among custom_objects, registered objects and module_objects, {name: class or
    function}. printable_module_name: what it is, for the errors: ValueError for an unknown name."""
    return find_object(identifier, {**(module_objects or {}), **(custom_objects or {})}, printable_module_name)
