"""The table from primitives to ONNX: a rule for each one, or the reason why there is none."""
from __future__ import annotations

from kgraph.compiler.prims.collective import PHASES

__all__ = ["FOLDED", "REFUSED", "RULES", "rule"]

RULES: dict = {}  # name of a primitive -> rule(graph, op), which gives a Held for each output of the op

_PASSES = "it is made by the compiler's passes, and programs are exported before them"
_GRADIENT = "it computes gradients, which a prediction does not have"
_MATRICES = "ONNX has no operator for it: compute it outside of the model"

# Primitives without a meaning in ONNX -> the reason
REFUSED = {
    "random_bits": "ONNX promises no particular random numbers: leave the layer out, or call it with training=False",
    "host": "it runs in Python: leave it out of the model that is exported, and run it before or after",
    **dict.fromkeys((*PHASES, "own_rows"), "it speaks with other processes"),
    **dict.fromkeys(("fused", "panel_product", "conv_transformed", "windows", "pairs"), _PASSES),
    **dict.fromkeys(("conv_weight_grad", "max_pool_grad", "max_pool_pick", "sum_pool_grad", "sum_rows",
                    "put_rows"), _GRADIENT),
    **dict.fromkeys(("cholesky", "solve", "eigh", "lu", "eig", "qr", "svd"), _MATRICES),
}

FOLDED = 1 << 16  # bytes of a result that is computed when exporting although its inputs are smaller


def rule(*names):
    """A decorator: the rule of these primitives."""
    def note(function):
        for name in names:
            assert name not in RULES, f"{name} has two rules"
            RULES[name] = function
        return function
    return note
