"""Looking inside: graphs, programs and kernels of a model, what was compiled and why, pictures, model files."""
import importlib

from kgraph.legacy.paths import lookup

_WHERE = {
    "programs": ("KernelInfo", "compiles", "kernels", "program"),
    "graphs": ("to_dot", "to_json", "to_networkx"),
    "pictures": ("Picture", "model_to_dot", "plot_model", "to_svg"),
    "profile": ("Profile", "profile"),
    "files": ("describe_file", "format_description"),
}
_MODULE_OF = {name: f"kgraph.inspect.{module}" for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    if name not in _MODULE_OF:
        return lookup(__name__, name, __all__)
    return getattr(importlib.import_module(_MODULE_OF[name]), name)
