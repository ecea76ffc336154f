"""tf.io: files, TFRecords, parsing, and images out of bytes."""
from __future__ import annotations

import csv
import glob
import os
import shutil

import numpy as np

from kgraph.compiler.trace import Tensor
from kgraph.naming import missing
from kgraph.tensorflow.base.arrays import convert_to_tensor
from kgraph.tensorflow.base.dtypes import NAMES, as_dtype
from kgraph.tensorflow.base.texts import StringTensor, bytes_of, is_text, text_of
from kgraph.tensorflow.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
    parse_single_sequence_example,
)
from kgraph.tensorflow.pictures import (
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
)
from kgraph.tensorflow.records import framed

__all__ = ["FixedLenFeature", "FixedLenSequenceFeature", "TFRecordOptions", "TFRecordWriter", "VarLenFeature",
           "decode_bmp", "decode_csv", "decode_gif", "decode_image", "decode_jpeg", "decode_png", "decode_raw",
           "encode_jpeg", "encode_png", "gfile", "matching_files", "parse_example", "parse_single_example",
           "parse_single_sequence_example", "parse_tensor", "read_file", "serialize_tensor", "write_file"]


def read_file(filename, name=None) -> StringTensor:
    """The bytes of a file. Raises FileNotFoundError."""
    with open(text_of(filename), "rb") as file:
        return StringTensor(file.read())


def write_file(filename, contents, name=None):
    """Write bytes to a file; folders that are missing are made."""
    path = text_of(filename)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(bytes_of(contents))


def matching_files(pattern, name=None) -> StringTensor:
    """The names of files that match a pattern or several, sorted."""
    patterns = [pattern] if isinstance(pattern, (str, bytes)) or not getattr(pattern, "ndim", 1) else list(pattern)
    return StringTensor(np.array(sorted({n for p in patterns for n in glob.glob(text_of(p))}), object))


def decode_raw(input_bytes, out_type, little_endian=True, fixed_length=None, name=None):
    """Bytes as numbers of a dtype; strings of one length along a new last axis."""
    kind = np.dtype(as_dtype(out_type).name).newbyteorder("<" if little_endian else ">")
    strings = StringTensor(input_bytes).numpy_array()
    rows = [np.frombuffer(s, kind).astype(as_dtype(out_type).name) for s in strings.flat]
    return Tensor(np.stack(rows).reshape(*strings.shape, -1))


def serialize_tensor(tensor, name=None) -> StringTensor:
    """A tensor as bytes for `parse_tensor`: NumPy's .npy format, which TensorFlow does not read."""
    import io
    file = io.BytesIO()
    np.save(file, np.asarray(tensor), allow_pickle=False)
    return StringTensor(file.getvalue())


def parse_tensor(serialized, out_type, name=None):
    """The tensor of the bytes of `serialize_tensor`. Raises ValueError for another dtype."""
    import io
    array = np.load(io.BytesIO(bytes_of(serialized)), allow_pickle=False)
    if array.dtype.name != as_dtype(out_type).name:
        raise ValueError(f"parse_tensor: expected a tensor of {as_dtype(out_type)!r}, received {array.dtype}")
    return Tensor(array)


# ------------------------------------------------------------------ records
class TFRecordOptions:
    """How a TFRecord file is compressed: "", "GZIP" or "ZLIB"."""

    def __init__(self, compression_type=None, **kwargs):
        self.compression_type = compression_type


class TFRecordWriter:
    """Writes records, byte strings, to a TFRecord file; a context manager."""

    def __init__(self, path, options=None):
        kind = getattr(options, "compression_type", options)
        if kind not in (None, "", "GZIP"):
            raise ValueError(f"TFRecordWriter: expected options '' or 'GZIP', received {kind!r}")
        import gzip
        self._file = gzip.open(text_of(path), "wb") if kind == "GZIP" else open(text_of(path), "wb")

    def write(self, record):
        """Add a record."""
        self._file.write(framed(bytes_of(record)))

    def flush(self):
        self._file.flush()

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


