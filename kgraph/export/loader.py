"""A model that was exported by kgraph: needs NumPy, nothing else.

    import NAME                  the folder that this file is in
    y = NAME.predict(x)          x: an array, a list of them in the order of the inputs, or a dict by their names
    NAME.model().signature       what goes in and comes out, as a dict

Before any machine code is loaded, the digests of all files are compared with those in signature.json, which has one of
its own, and what the code needs of the processor with what there is.
"""
from __future__ import annotations

import ctypes
import hashlib
import json
import os
import pathlib
import platform
import shutil
import tempfile
import threading

import numpy as np

__all__ = ["Bundle", "model", "predict"]

MOST_KNOWN = 1000  # shapes of inputs that are remembered
SMALL = 1 << 14    # bytes of all arrays of a call, up to which each shape has memory of its own
_FAMILIES = {"amd64": "x86_64", "x86-64": "x86_64", "arm64": "aarch64"}


class Bundle:
    """A model in a folder.

    folder   with signature.json
    threads  how many take part in a call; default: KGRAPH_NUM_THREADS, else the processors that this process may use

    Raises ValueError for a folder that is no export, whose files are damaged, or that has no code for this processor.
    Calls from several threads wait for one another.
    """

    def __init__(self, folder, threads: int | None = None):
        self.folder = pathlib.Path(folder)
        self.signature = _read_signature(self.folder)
        self.threads = int(threads or os.environ.get("KGRAPH_NUM_THREADS") or _processors())
        library = self._choose()
        self._bytes(library["file"])
        self._check("weights.bin")
        empty = not self.signature["files"]["weights.bin"]["bytes"]
        self._weights = _nothing() if empty else np.memmap(self.folder / "weights.bin", np.uint8, "r")
        self._check("weights.bin", b"" if empty else self._weights)
        self._tables = self._open_tables()
        self._library = _load(self.folder / library["file"], self.signature["files"][library["file"]]["sha256"])
        self.processor = library["processor"]
        self._message = self._function("message", ctypes.c_char_p)
        self._run, self._shape = self._function("run"), self._function("shape")
        self._lock = threading.RLock()
        self._known: dict = {}  # shapes of inputs -> what _check_shapes gives
        self._handle, self._largest = None, [0] * len(self.signature["sizes"])
        self.programs = {p["name"]: (i, p) for i, p in enumerate(self.signature["programs"])}
        taken = self.programs["predict"][1]["inputs"]
        self._by_rows = any("B" in a["shape"][:1] for a in taken)
        self._plain = None  # dtype and rank of what is taken as it is
        if len(taken) == 1 and self._tables is None and taken[0]["dtype"] != "bfloat16":
            self._plain = np.dtype(taken[0]["dtype"]), len(taken[0]["shape"])

    @property
    def inputs(self) -> list:
        """Name, dtype and shape of each input of predict; the dtype of text is string."""
        return self.programs["predict"][1]["inputs"] if self._tables is None else self._tables.inputs

    @property
    def outputs(self) -> list:
        """Name, dtype and shape of each output of predict."""
        return self.programs["predict"][1]["outputs"]

    @property
    def classes(self) -> list | None:
        """The names of classes, where they were given on export."""
        return self.signature.get("classes")

    def predict(self, x, batch_size: int = 32):
        """What the model gives for x, batch_size rows at a time: an array, a list of arrays, or a dict, as the model's
        own predict. Raises ValueError for arrays of other shapes, IndexError for an index outside its range."""
        number, program = self.programs["predict"]
        if type(x) is np.ndarray and (x.dtype, x.ndim) == self._plain:
            arrays = [x]
        else:
            arrays = self._arrays(self.inputs, x)
            if self._tables is not None:
                arrays = self._tables(arrays)
        rows = len(arrays[0]) if self._by_rows else 0
        if self._by_rows and any(len(a) != rows for a in arrays):
            raise ValueError(f"predict: expected arrays of one length, received {[len(a) for a in arrays]}")
        if rows <= batch_size:
            return self._structured(program, self._call(number, program, arrays))
        parts = [self._call(number, program, [a[i:i + batch_size] for a in arrays])
                 for i in range(0, rows, batch_size)]
        return self._structured(program, [np.concatenate(p) if p[0].ndim else np.stack(p) for p in zip(*parts)])

    def run(self, name: str, *arrays) -> list:
        """One call of a program on a batch: the list of its outputs."""
        number, program = self.programs[name]
        return self._call(number, program, self._arrays(program["inputs"], list(arrays)))

    def reset(self):
        """Forget what calls have left behind: states of recurrent layers, trained weights."""
        if self._handle:
            self._function("reset", None)(self._handle)

    def train_on_batch(self, x, y=None, sample_weight=None) -> dict:
        """One training step on a batch, where one was exported; the logs. Metrics are means over the calls since
        `reset_metrics`."""
        if "train" not in self.programs:
            raise ValueError(f"{self.folder}: there is no training step: export the model with which=\"train\"")
        number, program = self.programs["train"]
        x = _leaves(x) if self._tables is None else self._tables(self._arrays(self.inputs, x))
        parts = [*x, *(p for part in (y, sample_weight) if part is not None for p in _leaves(part))]
        logs, = self._call(number, program, self._arrays(program["inputs"], parts))
        return dict(zip(program["logs"], logs.tolist()))

    def reset_metrics(self):
        """The metrics of training begin anew."""
        if self._handle:
            self._function("reset_metrics", None)(self._handle)

    def weights(self) -> dict:
        """A copy of each weight by its path, as it is now: of all where a training step was exported, else of those
        that predict reads as they are, not packed, folded or in another dtype."""
        with self._lock:
            if self._handle is None:
                self._grow(self._largest)
            memory = [self._state(self._handle, i, w).reshape(-1).view(np.uint8)
                      for i, w in enumerate(self.signature["weights"])]
            found = {}
            for v in self.signature["variables"]:
                size = int(np.prod(v["shape"])) * _stored(v["dtype"]).itemsize
                part = memory[v["weight"]][v["offset"]:v["offset"] + size].copy().view(_stored(v["dtype"]))
                found[v["name"]] = _widened(part.reshape(v["shape"]), v["dtype"])
            return found

    # ------------------------------------------------------------------ opening
    def _choose(self) -> dict:
        family = _FAMILIES.get(platform.machine().lower(), platform.machine().lower())
        known = _processor_features()
        for library in self.signature["libraries"]:
            if library["family"] == family and (known is None or set(library["features"]) <= known):
                return library
        have = ", ".join(f"{lib['processor']} ({lib['family']})" for lib in self.signature["libraries"])
        raise ValueError(f"{self.folder}: expected code for this processor ({family}), received code for {have}: "
                         "export the model again with this processor among cpu=")

    def _check(self, file, contents=None):
        """Raise ValueError for a file that is not the one that was exported. contents: None: only its size is asked."""
        known, path = self.signature["files"][file], self.folder / file
        size = path.stat().st_size if path.is_file() else None
        if size != known["bytes"]:
            raise ValueError(f"{path}: the file is damaged: expected {known['bytes']} bytes, received {size}")
        if contents is not None and hashlib.sha256(contents).hexdigest() != known["sha256"]:
            raise ValueError(f"{path}: the file is damaged: its digest is not the one in signature.json")

    def _bytes(self, file) -> bytes:
        """A file, checked."""
        self._check(file)
        contents = (self.folder / file).read_bytes()
        self._check(file, contents)
        return contents

    def _open_tables(self):
        """What turns text into numbers, in front of a model that takes text; else None."""
        if "tables.json" not in self.signature["files"]:
            return None
        from .tables import Tables
        return Tables(json.loads(self._bytes("tables.json")))

    def _function(self, name, result=ctypes.c_int):
        found = getattr(self._library, f"{self.signature['name']}_{name}")
        found.restype = result
        return found

    # ------------------------------------------------------------------ calling
    def _arrays(self, inputs, x) -> list:
        names = [a["name"] for a in inputs]
        if isinstance(x, dict):
            if set(x) != set(names):
                raise ValueError(f"predict: expected inputs named {', '.join(names)}, received {', '.join(x)}")
            x = [x[n] for n in names]
        elif len(names) == 1 and not (isinstance(x, (list, tuple)) and len(x) == 1 and hasattr(x[0], "shape")):
            x = [x]
        if len(x) != len(names):
            raise ValueError(f"predict: expected {len(names)} inputs ({', '.join(names)}), received {len(x)}")
        found = []
        for array, known in zip(x, inputs):
            array = _text(array, known) if known["dtype"] == "string" else _as(array, known["dtype"])
            if array.ndim == len(known["shape"]) - 1 and known["shape"][-1] == 1:
                array = array[..., None]
            found.append(array)
        return found

    def _sizes(self, program, arrays) -> list:
        found = {}
        for array, known in zip(arrays, program["inputs"]):
            if array.ndim != len(known["shape"]):
                raise ValueError(f"predict: expected an input {known['name']} of shape {known['shape']}, received "
                                 f"{array.shape}")
            for size, n in zip(known["shape"], array.shape):
                if size in self.signature["sizes"]:
                    found.setdefault(size, n)
        return [found.get(n, 1) for n in self.signature["sizes"]]

    def _call(self, number, program, arrays) -> list:
        key = (number, *[a.shape for a in arrays])
        call = self._known.get(key) or self._learn(key, program, arrays)
        with self._lock:
            if call.fits is not self._largest:
                self._grow([max(n, m) for n, m in zip(call.sizes, self._largest)])
                call.fits = self._largest
            code, outputs = call.run(self._run, self._handle, arrays)
        if code:
            self._raise(code, program["name"])
        return [_widened(y, o["dtype"]) for y, o in zip(outputs, program["outputs"])]

    def _learn(self, key, program, arrays) -> _Call:
        """The _Call for arrays of these shapes. Raises ValueError where they do not fit."""
        number, sizes = key[0], self._sizes(program, arrays)
        given = (ctypes.c_int64 * max(len(sizes), 1))(*sizes)
        for i, (array, known) in enumerate(zip(arrays, program["inputs"])):
            expected = self._shape_of(number, 0, i, given)
            if array.shape != expected:
                raise ValueError(f"predict: expected an input {known['name']} of shape {expected}, received "
                                 f"{array.shape}")
        shapes = [(self._shape_of(number, 1, i, given), _stored(o["dtype"]))
                  for i, o in enumerate(program["outputs"])]
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key] = _Call(number, sizes, given, [(a.shape, a.dtype) for a in arrays], shapes)
        return self._known[key]

    def _shape_of(self, number, output, index, sizes) -> tuple:
        shape = (ctypes.c_int64 * 16)()
        rank = self._shape(number, output, index, sizes, shape)
        return tuple(shape[:rank])

    def _grow(self, sizes):
        """A handle for sizes up to these; what the programs have written comes along."""
        if self._handle is not None and sizes == self._largest:
            return
        new = ctypes.c_void_p()
        given = (ctypes.c_int64 * max(len(sizes), 1))(*sizes)
        weights = ctypes.c_void_p(self._weights.ctypes.data)
        code = self._function("create_from")(ctypes.byref(new), weights, given, self.threads)
        if code:
            self._raise(code, "create")
        if self._handle is not None:
            for i, w in enumerate(self.signature["weights"]):
                if w["mutable"]:
                    self._state(new, i, w)[...] = self._state(self._handle, i, w)
            self._function("destroy", None)(self._handle)
        self._handle, self._largest = new, sizes

    def _state(self, handle, number, known):
        size = ctypes.c_int64()
        address = self._function("state", ctypes.c_void_p)(handle, number, ctypes.byref(size))
        if not size.value:
            return np.zeros(known["shape"], _stored(known["dtype"]))
        raw = (ctypes.c_uint8 * size.value).from_address(address)
        return np.frombuffer(raw, _stored(known["dtype"])).reshape(known["shape"])

    def _structured(self, program, results):
        keys = program.get("output_keys")
        if keys:
            found = dict(zip(sorted(keys), results))
            return {key: found[key] for key in keys}
        return results[0] if len(results) == 1 else results

    def _raise(self, code, what):
        kind = IndexError if b"index" in self._message(code) else ValueError
        raise kind(f"{self.signature['name']}: {what}: {self._message(code).decode()}")

    def __del__(self):
        if getattr(self, "_handle", None) is not None:
            self._function("destroy", None)(self._handle)
            self._handle = None


