"""How a layer keeps one weight in 8 or 4 bits: which variables hold it, what is in them, and the weight that they
stand for. Files have these variables as Keras has them."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kgraph import ops
from kgraph.quantizers.functions import abs_max_quantize_grouped_with_zero_point, pack_int4, unpack_int4
from kgraph.quantizers.quantizer import AbsMaxQuantizer

__all__ = ["Bytes", "Groups", "Nibbles"]


def _in_turn(group):
    """The initializer of what says which group each place belongs to."""
    return lambda shape, dtype: (np.arange(shape[0]) // (group or shape[0])).astype(dtype)


@dataclass(frozen=True)
class Bytes:
    """A weight in int8.

    Args:
        shape: of the weight
        axes: those along which its numbers share a scale, counted from 0
        kept: the other axes, in the order that the scales have; None: in their own order
        scales: the shape of the scales, with axes of size 1 where they meet others; None: the sizes of the kept axes
    """

    shape: tuple
    axes: tuple
    kept: tuple | None = None
    scales: tuple | None = None
    leads = True   # whether files have it before other variables

    @property
    def order(self) -> tuple:
        return tuple(i for i in range(len(self.shape)) if i not in self.axes) if self.kept is None else self.kept

    def variables(self) -> dict:
        """{end of the name: (shape, initializer, dtype)}; the weight itself has no end, what begins without _ is a
        whole name, None is the layer's dtype."""
        scales = tuple(self.shape[i] for i in self.order) if self.scales is None else self.scales
        return {"": (self.shape, "zeros", "int8"), "_scale": (scales, "ones", None)}

    def quantized(self, weight, quantizer=None) -> dict:
        """What the variables hold for a weight."""
        value, scale = (quantizer or AbsMaxQuantizer(axis=self.axes))(weight)
        own = sorted(self.order)
        scale = ops.transpose(ops.squeeze(scale, self.axes), tuple(own.index(i) for i in self.order))
        return {"": value, "_scale": ops.reshape(scale, self.variables()["_scale"][0])}

    def real(self, values: dict, dtype: str):
        """The weight that some values of the variables stand for."""
        order = self.order
        scale = ops.reshape(values["_scale"], tuple(self.shape[i] for i in order))
        scale = ops.expand_dims(ops.transpose(scale, tuple(order.index(i) for i in sorted(order))), self.axes)
        return ops.cast(values[""], dtype) / ops.cast(scale, dtype)

    def rows(self, values: dict, dtype: str):
        """The same for some rows of a table, whose scales are shared along the last axis: values[""] is
        [..., columns]."""
        return ops.cast(values[""], dtype) / ops.cast(ops.expand_dims(values["_scale"], -1), dtype)


