"""Data sets of the columns of CSV files, with what their headers and their first rows say."""
from __future__ import annotations

import csv
import glob
import itertools

import numpy as np

from kgraph.tensorflow.base.texts import StringTensor, text_of
from kgraph.tensorflow.data.files import CsvDataset, names_of, opened

__all__ = ["make_csv_dataset"]
_KINDS = ("int32", "int64", "float32", "float64", "string")


def make_csv_dataset(file_pattern, batch_size, column_names=None, column_defaults=None, label_name=None,
                     select_columns=None, field_delim=",", use_quote_delim=True, na_value="", header=True,
                     num_epochs=None, shuffle=True, shuffle_buffer_size=10000, shuffle_seed=None,
                     prefetch_buffer_size=None, num_parallel_reads=None, sloppy=False, num_rows_for_inference=100,
                     compression_type=None, ignore_errors=False, encoding="utf-8"):
    """Batches of rows of CSV files, as dicts of columns; with label_name, (dict, the column of that name).

    column_names     by default what the first line of the first file says
    column_defaults  a dtype (no cell may be empty then) or a value for empty cells, for each selected column; by
                     default the narrowest of int32, int64, float32, float64, string that holds num_rows_for_inference
                     rows (None: all), with 0 or "" for empty cells
    select_columns   names or numbers of the columns that are wanted
    num_epochs       None: without end, and then all batches are of batch_size
    """
    files = _files(file_pattern, shuffle, shuffle_seed)
    names = list(column_names) if column_names is not None else _rows(files[0], compression_type, field_delim)[0]
    if len(set(names)) != len(names):
        raise ValueError(f"make_csv_dataset: expected column_names without repeats, received {names}")
    chosen = list(range(len(names))) if select_columns is None else sorted(
        names.index(c) if isinstance(c, str) else int(c) for c in select_columns)
    if column_defaults is None:
        seen = [_rows(path, compression_type, field_delim, None)[int(header):] for path in files]
        column_defaults = _defaults(list(itertools.chain(*seen))[:num_rows_for_inference], chosen, na_value)
    names = [names[i] for i in chosen]
    if label_name is not None and label_name not in names:
        raise ValueError(f"make_csv_dataset: expected label_name among {names}, received {label_name!r}")

    def columns(*cells):
        row = dict(zip(names, cells))
        return row if label_name is None else (row, row.pop(label_name))
    data = CsvDataset(files, column_defaults, compression_type, None, header, field_delim, use_quote_delim, na_value,
                      chosen)
    data = data.ignore_errors() if ignore_errors else data
    data = data.shuffle(shuffle_buffer_size, shuffle_seed) if shuffle else data
    data = data.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)
    return data.map(columns).prefetch(prefetch_buffer_size)


def _files(pattern, shuffle, seed) -> list:
    patterns = names_of(pattern) if isinstance(pattern, (list, tuple, StringTensor)) else [text_of(pattern)]
    found = [name for p in patterns for name in sorted(glob.glob(p))]
    if not found:
        raise ValueError(f"make_csv_dataset: no file matches {', '.join(patterns)}")
    order = np.random.default_rng(seed).permutation(len(found)) if shuffle and seed is not None else range(len(found))
    return [found[i] for i in order]


def _rows(path, compression, delim, count=1) -> list:
    with opened(path, compression) as file:
        return list(itertools.islice(csv.reader((line.decode() for line in file), delimiter=delim), count))


def _defaults(rows, chosen, na_value) -> list:
    kinds = [0] * len(chosen)
    empty = [True] * len(chosen)
    for row in rows:
        for j, i in enumerate(chosen):
            if row[i] not in ("", na_value):
                empty[j] = False
                while not _holds(_KINDS[kinds[j]], row[i]):
                    kinds[j] += 1
    found = ["string" if nothing else _KINDS[k] for nothing, k in zip(empty, kinds)]
    return [[""] if kind == "string" else np.zeros(1, kind) for kind in found]


def _holds(kind, text) -> bool:
    if kind == "string":
        return True
    try:
        value = (int if kind.startswith("int") else float)(text)
    except ValueError:
        return False
    limits = np.iinfo(kind) if kind.startswith("int") else np.finfo(kind)
    return float(limits.min) <= value <= float(limits.max)

