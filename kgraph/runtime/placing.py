"""The first thing that a call does: what it is given is looked at, and the kernels are told where it lies."""
from __future__ import annotations

import ctypes
import functools
import struct
from typing import Any

import numpy as np

from kgraph.codegen import functions
from kgraph.kernels import arrays
from kgraph.kernels.arrays import ARRAY, LOWER, PLACES, TO_READ, TO_WRITE, WANTED
from kgraph.runtime.memory import address_of

__all__ = ["Places"]

HEAD = object.__basicsize__


class Places:
    """Where the addresses of a step's inputs and outputs are written: (dtype, shape, places) of each, and for each
    place the number of one of ``words`` and bytes to add.

    name    what errors call the step
    native  whether there is machine code
    """

    def __init__(self, name: str, inputs: list[Any], outputs: list[Any], words: np.ndarray, native: bool):
        self.name: str = name
        self.inputs: list[Any] = inputs
        self.outputs: list[Any] = outputs
        self._words = memoryview(words)
        self._call = _native() if native else None
        if self._call is not None:
            self._prepare(words.ctypes.data)

    def _prepare(self, start: int):
        wanted = [(*known, TO_READ) for known in self.inputs] + [(*known, TO_WRITE) for known in self.outputs]
        filled = [*PLACES.filled(fit=0, head=HEAD, arrays=len(wanted)), *(0,) * len(wanted)]
        for dtype, shape, places, flags in wanted:
            filled += WANTED.filled(type=id(np.ndarray), dtype=id(dtype), rank=len(shape), flags=flags,
                                    pairs=len(places))
            filled += [*shape, *(number for place, more in places for number in (start + 8 * place, more))]
        block = np.array(filled, np.int64)
        self._block, self._bytes, self._address = memoryview(block), memoryview(block).cast("B"), block.ctypes.data
        self._write_objects = struct.Struct(f"{len(wanted)}q").pack_into

    def fill(self, inputs: Any, outputs: Any = None, exact: bool = False) -> tuple[Any, Any] | None:
        """Write the addresses of these arrays. Returns the inputs, which must live until the call is over, and the
        outputs, new ones unless they are given.

        exact   None instead where one of the inputs has to be converted
        """
        if len(inputs) != len(self.inputs):
            raise ValueError(f"{self.name}: expected {len(self.inputs)} inputs, received {len(inputs)}")
        results = [np.empty(shape, dtype) for dtype, shape, _ in self.outputs] if outputs is None else list(outputs)
        every = [*inputs, *results]
        if self._call is not None and len(results) == len(self.outputs):
            self._write_objects(self._bytes, 8 * PLACES.words, *map(id, every))
            self._call(self._address)
            if self._block[0]:
                return every, results
        return None if exact else (self._convert(inputs), self._check(results))

    def _convert(self, inputs) -> list:
        found = []
        for array, (dtype, shape, places) in zip(inputs, self.inputs):
            if type(array) is not np.ndarray or array.dtype is not dtype or not array.flags.c_contiguous:
                array = np.ascontiguousarray(array, dtype).reshape(np.shape(array))
            if array.shape != shape:
                raise ValueError(f"{self.name}: expected an input of shape {shape}, received {array.shape}")
            self._place(array, places)
            found.append(array)
        return found

    def _check(self, outputs) -> list:
        for i, (array, (dtype, shape, places)) in enumerate(zip(outputs, self.outputs, strict=True)):
            if array.dtype != dtype or array.shape != shape or not array.flags.carray:
                raise ValueError(f"{self.name}: expected for output {i} a contiguous, writable {dtype.name} array of "
                                 f"shape {shape}, received {array.dtype.name} of shape {array.shape}")
            self._place(array, places)
        return outputs

    def _place(self, array, places):
        address = address_of(array)
        for place, more in places:
            self._words[place] = address + more


@functools.cache
def _native():
    """The native function, if objects of this Python and of this NumPy are what it takes them for. It holds the GIL, so
    that nobody changes an array meanwhile."""
    if not _is_laid_out():
        return None
    return ctypes.PYFUNCTYPE(None, ctypes.c_int64)(functions.address(arrays.function("place_arrays")))


def _is_laid_out() -> bool:
    probe, sizes = np.zeros((3, 5), "float32"), ctypes.c_int64 * 2
    words = (ctypes.c_int64 * ARRAY.words).from_address(id(probe) + HEAD - 8)
    of = lambda field: words[ARRAY.place(field)]
    return (of("type"), of("data"), of("dtype")) == (id(np.ndarray), probe.ctypes.data, id(probe.dtype)) \
        and of("rank") & LOWER == 2 and of("flags") & TO_WRITE == TO_WRITE \
        and tuple(sizes.from_address(of("sizes"))) == probe.shape
