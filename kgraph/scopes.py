"""Contexts that Keras has: for devices, names, and tensors without values."""
from __future__ import annotations

import contextlib
import re

from kgraph.compiler import trace

__all__ = ["SymbolicScope", "device", "name_scope"]


@contextlib.contextmanager
def device(device_name: str):
    """Compute on a device. There is one: ``"cpu"``, ``"cpu:0"``. Raises ValueError for another."""
    if not re.fullmatch(r"(/?(device:)?cpu(:0)?)", str(device_name).lower()):
        raise ValueError(f"device: expected 'cpu', the only device here, received {device_name!r}")
    yield


def name_scope(name: str, **kwargs):
    """What is computed inside is said to belong to ``name``, in errors and profiles. Layers name their variables after
    themselves. kwargs (caller, deduplicate, override_parent) are accepted."""
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"name_scope: expected a name without '/', received {name!r}")
    return trace.name_scope(name)


class SymbolicScope:
    """A context for calls on KTensors. They are recorded inside it as outside."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None