class _Call:
    """What calls with arrays of certain shapes have in common.

    number, given    of the program, its sizes for C
    inputs, outputs  (shape, dtype) of each. Small arrays are copied: that takes less time than to ask for an address
    """

    def __init__(self, number, sizes, given, inputs, outputs):
        self.sizes, self.outputs, self.fits = sizes, outputs, None
        self._given = ctypes.c_int(number), given
        self._own = [[np.empty(*a) for a in each] for each in (inputs, outputs)]
        if sum(a.nbytes for each in self._own for a in each) > SMALL:
            self._own = None
        else:
            self._places = [_pointers(each) for each in self._own]

    def run(self, function, handle, arrays) -> tuple:
        """(what the function returns, the outputs). One call at a time."""
        if self._own is not None:
            inputs, outputs = self._own
            for own, array in zip(inputs, arrays):
                own[...] = array
            code = function(handle, *self._given, *self._places)
            return code, [y.copy() for y in outputs]
        arrays = [np.ascontiguousarray(a).reshape(a.shape) for a in arrays]
        outputs = [np.empty(*a) for a in self.outputs]
        return function(handle, *self._given, _pointers(arrays), _pointers(outputs)), outputs


def digest_of(signature: dict) -> str:
    """Of what signature.json says, the digest itself apart."""
    return hashlib.sha256(json.dumps(signature, sort_keys=True).encode()).hexdigest()


