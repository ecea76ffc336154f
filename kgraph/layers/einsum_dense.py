"""EinsumDense: a product with a kernel that an einsum equation describes."""
from __future__ import annotations

import math
import re

from kgraph import activations, initializers, ops
from kgraph.layers.float8 import TrainsInFloat8
from kgraph.layers.input_spec import InputSpec
from kgraph.layers.lora import Adapted
from kgraph.layers.weighted import Weighted
from kgraph.quantizers.storage import Bytes, Nibbles

__all__ = ["EinsumDense"]


class EinsumDense(TrainsInFloat8, Weighted):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: "ab,bc->ac", or with ... first or last in inputs and outputs
        output_shape: without the batch axis (and without what ... stands for); None where the input's size is taken
        bias_axes: letters of the output along which there is a bias; None: no bias
        lora_rank, lora_alpha: train a product of that rank in place of the kernel: see enable_lora
        gptq_unpacked_column_size: in files: how many columns the kernel has as the matrix that GPTQ rounded

    Example:
        >>> layers.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d")(np.ones((2, 5, 4), "float32")).shape
        (2, 5, 8)
    """

    _told = ("activity_regularizer", "quantization_config")
    kernel = Adapted()
    _quantizes = True

    def __init__(self, equation, output_shape, activation=None, bias_axes=None, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, lora_rank=None, lora_alpha=None, gptq_unpacked_column_size=None,
                 quantization_config=None, **kwargs):
        super().__init__(**kwargs)
        self._take_lora(lora_rank, lora_alpha, quantization_config)
        self.equation = equation
        self.gptq_unpacked_column_size = gptq_unpacked_column_size
        self.partial_output_shape = (output_shape,) if hasattr(output_shape, "__index__") else tuple(output_shape)
        self.activation, self.bias_axes = activations.get(activation), bias_axes
        self._describe(kernel=(kernel_initializer, kernel_regularizer, kernel_constraint),
                       bias=(bias_initializer, bias_regularizer, bias_constraint))

    def build(self, input_shape):
        shapes = _Shapes(self, input_shape)
        self.input_spec = InputSpec(ndim=len(input_shape))
        kernel_initializer = self.kernel_initializer
        if isinstance(kernel_initializer, initializers.VarianceScaling) and kernel_initializer.input_axes is None:
            config = {**kernel_initializer.get_config(), "seed": kernel_initializer.seed,
                      "input_axes": shapes.input_axes, "output_axes": shapes.output_axes}
            kernel_initializer = type(kernel_initializer).from_config(config)
        if self._is_packed:
            self._make_quantized({"kernel": shapes.kernel})
        else:
            self.kernel = self._make("kernel", shapes.kernel, kernel_initializer)
        self.bias = None if self.bias_axes is None else self._make("bias", shapes.bias)

    def call(self, inputs):
        outputs = self._linear(inputs, self.kernel) if self.quantization_mode is None else self._quantized(inputs)
        if self.bias is not None:
            outputs = outputs + self._added_bias()
        return outputs if self.activation is None else self.activation(outputs)

    # --- quantized ------------------------------------------------------------------------------------------------

    def _letters(self) -> tuple:
        """The letters of inputs, kernel and outputs, digits for the axes that ... stands for."""
        inputs, weight, outputs = re.split(",|->", self.equation.replace(" ", ""))
        elided = "".join(map(str, range(self.input_spec.ndim - len(inputs.replace("...", "")))))
        return inputs.replace("...", elided), weight, outputs.replace("...", elided)

    def _storage_of(self, name, shape, mode, block):
        _, weight, outputs = self._letters()
        summed = tuple(i for i, x in enumerate(weight) if x not in outputs)
        if mode == "int8":
            kept = tuple(weight.index(x) for x in outputs if x in weight)
            return Bytes(shape, summed, kept, tuple(shape[weight.index(x)] if x in weight else 1 for x in outputs))
        rows = math.prod(shape[i] for i in summed)
        return Nibbles(shape, (rows, math.prod(shape) // rows), block=block)

    def _matrix(self, shape):
        _, weight, outputs = self._letters()
        summed = [i for i, x in enumerate(weight) if x not in outputs]
        if summed != list(range(len(summed))):
            raise NotImplementedError(f"layer {self.name!r}: expected an equation whose kernel has those letters first "
                                      f"that its outputs lack, for GPTQ and AWQ, received {self.equation!r}")
        columns = self.gptq_unpacked_column_size or math.prod(shape[len(summed):])
        return math.prod(shape) // columns, columns

    def _as_rows(self, x):
        inputs, weight, outputs = self._letters()
        summed = [inputs.index(letter) for letter in weight if letter not in outputs]
        kept = [i for i in range(x.ndim) if i not in summed]
        return x.transpose([*kept, *summed]).reshape(*(x.shape[i] for i in kept), -1)

    @property
    def _input_axes(self):
        inputs, _, outputs = self._letters()
        return tuple(i for i, x in enumerate(inputs) if x not in outputs)

    def _linear(self, inputs, weight, name=None):
        return ops.einsum(self.equation, inputs, weight)

    def _linear_back(self, upstream, weight, name=None, inputs=None):
        inputs, letters, outputs = self.equation.replace(" ", "").replace("->", ",").split(",")
        return ops.einsum(f"{outputs},{letters}->{inputs}", upstream, weight)

    def _beside_outputs(self, scale):
        inputs, _, outputs = self._letters()
        kept = [x for x in inputs if x in outputs]
        scale = ops.transpose(ops.squeeze(scale, self._input_axes), [kept.index(x) for x in outputs if x in kept])
        return ops.expand_dims(scale, tuple(i for i, x in enumerate(outputs) if x not in kept))

    def _added(self, inputs):
        _, weight, outputs = self._letters()
        if weight[-1] == outputs[-1]:
            return super()._added(inputs)
        return self._linear(inputs, self._product())

    def get_config(self):
        columns = {"gptq_unpacked_column_size": self._storages["kernel"].flat[1]} if self.built and \
            self.quantization_mode == "gptq" else {}
        return {**super().get_config(), "output_shape": self.partial_output_shape,
                **self.settings("equation", "activation", "bias_axes"), **columns}


class _Shapes:
    """What an equation says for inputs of a shape: the shapes of kernel and bias, and which axes of the kernel are
    inputs and outputs."""

    def __init__(self, layer, input_shape):
        self.where = f"layer {layer.name!r}: equation {layer.equation!r}"
        form = layer.equation.replace(" ", "")
        match = (re.fullmatch(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?", form))
        odd = match and (bool(match[1]) != bool(match[5]) or bool(match[3]) != bool(match[7]) or match[1] and match[3])
        if match is None or odd:
            raise ValueError(f"{self.where}: expected the form ab,bc->ac, ...ab,bc->...ac or ab...,bc->ac...")
        inputs, weights, outputs = match[2], match[4], match[6]
        elided = len(input_shape) - len(inputs)
        if elided < 0 or elided and not (match[1] or match[3]):
            raise ValueError(f"{self.where}: expected inputs of {len(inputs)} axes, received shape {input_shape}")
        sizes = dict(zip(inputs, input_shape[elided:] if match[1] else input_shape))
        self._add_outputs(sizes, inputs, outputs, layer.partial_output_shape, bool(match[1]) and elided > 0)
        missing = [letter for letter in (*weights, *outputs) if letter not in sizes]
        if missing:
            raise ValueError(f"{self.where}: expected each letter of kernel and output in input or output, received "
                             f"{missing[0]!r}")
        self.kernel = tuple(sizes[letter] for letter in weights)
        self.output_axes = [i for i, letter in enumerate(weights) if letter in outputs]
        self.input_axes = [i for i, letter in enumerate(weights) if letter not in outputs]
        if layer.bias_axes is not None:
            self.bias = self._bias_shape(layer.bias_axes, outputs, sizes, elided if match[3] else 0)

    def _add_outputs(self, sizes, inputs, outputs, partial, batch_elided):
        """Sizes of the output's letters: the given shape lacks the batch axis, which is the first letter unless
        elided."""
        letters = outputs if batch_elided else outputs[1:]
        if len(partial) != len(letters):
            raise ValueError(f"{self.where}: expected an output_shape of {len(letters)} sizes, received {partial}")
        for letter, size in zip(letters, partial):
            known = sizes.get(letter)
            if letter in inputs and None not in (known, size) and known != size:
                raise ValueError(f"{self.where}: expected size {known} of {letter!r} in output_shape, received {size}")
            sizes[letter] = known if size is None else size

    def _bias_shape(self, bias_axes, outputs, sizes, elided):
        wrong = [letter for letter in bias_axes if letter not in outputs]
        if wrong:
            raise ValueError(f"{self.where}: expected bias_axes among the output's {outputs!r}, received {wrong[0]!r}")
        first = min(outputs.index(letter) for letter in bias_axes)
        return tuple(sizes[letter] if letter in bias_axes else 1 for letter in outputs[first:]) + (1,) * elided
