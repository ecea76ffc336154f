"""Object files of kernels on disk, in a folder of the user's own.

A file's name is the hash of everything that its contents depend on. It is written once, by an atomic rename, begins
with the digest of its contents, and is only read from a folder that nobody else can write. Whatever is wrong leads to
one warning in a process, and to compiling again or to keeping the code in memory only.
"""
from __future__ import annotations

import hashlib
import os
import pathlib
import stat
import tempfile
import warnings

__all__ = ["clear", "folder", "info", "read", "write"]

_MAGIC = b"kgraph-object-1\n"
_warned = _pruned = False
MOST_BYTES = 1 << 30  # of all files together, unless KGRAPH_CACHE_BYTES says otherwise


def folder() -> pathlib.Path:
    """Where the files are: in KGRAPH_CACHE_DIR, else in the user's cache folder (XDG_CACHE_HOME, ~/.cache)."""
    named = os.environ.get("KGRAPH_CACHE_DIR")
    if named:
        return pathlib.Path(named) / "kernels"
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kgraph" / "kernels"


def read(key: str, kind: str = "o") -> bytes | None:
    """The object file, or what else is kept under the key, or None when there is none that can be trusted."""
    path = folder() / f"{key}.{kind}"
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


def write(key: str, contents: bytes, kind: str = "o"):
    """Keep an object file, or what else belongs to them. Without a folder to write to, nothing is kept."""
    path = folder()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(path)
        handle, temporary = tempfile.mkstemp(dir=path, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(contents).digest() + contents)
            os.replace(temporary, path / f"{key}.{kind}")
        except OSError:
            os.unlink(temporary)
            raise
        _prune()
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


def _prune():
    """Once in a process: delete the oldest files where all together are larger than they may be."""
    global _pruned
    if _pruned:
        return
    _pruned = True
    found = [(f.stat(), f) for f in _files()]
    total = sum(status.st_size for status, _ in found)
    for status, file in sorted(found, key=lambda pair: pair[0].st_mtime_ns):
        if total <= most_bytes():
            return
        file.unlink(missing_ok=True)
        total -= status.st_size


def most_bytes() -> int:
    """How large the folder may grow. Raises ValueError for a KGRAPH_CACHE_BYTES that is no number of bytes."""
    given = os.environ.get("KGRAPH_CACHE_BYTES")
    if given is None:
        return MOST_BYTES
    if not given.isdecimal():
        raise ValueError(f"expected KGRAPH_CACHE_BYTES to be a number of bytes, received {given!r}")
    return int(given)


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
