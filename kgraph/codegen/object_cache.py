"""Object files of kernels on disk, in a folder of the user's own.

A file's name is the hash of everything that its contents depend on. It is written once, by an atomic rename, begins
with the digest of its contents, and is only read from a folder that nobody else can write. Whatever is wrong leads to
one warning in a process, and to compiling again or to keeping the code in memory only.
"""
from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import pathlib
import stat
import sys
import tempfile
import warnings

from kgraph.codegen import target

__all__ = ["clear", "folder", "info", "key", "read", "write"]

_MAGIC = b"kgraph-object-1\n"
_warned = False
_PACKAGE = pathlib.Path(__file__).parents[1]
# the rooms that decide what code a source becomes, whole
_ROOMS = ("codegen", "kernels", "compiler/loopnest", "compiler/printing")


def folder() -> pathlib.Path:
    """Where the files are: in KGRAPH_CACHE_DIR, else in the user's cache folder (XDG_CACHE_HOME, ~/.cache)."""
    named = os.environ.get("KGRAPH_CACHE_DIR")
    if named:
        return pathlib.Path(named) / "kernels"
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kgraph" / "kernels"


def key(name: str, source: str) -> str:
    """The hash under which a function's object file is kept."""
    return hashlib.sha256("\0".join((_versions(), name, source)).encode()).hexdigest()


def read(key: str) -> bytes | None:
    """The object file, or None when there is none that can be trusted."""
    path = folder() / f"{key}.o"
    try:
        if not path.exists():
            return None
        _check_owner(path.parent)
        data = path.read_bytes()
    except OSError as error:
        _warn(f"the kernel cache {path.parent} cannot be read ({error}): kernels are compiled again")
        return None
    start = len(_MAGIC) + 32
    contents = data[start:]
    if data[:start] != _MAGIC + hashlib.sha256(contents).digest():
        _warn(f"the kernel cache has a damaged file, {path}: it is compiled again")
        return None
    return contents


def write(key: str, contents: bytes):
    """Keep an object file. Without a folder to write to, nothing is kept."""
    path = folder()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(path)
        handle, temporary = tempfile.mkstemp(dir=path, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(contents).digest() + contents)
            os.replace(temporary, path / f"{key}.o")
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        _warn(f"the kernel cache {path} cannot be written ({error}): kernels are kept in memory only")


def info() -> dict:
    """``{"folder": path, "files": count, "bytes": size}``."""
    sizes = [f.stat().st_size for f in _files()]
    return {"folder": str(folder()), "files": len(sizes), "bytes": sum(sizes)}


def clear() -> int:
    """Delete all object files. Returns how many there were."""
    files = _files()
    for f in files:
        f.unlink(missing_ok=True)
    return len(files)


def _files() -> list:
    return sorted(folder().glob("*.o")) if folder().is_dir() else []


def _check_owner(path):
    """Machine code is read only from a folder that is ours alone."""
    status = path.stat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        raise PermissionError(f"expected a folder that only user {os.getuid()} can write, "
                              f"received one of user {status.st_uid} with mode {stat.S_IMODE(status.st_mode):o}")


def _warn(message: str):
    """One warning in a process, whatever else goes wrong with the cache afterwards."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(f"kgraph: {message}", RuntimeWarning, stacklevel=4)


def _version(package: str) -> str:
    """Text with the version of a package, without importing it; importlib.metadata takes as long as ten kernels."""
    folder, *_ = importlib.util.find_spec(package).submodule_search_locations
    try:
        return (pathlib.Path(folder) / "_version.py").read_text()
    except OSError:
        from importlib.metadata import version
        return version(package)


@functools.cache
def _versions() -> str:
    machine = target.machine()
    files = sorted(f for room in _ROOMS for f in (_PACKAGE / room).rglob("*.py"))
    language = hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()
    packages = map(_version, ("numba", "llvmlite"))
    return "\0".join((language, *packages, sys.version, machine.cpu, machine.features, str(machine.bytes)))
