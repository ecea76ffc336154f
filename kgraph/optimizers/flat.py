"""Variables side by side in one flat buffer, seen as one: what lets an update of many weights be one kernel."""
from __future__ import annotations

from itertools import groupby
from typing import Any

from kgraph import ops
from kgraph.compiler.ir import TensorLike
from kgraph.compiler.loopnest.dtypes import DTYPES
from kgraph.variable import flatten

__all__ = ["Run", "Seen", "Wide", "flatten_together", "homeless", "in_float32", "runs"]


class Run(TensorLike):
    """Variables that lie one after the other in one home, as a vector with ``value`` and ``assign``."""

    def __init__(self, variables):
        first, last = variables[0], variables[-1]
        self.variables = tuple(variables)
        self.home = first.home
        self.start, self.stop = first.offset, last.offset + last.size
        self.shape = (self.stop - self.start,)
        self.dtype = first.dtype
        self.path = self.home.path

    @property
    def whole(self) -> bool:
        """Whether it is all of its home."""
        return self.start == 0 and self.stop == self.home.size

    @property
    def ndim(self):
        return 1

    @property
    def value(self):
        flat = self.home.value
        return flat if self.whole else flat[self.start:self.stop]

    __kgraph_value__ = value.fget

    def assign(self, value):
        """Replace the contents of all its variables by a vector."""
        if not self.whole:
            flat = self.home.value
            value = ops.concatenate([flat[:self.start], value, flat[self.stop:]], axis=0)
        return self.home.assign(value)

    def gather(self, values):
        """One vector out of one array for each of its variables."""
        parts = [ops.reshape(v, (-1,)) for v in values]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=0)


class Seen(TensorLike):
    """What update rules compute with in the place of a Variable or Run (``stored``)."""

    def __init__(self, stored: Any):
        self.stored: Any = stored

    def __getattr__(self, name: str) -> Any:
        if name == "stored":
            raise AttributeError(name)
        return getattr(self.stored, name)

    def alike(self, stored: Any) -> Seen:
        """Another Variable, or a Run, seen in the same way."""
        return type(self)(stored)


class Wide(Seen):
    """A Variable or Run of 16 bits as float32. assign() rounds."""

    dtype = "float32"

    @property
    def value(self):
        return ops.cast(self.stored.value, self.dtype)

    __kgraph_value__ = value.fget

    def assign(self, value):
        return self.stored.assign(ops.cast(value, self.stored.dtype))


def in_float32(variable):
    """The variable or Run, as float32 if it has 16 bits."""
    known = DTYPES.get(variable.dtype)
    return Wide(variable) if known is not None and known.is_narrow else variable


def runs(variables, companions=()) -> list:
    """variables in groups: lists that lie side by side in one home, and lists of one variable for the rest.

    companions: lists like `variables` (optimizer slots) that must lie side by side in the same way.
    """
    columns = list(zip(variables, *companions))
    groups = []
    for column in columns:
        if groups and all(_adjacent(a, b) for a, b in zip(groups[-1][-1], column)):
            groups[-1].append(column)
        else:
            groups.append([column])
    return [[column[0] for column in group] for group in groups]


def homeless(variables) -> list:
    """Those of the variables that have no home, dtype by dtype, where there are several of one."""
    free = sorted((v for v in variables if v.home is None), key=lambda v: v.dtype)
    return [same for _, group in groupby(free, key=lambda v: v.dtype) if len(same := list(group)) > 1]


def flatten_together(variables, name):
    """Give those of the variables that have no home a common one, dtype by dtype."""
    for same in homeless(variables):
        flatten(same, f"{name}_{same[0].dtype}")


def _adjacent(a, b):
    return a.home is not None and a.home is b.home and a.offset + a.size == b.offset