def _read_signature(folder) -> dict:
    path = folder / "signature.json"
    try:
        found = json.loads(path.read_text())
        version, digest = found["kgraph_export"], found.pop("digest")
    except (OSError, ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
        raise ValueError(f"{folder}: expected a folder that kgraph exported: {error}") from None
    if version != 1:
        raise ValueError(f"{folder}: expected an export of version 1, received version {version!r}")
    if digest != digest_of(found):
        raise ValueError(f"{path}: the file is damaged: its digest is not the one that it states")
    return found


_loaded: dict = {}  # path -> the digest of the library that this process has from there


def _load(path, digest):
    """A library. The system gives the one that it has already for a path, even where the file is another now: then a
    copy with another name is loaded."""
    path = str(path.resolve())
    if _loaded.setdefault(path, digest) == digest:
        return ctypes.CDLL(path)
    with tempfile.TemporaryDirectory() as folder:
        return ctypes.CDLL(shutil.copy(path, folder))


def _stored(dtype) -> np.dtype:
    """How NumPy holds it: bfloat16, which it does not have, as bits."""
    return np.dtype("uint16" if dtype == "bfloat16" else dtype)


def _as(x, dtype) -> np.ndarray:
    """x as an array of that dtype, contiguous; numbers of bfloat16 as bits, rounded to the nearest, ties to even."""
    if dtype != "bfloat16":
        return np.asarray(x, dtype, order="C")
    x = np.asarray(x, "float32", order="C")
    bits = x.view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(x), bits >> 16 | 0x40, rounded).astype(np.uint16)


