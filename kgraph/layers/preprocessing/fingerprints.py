"""64-bit hashes of texts, the same as TensorFlow's: buckets in saved models keep their meaning.

fingerprint64: FarmHash Fingerprint64 (G. Pike, 2014). keyed_hash: SipHash-2-4 (Aumasson and Bernstein, 2012).
"""
from __future__ import annotations

import functools

__all__ = ["cat64", "fingerprint64", "keyed_hash"]

_ALL = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _at(data, i, size=8) -> int:
    return int.from_bytes(data[i:i + size], "little")


def _turned(x, n) -> int:
    """x rotated to the right by n bits."""
    x &= _ALL
    return (x >> n | x << (64 - n)) & _ALL


def _mixed(x) -> int:
    x &= _ALL
    return x ^ x >> 47


def _joined(u, v, factor) -> int:
    """Two numbers as one."""
    a = _mixed((u ^ v) * factor)
    return _mixed((v ^ a) * factor) * factor & _ALL


@functools.lru_cache(1 << 16)
def fingerprint64(data: bytes) -> int:
    """The FarmHash fingerprint of bytes, in [0, 2**64)."""
    n = len(data)
    if n > 64:
        return _long(data)
    factor = _K2 + 2 * n
    if n > 16:
        return _middle(data, factor)
    if n >= 8:
        a, b = _at(data, 0) + _K2, _at(data, n - 8)
        return _joined((_turned(b, 37) * factor + a) & _ALL, (_turned(a, 25) + b) * factor & _ALL, factor)
    if n >= 4:
        return _joined(n + (_at(data, 0, 4) << 3), _at(data, n - 4, 4), factor)
    if n:
        y, z = data[0] + (data[n >> 1] << 8), n + (data[n - 1] << 2)
        return _mixed(y * _K2 & _ALL ^ z * _K0 & _ALL) * _K2 & _ALL
    return _K2


def _middle(data, factor) -> int:
    """Of 17 to 64 bytes."""
    n = len(data)
    a = _at(data, 0) * (_K1 if n <= 32 else _K2) & _ALL
    b, c, d = _at(data, 8), _at(data, n - 8) * factor, _at(data, n - 16) * _K2
    y = (_turned(a + b, 43) + _turned(c, 30) + d) & _ALL
    z = _joined(y, (a + _turned(b + _K2, 18) + c) & _ALL, factor)
    if n <= 32:
        return z
    e, f = _at(data, 16) * factor & _ALL, _at(data, 24)
    g, h = (y + _at(data, n - 32)) * factor, (z + _at(data, n - 24)) * factor
    return _joined((_turned(e + f, 43) + _turned(g, 30) + h) & _ALL, (e + _turned(f + a, 18) + g) & _ALL, factor)


def _weak(data, i, a, b) -> tuple:
    """32 bytes and two seeds as two numbers."""
    w, x, y, z = (_at(data, i + k) for k in (0, 8, 16, 24))
    a += w
    b = _turned(b + a + z, 21)
    c = a
    a += x + y
    return (a + z) & _ALL, (b + _turned(a, 44) + c) & _ALL


def _long(data) -> int:
    """Of more than 64 bytes: 64 at a time, the last 64 overlapping what came before."""
    x, y = 81, (81 * _K1 + 113) & _ALL
    z = _mixed(y * _K2 + 113) * _K2 & _ALL
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _at(data, 0)) & _ALL
    for i in range(0, (len(data) - 1) // 64 * 64, 64):
        x, y, z, v, w = _round(data, i, (x, y, z, v, w), _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    w0 = w[0] + (len(data) - 1 & 63)
    v0 = v[0] + w0
    x, y, z, v, w = _round(data, len(data) - 64, (x, y, z, (v0, v[1]), (w0 + v0, w[1])), factor, 9)
    u = _joined(v[0], w[0], factor) + _mixed(y) * _K0 + z
    return _joined(u & _ALL, (_joined(v[1], w[1], factor) + x) & _ALL, factor)


def _round(data, i, state, factor, times) -> tuple:
    x, y, z, v, w = state
    x = _turned(x + y + v[0] + _at(data, i + 8), 37) * factor & _ALL
    y = _turned(y + v[1] + _at(data, i + 48), 42) * factor & _ALL
    x ^= w[1] * times & _ALL
    y = (y + v[0] * times + _at(data, i + 40)) & _ALL
    z = _turned(z + w[0], 33) * factor & _ALL
    v = _weak(data, i, v[1] * factor & _ALL, x + w[0])
    w = _weak(data, i + 32, z + w[1], y + _at(data, i + 16))
    return z, y, x, v, w


def cat64(a: int, b: int) -> int:
    """The fingerprint of two fingerprints in a row."""
    factor = 0xC6A4A7935BD1E995
    result = (a ^ factor ^ _mixed(b * factor) * factor) * factor & _ALL
    return _mixed(_mixed(result) * factor)


def keyed_hash(data: bytes, key) -> int:
    """SipHash-2-4 of bytes under a key of two integers."""
    k0, k1 = (k & _ALL for k in key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    whole = len(data) // 8 * 8
    for i in range(0, whole, 8):
        _sip_word(v, _at(data, i))
    _sip_word(v, _at(data, whole) | (len(data) & 0xFF) << 56)
    v[2] ^= 0xFF
    for _ in range(4):
        _sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_word(v, word):
    v[3] ^= word
    _sip_round(v)
    _sip_round(v)
    v[0] ^= word


def _sip_round(v):
    left = lambda x, n: _turned(x, 64 - n)
    a, b, c, d = v
    a, c = (a + b) & _ALL, (c + d) & _ALL
    b, d = left(b, 13) ^ a, left(d, 16) ^ c
    a, c = (left(a, 32) + d) & _ALL, (c + b) & _ALL
    d, b = left(d, 21) ^ a, left(b, 17) ^ c
    v[:] = a, b, left(c, 32), d
