"""Contexts that Keras has: for devices, names, and tensors without values."""
from __future__ import annotations

import contextlib
import functools
import re

from kgraph.compiler import trace
from kgraph.naming import nearest

__all__ = ["RematScope", "SymbolicScope", "device", "name_scope", "remat"]


@contextlib.contextmanager
def device(device_name: str):
    """Compute on a device. There is one: ``"cpu"``, ``"cpu:0"``. Raises ValueError for another.

    Args:
        device_name: accepted: there is one device.
    """
    if not re.fullmatch(r"(/?(device:)?cpu(:0)?)", str(device_name).lower()):
        raise ValueError(f"device: expected 'cpu', the only device here, received {device_name!r}")
    yield


def name_scope(name: str, **kwargs):
    """What is computed inside is said to belong to ``name``, in errors and profiles. Layers name their variables after
    themselves. kwargs (caller, deduplicate, override_parent) are accepted.

    Args:
        name: a part of the paths of what is made inside.

    Returns:
        A context manager.

    Raises:
        ValueError: name is no text, or has a slash.
    """
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"name_scope: expected a name without '/', received {name!r}")
    return trace.name_scope(name)


class SymbolicScope:
    """A context for calls on KTensors. They are recorded inside it as outside."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


def remat(f):
    """A function that does what f does. The compiler itself chooses which values of a training step are kept for its
    gradients and which are computed again, by the bytes that each costs, in this function and everywhere else.

    Args:
        f: a function or a layer.

    Returns:
        A function.
    """
    @functools.wraps(f)
    def rematerialized(*args, **kwargs):
        return f(*args, **kwargs)
    return rematerialized


class RematScope:
    """A context for layers made inside it. It changes nothing: see remat().

    Raises ValueError for another mode.

    Args:
        mode: "full", "activations", "larger_than" (output_size_threshold), "list_of_layers" (layer_names) or None
        output_size_threshold: elements from which on "larger_than" computes again, 1024.
        layer_names: of mode "list_of_layers".
    """

    MODES = ("full", "activations", "larger_than", "list_of_layers", None)

    def __init__(self, mode="full", output_size_threshold=1024, layer_names=None):
        if mode not in self.MODES:
            raise ValueError(f"RematScope: expected mode among {', '.join(map(str, self.MODES))}, received {mode!r}."
                             f"{nearest(mode, self.MODES[:-1])}")
        self.mode, self.output_size_threshold, self.layer_names = mode, output_size_threshold, layer_names or []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None
