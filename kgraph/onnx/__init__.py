"""Models as ONNX files, and ONNX files as models: load_onnx. The package onnx (the extra kgraph[onnx]) reads them."""
from __future__ import annotations

import importlib

_NAMES = {"load_onnx": "load"}    # public name -> the module it lives in

__all__ = [*_NAMES]


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)


def __dir__():
    return sorted(__all__)
