"""`Domain`: the axes that a kernel walks, and how values lie on them."""
from __future__ import annotations

from dataclasses import dataclass, field

from kgraph.compiler.ir import Program
from kgraph.compiler.loopnest.elements import Probe, squeeze
from kgraph.compiler.loopnest.index import ORIGIN, Axis, Index

__all__ = ["ARG_SIGNS", "Domain", "probe_body"]

ARG_SIGNS = {"argmax": ">", "argmin": "<"}


@dataclass
class Domain:
    """The axes that a kernel walks, and which of them its reductions reduce (positions)."""

    sizes: tuple
    reduced: tuple = ()
    axes: list = field(init=False)

    def __post_init__(self):
        self.axes = [Axis(s, f"axis{i}") for i, s in enumerate(self.sizes)]
        self._positions = [Index.of(a) for a in self.axes]

    @property
    def parallel_axes(self) -> list:
        return [a for i, a in enumerate(self.axes) if i not in self.reduced]

    @property
    def reduction_axes(self) -> list:
        return [self.axes[i] for i in self.reduced]

    @property
    def parallel(self) -> tuple:
        return tuple(a.size for a in self.parallel_axes)

    def index(self, shape, parallel: bool) -> tuple:
        """The canonical position in a tensor of that shape: the domain's axes, 0 on axes of extent 1."""
        positions = iter(self._positions)
        if parallel:
            positions = (p for i, p in enumerate(self._positions) if i not in self.reduced)
        return tuple(ORIGIN if isinstance(s, int) and s == 1 else next(positions) for s in shape)

    def holds(self, shape) -> str | None:
        """"all" or "parallel" when a tensor of that shape lies on the domain, else None."""
        sizes = squeeze(shape)
        if sizes == self.sizes:
            return "all"
        return "parallel" if self.reduced and sizes == self.parallel else None


def probe_body(body: Program, domain: Domain) -> Probe:
    """All element reads of a body over its domain."""
    probe = Probe({o: op for op in body.ops for o in op.outputs})
    for op in body.ops:
        if op.prim.kind == "reduce":
            x = op.inputs[0]
            probe.element(x, domain.index(x.shape, parallel=False))
            if op.prim.lower in ARG_SIGNS:
                probe.at(domain.reduction_axes[0])
            out = op.outputs[0]
            probe.producers = {k: v for k, v in probe.producers.items() if k is not out}
    for out in body.outputs:
        probe.element(out, domain.index(out.shape, domain.holds(out.shape) == "parallel"))
    return probe
