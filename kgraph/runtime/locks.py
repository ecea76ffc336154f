"""Which locks a process has, who takes them when, and what a fork finds: all of it.

    compiling   held while a program is compiled, and machine code made, loaded or linked, and while what a program
                reads of weights is prepared. Numba, LLVM and our own tables are asked by its holder alone, who may take
                it again.
    lending     held for a few lines in which the team of threads is exchanged. Its holder compiles nothing: what that
                needs is made before.
    team.busy   held by the one caller that walks a step with the team (see thread_pool); never waited for under one of
                the two above.

Code of the user, such as a step that is traced, runs under none of them. A fork happens when nobody holds the first
two, so that the child finds them free, and finds all tables, and LLVM, as they are between two uses; it makes a team
of its own. Nothing else that is written is shared by a process's threads: an Executable's memory belongs to one call
at a time.
"""
from __future__ import annotations

# Whoever compiles needs the locks of these two. A fork takes locks in the reverse order in which they were registered:
# so theirs are registered before ours.
import concurrent.futures.thread  # noqa: F401
import functools
import logging  # noqa: F401
import os
import threading

__all__ = ["compiling", "kept", "lending", "once"]


class _Turns:
    """A lock that its holder may take again, and that goes to one who waits before its holder gets it anew: a thread
    that compiles one program after another does not keep a fork waiting."""

    def __init__(self):
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._holder, self._depth = None, 0

    def acquire(self):
        me = threading.get_ident()
        if self._holder != me:
            with self._turn:
                self._lock.acquire()
            self._holder = me
        self._depth += 1

    def release(self):
        self._depth -= 1
        if not self._depth:
            self._holder = None
            self._lock.release()

    def forget_others(self):
        """In a forked child nobody else waits."""
        self._turn = threading.Lock()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *_):
        self.release()


compiling = _Turns()
lending = threading.RLock()


class kept:
    """A property that is computed when it is first read, and kept, for objects that one thread uses at a time.
    functools.cached_property has a lock in Python 3.11, which a forked child may find taken for ever."""

    def __init__(self, compute):
        self.compute = compute
        functools.update_wrapper(self, compute)

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        found = instance.__dict__
        if self.name not in found:
            found[self.name] = self.compute(instance)
        return found[self.name]


class once(kept):
    """The same for what threads share: it is computed under `compiling`."""

    def __get__(self, instance, owner=None):
        with compiling:
            return super().__get__(instance, owner)


def _take():
    compiling.acquire()
    lending.acquire()


def _release():
    lending.release()
    compiling.release()


def _release_in_child():
    compiling.forget_others()
    _release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_take, after_in_parent=_release, after_in_child=_release_in_child)
