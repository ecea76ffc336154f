"""Doors: the only ways from a lower floor to a higher one.

Methods and functions there lead through one when they are called.
"""
from __future__ import annotations

import importlib

__all__ = ["Door", "dtype_policies", "graphs", "initializers", "programs", "random", "saving", "summary"]


class Door:
    """A module of a higher floor, imported when something of it is used."""

    def __init__(self, module: str):
        self._module = module

    def __getattr__(self, name):
        return getattr(importlib.import_module(self._module), name)

    def __repr__(self):
        return f"<door to {self._module}>"


dtype_policies = Door("kgraph.dtype_policies")    # config.set_dtype_policy
graphs = Door("kgraph.backend.graphs")         # Optimizer.get_updates
initializers = Door("kgraph.initializers")    # a Variable made with the name of an initializer
programs = Door("kgraph.inspect.programs")    # Model.summary(kernels=True)
random = Door("kgraph.random")                # ops.image.elastic_transform
saving = Door("kgraph.saving.files")          # Model.save, load_weights, to_json ...
summary = Door("kgraph.models.summary")       # Model.summary
