"""How `quantize` treats weights and activations."""
from __future__ import annotations

import functools

from kgraph.dtype_policies import (
    AWQDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
)
from kgraph.naming import nearest
from kgraph.quantizers.quantizer import AbsMaxQuantizer
from kgraph.quantizers.sampled import Gram, Magnitudes, awq, gptq
from kgraph.quantizers.samples import windows
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["AWQConfig", "Float8QuantizationConfig", "GPTQConfig", "Int4QuantizationConfig", "Int8QuantizationConfig",
           "QuantizationConfig", "SampledConfig", "config_for"]


class QuantizationConfig:
    """The base class.

    Args:
        weight_quantizer: of weights, once; None: the largest magnitude of each column
        activation_quantizer: of inputs, at each call; None: they stay real
    """

    def __init__(self, weight_quantizer=None, activation_quantizer=None):
        self.weight_quantizer, self.activation_quantizer = weight_quantizer, activation_quantizer

    @property
    def mode(self) -> str:
        """What `quantize` calls it."""
        raise NotImplementedError(f"{type(self).__name__} must define mode: QuantizationConfig is a base class")

    @staticmethod
    def weight_quantizer_or_default(config, default):
        """The quantizer of weights that a config names, another where there is none.

        Args:
            config: a QuantizationConfig, or None
            default: given where the config is None or names none

        Returns:
            A Quantizer, or the default.
        """
        return default if config is None or config.weight_quantizer is None else config.weight_quantizer

    @staticmethod
    def activation_quantizer_or_default(config, default):
        """The quantizer of activations of a config, which may be None: they stay real.

        Args:
            config: a QuantizationConfig, or None
            default: given where the config is None

        Returns:
            A Quantizer, the default, or None.
        """
        return default if config is None else config.activation_quantizer

    def get_config(self):
        """The settings, as plain data.

        Returns:
            A dict, which from_config takes.
        """
        return {name: serialize_keras_object(getattr(self, name)) for name in ("weight_quantizer",
                                                                               "activation_quantizer")}

    @classmethod
    def from_config(cls, config):
        """The settings that get_config described.

        Returns:
            A QuantizationConfig.
        """
        return cls(**{name: deserialize_keras_object(value) if isinstance(value, dict) else value
                      for name, value in config.items()})

    def _rounding(self, statistics=None):
        """What rounds weights: see storage. statistics: of their inputs."""
        return self.weight_quantizer

    def _policy(self, source) -> QuantizedDTypePolicy:
        """The policy of a layer that this config made, from its name before."""
        return QuantizedDTypePolicy(self.mode, source)


class Int8QuantizationConfig(QuantizationConfig):
    """8 bits. activation_quantizer: "default" is an AbsMaxQuantizer for each row of the inputs."""

    mode = "int8"

    def __init__(self, weight_quantizer=None, activation_quantizer="default"):
        super().__init__(weight_quantizer,
                         AbsMaxQuantizer() if activation_quantizer == "default" else activation_quantizer)
        _check("Int8QuantizationConfig", weight_quantizer, None)


class Int4QuantizationConfig(QuantizationConfig):
    """4 bits, two weights in a byte; inputs stay real by default.

    Args:
        block_size: rows that share a scale and a zero point; None or -1: all, without a zero point

    Raises:
        ValueError: block_size is neither None, -1 nor an int above 0.
    """

    mode = "int4"

    def __init__(self, weight_quantizer=None, activation_quantizer="default", block_size=128):
        super().__init__(weight_quantizer, None if activation_quantizer == "default" else activation_quantizer)
        if block_size is not None and block_size != -1 and block_size <= 0:
            raise ValueError("Int4QuantizationConfig: expected a block_size above 0, -1 or None, received "
                             f"{block_size}")
        if block_size not in (None, -1) and (self.weight_quantizer or self.activation_quantizer) is not None:
            raise ValueError("Int4QuantizationConfig: expected no quantizers beside a block_size, received "
                             f"block_size={block_size}")
        self.block_size = block_size
        _check("Int4QuantizationConfig", weight_quantizer, (-8, 7))

    def _policy(self, source):
        return Int4DTypePolicy(f"int4/{-1 if self.block_size is None else self.block_size}", source)

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config):
        return super().from_config({"block_size": None, **config})  # files from before there were blocks