@dataclass(frozen=True)
class Nibbles:
    """A weight in 4 bits, two numbers in a byte.

    Args:
        shape: of the weight
        flat: of the matrix that it is quantized as
        axis: of that matrix, 0 or -1: along which numbers share a scale, or some of them that follow each other
        packed: its axis, 0 or -1, along which two numbers are put into a byte
        block: how many numbers share a scale and a zero point; None: all, without a zero point
        indexed: whether a variable says which group each place on the axis belongs to
    """

    shape: tuple
    flat: tuple
    axis: int = 0
    packed: int = -1
    block: int | None = None
    indexed: bool = True
    leads = True

    def variables(self) -> dict:
        """See Bytes."""
        packed = [-(-n // 2) if i == self.packed % 2 else n for i, n in enumerate(self.flat)]
        others, size = self.flat[1 + self.axis], self.flat[self.axis]
        found = {"": (tuple(packed), "zeros", "int8")}
        if self.block is None:
            return {**found, "_scale": ((others,), "ones", None)}
        groups = math.ceil(size / self.block)
        scales = (groups, others) if self.axis == 0 else (others, groups)
        index = {"g_idx": ((size,), _in_turn(self.block), "float32")} if self.indexed else {}
        return {**found, "_scale": (scales, "ones", None),
                "_zero": (scales, "zeros", "int8" if self.indexed else None), **index}

    def quantized(self, weight, quantizer=None) -> dict:
        """See Bytes."""
        matrix = ops.reshape(weight, self.flat)
        if self.block is None:
            value, scale = (quantizer or AbsMaxQuantizer(axis=self.axis, value_range=(-8, 7)))(matrix)
            found = {"_scale": ops.squeeze(scale, self.axis)}
        else:
            turned = ops.transpose if self.axis else lambda x: x
            value, scale, zero = map(turned, abs_max_quantize_grouped_with_zero_point(turned(matrix), self.block))
            index = ops.cast(ops.arange(self.flat[self.axis]) // self.block, "float32")
            found = {"_scale": scale, "_zero": zero, **({"g_idx": index} if self.indexed else {})}
        return {"": pack_int4(value, self.packed)[0], **found}

    def real(self, values: dict, dtype: str):
        """See Bytes."""
        return ops.reshape(self.rows(values, dtype), self.shape)

    def rows(self, values: dict, dtype: str):
        """See Bytes."""
        numbers = ops.cast(unpack_int4(values[""], self.flat[self.packed], self.packed), dtype)
        scale = ops.cast(values["_scale"], dtype)
        if self.block is None:
            return numbers / ops.expand_dims(scale, self.axis)
        groups = ops.cast(values["g_idx"], "int32")
        zero = ops.cast(ops.take(values["_zero"], groups, axis=self.axis), dtype)
        return (numbers - zero) * ops.take(scale, groups, axis=self.axis)


@dataclass(frozen=True)
class Groups:
    """A weight as GPTQ and AWQ round it: small numbers from 0 on, with scales and zero points.

    Args:
        shape: of the weight
        flat: (rows, columns) of the matrix that it is rounded as, a row for each input
        bits: of a number; with 4, two are put into a byte
        group: how many rows share a scale and a zero point; None: all
        factors: whether each row is divided by a number of its own
    """

    shape: tuple
    flat: tuple
    bits: int
    group: int | None
    factors: bool
    leads = False

    def variables(self) -> dict:
        """See Bytes."""
        rows, columns = self.flat
        scales = (columns, 1 if self.group is None else math.ceil(rows / self.group))
        packed = -(-columns // 2) if self.bits == 4 else columns
        factors = {"awq_scales": ((rows,), "ones", None)} if self.factors else {}
        return {"": ((packed, rows), "zeros", "uint8"), "_scale": (scales, "ones", None),
                "_zero": (scales, "zeros", "uint8"), **factors, "g_idx": ((rows,), _in_turn(self.group), "float32")}

    def quantized(self, weight, rounding) -> dict:
        """See Bytes. rounding: the matrix -> a sampled.Rounded."""
        found = rounding(ops.convert_to_numpy(weight).reshape(self.flat))
        numbers = found.numbers.T.astype("uint8")
        values = {"": pack_int4(numbers, dtype="uint8")[0] if self.bits == 4 else numbers, "_scale": found.scales.T,
                  "_zero": found.zeros.T.astype("uint8"), "awq_scales": found.factors, "g_idx": found.groups}
        return {end: ops.convert_to_tensor(values[end]) for end in self.variables()}

    def real(self, values: dict, dtype: str):
        """See Bytes."""
        numbers = values[""]
        if self.bits == 4:
            numbers = unpack_int4(numbers, self.flat[1], dtype="uint8")
        groups = ops.cast(values["g_idx"], "int32")
        scale, zero = (ops.take(ops.transpose(ops.cast(values[end], dtype)), groups, axis=0)
                       for end in ("_scale", "_zero"))
        weight = (ops.cast(ops.transpose(numbers), dtype) - zero) * scale
        if self.factors:
            weight = weight / ops.expand_dims(ops.cast(values["awq_scales"], dtype), -1)
        return ops.reshape(weight, self.shape)
