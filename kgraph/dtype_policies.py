"""In which dtype a layer computes, and in which it keeps its variables."""
from __future__ import annotations

import re
from collections.abc import MutableMapping

from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.config import default_policy_name
from kgraph.legacy.paths import lookup
from kgraph.naming import nearest

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy",
           "deserialize", "get", "serialize"]

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}
_NAMES = (*DTYPES, "string", *_MIXED)


class DTypePolicy:
    """A dtype for computing and for variables, by name: float32, float64, bfloat16 ...; mixed_bfloat16 and
    mixed_float16 compute in 16 bits and keep variables in float32 (Micikevicius et al., "Mixed Precision Training",
    2018).

        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')

    What a float of 16 bits is stored in, activations and gradients, is computed in float32 and rounded after each
    operation; sums, normalisations, softmax, losses and metrics are float32 inside. Raises ValueError for another name.

    Args:
        name: "float32", "float16", "bfloat16", "float64", "mixed_float16" or "mixed_bfloat16"; None: floatx.
    """

    quantization_mode = None

    def __init__(self, name: str | None = None):
        self.name = name or default_policy_name()
        if self.name not in _NAMES:
            raise ValueError(f"expected the name of a dtype policy, received {name!r}.{nearest(name, _NAMES)}")

    @property
    def compute_dtype(self) -> str:
        return _MIXED.get(self.name, self.name)

    @property
    def variable_dtype(self) -> str:
        return "float32" if self.name in _MIXED else self.name

    def of(self, path: str | None) -> DTypePolicy:
        """The policy of the layer of that path: this one.

        Args:
            path: of a layer.
        """
        return self

    def get_config(self) -> dict:
        """The name, as plain data."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Args:
            config: what get_config gave.

        Returns:
            A DTypePolicy.
        """
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

        >>> policies = DTypePolicyMap("float32", {"encoder/.*": DTypePolicy("float64")})
        >>> policies["encoder/dense"], policies["decoder"]
        (<DTypePolicy float64>, <DTypePolicy float32>)

    Raises ValueError for a path that is set twice or that several patterns match, and for what is no policy.

    Args:
        default_policy: of the layers that are not named; None: that of the process
        policy_map: {path or regular expression: policy}
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


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a layer whose large weights are kept in 8 or 4 bits; all else is as another policy says.

    Raises ValueError for another mode, and for int8 from float16, whose range is too small for the sums.

    Args:
        mode: "int8" or "int4"
        source_name: the name of the other policy; None: that of the process
    """

    def __init__(self, mode: str, source_name: str | None = None):
        source = DTypePolicy(source_name)
        if mode not in ("int8", "int4") or mode == "int8" and source.compute_dtype == "float16":
            raise ValueError("QuantizedDTypePolicy: expected mode 'int4', or 'int8' from a policy that does not "
                             f"compute in float16, received {mode!r} from {source.name!r}")
        self.quantization_mode, self.source_name = mode, source.name
        self.name = f"{mode}_from_{source.name}"

    @property
    def compute_dtype(self) -> str:
        return DTypePolicy(self.source_name).compute_dtype

    @property
    def variable_dtype(self) -> str:
        return DTypePolicy(self.source_name).variable_dtype

    def get_config(self) -> dict:
        return {"mode": self.quantization_mode, "source_name": self.source_name}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer whose large weights are kept in 4 bits.

    Args:
        mode: "int4/128" where so many numbers share a scale and a zero point, "int4/-1" where all of a column do
        source_name: the name of the policy for all else; None: that of the process
    """

    def __init__(self, mode: str, source_name: str | None = None):
        kind, _, size = mode.partition("/")
        if kind != "int4" or not size.removeprefix("-").isdigit() or int(size) < -1 or int(size) == 0:
            raise ValueError(f"Int4DTypePolicy: expected mode 'int4/N', N a block size or -1, received {mode!r}")
        super().__init__(kind, source_name)
        self.block_size = int(size)
        self.name = f"{mode}_from_{self.source_name}"

    def get_config(self) -> dict:
        return {"mode": f"int4/{self.block_size}", "source_name": self.source_name}


OBJECTS = {"DTypePolicyMap": DTypePolicyMap, "Int4DTypePolicy": Int4DTypePolicy,
           "QuantizedDTypePolicy": QuantizedDTypePolicy,
           **dict.fromkeys(("DTypePolicy", "Policy", "FloatDTypePolicy"), DTypePolicy)}


def get(identifier) -> DTypePolicy:
    """A policy from None (the default), a name, a NumPy dtype, a config or a policy."""
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and "_from_" in identifier:
        cls = Int4DTypePolicy if identifier.startswith("int4/") else QuantizedDTypePolicy
        return cls(*identifier.split("_from_", 1))
    if identifier is None or isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(getattr(identifier, "__name__", None) or getattr(identifier, "name", str(identifier)))


def serialize(dtype_policy: DTypePolicy) -> dict:
    """The policy as Keras 3 writes it."""
    return {"module": "keras" if type(dtype_policy) is DTypePolicy else "keras.dtype_policies",
            "class_name": type(dtype_policy).__name__, "config": dtype_policy.get_config(), "registered_name": None}


def deserialize(config: dict, custom_objects: dict | None = None) -> DTypePolicy:
    """The policy that serialize() wrote (by kgraph or Keras, whose older class was called Policy). custom_objects:
    {name: class} of policies of the program's own."""
    if config.get("class_name") in (custom_objects or {}):
        return custom_objects[config["class_name"]].from_config(config["config"])
    if config.get("class_name") not in OBJECTS:
        raise ValueError(f"expected the config of a dtype policy, received {config}")
    if config["class_name"] in ("DTypePolicyMap", "Int4DTypePolicy", "QuantizedDTypePolicy"):
        return OBJECTS[config["class_name"]].from_config(config["config"])
    return DTypePolicy.from_config({"name": config["config"]["name"]})


def __getattr__(name):
    return lookup(__name__, name, __all__)
