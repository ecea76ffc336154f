"""What the steps of a data set do with an iterator of elements."""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kgraph import tree
from kgraph.tensorflow.base.texts import StringTensor

END = object()


def mapped(f, items, threads: int):
    """f of each item, computed by threads, in the order of the items."""
    pool, waiting = ThreadPoolExecutor(threads, initializer=_step_back), deque()
    try:
        for item in items:
            waiting.append(pool.submit(f, item))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _step_back():
    """Let the threads of a training step go before this one, which fills the gaps: a step whose threads wait for one
    that was put aside wastes more than data that come a little later."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def ahead(items, count: int):
    """The items, up to count of them made in a thread before they are asked for."""
    made, stop = queue.Queue(count), threading.Event()

    def put(x):
        while not stop.is_set():
            try:
                return made.put(x, timeout=0.1)
            except queue.Full:
                continue

    def work():
        _step_back()
        try:
            for item in items:
                put((item, None))
                if stop.is_set():
                    return
            put((END, None))
        except BaseException as error:  # noqa: BLE001  # raised again where the item is asked for
            put((END, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is END:
                return
            yield item
    finally:
        stop.set()


def chunks(items, size: int, drop: bool):
    """Lists of size items; the last may be shorter, or is dropped."""
    while len(chunk := list(itertools.islice(items, size))) == size:
        yield chunk
    if chunk and not drop:
        yield chunk


def shuffled(items, size: int, rng):
    """The items, each drawn from a buffer that is filled up from the rest."""
    buffer = list(itertools.islice(items, size))
    for item in items:
        i = int(rng.integers(len(buffer)))
        chosen, buffer[i] = buffer[i], item
        yield chosen
    for i in rng.permutation(len(buffer)):
        yield buffer[i]


def repeated(start, count):
    """The items of start() count times, or without end while there are any."""
    for _ in itertools.count() if count is None else range(count):
        empty = True
        for item in start():
            empty = False
            yield item
        if empty:
            return


class Cache:
    """Keeps the items of the first pass that reaches the end."""

    def __init__(self, start):
        self.start, self.kept = start, None

    def __call__(self):
        return iter(self.kept) if self.kept is not None else self._first()

    def _first(self):
        seen = []
        for item in self.start():
            seen.append(item)
            yield item
        self.kept = seen


def windows(items, size: int, shift: int, stride: int, drop: bool):
    """Lists of size items stride apart, each list beginning shift items after the one before."""
    span, buffer, at_end = (size - 1) * stride + 1, [], False
    while True:
        while len(buffer) < span and not at_end:
            item = next(items, END)
            at_end = item is END
            buffer += [] if at_end else [item]
        if not buffer or drop and len(buffer) < span:
            return
        yield buffer[:span:stride]
        skipped = shift - len(buffer)
        buffer = buffer[shift:]
        for _ in range(skipped):
            at_end = at_end or next(items, END) is END


def interleaved(make, items, cycle: int, block: int):
    """Blocks of items of `cycle` iterators in turn; one that has ended gives its place to the next item's."""
    places = [make(x) for x in itertools.islice(items, cycle)]
    while any(p is not None for p in places):
        for k in range(len(places)):
            for _ in range(block):
                if places[k] is None:
                    break
                found = next(places[k], END)
                if found is END:
                    new = next(items, END)
                    places[k] = None if new is END else make(new)
                    break
                yield found


def sampled(iterators, weights, rng, stop: bool):
    """Items of iterators chosen at random with weights, until one has ended (stop) or all have."""
    if hasattr(weights, "numpy"):
        weights = weights.numpy()
    weights = np.ones(len(iterators)) if weights is None else np.array(weights, "float64")
    while weights.sum() > 0:
        k = int(rng.choice(len(iterators), p=weights / weights.sum()))
        found = next(iterators[k], END)
        if found is not END:
            yield found
        elif stop:
            return
        else:
            weights[k] = 0


def grouped(key, size, items, drop: bool):
    """(key, list of size(key) items of that key) as soon as there are so many; at the end what is left, or not."""
    found = {}
    for item in items:
        k = int(key(item))
        group = found.setdefault(k, [])
        group.append(item)
        if len(group) == int(size(k)):
            yield k, found.pop(k)
    if not drop:
        yield from sorted(found.items())