def _text(x, known) -> np.ndarray:
    """x as an array of texts, for an input of that shape."""
    from .tables import as_array
    x = as_array(x)
    if x.dtype.kind not in "OU":
        raise ValueError(f"predict: expected texts for the input {known['name']}, received an array of {x.dtype}")
    return x.reshape(len(x), *known["shape"][1:]) if x.ndim and x.shape[1:] in ((), (1,)) else x


def _widened(x, dtype) -> np.ndarray:
    """Bits of bfloat16 as float32; others as they are."""
    return x if dtype != "bfloat16" else (x.astype(np.uint32) << 16).view(np.float32)


def _leaves(x) -> list:
    """The arrays of a nested batch: keys of dicts in rising order."""
    if isinstance(x, dict):
        return [leaf for key in sorted(x) for leaf in _leaves(x[key])]
    if isinstance(x, (list, tuple)) and any(hasattr(a, "shape") or isinstance(a, (dict, list, tuple)) for a in x):
        return [leaf for part in x for leaf in _leaves(part)]
    return [x]


def _nothing():
    """Memory that begins where weights may, for a model without them."""
    block = np.zeros(128, np.uint8)
    return block[-block.ctypes.data % 64:]


def _pointers(arrays):
    return (ctypes.c_void_p * max(len(arrays), 1))(*[a.ctypes.data for a in arrays])


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor_features() -> set | None:
    """What the processor can do, by the names of /proc/cpuinfo; None where that cannot be read."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    found = [set(line.partition(":")[2].split()) for line in lines if line.startswith(("flags", "Features"))]
    return set.intersection(*found) if found else None


_model: Bundle | None = None


def model() -> Bundle:
    """The model in the folder of this file, opened when it is first asked for."""
    global _model
    if _model is None:
        _model = Bundle(pathlib.Path(__file__).parent)
    return _model


def predict(x, batch_size: int = 32):
    """See Bundle.predict."""
    return model().predict(x, batch_size)
