"""`import keras`, `from tensorflow import keras` and their kin give kgraph, whether or not those are installed.

A finder in front of all others answers for the names below. Module by module it hands out what stands at the same
place in kgraph; only the packages themselves are faces, since they have a version of their own.
"""
from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types

from kgraph import config, naming

__all__ = ["install_as_keras", "uninstall_as_keras"]

# the name that programs import -> where it lies in kgraph; the longest that fits counts
_PLACES = {
    "keras": "kgraph", "keras.src": "kgraph", "keras.api": "kgraph", "keras._tf_keras": "kgraph",
    "keras._tf_keras.keras": "kgraph", "keras_core": "kgraph", "tf_keras": "kgraph", "tf_keras.src": "kgraph",
    "tensorflow": "kgraph.tensorflow", "tensorflow.keras": "kgraph", "tensorflow.python.keras": "kgraph",
    "tensorflow.compat.v1.keras": "kgraph", "tensorflow.compat.v2": "kgraph.tensorflow",
    "tensorflow.compat.v2.keras": "kgraph", "tensorflow.python": "kgraph.tensorflow",
}
_ROOTS = {name.partition(".")[0] for name in _PLACES}
_displaced: dict = {}   # modules of those names that were there before
_finder = None


def install_as_keras(version: str | None = None):
    """From now on `import keras`, `tensorflow.keras`, `tf_keras`, `keras_core` and `tensorflow` give kgraph.

    Modules of these names that were imported before are put aside until `uninstall_as_keras`. A second call only
    changes the version. Raises ValueError for a version that Keras never had.

        >>> import kgraph
        >>> kgraph.install_as_keras()
        >>> import keras
        >>> keras.layers.Dense is kgraph.layers.Dense
        True
        >>> kgraph.uninstall_as_keras()

    Args:
        version: the Keras that programs shall find, such as "3.15.1" (the default), "2.15" or "2.3".
    """
    global _finder
    config.set_keras_version(version or config.KERAS_VERSION)
    if _finder is None:
        _displaced.update({n: sys.modules.pop(n) for n in list(sys.modules) if n.partition(".")[0] in _ROOTS})
        _finder = _Finder()
        sys.meta_path.insert(0, _finder)
    for face in [m for m in sys.modules.values() if isinstance(m, _Face)]:
        face.__version__ = _version_of(face.__name__)


def uninstall_as_keras():
    """Undo `install_as_keras`: imports find again what they found before."""
    global _finder
    if _finder is None:
        return
    sys.meta_path.remove(_finder)
    _finder = None
    for name in [n for n in sys.modules if n.partition(".")[0] in _ROOTS]:
        del sys.modules[name]
    sys.modules.update(_displaced)
    _displaced.clear()
    config.set_keras_version(config.KERAS_VERSION)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds and loads modules under the names of `_PLACES`."""

    def find_spec(self, name, path=None, target=None):
        place = _place(name)
        if place is None:
            return None
        if name in _PLACES:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        try:
            found = importlib.util.find_spec(place)
        except ModuleNotFoundError:   # a parent is missing, or is no package
            found = None
        if found is None:
            naming.wanted.add(name)
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=found.submodule_search_locations is not None)

    def create_module(self, spec):
        place = _place(spec.name)
        if spec.name in _PLACES:
            return _Face(spec.name, place)
        module = importlib.import_module(place)
        spec.loader_state = module.__spec__   # which the import system is about to replace
        return module

    def exec_module(self, module):
        if isinstance(module, _Face):
            module.__version__ = _version_of(module.__name__)
            module.__path__ = []
        else:
            module.__spec__ = module.__spec__.loader_state


class _Face(types.ModuleType):
    """A package of one of the names, whose contents are those of a package of kgraph."""

    def __init__(self, name, place):
        super().__init__(name, f"{name}, as kgraph has it")
        self._place = place

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        own = f"{self.__name__}.{name}"
        if own in _PLACES:
            return importlib.import_module(own)
        return getattr(importlib.import_module(self._place), name)

    def __reduce__(self):   # in another process these names may not be kgraph's
        return importlib.import_module, (self._place,)

    def __dir__(self):
        return dir(importlib.import_module(self._place))


def _place(name: str) -> str | None:
    """Where the module of that name lies in kgraph, or None for a name that is not one of these."""
    known, rest = name, ""
    while known not in _PLACES:
        known, dot, last = known.rpartition(".")
        if not dot:
            return None
        rest = f".{last}{rest}"
    return _PLACES[known] + rest


def _version_of(name: str) -> str:
    if _PLACES[name] == "kgraph":
        return config.keras_version()
    return importlib.import_module(_PLACES[name]).__version__
