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

from kgraph.naming import printable
from kgraph.runtime.locks import kept
from kgraph.saving.hdf5_blocks import NOWHERE, STEP, Damaged
from kgraph.saving.hdf5_format import MAX_NAME, File, dataspace, datatype
from kgraph.tables import Table

__all__ = ["Dataset", "Group", "open_file", "write_array", "write_attribute", "write_names",
           "write_variable"]

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
MAX_ATTRIBUTE = 32 << 20     # bytes; the largest attribute is a model's configuration
MAX_INFLATION = 200          # of chunks together, beyond what any file may hold
ROOM = 64 << 20              # bytes that any file may declare
MAX_DEPTH = 100              # groups in groups, more than any model needs
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
        return f"{self.file_name}:/{printable(self.path)}"

    def __repr__(self):
        return f"<{type(self).__name__} {self.where}>"

    def attributes(self) -> dict:
        """All attributes: name -> str, number, or list of them."""
        with _where(self.where):
            return {name: self._value(*parts) for name, parts in self._header.attributes.items()}

    def attribute(self, name, default=None):
        """One attribute: a str, a number, or a list of them. `default` when there is none of that name."""
        with _where(f"{self.where}@{name}"):
            parts = self._header.attributes.get(name)
            return default if parts is None else self._value(*parts)

    def text(self, name):
        """An attribute that is a text, or None when there is none. Raises ValueError for other values."""
        value = self.attribute(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{self.where}@{name}: expected a text, received {str(value)[:100]!r}")
        return value

    def _value(self, type_message, space_message, data):
        kind, shape = datatype(_fresh(type_message)), dataspace(_fresh(space_message))
        count = math.prod(shape)
        if count * kind.size > min(MAX_ATTRIBUTE, data.left):
            raise Damaged(f"an attribute declares {count} values")
        self._file.charge(count * (kind.size + STEP))
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

    def _children(self) -> dict:
        with _where(self.where):
            return self._header.links

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
            raise ValueError(f"{self.file_name}:/{printable(path)}: expected data of this file, received a {link.kind} "
                             "link; links are not followed")
        with _where(f"{self.file_name}:/{printable(path)}"):
            header = self._file.header(link.address)
            if header.is_dataset:
                return Dataset(self._file, link.address, self.file_name, path)
            if header.is_group:
                return Group(self._file, link.address, self.file_name, path)
            raise Damaged("neither a group nor an array")

    def arrays(self, strict=True):
        """All arrays in this group and in the groups inside, each once: hard links can give one object many names, and
        put a group into itself. strict: raise ValueError for other links and objects, in place of passing them over."""
        seen = {self.address}
        stack = [(self, name, 0) for name in reversed(self.names())]
        while stack:
            group, name, depth = stack.pop()
            try:
                child = group._step(name)
            except ValueError:
                if strict:
                    raise
                continue
            if child.address in seen:
                continue
            seen.add(child.address)
            if isinstance(child, Dataset):
                yield child
            elif depth == MAX_DEPTH:
                raise ValueError(f"{child.where}: expected at most {MAX_DEPTH} groups in each other, received more")
            else:
                stack += [(child, name, depth + 1) for name in reversed(child.names())]

    def held(self) -> int:
        """Bytes of all arrays of numbers in this group and in the groups inside: those that are there as declared, and
        not more than a file of that size can hold."""
        sizes = {False: 0, True: 0}
        for array in self.arrays(strict=False):
            with contextlib.suppress(ValueError):
                array.check()
                sizes[array.in_chunks] += array.nbytes
        return min(sizes[False], self._file.size) + min(sizes[True], MAX_INFLATION * self._file.size)

    def name_list(self, name) -> list:
        """A list of names that Keras writes as one attribute, or as several numbered ones where it is long."""
        value = self.attribute(name)
        if value is None:
            numbered = (self.attribute(f"{name}{i}") for i in itertools.count())
            value = [v for part in itertools.takewhile(lambda p: p is not None, numbered) for v in _as_list(part)]
        value = _as_list(value)
        if not all(isinstance(n, str) for n in value):
            raise ValueError(f"{self.where}@{name}: expected a list of names, received {str(value)[:100]!r}")
        return value


class Dataset(_Object):
    """An array in a file: shape and dtype are known without reading it."""

    @kept
    def shape(self) -> tuple:
        with _where(self.where):
            return self._header.shape()

    @kept
    def _type(self):
        with _where(self.where):
            return self._header.type()

    @kept
    def _storage(self):
        with _where(self.where):
            return self._header.storage()

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

    def read_rows(self, array, start):
        """Fill an array with the rows from that one on. Raises ValueError as read_into does."""
        if self.shape[1:] != array.shape[1:] or start + len(array) > self.shape[0]:
            raise ValueError(f"{self.where}: expected rows {start} to {start + len(array)} of shape {array.shape[1:]}, "
                             f"received shape {self.shape}")
        self.check()
        if array.dtype == self.dtype and self._storage.kind == "contiguous":
            with _where(self.where):
                self._fill(array, start * array[:1].nbytes)
        else:
            array[...] = self.read(self.shape)[start:start + len(array)]

    def check(self):
        """Raise ValueError unless the file holds numbers here, and as many bytes as it declares."""
        with _where(self.where):
            if self._type.kind != "number":
                raise Damaged("an array of text instead of numbers")
            self._check_storage()

    def _check_storage(self):
        storage = self._storage
        if not self.nbytes:
            return
        start = storage.address + self._file.base
        inside = storage.kind == "compact" or storage.address != NOWHERE and start + self.nbytes <= self._file.size
        if not self._chunks if storage.kind == "chunked" else storage.size < self.nbytes or not inside:
            raise Damaged("an array that holds less than it declares")

    @property
    def in_chunks(self) -> bool:
        """Whether it is stored in parts, which may be compressed."""
        return self._storage.kind == "chunked"

    def verify(self):
        """Read all of it and keep nothing: ValueError for whatever read_into would find."""
        self.check()
        with _where(self.where):
            if self._storage.kind == "contiguous" and self.nbytes:
                self._file.charge(self.nbytes)
                self._file.probe(self._storage.address, self.nbytes)
            elif self.in_chunks:
                for _ in self._read_chunks():
                    pass

    def read(self, shape) -> np.ndarray:
        """The array, of exactly that shape. Raises ValueError as read_into does."""
        self.check()
        array = np.empty(shape, self.dtype.newbyteorder("="))
        self.read_into(array)
        return array

    def read_text(self) -> list:
        """A one-dimensional array of text as a list of str."""
        with _where(self.where):
            if self._type.kind == "number" or len(self.shape) != 1 or self.nbytes > MAX_ATTRIBUTE:
                raise Damaged("expected a list of texts")
            self._check_storage()
            raw = np.empty(self.shape[0], f"S{self._type.size}")
            self._read_raw(raw)
            return _elements(self._file, self._type, raw.tobytes(), self.shape[0])

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
        for start in range(0, flat.size, per_slice):
            part = np.empty(min(per_slice, flat.size - start), self.dtype)
            self._fill(part, start * self._type.size)
            flat[start:start + part.size] = part

    def _read_raw(self, array):
        """Fill an array of the stored dtype."""
        storage = self._storage
        if storage.kind == "compact":
            _bytes_of(array)[:] = storage.data[:self.nbytes]
        elif storage.kind == "contiguous":
            self._fill(array)
        else:
            for place, part in self._read_chunks():
                array[place] = part

    def _fill(self, array, start=0):
        """The bytes of the array in the file, from one on, into an array."""
        self._file.charge(array.nbytes)
        self._file.fill(self._storage.address + start, _bytes_of(array))

    @kept
    def _chunks(self) -> list:
        """(start, address, bytes there) of each chunk. Raises Damaged unless each part of the array is in one of them,
        and what is stored can hold them all."""
        chunk, rank, address = self._storage.chunk, len(self.shape), self._storage.address
        if len(chunk) != rank or not rank or 0 in chunk or self._chunk_bytes > max(SLICE, 4 * self.nbytes) \
                or address == NOWHERE:
            raise Damaged("an array in chunks that do not fit it")
        found, stored = {}, {}
        for key, where in self._file.tree(address, 1, 8 + 8 * (rank + 1)):
            size, skipped = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:8], "little")
            start = tuple(int.from_bytes(key[8 + 8 * i:16 + 8 * i], "little") for i in range(rank))
            if any(a % c or a >= n for a, c, n in zip(start, chunk, self.shape)) or skipped:
                raise Damaged("a chunk outside its array")
            if start in found:
                raise Damaged("an array in chunks of which one is there twice")
            found[start], stored[where] = (where, size), size
        if len(found) != math.prod(-(-n // c) for n, c in zip(self.shape, chunk)):
            raise Damaged("an array that holds less than it declares: chunks are missing")
        if len(found) * self._chunk_bytes > max(ROOM, MAX_INFLATION * sum(stored.values())):
            raise Damaged(f"an array that declares {self.nbytes} bytes and stores {sum(stored.values())}")
        return [(start, where, size) for start, (where, size) in found.items()]

    @property
    def _chunk_bytes(self) -> int:
        return math.prod(self._storage.chunk) * self._type.size

    def _read_chunks(self):
        """(its place, the part of the array) for each chunk."""
        chunk, dtype = self._storage.chunk, self.dtype or f"S{self._type.size}"
        for start, where, stored in self._chunks:
            data = self._unfilter(bytes(self._file.block(where, stored, "a chunk").data), self._chunk_bytes)
            place = tuple(slice(a, min(a + c, n)) for a, c, n in zip(start, chunk, self.shape))
            part = np.frombuffer(data, dtype, math.prod(chunk)).reshape(chunk)
            yield place, part[tuple(slice(0, s.stop - s.start) for s in place)]

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


def write_array(group, name, array):
    """Write an array as Keras does, which marks bfloat16: to HDF5 it is bytes without a meaning."""
    _mark(group.create_dataset(name, data=array), array.dtype)


def _mark(dataset, dtype):
    if dtype.name == "bfloat16":
        dataset.attrs["dtype"] = "bfloat16"


def write_variable(group, name, variable):
    """Write a variable straight from its memory; a table's rows as they come from who holds them."""
    if not isinstance(variable, Table):
        write_array(group, name, variable.buffer)
        return
    dtype = variable.held.dtype
    dataset = group.create_dataset(name, variable.shape, dtype)
    _mark(dataset, dtype)
    for start, rows in variable.parts():
        dataset[start:start + len(rows)] = rows


def write_names(group, name, names):
    """Write a list of names as Keras does: one attribute, or numbered parts where it would be too long for HDF5."""
    data = np.array([n.encode("utf-8") for n in names])    # of one width: h5py makes 16 bytes of each text in a list
    width = data.itemsize
    if width > OBJECT_HEADER:
        raise ValueError(f"expected names of at most {OBJECT_HEADER} bytes, received one of {width}")
    per_part = max(1, OBJECT_HEADER // width)
    if len(data) <= per_part:
        group.attrs[name] = data
        return
    for number, start in enumerate(range(0, len(data), per_part)):
        group.attrs[f"{name}{number}"] = data[start:start + per_part]
