"""TFRecord files, and the protocol buffers Example and SequenceExample that they mostly hold.

A record is its length (uint64), a masked CRC-32C of these eight bytes, the data, and the masked CRC of the data.
"""
from __future__ import annotations

import functools
import struct

import numpy as np

from kgraph.tensorflow.errors import DataLossError

__all__ = ["fields_of", "framed", "masked_crc", "packed_field", "read_records", "varint"]


@functools.cache
def _crc_tables() -> np.ndarray:
    """Sixteen tables of the CRC-32C (Castagnoli): what a byte adds, followed by 0 to 15 zero bytes."""
    first = np.arange(256, dtype="uint32")
    for _ in range(8):
        first = np.where(first & 1, first >> 1 ^ np.uint32(0x82F63B78), first >> 1)
    tables = [first]
    for _ in range(15):
        tables.append(first[tables[-1] & 255] ^ tables[-1] >> 8)
    return np.array(tables)


def masked_crc(data: bytes) -> int:
    """The CRC-32C of data, rotated and shifted as TFRecord files keep it."""
    crc = _crc(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc(data) -> int:
    tables, crc = _crc_lists(), 0xFFFFFFFF
    whole = len(data) // 8 * 8
    t = tables
    for low, high in struct.iter_unpack("<II", memoryview(data)[:whole]):
        low ^= crc
        crc = (t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24]
               ^ t[3][high & 255] ^ t[2][high >> 8 & 255] ^ t[1][high >> 16 & 255] ^ t[0][high >> 24])
    for byte in data[whole:]:
        crc = t[0][(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@functools.cache
def _crc_lists() -> list:
    return _crc_tables().tolist()


def framed(data: bytes) -> bytes:
    """data as a record of a TFRecord file."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", masked_crc(length)), data, struct.pack("<I", masked_crc(data))))


def read_records(file, path="file"):
    """The records of an open file. Raises DataLossError where it ends early or a checksum is another."""
    place = 0
    while head := file.read(12):
        if len(head) < 12 or struct.unpack("<I", head[8:])[0] != masked_crc(head[:8]):
            raise DataLossError(message=f"{path}: expected a record at byte {place}, received a damaged length")
        size = struct.unpack("<Q", head[:8])[0]
        data, tail = file.read(size), file.read(4)
        if len(tail) < 4 or struct.unpack("<I", tail)[0] != masked_crc(data):
            raise DataLossError(message=f"{path}: expected {size} bytes of data at byte {place}, received damaged ones")
        place += 16 + size
        yield data


# ------------------------------------------------------------------ protocol buffers
def varint(n: int) -> bytes:
    """An integer, negative ones as of 64 bits, in groups of seven bits."""
    n &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def packed_field(number: int, data: bytes) -> bytes:
    """A field of bytes: text, a message or packed numbers."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def read_varint(data, at: int) -> tuple:
    """(the integer that begins at a place, where it ends)."""
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 127) << shift
        if byte < 128:
            return n, at
        shift += 7


def fields_of(data):
    """(number, value) of each field of a message: ints, and bytes of what has a length or is of fixed size."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        else:
            size, at = read_varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            value, at = bytes(data[at:at + size]), at + size
        yield key >> 3, value


def signed(n: int) -> int:
    """An unsigned integer of 64 bits as the signed one of the same bits."""
    return n - (1 << 64) if n >> 63 else n
