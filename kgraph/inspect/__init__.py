"""Looking inside: graphs, programs and kernels of a model, what was compiled and why, pictures, model files.

Args:
    model: a Model.
    x, y: a batch; without, one made up of zeros where that can be known.
    which: "train", "test" or "predict".
    graph: a networkx graph, as to_networkx gives it.
    rankdir: "TB" from top to bottom, "LR" from left to right.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what stands in the boxes.
    expand_nested: draw models inside the model, too.
    dpi: dots an inch of what is drawn in pixels.
    subgraph, splines: accepted.
    repeats: how often it is measured.
    limits: what the machine reaches: see Profile.
    rows: a row for each kernel.
    path, found: a file, and what describe_file gave.
"""
import importlib

from kgraph.legacy.paths import lookup

_WHERE = {
    "programs": ("KernelInfo", "compiles", "kernels", "program"),
    "graphs": ("to_dot", "to_json", "to_networkx"),
    "pictures": ("Picture", "model_to_dot", "plot_model", "to_svg"),
    "profiling": ("Profile", "profile"),
    "page": ("Report", "report"),
    "files": ("describe_file", "format_description"),
}
_MODULE_OF = {name: f"kgraph.inspect.{module}" for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    if name not in _MODULE_OF:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__():
    return sorted(__all__)
