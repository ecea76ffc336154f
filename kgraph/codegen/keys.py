"""Under which key machine code is kept: the hash of all that it depends on."""
from __future__ import annotations

import functools
import hashlib
import pathlib
import sys

from kgraph.codegen import packages, target

__all__ = ["key"]

_PACKAGE = pathlib.Path(__file__).parents[1]
# the rooms that decide what code a source becomes, whole
_ROOMS = ("codegen", "kernels", "compiler/loopnest", "compiler/printing")


def key(name: str, source: str) -> str:
    """The hash under which a function's object file is kept."""
    return hashlib.sha256("\0".join((_versions(target.machine()), name, source)).encode()).hexdigest()


@functools.cache
def _versions(machine: target.Machine) -> str:
    files = sorted(f for room in _ROOMS for f in (_PACKAGE / room).rglob("*.py"))
    language = hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()
    return "\0".join((language, packages.versions(), sys.version, repr(machine)))
