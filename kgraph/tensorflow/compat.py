"""tf.compat: the same names once more, and texts as bytes."""
from __future__ import annotations

import sys
import types

from kgraph import tensorflow
from kgraph.naming import missing

__all__ = ["as_bytes", "as_str", "as_str_any", "as_text", "v1", "v2"]


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


v2 = tensorflow


def _nothing(*args, **kwargs):
    """Nothing: what is computed is there at once, and Variables begin with their values."""


class _Old(types.ModuleType):
    """TensorFlow 2's names, and of TensorFlow 1 what changed its name only."""

    def __getattr__(self, name):
        if name in _OLD:
            return _OLD[name]()
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(tensorflow, name)

    def __dir__(self):
        return sorted({*_OLD, *dir(tensorflow)})


_OLD = {
    "enable_eager_execution": lambda: _nothing, "enable_v2_behavior": lambda: _nothing,
    "global_variables_initializer": lambda: _nothing, "log": lambda: tensorflow.math.log,
    "set_random_seed": lambda: tensorflow.random.set_seed, "to_float": lambda: lambda x: tensorflow.cast(x, "float32"),
    "to_int32": lambda: lambda x: tensorflow.cast(x, "int32"), "random_normal": lambda: tensorflow.random.normal,
    "random_uniform": lambda: tensorflow.random.uniform, "logging": lambda: _logging,
}
_logging = types.SimpleNamespace(set_verbosity=_nothing, ERROR=40, WARN=30, INFO=20, DEBUG=10, FATAL=50)
v1 = _Old(f"{__name__}.v1", _Old.__doc__)
sys.modules[v1.__name__] = v1


def __getattr__(name):
    raise missing(__name__, name, __all__)
