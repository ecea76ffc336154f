"""In which dtype a layer computes, and in which it keeps its variables."""
from __future__ import annotations

import re
from collections.abc import MutableMapping

from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.config import default_policy_name
from kgraph.legacy.paths import lookup
from kgraph.naming import nearest

__all__ = ["AWQDTypePolicy", "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy",
           "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "deserialize", "get", "serialize"]

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
    """The policy of a layer whose large weights are kept in 8 or 4 bits, or which trains in float8; all else is as
    another policy says.

    Raises ValueError for another mode, and for int8 from float16, whose range is too small for the sums.

    Args:
        mode: "int8", "int4" or "float8"
        source_name: the name of the other policy; None: that of the process
    """

    _modes = ("int8", "int4", "float8")

    def __init__(self, mode: str, source_name: str | None = None):
        source = DTypePolicy(source_name)
        if mode not in self._modes or mode == "int8" and source.compute_dtype == "float16":
            raise ValueError(f"{type(self).__name__}: expected mode {' or '.join(map(repr, self._modes))} (int8 not "
                             f"from a policy that computes in float16), received {mode!r} from {source.name!r}")
        self.mode = self.quantization_mode = mode
        self.source_name = source.name
        self.name = f"{mode}_from_{source.name}"

    @property
    def compute_dtype(self) -> str:
        return DTypePolicy(self.source_name).compute_dtype

    @property
    def variable_dtype(self) -> str:
        return DTypePolicy(self.source_name).variable_dtype

    def get_config(self) -> dict:
        return {"mode": self.name.partition("_from_")[0], "source_name": self.source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer that trains with products of float8: Micikevicius et al., "FP8 formats for deep learning",
    2022.

    Raises TypeError for a length that is no int.

    Args:
        mode: "float8"
        source_name: the name of the policy for all else; None: that of the process
        amax_history_length: how many steps the largest magnitude is sought in, that a scale is made of
    """

    default_amax_history_length = 1024
    _modes = ("float8",)

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024):
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise TypeError("QuantizedFloat8DTypePolicy: expected amax_history_length to be an int, received "
                            f"{amax_history_length!r}")
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict:
        return {**super().get_config(), "amax_history_length": self.amax_history_length}

    def __eq__(self, other):
        return super().__eq__(other) and self.get_config() == other.get_config()

    __hash__ = DTypePolicy.__hash__


class _Numbered(QuantizedDTypePolicy):
    """A policy with numbers in its mode: the last is the size of what shares a scale, or -1."""

    _form, _bits = "", ()

    def __init__(self, mode: str, source_name: str | None = None):
        (kind,) = self._modes
        numbers = mode.split("/")[1:]
        fits = mode.startswith(f"{kind}/") and len(numbers) == self._form.count("/") and all(
            re.fullmatch("-1|[1-9][0-9]*", n) for n in numbers)
        if not fits or len(numbers) > 1 and int(numbers[0]) not in self._bits:
            raise ValueError(f"{type(self).__name__}: expected mode {self._form}, received {mode!r}")
        super().__init__(kind, source_name)
        self.name = f"{mode}_from_{self.source_name}"
        self._take(*map(int, numbers))

    def _take(self, weight_bits, group_size):
        self.weight_bits, self.group_size = weight_bits, group_size


class Int4DTypePolicy(_Numbered):
    """The policy of a layer whose large weights are kept in 4 bits.

    Args:
        mode: "int4/128" where so many numbers share a scale and a zero point, "int4/-1" where all of a column do
        source_name: the name of the policy for all else; None: that of the process
    """

    _modes, _form = ("int4",), "'int4/N', N a block size or -1"

    def _take(self, block_size):
        self.block_size = block_size


class GPTQDTypePolicy(_Numbered):
    """The policy of a layer whose kernel GPTQ quantized: see quantizers.GPTQConfig.

    Args:
        mode: "gptq/4/128": bits, 2, 3, 4 or 8, and how many inputs share a scale and a zero point; -1: all
        source_name: the name of the policy for all else; None: that of the process
    """

    _modes, _form, _bits = ("gptq",), "'gptq/B/N', B among 2, 3, 4 and 8, N a group size or -1", (2, 3, 4, 8)


class AWQDTypePolicy(_Numbered):
    """The policy of a layer whose kernel AWQ quantized: see quantizers.AWQConfig.

    Args:
        mode: "awq/4/128": 4 bits, and how many inputs share a scale and a zero point; -1: all
        source_name: the name of the policy for all else; None: that of the process
    """

    _modes, _form, _bits = ("awq",), "'awq/4/N', N a group size or -1", (4,)


_QUANTIZED = {"int8": QuantizedDTypePolicy, "int4": QuantizedDTypePolicy, "int4/": Int4DTypePolicy,
              "gptq/": GPTQDTypePolicy, "awq/": AWQDTypePolicy, "float8": QuantizedFloat8DTypePolicy}
OBJECTS = {**{c.__name__: c for c in (DTypePolicyMap, *_QUANTIZED.values())},
           **dict.fromkeys(("DTypePolicy", "Policy", "FloatDTypePolicy"), DTypePolicy)}


def get(identifier) -> DTypePolicy:
    """A policy from None (the default), a name, a NumPy dtype, a config or a policy."""
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str) and "_from_" in identifier:
        mode, source = identifier.split("_from_", 1)
        kind, slash, _ = mode.partition("/")
        return _QUANTIZED.get(kind + slash, QuantizedDTypePolicy)(mode, source)
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
    cls = OBJECTS[config["class_name"]]
    return cls.from_config({"name": config["config"]["name"]} if cls is DTypePolicy else config["config"])


def __getattr__(name):
    return lookup(__name__, name, __all__)
