"""The versions of the packages that make code. Where they are not installed, of those that made the code that is kept:
a process that compiles nothing does not need them."""
from __future__ import annotations

import functools
import importlib.util
import pathlib

from kgraph.codegen import object_cache

__all__ = ["keep", "versions"]

PACKAGES = ("numba", "llvmlite")
KEPT = "packages", "text"  # its key and kind


@functools.cache
def versions() -> str:
    """Text with the versions, without importing them."""
    found = [_version(package) for package in PACKAGES]
    if None in found:
        return (object_cache.read(*KEPT) or b"none").decode()
    return "\0".join(found)


def _version(package: str) -> str | None:
    """importlib.metadata takes as long as ten kernels."""
    found = importlib.util.find_spec(package)
    if found is None:
        return None
    folder, *_ = found.submodule_search_locations
    try:
        return (pathlib.Path(folder) / "_version.py").read_text()
    except OSError:
        from importlib.metadata import version
        return version(package)


def keep():
    """For processes without these packages."""
    text = versions().encode()
    if object_cache.read(*KEPT) != text:
        object_cache.write(KEPT[0], text, KEPT[1])
