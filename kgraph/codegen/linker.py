"""Links object files into this process without LLVM: what the cache holds is machine code with a few addresses to fill
in. ELF for x86-64, of the kind that is kept there; for all else `link` gives None, and LLVM does it.
"""
from __future__ import annotations

import ctypes
import mmap
import struct
import sys

__all__ = ["link"]

X86_64, RELOCATABLE = 62, 1
PROGBITS, SYMTAB, RELA, NOBITS, UNWIND = 1, 2, 4, 8, 0x70000001
WRITE, ALLOC = 1, 2
UNDEFINED, RESERVED = 0, 0xFF00
ADDRESS, DISTANCE, CALL = 1, 2, 4   # R_X86_64_64, _PC32, _PLT32
EXECUTABLE = 0x1 | 0x4              # PROT_READ | PROT_EXEC
STAGGER = 832                       # bytes from the start of a page, so that functions do not share lines of caches

_linked: list = []  # the memory of all code, which stays


class _Unknown(Exception):
    """Not the kind of file that is linked here."""


def link(data: bytes, symbol: str) -> int | None:
    """The address of a function of an object file, whose code is put into memory for good; None where that is left to
    LLVM. Raises ValueError where the function is not in it."""
    if sys.platform != "linux":
        return None
    try:
        return _Object(data).address_of(symbol)
    except (_Unknown, struct.error, OSError):
        return None


class _Object:
    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\2\1" or struct.unpack_from("<HH", data, 16) != (RELOCATABLE, X86_64):
            raise _Unknown
        start, (size, count, names) = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<HHH", data, 58)
        # name, type, flags, address, offset, size, link, info, align, entry size
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", data, start + size * i) for i in range(count)]
        self.names = self.sections[names][4]
        self._place()
        self.symbols = [found for s in self.sections if s[1] == SYMTAB for found in self._read_symbols(s)]
        for s in self.sections:
            if s[1] == RELA and s[7] in self.places:
                self._relocate(s)
        self._make_executable()

    def _text(self, at) -> str:
        return self.data[at:self.data.index(b"\0", at)].decode()

    def _place(self):
        """Copy the sections that code needs into memory of its own."""
        self.places, at = {}, len(_linked) * STAGGER % mmap.PAGESIZE
        for i, (name, kind, flags, _, _, size, _, _, align, _) in enumerate(self.sections):
            if not flags & ALLOC or not size or kind == UNWIND or self._text(self.names + name) == ".eh_frame":
                continue
            if flags & WRITE or kind != PROGBITS:
                raise _Unknown
            at += -at % max(align, 1)
            self.places[i] = at
            at += size
        self.memory = mmap.mmap(-1, at + 1, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        for i, place in self.places.items():
            offset, size = self.sections[i][4:6]
            self.memory[place:place + size] = self.data[offset:offset + size]

    def _read_symbols(self, table):
        """(name, address or None) of each."""
        texts = self.sections[table[6]][4]
        for at in range(table[4], table[4] + table[5], 24):
            name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", self.data, at)
            name = self._text(texts + name)
            if section in self.places:
                yield name, self.base + self.places[section] + value
            else:
                yield name, _outside(name) if section == UNDEFINED and name else None

    def _relocate(self, section):
        for at in range(section[4], section[4] + section[5], 24):
            offset, info, more = struct.unpack_from("<QQq", self.data, at)
            place, target = self.places[section[7]] + offset, self.symbols[info >> 32][1]
            if target is None:
                raise _Unknown
            if info & 0xFFFFFFFF == ADDRESS:
                struct.pack_into("<Q", self.memory, place, target + more)
            elif info & 0xFFFFFFFF in (DISTANCE, CALL):
                struct.pack_into("<i", self.memory, place, target + more - self.base - place)
            else:
                raise _Unknown

    def _make_executable(self):
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        if protect(ctypes.c_void_p(self.base), ctypes.c_size_t(len(self.memory)), EXECUTABLE):
            raise OSError(ctypes.get_errno(), "mprotect")
        _linked.append(self.memory)

    def address_of(self, symbol) -> int:
        found = dict(self.symbols).get(symbol)
        if found is None:
            raise ValueError(f"expected an object file with the function {symbol}, received one without")
        return found


def _outside(name):
    """The address of a function of the C library; None where there is none."""
    try:
        return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
    except AttributeError:
        return None
