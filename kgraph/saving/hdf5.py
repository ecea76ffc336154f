"""HDF5 files as groups and arrays: read with suspicion, written as Keras writes them.

Only hard links are followed, so nothing outside the file can be reached; only plain arrays of numbers are read, into
memory whose shape the caller knows beforehand; what a file declares is compared with what it holds before anything is
allocated.
"""
from __future__ import annotations

import contextlib
import io
import itertools
import math
import os
import zlib

import numpy as np

from kgraph.saving.hdf5_format import NOWHERE, Damaged, File, dataspace, datatype

__all__ = ["Dataset", "Group", "open_file", "write_attribute", "write_names"]

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
MAX_ATTRIBUTE = 32 << 20     # bytes; the largest attribute is a model's configuration
MAX_NAME = 1 << 12
OBJECT_HEADER = 64512        # HDF5 cannot keep longer attributes where old readers look
SLICE = 1 << 20


@contextlib.contextmanager
def open_file(source, name=None):
    """Yields the root Group of an HDF5 file: a path, or a seekable binary file. Raises ValueError for a damaged one."""
    opened = source if hasattr(source, "readinto") else open(source, "rb", buffering=0)
    name = name or os.fspath(source)
    try:
        with _where(name):
            file = File(opened)
        yield Group(file, file.root, name, "")
    finally:
        if opened is not source:
            opened.close()


@contextlib.contextmanager
def _where(place):
    """Say where the damage is."""
    try:
        yield
    except Damaged as e:
        raise ValueError(f"{place}: the HDF5 file is damaged, or holds more than data: {e}") from e


class _Object:
    def __init__(self, file, address, name, path):
        self._file, self.address, self.file_name, self.path = file, address, name, path
        with _where(self.where):
            self._header = file.header(address)

    @property
    def where(self) -> str:
        """The file and the place in it, for messages."""
        return f"{self.file_name}:/{self.path}"

    def __repr__(self):
        return f"<{type(self).__name__} {self.where}>"

    def attributes(self) -> dict:
        """All attributes: name -> str, number, or list of them."""
        with _where(self.where):
            return {name: self._value(*parts) for name, parts in self._header.attributes().items()}

    def attribute(self, name, default=None):
        """One attribute: a str, a number, or a list of them. `default` when there is none of that name."""
        with _where(f"{self.where}@{name}"):
            parts = self._header.attributes().get(name)
            return default if parts is None else self._value(*parts)

    def _value(self, type_message, space_message, data):
        kind, shape = datatype(_fresh(type_message)), dataspace(_fresh(space_message))
        count = math.prod(shape)
        if count * kind.size > min(MAX_ATTRIBUTE, data.left):
            raise Damaged(f"an attribute declares {count} values")
        values = _elements(self._file, kind, _fresh(data).take(count * kind.size), count)
        return values[0] if shape == () else values


def _fresh(cursor):
    return type(cursor)(cursor.data, cursor.at)


def _elements(file, kind, data, count) -> list:
    """Elements of any known type as Python values."""
    if kind.kind == "number":
        return np.frombuffer(data, kind.dtype, count).tolist()
    pieces = [data[i * kind.size:(i + 1) * kind.size] for i in range(count)]
    if kind.kind == "text":
        return [_text(piece.rstrip(b"\0")) for piece in pieces]
    return [_text(_long_text(file, piece)) for piece in pieces]


def _long_text(file, piece) -> bytes:
    length, address, index = (int.from_bytes(piece[a:b], "little") for a, b in ((0, 4), (4, 12), (12, 16)))
    return file.heap_object(address, index)[:length] if length else b""


def _text(data) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Damaged(f"a text that is not UTF-8 ({data[:20]!r})") from e


