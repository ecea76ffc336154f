# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import ArrayLike, Int
from kgraph.compiler.ir import TensorLike
from typing import Any

def ctc_loss(target: ArrayLike, output: Any, target_length: ArrayLike, output_length: ArrayLike, mask_index: Int = 0) -> Any: ...
def ctc_decode(inputs: ArrayLike, sequence_lengths: ArrayLike, strategy: str = 'greedy', beam_width: Int = 100, top_paths: Int = 1, merge_repeated: bool = True, mask_index: Int = 0) -> tuple[TensorLike, ...]: ...

__all__ = [
    "ctc_decode",
    "ctc_loss",
]
