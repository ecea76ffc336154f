"""Example and SequenceExample: named lists of bytes, floats or ints, as protocol buffers (without that library)."""
from __future__ import annotations

import struct

import numpy as np

from kgraph.tensorflow.base.texts import bytes_of
from kgraph.tensorflow.records import fields_of, packed_field, read_varint, signed, varint

__all__ = ["BytesList", "Example", "Feature", "FeatureList", "FeatureLists", "Features", "FloatList", "Int64List",
           "SequenceExample"]


class _Message:
    """What messages share."""

    @classmethod
    def FromString(cls, serialized):
        """The message of these bytes."""
        message = cls()
        message.ParseFromString(serialized)
        return message

    def __eq__(self, other):
        return type(self) is type(other) and self.SerializeToString() == other.SerializeToString()

    __hash__ = object.__hash__

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"


class _List(_Message):
    def __init__(self, value=()):
        self.value = [self._item(v) for v in (value.ravel() if isinstance(value, np.ndarray) else value)]

    def __len__(self):
        return len(self.value)


class BytesList(_List):
    """Byte strings."""

    @staticmethod
    def _item(x):
        return bytes_of(x)

    def SerializeToString(self) -> bytes:
        return b"".join(packed_field(1, v) for v in self.value)

    def ParseFromString(self, serialized):
        self.value = [v for number, v in fields_of(serialized) if number == 1]


class FloatList(_List):
    """Floats of 32 bits."""

    _item = staticmethod(float)

    def SerializeToString(self) -> bytes:
        return packed_field(1, np.asarray(self.value, "<f4").tobytes()) if self.value else b""

    def ParseFromString(self, serialized):
        self.value = [x for number, v in fields_of(serialized) if number == 1 for x in np.frombuffer(v, "<f4").tolist()]


class Int64List(_List):
    """Integers of 64 bits."""

    _item = staticmethod(int)

    def SerializeToString(self) -> bytes:
        return packed_field(1, b"".join(map(varint, self.value))) if self.value else b""

    def ParseFromString(self, serialized):
        self.value = []
        for _, v in fields_of(serialized):
            if isinstance(v, int):
                self.value.append(signed(v))
                continue
            at = 0
            while at < len(v):
                n, at = read_varint(v, at)
                self.value.append(signed(n))


class Feature(_Message):
    """One of three lists."""

    _KINDS = {1: ("bytes_list", BytesList), 2: ("float_list", FloatList), 3: ("int64_list", Int64List)}

    def __init__(self, bytes_list=None, float_list=None, int64_list=None):
        if sum(x is not None for x in (bytes_list, float_list, int64_list)) > 1:
            raise ValueError("Feature: expected one of bytes_list, float_list and int64_list, received several")
        self.bytes_list, self.float_list, self.int64_list = bytes_list, float_list, int64_list

    @property
    def values(self) -> list:
        """What the list holds; nothing where there is none."""
        return next((x.value for x in (self.bytes_list, self.float_list, self.int64_list) if x is not None), [])

    def WhichOneof(self, name="kind"):
        return next((kind for kind, _ in self._KINDS.values() if getattr(self, kind) is not None), None)

    def SerializeToString(self) -> bytes:
        return b"".join(packed_field(number, getattr(self, kind).SerializeToString())
                        for number, (kind, _) in self._KINDS.items() if getattr(self, kind) is not None)

    def ParseFromString(self, serialized):
        self.__init__()
        for number, v in fields_of(serialized):
            kind, message = self._KINDS[number]
            setattr(self, kind, message.FromString(v))


class _Map(_Message):
    """Messages by name."""

    def _write(self, table) -> bytes:
        entry = lambda name: packed_field(1, name.encode()) + packed_field(2, table[name].SerializeToString())
        return b"".join(packed_field(1, entry(name)) for name in sorted(table))

    def _read(self, serialized, message) -> dict:
        table = {}
        for _, entry in fields_of(serialized):
            parts = dict(fields_of(entry))
            table[parts.get(1, b"").decode()] = message.FromString(parts.get(2, b""))
        return table


class Features(_Map):
    """Features by name."""

    def __init__(self, feature=None):
        self.feature = dict(feature or {})

    def SerializeToString(self) -> bytes:
        return self._write(self.feature)

    def ParseFromString(self, serialized):
        self.feature = self._read(serialized, Feature)


class FeatureList(_Message):
    """Features one after the other."""

    def __init__(self, feature=()):
        self.feature = list(feature)

    def SerializeToString(self) -> bytes:
        return b"".join(packed_field(1, f.SerializeToString()) for f in self.feature)

    def ParseFromString(self, serialized):
        self.feature = [Feature.FromString(v) for _, v in fields_of(serialized)]


class FeatureLists(_Map):
    """FeatureLists by name."""

    def __init__(self, feature_list=None):
        self.feature_list = dict(feature_list or {})

    def SerializeToString(self) -> bytes:
        return self._write(self.feature_list)

    def ParseFromString(self, serialized):
        self.feature_list = self._read(serialized, FeatureList)


class Example(_Message):
    """A row of data: Features."""

    def __init__(self, features=None):
        self.features = features or Features()

    def SerializeToString(self) -> bytes:
        return packed_field(1, self.features.SerializeToString())

    def ParseFromString(self, serialized):
        serialized = bytes_of(serialized)
        try:
            self.features = Features.FromString(dict(fields_of(serialized)).get(1, b""))
        except (KeyError, IndexError, UnicodeDecodeError, struct.error, TypeError) as error:
            raise ValueError(f"Example: expected a serialized Example, received {serialized[:20]!r}") from error


class SequenceExample(_Message):
    """Features of a whole, and lists of them of its parts."""

    def __init__(self, context=None, feature_lists=None):
        self.context, self.feature_lists = context or Features(), feature_lists or FeatureLists()

    def SerializeToString(self) -> bytes:
        return packed_field(1, self.context.SerializeToString()) + packed_field(
            2, self.feature_lists.SerializeToString())

    def ParseFromString(self, serialized):
        parts = dict(fields_of(bytes_of(serialized)))
        self.context = Features.FromString(parts.get(1, b""))
        self.feature_lists = FeatureLists.FromString(parts.get(2, b""))
