"""`python -m kgraph predict`: the predictions of a saved model for files of inputs, by several processes.

Each process holds the model and takes one file after the other, so no MPI is needed. A file is read and its predictions
are written in pieces: neither has to fit into memory. What is written is there whole or not at all.
"""
from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from kgraph import tree
from kgraph.naming import printable

__all__ = ["add_arguments", "predict_files"]

ROWS = 4096  # of a file that are in memory at a time, at least
FORMATS = ("npy", "parquet")
_model: list = []  # in a process of the pool: the model


def add_arguments(parser: argparse.ArgumentParser):
    """What the command takes."""
    parser.add_argument("model", help="a .keras or .h5 file")
    parser.add_argument("files", nargs="+", help="inputs: .npy, or .npz with an array for each input by its name")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, which share the processors")
    parser.add_argument("--output", metavar="FOLDER", help="where predictions are written; default: beside each file")
    parser.add_argument("--format", choices=FORMATS, default="npy", help="parquet needs pyarrow; default: npy")
    parser.add_argument("--batch-size", type=int, default=32, metavar="ROWS")


def predict_files(model, files, jobs=1, output=None, format="npy", batch_size=32) -> int:
    """Write FILE.predictions.npy, of several outputs FILE.predictions.NAME.npy, for each of the files; one line each is
    printed. A file that fails does not stop the others. Returns the exit status: 1 where one failed.

    Raises ValueError for a number of jobs below 1 and for files whose predictions would have the same name.
    """
    if jobs < 1 or batch_size < 1:
        raise ValueError(f"predict: expected --jobs and --batch-size of 1 or more, received {jobs} and {batch_size}")
    targets = [Path(output or Path(f).parent, f"{Path(f).stem}.predictions") for f in files]
    twice = {t for t in targets if targets.count(t) > 1}
    if twice:
        raise ValueError(f"predict: expected files of different names, received two for {sorted(map(str, twice))[0]}")
    if output:
        os.makedirs(output, exist_ok=True)
    status = 0
    with _runner(model, min(jobs, len(files))) as run:
        for file, said, failed in run(_predict_one, files, targets, itertools.repeat(format),
                                      itertools.repeat(batch_size)):
            print(printable(f"{file}: {said}"), file=sys.stderr if failed else sys.stdout, flush=True)
            status = status or int(failed)
    return status


@contextlib.contextmanager
def _runner(model, jobs):
    """A map over files: in this process for one job."""
    if jobs == 1:
        _start(str(model), None)
        try:
            yield map
        finally:
            _model.clear()
        return
    from kgraph.runtime.thread_pool import get_num_threads
    threads = max(1, get_num_threads() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (str(model), threads)) as pool:
        yield pool.map


def _start(path, threads):
    from kgraph import models
    from kgraph.runtime.thread_pool import set_num_threads
    if threads is not None:
        set_num_threads(threads)
    _model[:] = [models.load_model(path, compile=False)]


def _predict_one(file, target, format, batch_size) -> tuple:
    """(file, what was done or what went wrong, whether it went wrong)."""
    try:
        written = _write(_model[0], _inputs(_model[0], file), target, format, batch_size)
        return file, ", ".join(written), False
    except Exception as error:  # noqa: BLE001  of any kind: the other files go on
        return file, f"{type(error).__name__}: {error}", True


def _inputs(model, file):
    """The inputs in a file, read when they are needed."""
    if file.endswith(".npy"):
        return np.load(file, mmap_mode="r")
    if not file.endswith(".npz"):
        raise ValueError("expected a name that ends in .npy or .npz")
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    names = [x.name for x in model.inputs] if model.is_functional else list(arrays)
    if len(names) == len(arrays) == 1:
        return next(iter(arrays.values()))
    if set(names) != set(arrays):
        raise ValueError(f"expected arrays {', '.join(names)}, received {', '.join(arrays)}")
    return {name: arrays[name] for name in names}


def _write(model, x, target, format, batch_size) -> list:
    """Predict piece by piece; the names of the files written."""
    rows = tree.flatten(x)[0].shape[0]
    step = -(-ROWS // batch_size) * batch_size
    writers: list = []
    try:
        for start in range(0, max(rows, 1), step):
            piece = tree.map_structure(lambda a, start=start: np.asarray(a[start:start + step]), x)
            found = model.predict(piece, batch_size=batch_size, verbose=0)
            outputs = tree.flatten(found)
            if not writers:
                names = [""] if len(outputs) == 1 else _names(model, found)
                make = _Npy if format == "npy" else _Parquet
                writers += [make(f"{target}{name}.{format}", rows, like) for name, like in zip(names, outputs)]
            for writer, array in zip(writers, outputs):
                writer.add(array)
        for writer in writers:
            writer.close()
        for writer in writers:
            os.replace(writer.path + ".part", writer.path)
    finally:
        for writer in writers:
            Path(writer.path + ".part").unlink(missing_ok=True)
    return [writer.path for writer in writers]


def _names(model, found) -> list:
    if isinstance(found, dict):
        return [f".{name}" for name in found]
    return [f".{name}" for name in model.output_names]


class _Npy:
    """Rows, one piece after the other, in a .npy file."""

    def __init__(self, path, rows, like):
        self.path, self.at = path, 0
        shape = (rows, *like.shape[1:])
        self.array = np.lib.format.open_memmap(path + ".part", "w+", like.dtype, shape)

    def add(self, rows):
        self.array[self.at:self.at + len(rows)] = rows
        self.at += len(rows)

    def close(self):
        self.array.flush()


class _Parquet:
    """Rows in a Parquet file: a column for each number of a row."""

    def __init__(self, path, rows, like):
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise ImportError("--format parquet needs pyarrow: pip install pyarrow") from None
        self.path, self.arrow = path, pyarrow
        self.names = [f"output_{i}" for i in range(like[:1].size)] if like.ndim > 1 else ["output"]
        schema = pyarrow.schema([(name, pyarrow.from_numpy_dtype(like.dtype)) for name in self.names])
        self.file = pyarrow.parquet.ParquetWriter(path + ".part", schema)

    def add(self, rows):
        columns = np.ascontiguousarray(rows.reshape(len(rows), -1).T)
        self.file.write_table(self.arrow.table(dict(zip(self.names, columns))))

    def close(self):
        self.file.close()
