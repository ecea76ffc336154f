"""tf.compat: the same names once more, and texts as bytes."""
from __future__ import annotations

import importlib

from kgraph.naming import missing

_OWN = ["as_bytes", "as_str", "as_str_any", "as_text"]
__all__ = [*_OWN, *("v1", "v2")]   # the last two are found when they are used


def as_bytes(bytes_or_text, encoding="utf-8") -> bytes:
    """Text as bytes."""
    return bytes_or_text.encode(encoding) if isinstance(bytes_or_text, str) else bytes(bytes_or_text)


def as_text(bytes_or_text, encoding="utf-8") -> str:
    """Bytes as text."""
    return bytes_or_text.decode(encoding) if isinstance(bytes_or_text, bytes) else str(bytes_or_text)


as_str = as_text


def as_str_any(value, encoding="utf-8") -> str:
    """Anything as text."""
    return as_text(value, encoding) if isinstance(value, (bytes, str)) else str(value)


def __getattr__(name):
    if name == "v1":
        return importlib.import_module(f"{__name__}.v1")
    if name == "v2":
        return importlib.import_module("kgraph.tensorflow")
    raise missing(__name__, name, __all__)
