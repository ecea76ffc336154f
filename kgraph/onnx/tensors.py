"""Arrays in ONNX files, inside or in files beside it. Their sizes are checked before anything is allocated."""
from __future__ import annotations

import math
import os
from pathlib import Path, PurePosixPath

import numpy as np

from kgraph import budget
from kgraph.compiler.loopnest.dtypes import DTYPES, numpy_dtype
from kgraph.onnx.graph import MAX_RANK
from kgraph.onnx.package import onnx
from kgraph.onnx.sizes import DATA_TYPES

__all__ = ["array_of", "dtype_of", "sparse_array"]

# In int32_data, where a number is narrower than 32 bits, and in 8-byte pairs where it is wide: the field by dtype.
_FIELDS = {"float32": "float_data", "float64": "double_data", "int64": "int64_data", "uint64": "uint64_data",
           "uint32": "uint64_data"}


def dtype_of(number, where) -> str:
    """kgraph's dtype for one of ONNX. Raises ValueError for those that it does not have."""
    if number not in DATA_TYPES:
        name = onnx.TensorProto.DataType.Name(number) if number in onnx.TensorProto.DataType.values() else number
        raise ValueError(f"{where}: expected a dtype among {', '.join(DATA_TYPES.values())}, received {name}")
    return DATA_TYPES[number]


def array_of(proto, folder) -> np.ndarray:
    """The array in a TensorProto. folder: where files beside the model may be, None: nowhere."""
    where = f"ONNX tensor {proto.name[:100]!r}"
    dtype = numpy_dtype(dtype_of(proto.data_type, where))
    shape = tuple(proto.dims)
    if len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise ValueError(f"{where}: expected at most {MAX_RANK} sizes of at least 0, received {shape[:50]}")
    count = math.prod(shape)
    if proto.data_location == onnx.TensorProto.EXTERNAL:
        data = _external(proto, folder, count * dtype.itemsize, where)
    elif proto.HasField("raw_data"):
        data = proto.raw_data
    else:
        return _from_fields(proto, dtype, shape, where)
    if len(data) != count * dtype.itemsize:
        raise ValueError(f"{where}: expected {count * dtype.itemsize} bytes for {dtype.name}{list(shape)}, received "
                         f"{len(data)}")
    budget.spend(len(data), f"an array of shape {shape}", weight=True)
    return _numbers(data, dtype).astype(dtype).reshape(shape)


def _numbers(data, dtype):
    """Little-endian bytes as numbers."""
    foreign = DTYPES[dtype.name].foreign
    return np.frombuffer(data, f"<u{dtype.itemsize}").view(dtype) if foreign else np.frombuffer(
        data, dtype.newbyteorder("<"))


def _from_fields(proto, dtype, shape, where):
    values = np.array(getattr(proto, _FIELDS.get(dtype.name, "int32_data")))
    if values.size != math.prod(shape):
        raise ValueError(f"{where}: expected {math.prod(shape)} numbers for shape {list(shape)}, received "
                         f"{values.size}")
    if DTYPES[dtype.name].is_narrow:
        return values.astype(f"uint{DTYPES[dtype.name].bits}").view(dtype).reshape(shape)
    return values.astype(dtype).reshape(shape)


def _external(proto, folder, size, where) -> bytes:
    entries = {entry.key: entry.value for entry in proto.external_data}
    path = _inside(folder, entries.get("location", ""), where)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    except ValueError:
        raise ValueError(f"{where}: expected numbers as offset and length of its external data, received "
                         f"{str(entries)[:200]}") from None
    if offset < 0 or length != size or offset + length > os.path.getsize(path):
        raise ValueError(f"{where}: expected {size} bytes within {path.name!r} ({os.path.getsize(path)} bytes), "
                         f"received offset {offset} and length {length}")
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(length)


def _inside(folder, location, where) -> Path:
    """The file of that name in the folder or below it: no other place, not through a link either."""
    if folder is None:
        raise ValueError(f"{where}: its data is in a file beside the model: load the model by its path, not by its "
                         "bytes")
    parts = PurePosixPath(location)
    bad = not location or parts.is_absolute() or ".." in parts.parts or "\\" in location or "\0" in location
    path = Path(folder) / parts
    if not bad:
        root = Path(folder).resolve()
        bad = path.resolve() != root / parts or not path.is_file()
    if bad:
        raise ValueError(f"{where}: expected its data in a regular file within the model's folder, received "
                         f"{location[:200]!r}")
    return path


def sparse_array(proto, folder) -> np.ndarray:
    """The dense array of a SparseTensorProto."""
    values, places = array_of(proto.values, folder), array_of(proto.indices, folder)
    shape = tuple(proto.dims)
    size = math.prod(shape)
    if len(shape) > MAX_RANK or any(n < 0 for n in shape):
        raise ValueError(f"ONNX tensor {proto.values.name[:100]!r}: expected sizes of at least 0, received {shape}")
    budget.spend(size * values.itemsize, f"an array of shape {shape}")
    if places.ndim == 2:
        places = np.ravel_multi_index(tuple(places.T), shape)
    if places.shape != values.shape or places.size and not 0 <= places.min() <= places.max() < size:
        raise ValueError(f"ONNX tensor {proto.values.name[:100]!r}: expected a place within {shape} for each value")
    dense = np.zeros(size, values.dtype)
    dense[places] = values
    return dense.reshape(shape)
