"""Doors: the only ways from a lower floor to a higher one.

Methods and functions there lead through one when they are called.
"""
from __future__ import annotations

import importlib

__all__ = ["Door", "displays", "dtype_policies", "export", "graphs", "initializers", "old_optimizers", "programs",
           "random", "saving", "strategies", "summary"]


class Door:
    """A module of a higher floor, imported when something of it is used."""

    def __init__(self, module: str):
        self._module = module

    def __getattr__(self, name):
        return getattr(importlib.import_module(self._module), name)

    def __repr__(self):
        return f"<door to {self._module}>"


dtype_policies = Door("kgraph.dtype_policies")    # config.set_dtype_policy
displays = Door("kgraph.inspect.displays")    # what a notebook shows of models, tensors and histories
export = Door("kgraph.export")                # Model.export
graphs = Door("kgraph.legacy.backend.graphs")  # Optimizer.get_updates
initializers = Door("kgraph.initializers")    # a Variable made with the name of an initializer
old_optimizers = Door("kgraph.legacy.old_optimizers")   # optimizers made while an older Keras is followed
programs = Door("kgraph.inspect.programs")    # Model.summary(kernels=True)
random = Door("kgraph.random")                # ops.image.elastic_transform
saving = Door("kgraph.saving.files")          # Model.save, load_weights, to_json ...
strategies = Door("kgraph.tensorflow.distribute")   # Model.distribute_strategy
summary = Door("kgraph.models.summary")       # Model.summary