def unique(items):
    """The items without those that came before."""
    seen = set()
    for item in items:
        parts = tuple(repr(x.tolist()) if isinstance(x, StringTensor) else x.tobytes() for x in tree.flatten(item))
        if parts not in seen:
            seen.add(parts)
            yield item


def write(folder, items):
    """Items into a folder: elements.npz, with the structure of an item as elements.json."""
    items = list(items)
    os.makedirs(folder, exist_ok=True)
    if any(isinstance(x, StringTensor) for item in items for x in tree.flatten(item)):
        raise NotImplementedError("Dataset.save: expected elements of numbers, received texts: tf.io.TFRecordWriter "
                                  "keeps them")
    arrays = {f"{i}_{k}": x for i, item in enumerate(items) for k, x in enumerate(tree.flatten(item))}
    np.savez(os.path.join(folder, "elements.npz"), **arrays)
    numbers = itertools.count()
    structure = tree.map_structure(lambda _: next(numbers), items[0]) if items else None
    with open(os.path.join(folder, "elements.json"), "w", encoding="utf-8") as file:
        json.dump({"count": len(items), "structure": _as_json(structure)}, file)


def read(folder) -> list:
    """The items that `write` kept. Raises FileNotFoundError for another folder."""
    with open(os.path.join(folder, "elements.json"), encoding="utf-8") as file:
        found = json.load(file)
    with np.load(os.path.join(folder, "elements.npz"), allow_pickle=False) as arrays:
        return [_of_json(found["structure"], lambda k, i=i: arrays[f"{i}_{k}"]) for i in range(found["count"])]


def _as_json(x):
    """A structure of numbers: JSON has lists alone, so that what is nested says what it is."""
    if isinstance(x, dict):
        return {"dict": {k: _as_json(v) for k, v in x.items()}}
    return {"tuple": [_as_json(v) for v in x]} if isinstance(x, (tuple, list)) else x


def _of_json(x, leaf):
    if not isinstance(x, dict):
        return leaf(x)
    return {k: _of_json(v, leaf) for k, v in x["dict"].items()} if "dict" in x else tuple(
        _of_json(v, leaf) for v in x["tuple"])


def without_errors(items):
    """The items without those whose making raised."""
    while True:
        try:
            yield next(items)
        except StopIteration:
            return
        except (ValueError, OSError, IndexError):
            continue


def padded(items, shapes, values):
    """Items joined along a new first axis, each filled up at its ends.

    shapes: None, or a structure of sizes (None and -1: the longest); values: None, or a structure of fillings
    """
    first = items[0]
    leaves = [tree.flatten(x) for x in items]
    count = len(leaves[0])
    shapes = [None] * count if shapes is None else _for_leaves(first, shapes, count)
    values = [None] * count if values is None else _for_leaves(first, values, count)
    parts = [_padded_part([x[i] for x in leaves], shapes[i], values[i]) for i in range(count)]
    return tree.pack_sequence_as(first, parts) if tree.is_nested(first) else parts[0]


def _for_leaves(first, structure, count):
    if not tree.is_nested(first):
        return [structure]
    if not tree.is_nested(structure):
        return [structure] * count
    found = []
    tree.map_structure_up_to(first, found.append, structure)
    return found


def _padded_part(parts, shape, value):
    text = isinstance(parts[0], StringTensor)
    held = [p.numpy_array() if text else np.asarray(p) for p in parts]
    longest = np.max([p.shape for p in held], axis=0, initial=0).astype(int).tolist() if held[0].ndim else []
    sizes = longest if shape is None else [
        m if n is None or int(n) < 0 else int(n) for n, m in zip(shape, longest, strict=True)]
    if any(n < m for n, m in zip(sizes, longest)):
        raise ValueError(f"padded_batch: expected elements no longer than {sizes}, received {longest}")
    if value is None:
        value = b"" if text else 0
    value = value.numpy() if hasattr(value, "numpy") else value
    result = np.full((len(held), *sizes), value, object if text else held[0].dtype)
    for i, p in enumerate(held):
        result[(i, *map(slice, p.shape))] = p
    return StringTensor(result) if text else result
