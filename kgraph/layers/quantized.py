"""Layers whose large weights may be kept in 8 or 4 bits, with scales."""
from __future__ import annotations

from kgraph import ops
from kgraph.layers.base import Layer
from kgraph.quantizers.configs import QuantizationConfig, config_for
from kgraph.quantizers.quantizer import AbsMaxQuantizer
from kgraph.quantizers.storage import Bytes, Groups, Nibbles
from kgraph.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Holder", "Quantizable"]


class Quantizable(Layer):
    """The base of layers with a main weight (named by ``_adapted``) that `quantize` replaces by small integers.

    A class that can do it says ``_quantizes = True``; its subclasses may not. It makes its weights by _make_quantized
    where quantization_mode is set, and its outputs by _quantized_product. What it overrides: _storage_of, which says
    how a weight is kept; _linear and what follows, the product.
    """

    _quantizes = False
    _modes = ("int8", "int4")
    quantization_config = None
    _adapted: str

    def __init__(self, *args, quantization_config=None, **kwargs):
        super().__init__(*args, **kwargs)
        self._take_quantization(quantization_config)

    def _take_quantization(self, config):
        config = deserialize_keras_object(config) if isinstance(config, dict) else config
        if config is not None and not isinstance(config, QuantizationConfig):
            raise ValueError(f"layer {self.name!r}: expected quantization_config to be a QuantizationConfig, received "
                             f"{config!r}")
        self.quantization_config = config

    @property
    def quantization_mode(self) -> str | None:
        """``"int8"``, ``"int4"``, ``"gptq"`` or ``"awq"``, None where weights are reals; ``"float8"`` where training
        rounds them."""
        return getattr(self._policy(), "quantization_mode", None)

    @property
    def _is_packed(self) -> bool:
        """Whether the large weights are kept as small integers."""
        return self.quantization_mode not in (None, "float8")

    def _policy(self):
        """The layer's own policy, where it has those of several layers."""
        return self.dtype_policy.of(self.__dict__.get("path"))

    def quantize(self, mode=None, type_check=True, config=None):
        """Keep the large weights in fewer bits from now on: with 8 a quarter of the memory, with 4 an eighth; with mode
        "int8", products of integers.

        Compile the model again afterwards. Raises ValueError before the layer is built, the second time and with LoRA,
        NotImplementedError for other modes and for subclasses (unless type_check is False).

        Args:
            mode: "int8" or, not for recurrent and separable layers, "int4"; of Dense and EinsumDense also "float8", in
                which they train, and "gptq" and "awq", which want a config and, to be more than plain rounding, a
                model's samples: see Model.quantize
            config: an Int8QuantizationConfig or Int4QuantizationConfig, where its settings are others than the mode's;
                a GPTQConfig or AWQConfig
        """
        self._quantize(config_for(mode, config), type_check)

    def _quantize(self, config, type_check=True, statistics=None):
        """quantize(), by what is known of the inputs."""
        self._check_quantizes(config, type_check)
        before = {name: self.__dict__[self._place(name)] for name in self._large()}
        policy, rounding = config._policy(self._policy().name), config._rounding(statistics)
        values = {n: self._storage(n, tuple(v.shape), policy, config).quantized(ops.convert_to_tensor(v), rounding)
                  for n, v in before.items()}
        self.dtype_policy = policy
        self.quantization_config = config
        self._added_weights = tuple(v for v in self._added_weights if not any(v is b for b in before.values()))
        self._make_quantized({n: v.shape for n, v in before.items()})
        for name in before:
            for variable, value in zip(self._kept_in(name).values(), values[name].values(), strict=True):
                variable.assign(value)

    def _check_quantizes(self, config, type_check):
        if config.mode not in self._modes:
            raise NotImplementedError(f"layer {self.name!r}: expected mode {' or '.join(map(repr, self._modes))}, "
                                      f"received {config.mode!r}")
        if not self._quantizes or type_check and "_quantizes" not in vars(type(self)):
            raise NotImplementedError(f"layer {self.name!r}: {type(self).__name__} does not say how it is quantized")
        if not self.built or self.quantization_mode is not None or getattr(self, "lora_enabled", False):
            state = "one that is not built" if not self.built else "one with LoRA" if self.quantization_mode is None \
                else "one that is quantized"
            raise ValueError(f"layer {self.name!r}: expected a layer that is built, with reals as weights, for "
                             f"quantize; received {state}")

    # --- variables ------------------------------------------------------------------------------------------------

    def _large(self) -> tuple:
        """The names of the weights that are quantized: the main one first."""
        return (self._adapted,)

    def _place(self, name: str) -> str:
        """The attribute with the variable, or the integers in its place."""
        return getattr(getattr(type(self), name, None), "place", name)   # of an Adapted; see lora.py

    def _storage(self, name, shape: tuple, policy, config):
        """How a weight of that shape is kept under a policy, with a config or None."""
        mode = policy.quantization_mode
        if mode in ("gptq", "awq"):
            return Groups(shape, self._matrix(shape), policy.weight_bits, _whole(policy.group_size), mode == "awq")
        return self._storage_of(name, shape, mode, _whole(getattr(policy if config is None else config, "block_size",
                                                                  None)))

    def _matrix(self, shape: tuple) -> tuple:
        """(rows, columns) of the matrix that a weight of that shape is, a row for each input."""
        return shape

    def _as_rows(self, x):
        """The inputs as an array of [..., rows]."""
        return x

    def _storage_of(self, name: str, shape: tuple, mode: str, block):
        """With int8 and int4: by default scales are shared along all axes but the last."""
        if mode == "int8":
            return Bytes(shape, tuple(range(len(shape) - 1)))
        return Nibbles(shape, shape, block=block)

    def _make_quantized(self, shapes: dict):
        """The variables of a layer that is quantized, from its beginning or from now on. shapes: of its weights."""
        self._storages = {}
        for name, shape in shapes.items():
            kept = self._storage(name, tuple(shape), self._policy(), self.quantization_config)
            self._storages[name] = kept
            for end, (size, initializer, dtype) in kept.variables().items():
                variable = self.add_weight(size, initializer, dtype, trainable=False, name=_full(name, end))
                setattr(self, self._place(name) if not end else _full(name, end), variable)

    def _kept_in(self, name: str) -> dict:
        """{end of the name: variable} of a quantized weight."""
        return {end: getattr(self, _full(name, end)) if end else self.__dict__[self._place(name)]
                for end in self._storages[name].variables()}

    def _values(self, name: str) -> dict:
        """The same; where a weight has no index of groups, with the main one's."""
        found = self._kept_in(name)
        return found if "_zero" not in found else {"g_idx": self.g_idx, **found}

    def _real(self, name: str):
        """The weight that its integers stand for."""
        return self._storages[name].real(self._values(name), self.compute_dtype)

    def _stored_variables(self):
        """With scales: the main weight first, where it leads, what else there is, then the scales."""
        own = super()._stored_variables()
        if not self._is_packed or not self.built:
            return own
        kept = [v for name in self._storages for v in self._kept_in(name).values()]
        first = int(self._storages[self._large()[0]].leads)
        return [*kept[:first], *(v for v in own if not any(v is k for k in kept)), *kept[first:]]

    # --- products -------------------------------------------------------------------------------------------------

    _input_axes = -1   # of the inputs: those along which a scale is shared

    def _linear(self, inputs, weight, name=None):
        """What the layer makes of inputs and a weight, by default the main one, before the bias."""
        return ops.matmul(inputs, weight)

    def _linear_back(self, upstream, weight, name=None, inputs=None):
        """The gradient of the inputs of _linear, which had these inputs."""
        return ops.matmul(upstream, ops.transpose(weight))

    def _beside_filters(self, scale):
        """Scales of a weight's columns as they stand beside the outputs."""
        return scale

    def _beside_outputs(self, scale):
        """Scales of the inputs as they stand beside the outputs."""
        return scale

    def _activation_quantizer(self):
        if self.quantization_config is None and self.quantization_mode == "int8":
            return AbsMaxQuantizer()
        return None if self.quantization_config is None else self.quantization_config.activation_quantizer

    def _quantized_product(self, inputs, name=None, quantizer=None):
        """_linear with a quantized weight: inputs become int8 too, sums are exact, the scales come last. With 4 bits,
        and where inputs stay real, the product is one of reals."""
        name, quantizer = name or self._adapted, quantizer or self._activation_quantizer()
        small, dtype = self._storages[name], self.compute_dtype

        @ops.custom_gradient
        def product(inputs, *values):
            values = dict(zip(self._values(name), values))

            def gradient(upstream):
                return (self._linear_back(upstream, small.real(values, dtype), name, inputs),
                        *(None for _ in values))
            integers, scale = (inputs, None) if quantizer is None else quantizer(inputs, axis=self._input_axes)
            if scale is None or isinstance(small, Nibbles):
                outputs = self._linear(ops.cast(integers, dtype), small.real(values, dtype), name)
            else:
                outputs = ops.cast(self._linear(integers, values[""], name), _wide(dtype))
                outputs = outputs * self._beside_filters(ops.reciprocal(values["_scale"]))
            if scale is not None:
                outputs = outputs * self._beside_outputs(ops.reciprocal(scale))
            return ops.cast(outputs, dtype), gradient
        return product(inputs, *self._values(name).values())

    def get_config(self):
        config = super().get_config()
        if self.quantization_config is not None:
            config["quantization_config"] = serialize_keras_object(self.quantization_config)
        return config


class Holder(Layer):
    """The base of layers whose large weights are those of layers in them."""

    def quantize(self, mode=None, type_check=True, config=None):
        """quantize() of the layers inside.

        Args:
            mode, type_check, config: as there.
        """
        config = config_for(mode, config)
        for layer in self._sublayers():
            layer.quantize(type_check=type_check, config=config)


def _wide(dtype: str) -> str:
    """The type that sums of int8 are scaled in."""
    return "float64" if dtype == "float64" else "float32"


def _whole(block):
    """A block size, None where all numbers are one block."""
    return None if block == -1 else block


def _full(name: str, end: str) -> str:
    """The name of what belongs to a weight: see Bytes.variables."""
    return name + end if end.startswith("_") else end or name
