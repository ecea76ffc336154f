"""The bytes of an HDF5 file: headers, heaps, trees and types, each read within the bounds of the file.

Written after the "HDF5 File Format Specification" (The HDF Group, versions 1.1 to 3.0). The HDF5 library itself cannot
be used on files from strangers: a changed byte can make it loop for ever, and it opens other files that a file names.
This reader does neither: it reads one file, follows no address twice, and knows what Keras files are made of. Anything
else is a ValueError: external and virtual storage on purpose, the rarer layouts for want of need.
"""
from __future__ import annotations

import collections
from dataclasses import dataclass, field

import numpy as np

from kgraph.compiler.loopnest.dtypes import numpy_dtype
from kgraph.runtime.locks import kept
from kgraph.saving import hdf5_dense
from kgraph.saving.hdf5_blocks import NOWHERE, Blocks, Cursor, Damaged

__all__ = ["MAX_NAME", "File", "Header", "Link", "Storage", "Type", "dataspace", "datatype"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_NAME = 1 << 16            # bytes of a name or path
MAX_RANK = 32

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE, CONTINUATION, SYMBOLS, ATTRIBUTE_INFO = \
    1, 2, 3, 6, 7, 8, 11, 12, 16, 17, 21


class File(Blocks):
    """An open HDF5 file. `root` is the address of the root group's header."""

    def __init__(self, source):
        super().__init__(source)
        self._headers, self._heaps = {}, {}
        self.base, self.root = self._superblock()

    def _superblock(self):
        start = 0
        while self.block(start, 8, "the signature").data != SIGNATURE:
            start = max(512, 2 * start)
        c = self.block(start, min(self.size - start, 96), "the superblock")
        c.take(8)
        version = c.number(1)
        if version in (0, 1):
            c.take(4)
            sizes = c.number(1), c.number(1)
            c.take(1 + 8 + 4 * version)
            base, _, _, _, _, root = (c.number(8) for _ in range(6))
        elif version in (2, 3):
            sizes = c.number(1), c.number(1)
            c.take(1)
            base, _, _, root = (c.number(8) for _ in range(4))
        else:
            raise Damaged(f"unknown version {version} of the superblock")
        if sizes != (8, 8):
            raise Damaged(f"addresses and lengths of {sizes} bytes; only 8 are known")
        return start if base == 0 and start else base, root

    # ------------------------------------------------------------------ object headers
    def header(self, address) -> Header:
        """All messages of the object at an address, which is read once."""
        if address not in self._headers:
            self._headers[address] = self._read_header(address)
        return self._headers[address]

    def _read_header(self, address) -> Header:
        first = self.block(address, min(16, max(0, self.size - self.base - address)), "an object's header")
        messages, blocks, seen = [], collections.deque(), {address}
        modern = first.data[:4] == b"OHDR"
        if modern:
            blocks.append(self._modern_block(address))
            flags = first.data[5]
        elif first.take(1) == b"\1":
            first.take(7)
            blocks.append(self.block(address + 16, first.number(4), "an object's header"))
            flags = 0
        else:
            raise Damaged("no object has its header where one should be")
        while blocks:
            c = blocks.popleft()
            while c.left >= (4 + 2 * bool(flags & 4) if modern else 8):
                kind, data = self._message(c, modern, flags)
                if kind == CONTINUATION:
                    where, size = data.number(8), data.number(8)
                    if where in seen:
                        raise Damaged("an object's header runs in a circle")
                    seen.add(where)
                    blocks.append(self._continuation(where, size, modern))
                else:
                    messages.append((kind, data))
        return Header(self, address, messages)

    def _modern_block(self, address) -> Cursor:
        c = self.block(address, min(40, self.size - self.base - address), "an object's header")
        c.take(5)
        flags = c.number(1)
        c.take(16 * bool(flags & 0x20) + 4 * bool(flags & 0x10))
        size = c.number(1 << (flags & 3))
        return self.block(address + c.at, size, "an object's header")

    def _continuation(self, address, size, modern) -> Cursor:
        c = self.block(address, size, "an object's header")
        if modern:
            if c.take(4) != b"OCHK" or c.left < 4:
                raise Damaged("an object's header goes on where nothing is")
            del c.data[-4:]
        return c

    def _message(self, c, modern, header_flags):
        kind = c.number(1 if modern else 2)
        size, flags = c.number(2), c.number(1)
        c.take(2 * bool(header_flags & 4) if modern else 3)
        data = Cursor(c.take(size))
        if flags & 2 and kind not in (0, LINK_INFO, ATTRIBUTE_INFO):
            raise Damaged("a type or attribute that is shared between objects; this is not known")
        return kind, data

    # ------------------------------------------------------------------ heaps
    def heap_name(self, heap, offset) -> str:
        """The name at an offset of a local heap."""
        if heap not in self._heaps:
            c = self.block(heap, 32, "a heap")
            if c.take(8) != b"HEAP\0\0\0\0":
                raise Damaged("no heap where one should be")
            size, _, address = c.number(8), c.number(8), c.number(8)
            self._heaps[heap] = bytes(self.block(address, size, "a heap").data)
        names = self._heaps[heap]
        end = names.find(b"\0", offset, offset + MAX_NAME)
        if end < 0:
            raise Damaged("a name without an end")
        self.charge(end - offset)
        return decode(names[offset:end])

    def heap_object(self, address, index) -> bytes:
        """An object of a global heap: where texts of variable length are kept."""
        key = "global", address
        if key not in self._heaps:
            c = self.block(address, 16, "a global heap")
            if c.take(4) != b"GCOL":
                raise Damaged("no global heap where one should be")
            c.take(4)
            c = self.block(address, c.number(8), "a global heap")
            c.take(16)
            objects = {}
            while c.left >= 16:
                number, _, _, size = c.number(2), c.number(2), c.number(4), c.number(8)
                if number == 0:
                    break
                start = c.at
                objects[number] = c.take(size)
                c.align(start)
            self._heaps[key] = objects
        if index not in self._heaps[key]:
            raise Damaged("a text that its heap does not hold")
        self.charge(len(self._heaps[key][index]))
        return self._heaps[key][index]

    # ------------------------------------------------------------------ trees
    def tree(self, root, kind, key_size):
        """(key, address) of the leaves of a version-1 B-tree: kind 0 of a group, 1 of chunks."""
        stack, seen = [(root, None)], set()
        while stack:
            address, expected = stack.pop()
            c = self.block(address, 24, "a tree")
            if c.take(4) != b"TREE" or c.number(1) != kind or address in seen:
                raise Damaged("no tree where one should be, or one that runs in a circle")
            seen.add(address)
            level, count = c.number(1), c.number(2)
            if expected is not None and level != expected:
                raise Damaged("a tree whose levels do not agree")
            c = self.block(address + 24, count * (key_size + 8), "a tree")
            children = [(c.take(key_size), c.number(8)) for _ in range(count)]
            if level:
                stack += [(child, level - 1) for _, child in reversed(children)]
            else:
                yield from children


def decode(data) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Damaged(f"a text that is not UTF-8 ({data[:20]!r})") from e


@dataclass(frozen=True)
class Link:
    """A name in a group. kind: hard (address is its target), soft or external."""

    kind: str
    address: int = NOWHERE


@dataclass(frozen=True)
class Type:
    """How elements are stored. kind: number (dtype says how), text (size bytes each), or long text (in a heap)."""

    kind: str
    size: int
    dtype: np.dtype | None = None


@dataclass(frozen=True)
class Storage:
    """Where an array's elements are: data itself (compact), or an address and size, or a tree of chunks."""

    kind: str
    address: int = NOWHERE
    size: int = 0
    data: bytes = b""
    chunk: tuple = ()
    filters: tuple = field(default=())


class Header:
    """An object of the file: the links of a group, the type, shape and storage of an array, the attributes of both."""

    def __init__(self, file, address, messages):
        self.file, self.address = file, address
        self.messages = collections.defaultdict(list)    # kind -> their contents
        for kind, cursor in messages:
            self.messages[kind].append(cursor.data)
        self.is_group = not self.messages.keys().isdisjoint((SYMBOLS, LINK_INFO, LINK))
        self.is_dataset = LAYOUT in self.messages

    def find(self, kind):
        """A cursor on the first message of that kind, or None."""
        return Cursor(self.messages[kind][0]) if kind in self.messages else None

    @kept
    def links(self) -> dict:
        """name -> Link."""
        found = {}
        symbols = self.find(SYMBOLS)
        if symbols:
            tree, heap = symbols.number(8), symbols.number(8)
            for _, node in self.file.tree(tree, 0, 8):
                self._symbols(node, heap, found)
        info = self.find(LINK_INFO)
        if info:
            info.take(1)
            info.take(8 * (info.number(1) & 1))
        for message in self._messages(LINK, info):
            name, link = _link_message(message)
            found[name] = link
        return found

    def _messages(self, kind, info) -> list:
        """Cursors on the links or attributes: those in the header, and those whose place `info` tells."""
        found = [Cursor(data) for data in self.messages.get(kind, ())]
        heap, tree = (info.number(8), info.number(8)) if info else (NOWHERE, NOWHERE)
        if heap != NOWHERE:
            found += hdf5_dense.messages(self.file, heap, tree,
                                         hdf5_dense.LINKS if kind == LINK else hdf5_dense.ATTRIBUTES)
        return found

    def _symbols(self, node, heap, found):
        c = self.file.block(node, 8, "a group's node")
        if c.take(4) != b"SNOD":
            raise Damaged("no group's node where one should be")
        c.take(2)
        c = self.file.block(node + 8, 40 * c.number(2), "a group's node")
        while c.left:
            name, address, cached = c.number(8), c.number(8), c.number(4)
            c.take(20)
            found[self.file.heap_name(heap, name)] = Link("soft" if cached == 2 else "hard", address)

    def shape(self) -> tuple:
        space = self.find(DATASPACE)
        if space is None:
            raise Damaged("an array without a shape")
        return dataspace(space)

    def type(self) -> Type:
        c = self.find(DATATYPE)
        if c is None:
            raise Damaged("an array without a type")
        return datatype(c)

    def storage(self) -> Storage:
        """Raises Damaged for storage outside the file: external files, virtual datasets."""
        if EXTERNAL in self.messages:
            raise Damaged("the array is kept in an external file; only arrays inside the file are read")
        c = self.find(LAYOUT)
        version, kind = c.number(1), c.number(1)
        if kind == 3 and version == 4:
            raise Damaged("a virtual array, made of other files; only arrays inside the file are read")
        if version == 4 and kind == 2 or version not in (3, 4) or kind > 2:
            raise Damaged(f"storage layout {version}.{kind} is not known; copy the file with h5py's defaults")
        if kind == 0:
            data = c.take(c.number(2))
            return Storage("compact", size=len(data), data=data)
        if kind == 1:
            return Storage("contiguous", c.number(8), c.number(8))
        rank = c.number(1)
        address = c.number(8)
        return Storage("chunked", address, chunk=tuple(c.number(4) for _ in range(rank))[:-1], filters=self._filters())

    def _filters(self) -> tuple:
        """The numbers of the filters in the order in which they were applied."""
        c = self.find(FILTERS)
        if c is None:
            return ()
        version, count = c.number(1), c.number(1)
        c.take(6 * (version == 1))
        found = []
        for _ in range(count):
            number = c.number(2)
            name = c.number(2) if version == 1 or number >= 256 else 0
            c.take(2)
            values = c.number(2)
            c.take(name if version > 1 else -(-name // 8) * 8)
            c.take(4 * values + 4 * (version == 1 and values % 2))
            found.append(number)
        return tuple(found)

    @kept
    def attributes(self) -> dict:
        """name -> (Type, shape, Cursor on the data)."""
        info = self.find(ATTRIBUTE_INFO)
        if info:
            info.take(1)
            info.take(2 * (info.number(1) & 1))
        return dict(map(_attribute, self._messages(ATTRIBUTE, info)))


def _link_message(c):
    if c.number(1) != 1:
        raise Damaged("unknown version of a link")
    flags = c.number(1)
    kind = c.number(1) if flags & 8 else 0
    c.take(8 * bool(flags & 4) + bool(flags & 16))
    name = decode(c.take(c.number(1 << (flags & 3))))
    return name, Link("hard", c.number(8)) if kind == 0 else Link("soft" if kind == 1 else "external")


def dataspace(c) -> tuple:
    """The shape from a dataspace message; an empty one has the shape (0,)."""
    version, rank, _, kind = c.number(1), c.number(1), c.number(1), c.number(1)
    if rank > MAX_RANK:
        raise Damaged(f"an array of {rank} dimensions; HDF5 has at most {MAX_RANK}")
    if version == 1:
        c.take(4)
    elif version != 2:
        raise Damaged("unknown version of a shape")
    if version == 2 and kind == 2:
        return (0,)
    return tuple(c.number(8) for _ in range(rank))


def datatype(c) -> Type:
    """The Type from a datatype message."""
    kind, bits, size = c.number(1) & 15, c.number(3), c.number(4)
    order = ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8):
        return Type("number", size, np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == 1 and size in (2, 4, 8) and not bits & 64:
        return Type("number", size, np.dtype(f"{order}f{size}"))
    if kind == 5 and size == 2:       # bytes without a meaning: how h5py keeps bfloat16
        return Type("number", size, numpy_dtype("bfloat16"))
    if kind == 3 and size:
        return Type("text", size)
    if kind == 8 and size == 1:       # an enumeration of bytes: how booleans are kept
        return Type("number", 1, np.dtype(bool))
    if kind == 9 and bits & 15 == 1:
        return Type("long text", 16)
    raise Damaged(f"elements of class {kind} and {size} bytes; only numbers and text are read")


def _attribute(c):
    version = c.number(1)
    if version not in (1, 2, 3):
        raise Damaged("unknown version of an attribute")
    flags = c.number(1)
    if version > 1 and flags & 3:
        raise Damaged("an attribute whose type is shared between objects; this is not known")
    sizes = [c.number(2) for _ in range(3)]
    c.take(version == 3)
    parts = []
    for size in sizes:
        parts.append(Cursor(c.take(size)))
        c.take(-size % 8 if version == 1 else 0)
    name = decode(parts[0].data.split(b"\0")[0])
    return name, (parts[1], parts[2], c)
