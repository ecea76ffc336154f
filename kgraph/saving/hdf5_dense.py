"""The dense layout of HDF5's newer files: where a group has many links, or an object many or long attributes.

Their messages lie in a fractal heap; a tree of version 2 lists where. Both are read as the rest of a file is: within
its bounds, no node twice.
"""
from __future__ import annotations

from dataclasses import dataclass

from kgraph.saving.hdf5_blocks import NOWHERE, Cursor, Damaged

__all__ = ["messages"]

LINKS, ATTRIBUTES, HUGE = 5, 8, 1     # kinds of trees: names of links or attributes, objects too large for blocks
MAX_DEPTH = 16
MAX_ROWS = 64


def messages(file, heap, tree, kind) -> list:
    """A Cursor on each message of a group's links (kind LINKS) or of an object's attributes (ATTRIBUTES)."""
    heap = _Heap.read(file, heap)
    place = slice(4, 4 + heap.id_size) if kind == LINKS else slice(0, heap.id_size)
    return [Cursor(heap.object(record[place])) for record in _records(file, tree, kind)]


# ------------------------------------------------------------------ trees
def _records(file, address, kind):
    """The records of a tree of version 2, as bytes."""
    c = file.block(address, 38, "a tree's header")
    if c.take(4) != b"BTHD" or c.take(1) != b"\0" or c.number(1) != kind:
        raise Damaged("no tree's header where one should be")
    node, size, depth, _ = c.number(4), c.number(2), c.number(2), c.take(2)
    root, count = c.number(8), c.number(2)
    if not size or depth > MAX_DEPTH or node < 10 + size:
        raise Damaged("a tree whose nodes cannot be")
    pointers = _pointer_sizes(node, size, depth)
    stack, seen = [(root, count, depth)] if root != NOWHERE else [], set()
    while stack:
        at, count, level = stack.pop()
        if at in seen:
            raise Damaged("a tree that runs in a circle")
        seen.add(at)
        c = file.block(at, node, "a tree's node")
        if c.take(4) != (b"BTIN" if level else b"BTLF") or c.take(1) != b"\0" or c.number(1) != kind:
            raise Damaged("no tree's node where one should be")
        yield from [c.take(size) for _ in range(count)]
        if level:
            number, total = pointers[level]
            for _ in range(count + 1):
                stack.append((c.number(8), c.number(number), level - 1))
                c.take(total)


def _pointer_sizes(node, size, depth) -> dict:
    """level -> bytes of a child's own count of records, and of the count of all below it, which leaves lack."""
    most = (node - 10) // size            # records of a leaf; then those of a node of each level, and all below it
    number, below, width, found = _bytes_for(most), most, 0, {}
    for level in range(1, depth + 1):
        found[level] = number, width
        pointer = 8 + number + width
        here = max(0, node - 10 - pointer) // (size + pointer)
        below = (here + 1) * below + here
        width = _bytes_for(below)
    return found


def _bytes_for(number) -> int:
    return max(1, -(-number.bit_length() // 8))


# ------------------------------------------------------------------ heaps
@dataclass(frozen=True)
class _Heap:
    """A fractal heap: rows of blocks, `width` in a row; those of each row from the third on are twice as large."""

    file: object
    id_size: int
    huge: dict             # number -> (address, length) of the objects outside the blocks
    width: int
    start: int             # bytes of the blocks in the first two rows
    largest: int           # bytes of the largest block that holds data; larger ones are tables of such rows again
    offset_size: int
    length_size: int
    root: int
    rows: int              # 0: the root is a block of data
    tables: dict           # (address, rows) -> the addresses in a table of blocks, as bytes

    @classmethod
    def read(cls, file, address):
        c = file.block(address, 142, "a heap's header")
        if c.take(4) != b"FRHP" or c.take(1) != b"\0":
            raise Damaged("no heap's header where one should be")
        id_size, filters, _, most = c.number(2), c.number(2), c.take(1), c.number(4)
        _, huge = c.take(8), c.number(8)
        c.take(80)
        width, start, largest, bits, _, root, rows = (c.number(n) for n in (2, 8, 8, 2, 2, 8, 2))
        powers = all(n and n & n - 1 == 0 for n in (width, start, largest))
        if filters or not powers or start > largest or rows > MAX_ROWS or not 0 < bits <= 64 or id_size < 7:
            raise Damaged("a heap whose blocks cannot be")
        length = min(-(-(largest.bit_length() - 1) // 8), _bytes_for(most))
        return cls(file, id_size, _huge(file, huge), width, start, largest, -(-bits // 8), length, root, rows, {})

    def object(self, key) -> bytes:
        """The bytes of the object of that id."""
        kind = key[0] >> 4
        if kind == 1:
            number = int.from_bytes(key[1:9], "little")
            if number not in self.huge:
                raise Damaged("an object that its heap does not hold")
            address, length = self.huge[number]
            return bytes(self.file.block(address, length, "an object of a heap").data)
        if kind == 2:
            return key[1:1 + (key[0] & 15) + 1]
        if kind:
            raise Damaged("an object of a heap of an unknown kind")
        c = Cursor(key, 1)
        offset, length = c.number(self.offset_size), c.number(self.length_size)
        block, inside, size = self._block(offset)
        if inside + length > size:
            raise Damaged("an object of a heap that goes beyond its block")
        return bytes(self.file.block(block + inside, length, "an object of a heap").data)

    def _block(self, offset) -> tuple:
        """(address, offset in it, size) of the block of data in which that byte of the heap is."""
        address, rows, size = self.root, self.rows, self.start
        for _ in range(MAX_ROWS):
            table = self._table(address, rows)
            if not rows:
                return address, offset, size
            row, before, size = 0, 0, self.start
            while row < rows and offset >= before + self.width * size:
                before, size, row = before + self.width * size, size << bool(row), row + 1
            if row == rows:
                raise Damaged("an object outside its heap")
            address = Cursor(table, 8 * (row * self.width + (offset - before) // size)).number(8)
            offset = (offset - before) % size
            rows = 0 if size <= self.largest else size.bit_length() - (self.start * self.width).bit_length() + 1
        raise Damaged("tables of a heap that do not end")

    def _table(self, address, rows):
        """The addresses in the table of that many rows at an address; no rows: there is a block of data."""
        key = address, rows
        if key not in self.tables:
            head = 13 + self.offset_size
            if address == NOWHERE:
                raise Damaged("no block of a heap where one should be")
            c = self.file.block(address, head + 8 * rows * self.width if rows else 4, "a block of a heap")
            if c.take(4) != (b"FHIB" if rows else b"FHDB"):
                raise Damaged("no block of a heap where one should be")
            self.tables[key] = bytes(c.data[head:])
        return self.tables[key]


def _huge(file, address) -> dict:
    """number -> (address, length) of the objects that lie outside the blocks."""
    found = {}
    for record in _records(file, address, HUGE) if address != NOWHERE else ():
        c = Cursor(record)
        where, length = c.number(8), c.number(8)
        found[c.number(8)] = where, length
    return found