class Group(_Object):
    """A group of an open file."""

    def __init__(self, *args):
        super().__init__(*args)
        self._links = None

    def _children(self) -> dict:
        if self._links is None:
            with _where(self.where):
                self._links = self._header.links()
        return self._links

    def names(self) -> list:
        """The names directly in this group, sorted; links that are not followed included."""
        return sorted(self._children())

    def __contains__(self, path):
        return self.get(path) is not None

    def group(self, path) -> Group:
        """The group at a relative path such as ``layers/dense``. Raises ValueError when there is none."""
        found = self.get(path)
        if not isinstance(found, Group):
            raise ValueError(f"{self.where}: expected a group {path!r}, received {_kind(found)}")
        return found

    def dataset(self, path) -> Dataset:
        """The array at a relative path. Raises ValueError when there is none, or its storage is not acceptable."""
        found = self.get(path)
        if not isinstance(found, Dataset):
            raise ValueError(f"{self.where}: expected an array {path!r}, received {_kind(found)}")
        return found

    def get(self, path):
        """The Group or Dataset at a relative path, each step a hard link; None when there is none."""
        found = self
        for part in _parts(path, self.where):
            found = found._step(part) if isinstance(found, Group) else None
            if found is None:
                return None
        return found

    def _step(self, name):
        link = self._children().get(name)
        if link is None:
            return None
        path = f"{self.path}/{name}".lstrip("/")
        if link.kind != "hard":
            raise ValueError(f"{self.file_name}:/{path}: expected data of this file, received a {link.kind} link; "
                             "links are not followed")
        with _where(f"{self.file_name}:/{path}"):
            header = self._file.header(link.address)
            if header.is_dataset:
                return Dataset(self._file, link.address, self.file_name, path)
            if header.is_group:
                return Group(self._file, link.address, self.file_name, path)
            raise Damaged("neither a group nor an array")

    def name_list(self, name) -> list:
        """A list of names that Keras writes as one attribute, or as several numbered ones where it is long."""
        value = self.attribute(name)
        if value is None:
            numbered = (self.attribute(f"{name}{i}") for i in itertools.count())
            value = [v for part in itertools.takewhile(lambda p: p is not None, numbered) for v in _as_list(part)]
        value = _as_list(value)
        if not all(isinstance(n, str) for n in value):
            raise ValueError(f"{self.where}@{name}: expected a list of names, received {str(value)[:100]}")
        return value


