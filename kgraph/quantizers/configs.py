"""How `quantize` treats weights and activations."""
from __future__ import annotations

from kgraph.quantizers.quantizer import AbsMaxQuantizer
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Float8QuantizationConfig", "Int4QuantizationConfig", "Int8QuantizationConfig", "QuantizationConfig",
           "config_for"]


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

    def get_config(self):
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config):
        return super().from_config({"block_size": None, **config})  # files from before there were blocks


class Float8QuantizationConfig(QuantizationConfig):
    """Training in float8, which kgraph has as a dtype of storage only: layers refuse it."""

    mode = "float8"

    def __init__(self):
        super().__init__()

    def get_config(self):
        return {}


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
    classes = {c.mode: c for c in (Int8QuantizationConfig, Int4QuantizationConfig, Float8QuantizationConfig)}
    if config is None and mode not in classes:
        raise ValueError(f"quantize: expected mode among {', '.join(classes)}, or a config, received mode={mode!r}")
    config = classes[mode]() if config is None else config
    if not isinstance(config, QuantizationConfig):
        raise ValueError(f"quantize: expected config to be a QuantizationConfig, received {config!r}")
    if mode not in (None, config.mode):
        raise ValueError(f"quantize: expected mode {config.mode!r} for this config, received {mode!r}")
    return config
