"""Quantizers: what makes small integers and scales of tensors."""
from __future__ import annotations

from kgraph.config import epsilon as default_epsilon
from kgraph.quantizers.functions import abs_max_quantize

__all__ = ["AbsMaxQuantizer", "Quantizer"]


class Quantizer:
    """The base class: a call gives what it gets.

    Args:
        output_dtype: of the results
    """

    def __init__(self, output_dtype="int8"):
        self.output_dtype = output_dtype

    def __call__(self, x):
        return x

    def get_config(self) -> dict:
        """The settings, as plain data.

        Returns:
            A dict, which from_config takes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define get_config()")

    @classmethod
    def from_config(cls, config):
        """The quantizer that get_config described.

        Returns:
            A Quantizer.
        """
        return cls(**config)


class AbsMaxQuantizer(Quantizer):
    """(quantized, scale) by the largest magnitude along an axis: see abs_max_quantize.

    Raises ValueError for a range that the dtype cannot hold.

    Args:
        axis: by default the last, or what a call says
    """

    def __init__(self, axis=None, value_range=(-127, 127), epsilon=None, output_dtype="int8"):
        super().__init__(output_dtype)
        self.axis = (axis,) if isinstance(axis, int) else None if axis is None else tuple(axis)
        self.value_range = tuple(value_range)
        self.epsilon = default_epsilon() if epsilon is None else epsilon
        if output_dtype == "int8" and not -128 <= self.value_range[0] <= self.value_range[1] <= 127:
            raise ValueError("AbsMaxQuantizer: expected a value_range within (-128, 127) for int8, received "
                             f"{value_range}")

    def __call__(self, x, axis=None, to_numpy=False):
        axis = next(a for a in (axis, self.axis, -1) if a is not None)
        return abs_max_quantize(x, axis, self.value_range, self.output_dtype, self.epsilon, to_numpy)

    def get_config(self):
        axis = {} if self.axis is None else {"axis": self.axis}
        return {"value_range": self.value_range, "epsilon": self.epsilon, "output_dtype": self.output_dtype, **axis}
