"""Batches of a PyDataset prepared ahead of their use, in order, by threads or processes."""
from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

__all__ = ["prepared"]

_dataset = None  # in a worker process: what it was given when it started


def prepared(source, indices):
    """``source[i]`` for each index, in order.

    source.workers batches are prepared at a time, and at most source.max_queue_size wait to be used.
    """
    workers = getattr(source, "workers", 1)
    processes = getattr(source, "use_multiprocessing", False)
    if workers < 1 or (workers == 1 and not processes):
        for i in indices:
            yield source[i]
        return
    pool = _processes(source, workers) if processes else ThreadPoolExecutor(workers)
    submit = (lambda i: pool.submit(_item, i)) if processes else (lambda i: pool.submit(source.__getitem__, i))
    waiting, rest = deque(), iter(indices)
    try:
        for i in itertools.islice(rest, max(getattr(source, "max_queue_size", 10), 1)):
            waiting.append(submit(i))
        while waiting:
            item = waiting.popleft().result()
            for i in itertools.islice(rest, 1):
                waiting.append(submit(i))
            yield item
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _processes(source, workers):
    """A pool whose processes hold the data set.

    They come from a clean server process, since forking one with running threads can hang; but a class defined in an
    interactive session can only be found in a fork of it.
    """
    here = type(source).__module__ == "__main__"
    context = multiprocessing.get_context("fork" if here and hasattr(__import__("os"), "fork") else None
                                          if here else "spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(source,))


def _start(source):
    global _dataset
    _dataset = source


def _item(index):
    return _dataset[index]
