"""In which dtype a layer computes, and in which it keeps its variables."""
from __future__ import annotations

import warnings

from kgraph.config import default_policy_name
from kgraph.legacy.paths import lookup
from kgraph.naming import nearest

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]

_FLOATS = ("float16", "float32", "float64")
_NAMES = (*_FLOATS, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string")
_WIDER = {"mixed_float16": "float32", "mixed_bfloat16": "float32", "bfloat16": "float32", "float16": "float32"}


class DTypePolicy:
    """A dtype for computing and for variables, by name: float32, float64 ...

    The policies of Keras with floats of 16 bits are accepted and computed in float32, with a warning: on CPUs that is
    both faster and more exact.
    """

    def __init__(self, name: str | None = None):
        self.name = name or default_policy_name()
        if self.name in _WIDER:
            warnings.warn(f"dtype policy {self.name!r} is computed in float32 on this device", stacklevel=3)
        elif self.name not in _NAMES:
            raise ValueError(f"expected the name of a dtype policy, received {name!r}.{nearest(name, _NAMES)}")

    @property
    def compute_dtype(self) -> str:
        return _WIDER.get(self.name, self.name)

    @property
    def variable_dtype(self) -> str:
        return _WIDER.get(self.name, self.name)

    def get_config(self) -> dict:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<DTypePolicy {self.name}>"


OBJECTS = {"DTypePolicy": DTypePolicy, "Policy": DTypePolicy, "FloatDTypePolicy": DTypePolicy}


def get(identifier) -> DTypePolicy:
    """A policy from None (the default), a name, a NumPy dtype, a config or a policy."""
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if identifier is None or isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(getattr(identifier, "__name__", None) or getattr(identifier, "name", str(identifier)))


def serialize(policy: DTypePolicy) -> dict:
    """The policy as Keras 3 writes it."""
    return {"module": "keras", "class_name": "DTypePolicy", "config": policy.get_config(), "registered_name": None}


def deserialize(config: dict) -> DTypePolicy:
    """The policy that serialize() wrote (by kgraph or Keras, whose older class was called Policy)."""
    if config.get("class_name") not in OBJECTS:
        raise ValueError(f"expected the config of a dtype policy, received {config}")
    return DTypePolicy.from_config({"name": config["config"]["name"]})


def __getattr__(name):
    return lookup(__name__, name, __all__)
