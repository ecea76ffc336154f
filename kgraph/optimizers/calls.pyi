# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from collections.abc import Sequence
from typing import Any


class StatelessApply:
    def stateless_apply(self, optimizer_variables: Any, grads: Sequence[Any], trainable_variables: Sequence[Any]) -> tuple[Any, ...]: ...

__all__ = [
    "StatelessApply",
]
