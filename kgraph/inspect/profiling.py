"""Where the time of a model's step goes, kernel by kernel, beside what this machine can do."""
from __future__ import annotations

import numpy as np

from kgraph.inspect import displays
from kgraph.inspect.programs import compiled_step, made_up
from kgraph.runtime import profile as native
from kgraph.training.compiled_step import leaves_of
from kgraph.training.data import as_data

__all__ = ["Profile", "profile"]


class Profile:
    """`rows` (kgraph.runtime.profile.Row) of one step in execution order; str() is a table, longest first."""

    def __init__(self, which, rows, limits):
        self.which, self.rows, self.limits = which, tuple(rows), limits

    @property
    def seconds(self) -> float:
        """Of all kernels together."""
        return sum(r.seconds for r in self.rows)

    def _repr_html_(self):
        return displays.profile(self)

    def __str__(self):
        most = self.limits
        lines = [f"{self.which} step: {self.seconds * 1e6:.1f} us in {len(self.rows)} kernels. {most.threads} "
                 f"thread{'s' * (most.threads > 1)} of this machine reach {most.float32 / 1e9:.0f} GFLOP/s and "
                 f"{most.bandwidth / 1e9:.1f} GB/s",
                 f"{'us':>8} {'of all':>6} {'GFLOP/s':>8} {'GB/s':>7} {'limit':>5}  kernel: layers"]
        for r in sorted(self.rows, key=lambda r: -r.seconds):
            part = r.seconds / max(self.seconds, 1e-12)
            lines.append(f"{r.seconds * 1e6:8.2f} {part:6.1%} {r.gflops:8.2f} {r.gbytes:7.2f} {r.share:5.0%}  "
                         f"{r.name}: {', '.join(r.scopes)}")
        return "\n".join(lines)


def profile(model, x=None, y=None, which=None, repeats=20) -> Profile:
    """Time the kernels of one step on a batch. The model's weights and states keep their values.

    Raises RuntimeError where there are no kernels: without a JIT.

    Args:
        x, y: a batch; without, 32 rows of zeros for a functional model
        which: train (with y) or predict (without), unless said; "test" too
    """
    if x is None:
        which = which or ("train" if model.compiled else "predict")
        x, y = made_up(model, which, rows=32)
    which = which or ("predict" if y is None else "train")
    step = compiled_step(model, which, x, y)
    if step.executable is None:
        raise RuntimeError("profile: there are no kernels to time: KGRAPH_DISABLE_JIT is set, or numba is missing")
    data = as_data(x, y if which != "predict" else None)
    arrays = [np.ascontiguousarray(a) for a in leaves_of(data)]
    return Profile(which, native.profile(step.executable, arrays, step.extents(arrays), repeats), native.limits())
