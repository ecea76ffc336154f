"""Values with a gradient that the user's program gives."""
from __future__ import annotations

import numpy as np

from kgraph.compiler.primitive import Primitive


def _infer(*types, recipe, counts):
    return tuple(types[:counts[0]])


def _vjp(ct, out, *inputs, recipe, counts):
    outputs, sources = counts
    grads = recipe(ct if isinstance(ct, tuple) else (ct,), inputs[outputs + sources:])
    return (*(None,) * outputs, *grads, *(None,) * (len(inputs) - outputs - sources))


# inputs: outputs, sources, residuals, as many as counts says of the first two; the outputs are the results.
# recipe: (cotangents of the outputs, residuals) -> those of the sources
custom_p = Primitive(
    "custom", "composite", _infer, lambda *xs, recipe, counts: tuple(np.asarray(x) for x in xs[:counts[0]]), _vjp,
    lambda *xs, recipe, counts: tuple(xs[:counts[0]]),
    # of integers, as no difference tells a gradient that the program made up
    lambda rng: [([x * 2, x], {"recipe": None, "counts": (1, 1)}) for x in (rng.integers(0, 9, (3,)).astype("int32"),)])
