"""What a layer accepts as its input: rank, sizes and dtype."""
from __future__ import annotations

from dataclasses import dataclass, field

from kgraph import tree
from kgraph.graph import shape_with_none

__all__ = ["InputSpec", "check_inputs"]


@dataclass
class InputSpec:
    """Conditions on one input; None means anything.

    ndim, min_ndim, max_ndim rank

    Args:
        axes: {axis: size}.
        dtype: a NumPy name.
        allow_last_axis_squeeze: a last axis of size 1 may be missing, or be there in addition.
        shape: sizes, None for any
        ndim, min_ndim, max_ndim: the rank, or bounds of it.
        name: of the input, where they are told apart by name.
        optional: whether it may be None.
    """

    dtype: str | None = None
    shape: tuple | None = None
    ndim: int | None = None
    max_ndim: int | None = None
    min_ndim: int | None = None
    axes: dict | None = field(default_factory=dict)
    allow_last_axis_squeeze: bool = False
    name: str | None = None
    optional: bool = False

    def __post_init__(self):
        if self.shape is not None:
            self.shape = shape_with_none(self.shape)
            self.ndim = len(self.shape)
        self.axes = {int(k): v for k, v in (self.axes or {}).items()}

    def problem(self, shape: tuple, dtype: str) -> str | None:
        """What is expected and does not hold for this shape (None where unknown), or None.

        Args:
            shape: of an input.
        """
        n = len(shape)
        if self.ndim is not None and not self.allow_last_axis_squeeze and n != self.ndim:
            return f"ndim={self.ndim}"
        if self.max_ndim is not None and n > self.max_ndim:
            return f"max_ndim={self.max_ndim}"
        if self.min_ndim is not None and n < self.min_ndim:
            return f"min_ndim={self.min_ndim}"
        if self.dtype is not None and dtype != self.dtype:
            return f"dtype={self.dtype}"
        for axis, size in self.axes.items():
            if not -n <= axis < n or _differ(size, shape[axis]):
                return f"axis {axis} of size {size}"
        if self.shape is not None and not self._fits(shape):
            return f"shape={self.shape}"
        return None

    def _fits(self, shape):
        mine = self.shape
        if self.allow_last_axis_squeeze and len(mine) != len(shape):
            mine, shape = (s[:-1] if s and s[-1] == 1 else s for s in (mine, shape))
        return len(mine) == len(shape) and not any(map(_differ, mine, shape))

    def get_config(self) -> dict:
        """The settings, as plain data."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        """Another object of this class, from its settings.

        Args:
            config: what get_config gave.

        Returns:
            An InputSpec.
        """
        return cls(**config)


def check_inputs(spec, inputs, layer_name: str):
    """Raise ValueError naming the layer, what it expected and what it received, unless inputs meet the spec(s)."""
    specs = tree.flatten(spec)
    if isinstance(inputs, dict) and all(s is not None and s.name for s in specs):
        missing = [s.name for s in specs if s.name not in inputs]
        if missing:
            raise ValueError(f"layer {layer_name!r}: expected inputs named {[s.name for s in specs]}, received "
                             f"{sorted(inputs)}: {', '.join(missing)} missing")
        inputs = [inputs[s.name] for s in specs]
    tensors = tree.flatten(inputs)
    if len(tensors) != len(specs):
        raise ValueError(f"layer {layer_name!r}: expected {len(specs)} input(s), received {len(tensors)}")
    for position, (s, x) in enumerate(zip(specs, tensors)):
        if s is None or (x is None and s.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(f"layer {layer_name!r}: expected tensors as inputs, received {x!r}")
        shape = shape_with_none(x.shape)
        problem = s.problem(shape, str(x.dtype))
        if problem:
            which = f"input {position}" + (f" ({s.name})" if s.name else "")
            raise ValueError(f"layer {layer_name!r}: expected {problem} for {which}, received shape={shape}, "
                             f"ndim={len(shape)}, dtype={x.dtype}")


def _differ(a, b):
    return a is not None and b is not None and a != b