class Float8QuantizationConfig(QuantizationConfig):
    """Training with products of float8, of Dense and EinsumDense layers: inputs, weights and the gradients of outputs
    are rounded, with scales by the steps before."""

    mode = "float8"

    def __init__(self):
        super().__init__()

    def _policy(self, source):
        return QuantizedFloat8DTypePolicy(self.mode, source)

    def get_config(self):
        return {}


class SampledConfig(QuantizationConfig):
    """The base of GPTQConfig and AWQConfig: weights are rounded by what samples show of their inputs."""

    def __init__(self, dataset, tokenizer, **settings):
        super().__init__()
        self.dataset, self.tokenizer = dataset, tokenizer
        self._settings = tuple(settings)
        vars(self).update(settings)
        name = type(self).__name__
        for positive in ("num_samples", "sequence_length", "num_grid_points"):
            if settings.get(positive, 1) <= 0:
                raise ValueError(f"{name}: expected {positive} above 0, received {settings[positive]}")
        if self.group_size < -1 or self.group_size == 0:
            raise ValueError(f"{name}: expected a group_size above 0, or -1, received {self.group_size}")

    def dtype_policy_string(self) -> str:
        """The policy's name, without the one before.

        Returns:
            A string like gptq/4/128.
        """
        return f"{self.mode}/{self.weight_bits}/{self.group_size}"

    def get_config(self):
        return {"dataset": None, "tokenizer": None, **{n: getattr(self, n) for n in self._settings},
                "quantization_layer_structure": None}   # its layers hold this config

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "quantization_layer_structure": None})

    @property
    def _group(self):
        return None if self.group_size == -1 else self.group_size

    def _samples(self):
        """Tokens, [num_samples, 1, sequence_length]."""
        return windows(self)


class GPTQConfig(SampledConfig):
    """2, 3, 4 or 8 bits by GPTQ (Frantar et al., 2022): what rounding a weight loses, others of its column make good,
    as far as their inputs go together in the samples.

    `model.quantize("gptq", config=...)` goes through a model block by block; Dense and EinsumDense layers in the blocks
    are quantized. A layer alone, without samples, is plainly rounded.

    Args:
        dataset: texts, or arrays of tokens: joined to one long row, of which samples are cut
        tokenizer: has a method tokenize(text), or is called with it
        weight_bits: 2, 3, 4 or 8; with 4, two weights are kept in a byte
        num_samples, sequence_length: how many samples, and of how many tokens
        per_channel: whether each column of a kernel has scales of its own
        hessian_damping: share of the mean of x^2 that is added to the inputs' Gram matrix
        group_size: how many inputs share a scale and a zero point; -1: all
        symmetric: whether ranges have zero in their middle
        activation_order: whether weights of large inputs come first
        quantization_layer_structure: {"pre_block_layers": [...], "sequential_blocks": [...]}; None: what the model's
            get_quantization_layer_structure() says. It is not kept in files

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> table, block = kgraph.layers.Embedding(20, 8), kgraph.layers.Dense(8)
        >>> model = kgraph.Sequential([kgraph.Input((6,), dtype="int32"), table, block, kgraph.layers.Dense(3)])
        >>> tokens = np.random.default_rng(0).integers(0, 20, (4, 6))
        >>> config = quantizers.GPTQConfig(tokens, tokenizer=str, num_samples=4, sequence_length=6, group_size=4,
        ...     quantization_layer_structure={"pre_block_layers": [table], "sequential_blocks": [block]})
        >>> model.quantize(config=config)
        >>> [layer.quantization_mode for layer in model.layers]
        [None, 'gptq', None]
    """

    mode = "gptq"

    def __init__(self, dataset, tokenizer, *, weight_bits: int = 4, num_samples: int = 128, per_channel: bool = True,
                 sequence_length: int = 512, hessian_damping: float = 0.01, group_size: int = 128,
                 symmetric: bool = False, activation_order: bool = False,
                 quantization_layer_structure: dict | None = None):
        if weight_bits not in (2, 3, 4, 8):
            raise ValueError(f"GPTQConfig: expected weight_bits of 2, 3, 4 or 8, received {weight_bits}")
        if not 0 <= hessian_damping <= 1:
            raise ValueError(f"GPTQConfig: expected hessian_damping between 0 and 1, received {hessian_damping}")
        super().__init__(dataset, tokenizer, weight_bits=weight_bits, num_samples=num_samples, per_channel=per_channel,
                         sequence_length=sequence_length, hessian_damping=hessian_damping, group_size=group_size,
                         symmetric=symmetric, activation_order=activation_order)
        self.quantization_layer_structure = quantization_layer_structure

    _statistics = Gram

    def _rounding(self, statistics=None):
        return functools.partial(gptq, statistics=statistics, bits=self.weight_bits, group=self._group,
                                 symmetric=self.symmetric, per_channel=self.per_channel,
                                 damping=self.hessian_damping, by_importance=self.activation_order)

    def _policy(self, source):
        return GPTQDTypePolicy(self.dtype_policy_string(), source)


