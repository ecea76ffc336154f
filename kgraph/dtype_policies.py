"""In which dtype a layer computes, and in which it keeps its variables."""
from __future__ import annotations

import re
import warnings
from collections.abc import MutableMapping

from kgraph.config import default_policy_name
from kgraph.legacy.paths import lookup
from kgraph.naming import nearest

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "get", "serialize"]

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

    def of(self, path: str | None) -> DTypePolicy:
        """The policy of the layer of that path: this one."""
        return self

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


FloatDTypePolicy = DTypePolicy


class DTypePolicyMap(DTypePolicy, MutableMapping):
    """Policies of layers by their path: ``layer.path``, or a pattern that all of it matches.

    default_policy  of the layers that are not named; None: that of the process
    policy_map      {path or regular expression: policy}

        >>> policies = DTypePolicyMap("float32", {"encoder/.*": DTypePolicy("float64")})
        >>> policies["encoder/dense"], policies["decoder"]
        (<DTypePolicy float64>, <DTypePolicy float32>)

    Raises ValueError for a path that is set twice or that several patterns match, and for what is no policy.
    """

    def __init__(self, default_policy=None, policy_map=None):
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap: expected a policy as default_policy, received a DTypePolicyMap")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"DTypePolicyMap: policy_map: expected a dict, received {policy_map!r}")
        self._default = None if default_policy is None else get(default_policy)
        self._policies = {}
        for path, policy in (policy_map or {}).items():
            self[path] = policy

    @property
    def default_policy(self) -> DTypePolicy:
        """Of the layers that are not named."""
        return self._default or get(None)

    @property
    def name(self) -> str:
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        return self.default_policy.variable_dtype

    def of(self, path):
        """The policy of the layer of that path; before a layer has one, the default."""
        return self[path] if path else self.default_policy

    def __getitem__(self, path):
        if path in self._policies:
            return self._policies[path]
        found = [pattern for pattern in self._policies if re.fullmatch(pattern, path)]
        if len(found) > 1:
            raise ValueError(f"DTypePolicyMap: expected at most one pattern for the path {path!r}, received "
                             f"{', '.join(found)}")
        return self._policies[found[0]] if found else self.default_policy

    def __setitem__(self, path, policy):
        if path in self._policies:
            raise ValueError(f"DTypePolicyMap: expected a path without a policy, received {path!r}, which has "
                             f"{self._policies[path]}")
        if not isinstance(policy, (str, dict, DTypePolicy)) or isinstance(policy, DTypePolicyMap):
            raise ValueError(f"DTypePolicyMap: expected a policy or its name, received {policy!r}")
        self._policies[path] = get(policy)

    def __delitem__(self, path):
        del self._policies[path]

    def __contains__(self, path):
        return path in self._policies

    def __iter__(self):
        return iter(self._policies)

    def __len__(self):
        return len(self._policies)

    def get_config(self):
        return {"default_policy": self._default and serialize(self._default),
                "policy_map": {path: serialize(policy) for path, policy in self._policies.items()}}

    def __eq__(self, other):
        return isinstance(other, DTypePolicyMap) and self.get_config() == other.get_config()

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<DTypePolicyMap {self.default_policy.name} {self._policies}>"


OBJECTS = {"DTypePolicyMap": DTypePolicyMap,
           **dict.fromkeys(("DTypePolicy", "Policy", "FloatDTypePolicy"), DTypePolicy)}


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
    return {"module": "keras" if type(policy) is DTypePolicy else "keras.dtype_policies",
            "class_name": type(policy).__name__, "config": policy.get_config(), "registered_name": None}


def deserialize(config: dict) -> DTypePolicy:
    """The policy that serialize() wrote (by kgraph or Keras, whose older class was called Policy)."""
    if config.get("class_name") not in OBJECTS:
        raise ValueError(f"expected the config of a dtype policy, received {config}")
    if config["class_name"] == "DTypePolicyMap":
        return DTypePolicyMap.from_config(config["config"])
    return DTypePolicy.from_config({"name": config["config"]["name"]})


def __getattr__(name):
    return lookup(__name__, name, __all__)