# ------------------------------------------------------------------ text of tables
def decode_csv(records, record_defaults, field_delim=",", use_quote_delim=True, na_value="", name=None,
               select_cols=None) -> list:
    """The columns of lines of text, as tensors.

    record_defaults  for each column a dtype, or a list with the value for empty cells (an empty one: it must be there)
    """
    lines = StringTensor(records)
    rows = list(csv.reader([b.decode() for b in lines.numpy_array().flat], delimiter=field_delim,
                           quoting=csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE))
    columns = [[r[i] for r in rows] for i in (range(len(rows[0])) if select_cols is None else select_cols)]
    if len(columns) != len(record_defaults):
        raise ValueError(f"decode_csv: expected {len(record_defaults)} columns, received {len(columns)}")
    cells = [[cell(c, d, na_value) for c in column] for column, d in zip(columns, record_defaults)]
    shape = tuple(lines.shape)
    return [_column(c, shape) for c in cells]


def _column(values, shape):
    if is_text(values):
        return StringTensor(np.array([v.numpy() for v in values], object).reshape(shape))
    return Tensor(np.array(values).reshape(shape))


def cell(text, default, na_value=""):
    """A cell as an array without axes, or a StringTensor, of the dtype that its default has."""
    if not isinstance(default, (list, tuple, np.ndarray)) and (
            isinstance(default, (int, float)) or isinstance(default, str) and default not in NAMES):
        default = [default]
    given = default if isinstance(default, (list, tuple, np.ndarray)) else None
    if given is None and not isinstance(default, str) and hasattr(default, "numpy"):
        given = np.atleast_1d(default.numpy())
    if given is None:
        dtype, value = as_dtype(default), None
    else:
        value = given[0] if len(given) else None
        dtype = as_dtype("float32" if value is None else convert_to_tensor(value).dtype)
    if text in ("", na_value):
        if value is None:
            raise ValueError("decode_csv: expected a value in every cell of a column without a default, received none")
        text = value
    if dtype == "string":
        return StringTensor(text)
    return np.asarray(float(text) if dtype.is_floating else int(text), dtype.name)


# ------------------------------------------------------------------ files
class gfile:
    """Files by the names that tf.io.gfile has for them; local paths only."""

    @staticmethod
    def GFile(name, mode="r"):
        return open(text_of(name), mode)

    exists = staticmethod(lambda path: os.path.exists(text_of(path)))
    isdir = staticmethod(lambda path: os.path.isdir(text_of(path)))
    listdir = staticmethod(lambda path: os.listdir(text_of(path)))
    makedirs = staticmethod(lambda path: os.makedirs(text_of(path), exist_ok=True))
    mkdir = staticmethod(lambda path: os.mkdir(text_of(path)))
    remove = staticmethod(lambda path: os.remove(text_of(path)))
    rmtree = staticmethod(lambda path: shutil.rmtree(text_of(path)))
    walk = staticmethod(lambda top, topdown=True: os.walk(text_of(top), topdown))
    join = staticmethod(os.path.join)

    @staticmethod
    def glob(pattern):
        return sorted(glob.glob(text_of(pattern)))

    @staticmethod
    def copy(src, dst, overwrite=False):
        if not overwrite and os.path.exists(text_of(dst)):
            raise FileExistsError(f"gfile.copy: {dst} exists: expected overwrite=True")
        shutil.copyfile(text_of(src), text_of(dst))

    @staticmethod
    def rename(src, dst, overwrite=False):
        if not overwrite and os.path.exists(text_of(dst)):
            raise FileExistsError(f"gfile.rename: {dst} exists: expected overwrite=True")
        os.replace(text_of(src), text_of(dst))


def __getattr__(name):
    raise missing(__name__, name, __all__)
