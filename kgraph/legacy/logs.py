"""Names of logs in the words of Keras 2."""
from __future__ import annotations

__all__ = ["LogTable"]


class LogTable(dict):
    """name -> value, where Keras 2's names are understood too: ``acc`` for ``accuracy``, and the other way round."""

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def __missing__(self, name):
        for old, new in (("acc", "accuracy"), ("accuracy", "acc"), ("lr", "learning_rate")):
            other = new if name == old else f"val_{new}" if name == f"val_{old}" else None
            if other is not None and dict.__contains__(self, other):
                return dict.__getitem__(self, other)
        raise KeyError(name)