class AWQConfig(SampledConfig):
    """4 bits by AWQ (Lin et al., 2023): weights of inputs that are large in the samples are made larger before they are
    rounded, and smaller afterwards, so that they lose less.

    See GPTQConfig for how a model is gone through.

    Args:
        dataset: texts, or arrays of tokens: joined to one long row, of which samples are cut
        tokenizer: has a method tokenize(text), or is called with it
        weight_bits: 4
        num_samples, sequence_length: how many samples, and of how many tokens
        group_size: how many inputs share a scale and a zero point; -1: all
        num_grid_points: how many powers of the inputs' magnitudes are tried
        quantization_layer_structure: see GPTQConfig

    Raises:
        ValueError: a number out of its range.
    """

    mode = "awq"

    def __init__(self, dataset, tokenizer, *, weight_bits: int = 4, num_samples: int = 128, sequence_length: int = 512,
                 group_size: int = 128, num_grid_points: int = 20, quantization_layer_structure: dict | None = None):
        if weight_bits != 4:
            raise ValueError(f"AWQConfig: expected weight_bits=4, received {weight_bits}")
        super().__init__(dataset, tokenizer, weight_bits=weight_bits, num_samples=num_samples,
                         sequence_length=sequence_length, group_size=group_size, num_grid_points=num_grid_points)
        self.quantization_layer_structure = quantization_layer_structure

    _statistics = Magnitudes

    def _rounding(self, statistics=None):
        return functools.partial(awq, statistics=statistics, group=self._group, points=self.num_grid_points)

    def _policy(self, source):
        return AWQDTypePolicy(self.dtype_policy_string(), source)


def _check(name, quantizer, value_range):
    if quantizer is not None and quantizer.output_dtype != "int8":
        raise ValueError(f"{name}: expected a weight_quantizer with output_dtype='int8', received "
                         f"{quantizer.output_dtype!r}")
    if quantizer is not None and value_range is not None and tuple(quantizer.value_range) != value_range:
        raise ValueError(f"{name}: expected a weight_quantizer with value_range={value_range}, received "
                         f"{quantizer.value_range}")


def config_for(mode, config) -> QuantizationConfig:
    """The config that the arguments of `quantize` mean. Raises ValueError where they contradict each other."""
    if isinstance(config, str):
        mode, config = config, None
    classes = {c.mode: c for c in (Int8QuantizationConfig, Int4QuantizationConfig, Float8QuantizationConfig, GPTQConfig,
                                   AWQConfig)}
    if config is None and issubclass(classes.get(mode, object), SampledConfig):
        raise ValueError(f"quantize: expected a {classes[mode].__name__} as config for mode {mode!r}, received None")
    if config is None and mode not in classes:
        raise ValueError(f"quantize: expected mode among {', '.join(classes)}, or a config, received mode={mode!r}."
                         f"{nearest(mode, classes)}")
    config = classes[mode]() if config is None else config
    if not isinstance(config, QuantizationConfig):
        raise ValueError(f"quantize: expected config to be a QuantizationConfig, received {config!r}")
    if mode not in (None, config.mode):
        raise ValueError(f"quantize: expected mode {config.mode!r} for this config, received {mode!r}")
    return config
