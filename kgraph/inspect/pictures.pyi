# Made by python -m kgraph.docs --stubs. kgraph/docs/vocabulary.py says what the names of arguments mean.
from kgraph._types import Int, PathLike
from kgraph.models.model import Model
from typing import Any


class Picture(str): ...
def plot_model(model: Model, to_file: PathLike | None = 'model.svg', show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True, rankdir: str = 'TB', expand_nested: bool = False, dpi: Int = 200, show_layer_activations: bool = False, show_trainable: bool = False, splines: str = 'ortho', fold: Any = None, **kwargs: Any) -> Any: ...
def model_to_dot(model: Model, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True, rankdir: str = 'TB', expand_nested: bool = False, dpi: Int = 200, subgraph: bool = False, show_layer_activations: bool = False, show_trainable: bool = False, splines: str = 'ortho', **kwargs: Any) -> str: ...
def to_svg(graph: Any, rankdir: str = 'TB', fold: bool = False, **labels: Any) -> Picture: ...
def edge_path(points: Any, sideways: bool = False) -> str: ...

__all__ = [
    "Picture",
    "edge_path",
    "model_to_dot",
    "plot_model",
    "to_svg",
]
