"""Data sets of lines, of records and of rows of CSV files."""
from __future__ import annotations

import csv
import gzip
import zlib

from kgraph.tensorflow.base.texts import StringTensor, text_of
from kgraph.tensorflow.data.dataset import Dataset
from kgraph.tensorflow.io import cell
from kgraph.tensorflow.records import read_records

__all__ = ["CsvDataset", "FixedLengthRecordDataset", "TFRecordDataset", "TextLineDataset"]


def names_of(filenames) -> list:
    """File names from one, a list, a tensor or a data set of them."""
    if isinstance(filenames, StringTensor):
        filenames = list(filenames) if filenames.ndim else [filenames]
    if isinstance(filenames, (str, bytes)) or not hasattr(filenames, "__iter__"):
        filenames = [filenames]
    return [text_of(name) for name in filenames]


def opened(path, compression):
    """A file to read bytes from. compression: None, "" or "GZIP"; ZLIB is read whole."""
    if compression in (None, "", "NONE"):
        return open(path, "rb")
    if compression == "GZIP":
        return gzip.open(path, "rb")
    if compression == "ZLIB":
        import io
        with open(path, "rb") as file:
            return io.BytesIO(zlib.decompress(file.read()))
    raise ValueError(f"compression_type: expected '', 'GZIP' or 'ZLIB', received {compression!r}")


class TextLineDataset(Dataset):
    """The lines of text files, without their ends."""

    def __init__(self, filenames, compression_type=None, buffer_size=None, num_parallel_reads=None, name=None):
        def lines():
            for path in names_of(filenames):
                with opened(path, compression_type) as file:
                    for line in file:
                        yield StringTensor(line.rstrip(b"\n").rstrip(b"\r"))
        super().__init__(lines)


class TFRecordDataset(Dataset):
    """The records of TFRecord files, as byte strings. Raises tf.errors.DataLossError for a damaged file."""

    def __init__(self, filenames, compression_type=None, buffer_size=None, num_parallel_reads=None, name=None):
        def records():
            for path in names_of(filenames):
                with opened(path, compression_type) as file:
                    yield from map(StringTensor, read_records(file, path))
        super().__init__(records)


class FixedLengthRecordDataset(Dataset):
    """Byte strings of one length out of files, after a header and before a footer."""

    def __init__(self, filenames, record_bytes, header_bytes=0, footer_bytes=0, buffer_size=None, compression_type=None,
                 num_parallel_reads=None, name=None):
        def records():
            for path in names_of(filenames):
                with opened(path, compression_type) as file:
                    data = file.read()
                data = data[header_bytes:len(data) - footer_bytes]
                for at in range(0, len(data), record_bytes):
                    yield StringTensor(data[at:at + record_bytes])
        super().__init__(records)


class CsvDataset(Dataset):
    """Rows of CSV files, as tuples of scalars.

    record_defaults  for each column a dtype, or a default value for empty cells
    """

    def __init__(self, filenames, record_defaults, compression_type=None, buffer_size=None, header=False,
                 field_delim=",", use_quote_delim=True, na_value="", select_cols=None, exclude_cols=None):
        quoting = csv.QUOTE_MINIMAL if use_quote_delim else csv.QUOTE_NONE
        left_out = set(exclude_cols or ())

        def rows():
            for path in names_of(filenames):
                with opened(path, compression_type) as file:
                    lines = csv.reader((line.decode() for line in file), delimiter=field_delim, quoting=quoting)
                    for number, cells in enumerate(lines):
                        if number or not header:
                            wanted = range(len(cells)) if select_cols is None else select_cols
                            cells = [cells[i] for i in wanted if i not in left_out]
                            yield tuple(cell(c, d, na_value) for c, d in zip(cells, record_defaults))
        super().__init__(rows)
