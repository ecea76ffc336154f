"""The `.keras` archive: a zip file of config.json, metadata.json and model.weights.h5. Nothing is unpacked to disk."""
from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
import zlib
from contextlib import contextmanager

__all__ = ["Archive", "write_archive"]

MAX_MEMBERS = 10_000
MAX_TEXT = 64 << 20
MAX_INFLATION = 200      # Keras stores without compression; for those who pack the archive again
SMALL = 1 << 24          # bytes below which inflation does not matter
SLICE = 1 << 20


class Archive:
    """A .keras file open for reading. Raises ValueError when it is damaged or declares what cannot be."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._file = open(path, "rb")
        try:
            self._zip = zipfile.ZipFile(self._file)
            self._check_members()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, KeyError, OverflowError) as e:
            self._file.close()
            raise ValueError(f"{self.path}: the archive is damaged or cut short ({e})") from e

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._zip.close()
        self._file.close()

    def _check_members(self):
        members, size = self._zip.infolist(), os.fstat(self._file.fileno()).st_size
        if len(members) > MAX_MEMBERS:
            raise ValueError(f"{len(members)} members")
        for m in members:
            parts = m.filename.replace("\\", "/").split("/")
            if m.filename.startswith(("/", "\\")) or ".." in parts or ":" in m.filename or "\0" in m.orig_filename:
                raise ValueError(f"member {m.filename!r} has a name that leads outside")
            if m.flag_bits & 1:
                raise ValueError(f"member {m.filename!r} is encrypted")
            if m.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or m.compress_size > size:
                raise ValueError(f"member {m.filename!r} is not stored as it declares")
            if m.file_size > max(SMALL, MAX_INFLATION * m.compress_size):
                raise ValueError(f"member {m.filename!r} declares {m.file_size} bytes and stores {m.compress_size}")
        if len({m.filename for m in members}) < len(members):
            raise ValueError("two members of one name")

    def names(self) -> list:
        return self._zip.namelist()

    def size(self, name) -> int:
        """Bytes of a member when unpacked."""
        return self._zip.getinfo(name).file_size

    def read(self, name, limit=MAX_TEXT) -> bytes:
        """A small member whole."""
        if name not in self._zip.NameToInfo:
            raise ValueError(f"{self.path}: expected a member {name!r}, received {', '.join(self.names()[:20])}")
        if self.size(name) > limit:
            raise ValueError(f"{self.path}: expected at most {limit} bytes in {name!r}, received {self.size(name)}")
        try:
            with self._zip.open(name) as f:
                return f.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as e:
            raise ValueError(f"{self.path}: member {name!r} is damaged ({e})") from e

    @contextmanager
    def open_seekable(self, name):
        """Yields a member as a seekable binary file: a window on the archive where it is stored as it is, else a
        temporary copy without a name. Its checksum is compared first."""
        try:
            member = self._seekable(self._zip.getinfo(name))
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as e:
            raise ValueError(f"{self.path}: member {name!r} is damaged ({e})") from e
        with member:
            yield member

    def _seekable(self, info):
        if info.compress_type == zipfile.ZIP_STORED:
            window = _Window(self._file, self._start(info), info.file_size)
            if _checksum(window) != info.CRC:
                raise ValueError("its checksum does not agree")
            return window
        copy = tempfile.TemporaryFile()
        with self._zip.open(info) as f:
            shutil.copyfileobj(f, copy, SLICE)
        copy.seek(0)
        return copy

    def _start(self, info) -> int:
        """Where a member's bytes begin: after its local header, of 30 bytes, a name and an extra field."""
        self._file.seek(info.header_offset)
        header = self._file.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise ValueError("it has no local header")
        name, extra = (int.from_bytes(header[i:i + 2], "little") for i in (26, 28))
        start = info.header_offset + 30 + name + extra
        if start + info.file_size > os.fstat(self._file.fileno()).st_size:
            raise ValueError("it is cut short")
        return start


class _Window(io.RawIOBase):
    """A part of an open file, as a file of its own."""

    def __init__(self, file, start, size):
        self._source, self._start, self._size, self._at = file, start, size, 0

    @property
    def place(self) -> tuple:
        """(descriptor of the archive, where this file begins in it)."""
        return self._source.fileno(), self._start

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=os.SEEK_SET):
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer):
        count = min(len(buffer), max(0, self._size - self._at))
        self._source.seek(self._start + self._at)
        count = self._source.readinto(memoryview(buffer)[:count])
        self._at += count
        return count


def _checksum(file) -> int:
    crc, buffer = 0, bytearray(SLICE)
    while count := file.readinto(buffer):
        crc = zlib.crc32(memoryview(buffer)[:count], crc)
    file.seek(0)
    return crc


def write_archive(path, texts: dict, files: dict):
    """Write an archive to `path`: texts (name -> str), then files (name -> path of the contents), in slices.

    Stored without compression, as Keras does, so that weights can be read in place.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        for name, text in texts.items():
            z.writestr(name, text)
        for name, source in files.items():
            with open(source, "rb") as f, z.open(name, "w", force_zip64=True) as member:
                shutil.copyfileobj(f, member, SLICE)
