"""Bytes of an HDF5 file, never beyond its end, and not much more of them than the file has."""
from __future__ import annotations

import contextlib
import io
import os
from concurrent.futures import ThreadPoolExecutor

from kgraph.runtime.thread_pool import get_num_threads

__all__ = ["NOWHERE", "STEP", "Blocks", "Cursor", "Damaged"]

NOWHERE = 0xFFFFFFFFFFFFFFFF
MAX_BLOCK = 1 << 24           # bytes of one object's header, heap, tree node or chunk
ROOM, MAX_TIMES = 1 << 20, 8  # so many bytes are read, and so many times the file
SLICE = 1 << 20
SHARE = 1 << 22               # bytes that are worth a thread
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
        self._place = _place(source)

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
        data = bytearray(size)
        self._read(start, memoryview(data), what)
        return Cursor(data)

    def fill(self, address, memory):
        """The bytes at an address into memory; several threads read what is large."""
        start, size = address + self.base, len(memory)
        threads = min(get_num_threads(), size // SHARE) if self._place else 1
        if threads < 2:
            self._read(start, memory)
            return
        cuts = [size * i // threads for i in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda a, b: self._read(start + a, memory[a:b]), cuts, cuts[1:]))

    def probe(self, address, size):
        """Raise unless so many bytes at an address can be read. Linux does it without copying them."""
        start = address + self.base
        if not self._place or size < SHARE or not self._probed(start, start + size):
            scratch = memoryview(bytearray(min(size, SLICE)))
            for at in range(0, size, SLICE):
                self._read(start + at, scratch[:size - at])

    def _probed(self, start, end) -> bool:
        """Whether the system sent all of it nowhere: not all systems can, nor from all files."""
        descriptor, offset = self._place
        with contextlib.suppress(OSError, AttributeError), open(os.devnull, "wb", buffering=0) as nowhere:
            while start < end and (count := os.sendfile(nowhere.fileno(), descriptor, offset + start, end - start)):
                start += count
        return start == end

    def _read(self, start, memory, what="the file"):
        while memory:
            if self._place:
                count = os.preadv(self._place[0], [memory], self._place[1] + start)
            else:
                self.source.seek(start)
                count = self.source.readinto(memory)
            if not count:
                raise Damaged(f"{what} is cut short")
            start, memory = start + count, memory[count:]


def _place(source):
    """(descriptor, where the file begins there) of what can be read at any place, by several threads; else None."""
    if not hasattr(os, "preadv"):
        return None
    return (source.fileno(), 0) if isinstance(source, io.FileIO) else getattr(source, "place", None)
