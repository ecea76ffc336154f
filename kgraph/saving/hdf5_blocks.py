"""Bytes of an HDF5 file, never beyond its end, and not much more of them than the file has."""
from __future__ import annotations

import os

__all__ = ["NOWHERE", "STEP", "Blocks", "Cursor", "Damaged"]

NOWHERE = 0xFFFFFFFFFFFFFFFF
MAX_BLOCK = 1 << 24           # bytes of one object's header, heap, tree node or chunk
ROOM, MAX_TIMES = 1 << 20, 8  # so many bytes are read, and so many times the file
STEP = 64                     # what reading a block counts as, beside its bytes


class Damaged(ValueError):
    """The file does not hold what it declares, or uses what this reader does not know."""


class Cursor:
    """Reads little-endian numbers from a block of bytes, never beyond its end."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, count) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise Damaged("a structure is cut short")
        self.at += count
        return bytes(self.data[self.at - count:self.at])

    def number(self, size) -> int:
        return int.from_bytes(self.take(size), "little")

    def align(self, start, unit=8):
        self.at = start + -(-(self.at - start) // unit) * unit

    @property
    def left(self) -> int:
        return len(self.data) - self.at


class Blocks:
    """A seekable binary file, read block by block. Addresses count from `base`."""

    def __init__(self, source):
        self.source = source
        self.size = source.seek(0, os.SEEK_END)
        self.base = 0
        self.left = ROOM + MAX_TIMES * self.size     # bytes that may still be read

    def charge(self, size):
        """Count bytes that are read, or made of what was read: a file whose parts overlap holds much of nothing."""
        self.left -= size
        if self.left < 0:
            raise Damaged("its parts are read again and again")

    def block(self, address, size, what="a structure") -> Cursor:
        """size bytes at an address."""
        start = address + self.base
        if not 0 <= size <= MAX_BLOCK or start + size > self.size:
            raise Damaged(f"{what} lies outside the file, or is too large")
        self.charge(size + STEP)
        self.source.seek(start)
        data = bytearray(size)
        if size and self.source.readinto(data) != size:
            raise Damaged(f"{what} is cut short")
        return Cursor(data)