class Dataset(_Object):
    """An array in a file: shape and dtype are known without reading it."""

    def __init__(self, *args):
        super().__init__(*args)
        with _where(self.where):
            self._type, self.shape = self._header.type(), self._header.shape()
            self._storage = self._header.storage()

    @property
    def dtype(self):
        """The NumPy dtype of an array of numbers; None for text."""
        return self._type.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the array as declared."""
        return math.prod(self.shape) * self._type.size

    def read_into(self, array):
        """Fill a C-contiguous array of the same shape, converting the dtype, in slices.

        Raises ValueError when shapes differ, when the file holds no numbers there, or fewer than it declares.
        """
        if self.shape != array.shape:
            raise ValueError(f"{self.where}: expected shape {array.shape}, received {self.shape}")
        self.check()
        with _where(self.where):
            if array.size:
                self._read(array)

    def check(self):
        """Raise ValueError unless the file holds numbers here, and as many bytes as it declares."""
        with _where(self.where):
            if self._type.kind != "number":
                raise Damaged("an array of text instead of numbers")
            if self._storage.kind == "contiguous" and self.nbytes:
                self._seek()

    def read(self, shape) -> np.ndarray:
        """The array, of exactly that shape. Raises ValueError as read_into does."""
        self._check_stored()
        array = np.empty(shape, (self.dtype or np.dtype("u1")).newbyteorder("="))
        self.read_into(array)
        return array

    def read_text(self) -> list:
        """A one-dimensional array of text as a list of str."""
        with _where(self.where):
            if self._type.kind == "number" or len(self.shape) != 1 or self.nbytes > MAX_ATTRIBUTE:
                raise Damaged("expected a list of texts")
            raw = np.empty((self.shape[0], self._type.size), "u1")
            self._read_raw(raw)
            return _elements(self._file, self._type, raw.tobytes(), self.shape[0])

    def _check_stored(self):
        """Before memory is allocated for it: no file holds an array that is larger than a thousand files."""
        if self.nbytes > 1100 * self._file.size:
            raise ValueError(f"{self.where}: declares {self.nbytes} bytes in a file of {self._file.size}")

    def _read(self, array):
        if array.dtype == self.dtype:
            self._read_raw(array)
        elif self._storage.kind == "contiguous":
            self._read_converted(array.reshape(-1))
        else:
            raw = np.empty(self.shape, self.dtype)
            self._read_raw(raw)
            array[...] = raw

    def _read_converted(self, flat):
        per_slice = SLICE // self._type.size
        self._seek()
        for start in range(0, flat.size, per_slice):
            part = np.empty(min(per_slice, flat.size - start), self.dtype)
            self._fill(part)
            flat[start:start + part.size] = part

    def _read_raw(self, array):
        """Fill an array of the stored dtype."""
        storage = self._storage
        if storage.kind == "compact":
            if len(storage.data) < self.nbytes:
                raise Damaged("an array that holds less than it declares")
            _bytes_of(array)[:] = storage.data[:self.nbytes]
        elif storage.kind == "contiguous":
            self._seek()
            self._fill(array)
        else:
            self._read_chunks(array)

    def _seek(self):
        start = self._storage.address + self._file.base
        if self._storage.address == NOWHERE or self._storage.size < self.nbytes \
                or start + self.nbytes > self._file.size:
            raise Damaged("an array that holds less than it declares")
        self._file.source.seek(start)

    def _fill(self, array):
        """The next bytes of the file into an array."""
        memory, done = _bytes_of(array), 0
        while done < len(memory):
            count = self._file.source.readinto(memory[done:])
            if not count:
                raise Damaged("the file is cut short")
            done += count

    def _read_chunks(self, array):
        chunk, rank = self._storage.chunk, len(self.shape)
        size = math.prod(chunk) * self._type.size
        if len(chunk) != rank or not rank or size > max(SLICE, 4 * self.nbytes) or self._storage.address == NOWHERE:
            raise Damaged("an array in chunks that do not fit it")
        filled = 0
        for key, address in self._file.tree(self._storage.address, 1, 8 + 8 * (rank + 1)):
            stored, skipped = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")
            start = [int.from_bytes(key[8 + 8 * i:16 + 8 * i], "little") for i in range(rank)]
            if any(a % c or a >= n for a, c, n in zip(start, chunk, self.shape)) or skipped:
                raise Damaged("a chunk outside its array")
            data = self._unfilter(bytes(self._file.block(address, stored, "a chunk").data), size)
            place = tuple(slice(a, min(a + c, n)) for a, c, n in zip(start, chunk, self.shape))
            part = np.frombuffer(data, array.dtype, math.prod(chunk)).reshape(chunk)
            array[place] = part[tuple(slice(0, s.stop - s.start) for s in place)]
            filled += 1
        if filled != math.prod(-(-n // c) for n, c in zip(self.shape, chunk)):
            raise Damaged("an array that holds less than it declares: chunks are missing")

    def _unfilter(self, data, size) -> bytes:
        for number in reversed(self._storage.filters):
            if number == FLETCHER32:
                data = data[:-4]
            elif number == SHUFFLE:
                data = np.frombuffer(data, "u1").reshape(self._type.size, -1).T.tobytes() if len(data) == size else b""
            elif number == DEFLATE:
                try:
                    data = zlib.decompressobj().decompress(data, size)
                except zlib.error as e:
                    raise Damaged(f"a chunk that cannot be decompressed ({e})") from e
            else:
                raise Damaged(f"compressed by filter {number}, which is not known; only deflate is")
        if len(data) != size:
            raise Damaged("a chunk of the wrong size")
        return data


def _bytes_of(array) -> memoryview:
    return memoryview(array.reshape(-1).view("u1"))


def _parts(path, where) -> list:
    parts = path.split("/") if path else []
    if len(path) > MAX_NAME or any(p in ("", ".", "..") or "\0" in p for p in parts):
        raise ValueError(f"{where}: {path[:200]!r} is not a path inside a file")
    return parts


def _kind(found) -> str:
    return "nothing" if found is None else "an array" if isinstance(found, Dataset) else "a group"


def _as_list(value) -> list:
    return [] if value is None else value if isinstance(value, list) else [value]


def is_hdf5(source) -> bool:
    """Whether a path or bytes begin like an HDF5 file (after a user block, if there is one)."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb", buffering=0)
    with opened:
        try:
            File(opened)
        except Damaged:
            opened.seek(0)
            return opened.read(4) == b"\x89HDF"
    return True


def write_attribute(group, name, value):
    """Write text as Keras does: UTF-8 in one attribute."""
    group.attrs[name] = value.encode("utf-8") if isinstance(value, str) else value


def write_names(group, name, names):
    """Write a list of names as Keras does: one attribute, or numbered parts where it would be too long for HDF5."""
    data = [n.encode("utf-8") for n in names]
    width = max(map(len, data), default=1)
    if width > OBJECT_HEADER:
        raise ValueError(f"expected names of at most {OBJECT_HEADER} bytes, received one of {width}")
    per_part = max(1, OBJECT_HEADER // width)
    if len(data) <= per_part:
        group.attrs[name] = data
        return
    for number, start in enumerate(range(0, len(data), per_part)):
        group.attrs[f"{name}{number}"] = data[start:start + per_part]
