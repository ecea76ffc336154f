"""`Formula`: a function of the language as statements of it, written by calling a plain function on `Local`s.

    def rsqrt(x):
        return 1.0 / sqrt(x)            (x: f32)
                                          let t1: f32 = sqrt(x)
                                          let t2: f32 = 1.0 / t1
                                          return t2

Arithmetic in a formula keeps the dtype of its operands: literals have it, and integers wrap in it. Nothing is
rearranged. codegen.intrinsics writes formulas in LLVM instructions, interpret.py runs them.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass

from kgraph.compiler.loopnest.builder import Builder, settled
from kgraph.compiler.loopnest.dtypes import DTYPES, DType, short_name
from kgraph.compiler.loopnest.language import OPERATORS, result_of
from kgraph.compiler.loopnest.nodes import Call, Expression, Name, Number, format_statements

__all__ = ["Formula", "Local", "apply", "differ", "equal", "like", "where", "written"]


@dataclass(frozen=True, eq=False)
class Formula:
    """parameters: Names; body: statements; result: a Name of these, or a Number."""

    parameters: tuple
    body: tuple
    result: Expression

    def __str__(self):
        head = ", ".join(f"{p.name}: {short_name(p.dtype)}" for p in self.parameters)
        return "\n".join([f"({head})", *format_statements(self.body, "  "), f"  return {self.result!s}"])


@dataclass(frozen=True, eq=False, slots=True)
class Local(Expression):
    """A value of a formula that is being written: what Python's operators, or `apply`, make of it is the next one."""

    atom: Expression  # a Name or a Number
    writer: Writer

    @property
    def dtype(self) -> str:
        return self.atom.dtype

    @property
    def type(self) -> DType:
        return DTYPES[self.dtype]

    def _call(self, function, *operands) -> Local:
        return self.writer.value(function, operands)

    def changes(self, name: str) -> Local:
        """A local of that name, which becomes this, now or again."""
        return Local(self.writer.let(name, self.atom), self.writer)


class Writer(Builder):
    """The statements of a formula of operands of these dtypes."""

    def __init__(self, dtypes):
        names = "xyz"[:len(dtypes)]
        super().__init__(names)
        self.given = tuple(Local(Name(name, dtype), self) for name, dtype in zip(names, dtypes))

    def value(self, function: str, operands) -> Local:
        """The function of Locals and literals, as a local."""
        dtype = [x.dtype for x in operands if isinstance(x, Local)][-1]
        atoms = tuple(x.atom if isinstance(x, Local) else Number(x, dtype) for x in operands)
        if function not in OPERATORS and function != "neg":
            dtype = result_of(function, tuple(a.dtype for a in atoms))
        return Local(self.let(self.fresh("t"), Call(function, atoms, dtype)), self)

    def formula(self, result: Local) -> Formula:
        """All that was written."""
        return Formula(tuple(x.atom for x in self.given), settled(self._levels[0]), result.atom)


def written(write, dtypes) -> Formula:
    """The formula that the function makes of Locals of these dtypes."""
    writer = Writer(dtypes)
    return writer.formula(write(*writer.given))


def apply(function: str, *operands) -> Local:
    """A function of the language, of Locals and literals of which the last Local's dtype is that of the literals."""
    return next(x for x in operands if isinstance(x, Local)).writer.value(function, operands)


def like(x: Local, value) -> Local:
    """A literal of the dtype of x."""
    return Local(Number(value, x.dtype), x.writer)


equal, differ, where = (functools.partial(apply, name) for name in ("==", "!=", "where"))
