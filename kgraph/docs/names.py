"""The public names of kgraph: which modules a user meets, and what they offer."""
from __future__ import annotations

import importlib
import inspect
from typing import NamedTuple

__all__ = ["MODULES", "Name", "find", "methods", "public_names"]

MODULES = ("", "layers", "ops", "ops.image", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks",
           "initializers", "regularizers", "constraints", "activations", "models", "saving", "utils",
           "utils.bounding_boxes", "random", "tree", "config", "inspect", "datasets.digits", "datasets.mnist",
           "datasets.fashion_mnist", "datasets.cifar10", "datasets.cifar100", "datasets.imdb", "datasets.reuters",
           "datasets.boston_housing", "datasets.california_housing", "mixed_precision", "applications",
           "distribution", "distillation", "export", "quantizers", "visualization")


class Name(NamedTuple):
    """A public callable: the module it is offered by ("" for kgraph itself), its name there, and the object."""
    module: str
    name: str
    value: object

    @property
    def path(self) -> str:
        return ".".join(part for part in ("kgraph", self.module, self.name) if part)


def offered(module: str) -> list:
    """The names that a module offers, in order."""
    return sorted(importlib.import_module(f"kgraph.{module}".rstrip(".")).__all__)


def public_names() -> list:
    """Every public callable once, under the first of its names: a list of Name."""
    found = {}
    for module in MODULES:
        home = importlib.import_module(f"kgraph.{module}".rstrip("."))
        for name in offered(module):
            value = getattr(home, name)
            if callable(value) and not inspect.ismodule(value):
                preferred = getattr(value, "__name__", name) == name
                if id(value) not in found or (preferred and found[id(value)].name != value.__name__):
                    found[id(value)] = Name(module, name, value)
    return list(found.values())


def methods(cls) -> list:
    """The public methods that a class defines itself: a list of (name, function)."""
    return [(name, f) for name, value in vars(cls).items() if not name.startswith("_")
            and inspect.isfunction(f := getattr(value, "__func__", value))]


def find(path: str):
    """What ``kgraph.PATH`` names: a module, a class, a function or a method.

    Raises:
        ValueError: there is no such name.
    """
    path = path.removeprefix("kgraph").lstrip(".")
    parts = path.split(".") if path else []
    value = importlib.import_module("kgraph")
    for n, part in enumerate(parts):
        try:
            value = getattr(value, part)
        except AttributeError as error:
            try:
                value = importlib.import_module(".".join(("kgraph", *parts[:n + 1])))
            except ImportError:
                raise ValueError(f"expected a public name of kgraph, received {path!r}: {error}") from None
    return value
