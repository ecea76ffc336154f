"""kgraph: Keras-compatible deep learning for CPUs, compiled to Numba kernels.

This module only says which names are public and where each lives. Everything is imported on first use: `import kgraph`
takes milliseconds, and loads neither numba nor h5py, yaml, rich or networkx.
"""
from __future__ import annotations

import importlib
import sys
import types

__version__ = "0.1.0"

_MODULES = ("activations", "applications", "backend", "callbacks", "config", "constraints", "datasets",
            "distillation", "distribution", "export", "initializers", "inspect", "layers", "losses", "metrics",
            "mixed_precision", "models", "objectives", "ops", "optimizers", "preprocessing", "quantizers", "random",
            "regularizers", "saving", "tree", "utils", "visualization", "wrappers")
_NAMES = {  # public name -> the module it lives in, and its name there where that differs
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies:DTypePolicy",
    "Function": "graph.function",
    "GradientTape": "gradient",
    "InputSpec": "layers",
    "Initializer": "initializers",
    "Input": "layers",
    "KTensor": "graph",
    "KerasTensor": "graph:KTensor",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Operation": "graph",
    "Optimizer": "optimizers",
    "Quantizer": "quantizers",
    "Regularizer": "regularizers",
    "RematScope": "scopes",
    "SeedGenerator": "random",
    "StatelessScope": "stateless",
    "SymbolicScope": "scopes",
    "Sequential": "models",
    "Variable": "variable",
    "device": "scopes",
    "function": "function",
    "install_as_keras": "programs",
    "load_bundle": "export.bundle",
    "get_num_threads": "runtime.thread_pool",
    "load_onnx": "onnx",
    "name_scope": "scopes",
    "profile": "inspect.profiling:profile",
    "quantize": "calibration",
    "remat": "scopes",
    "set_num_threads": "runtime.thread_pool",
    "set_random_seed": "utils",
    "uninstall_as_keras": "programs",
    "value_and_grad": "gradient",
}

__all__ = ["__version__", "version", *_MODULES, *_NAMES]


def version() -> str:
    """The version of kgraph, such as ``0.1.0``."""
    return __version__


def __getattr__(name):
    if name in _NAMES:
        module, _, attribute = _NAMES[name].partition(":")
        if name in ("Variable", "function"):  # of lower floors: kgraph.ops gives their tensors the Python operators
            importlib.import_module("kgraph.ops")
        value = getattr(importlib.import_module(f"kgraph.{module}"), attribute or name)
    elif name in _MODULES:
        value = importlib.import_module(f"kgraph.{name}")
    else:
        from kgraph.legacy.paths import lookup
        return lookup("kgraph", name, __all__)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)


class _Package(types.ModuleType):
    """Importing the module kgraph.function must not hide the function of that name."""

    def __setattr__(self, name, value):
        if not (name in _NAMES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)

    def __reduce__(self):   # cloudpickle knows plain modules alone
        return importlib.import_module, (self.__name__,)


class _OldPaths:
    """Finds `kgraph.layers.core` and the other modules that only older Keras had. Asked after all other finders."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith("kgraph."):
            return None
        from kgraph.legacy import paths
        return paths.find_spec(name)


sys.meta_path.append(_OldPaths)
sys.modules[__name__].__class__ = _Package
