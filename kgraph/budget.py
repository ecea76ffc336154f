"""What a model file may ask for while it is loaded: one account for all that its configuration makes.

A loader opens it with `budget(limit)`; whoever makes something of a size that a configuration names says so first with
`spend`. Outside of a loader both cost nothing.
"""
from __future__ import annotations

import contextlib
import os
import threading

__all__ = ["OBJECT", "OP", "begins_blank", "blank", "budget", "half_of_memory", "spend"]

OBJECT, OP = 1 << 12, 1 << 10    # what one object or call of a layer, and one operation in it, count as in bytes


class _Account(threading.local):
    left = None       # what may still be spent, in bytes; None: no limit
    weights = None    # the same of the values of variables, where they have a limit of their own
    blank = False


_account = _Account()


@contextlib.contextmanager
def budget(limit: int, weights: int | None = None):
    """Inside, what a configuration asks for is at most `limit` bytes together, else a ValueError says so.

    weights: another limit for the values of variables, which then do not count with the rest.
    """
    saved, (_account.left, _account.weights) = (_account.left, _account.weights), (limit, weights)
    try:
        yield
    finally:
        _account.left, _account.weights = saved


@contextlib.contextmanager
def blank(on=True):
    """Inside, variables begin as zeros in place of what their initializer gives: a loader fills them next."""
    saved, _account.blank = _account.blank, on
    try:
        yield
    finally:
        _account.blank = saved


def begins_blank() -> bool:
    """Whether variables begin as zeros."""
    return _account.blank


def half_of_memory() -> int:
    """Of the machine, in bytes: what weights may have that no file holds."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 1 << 62


def spend(size: int, what: str, weight=False):
    """Count `size` bytes before they are made. weight: of the values of a variable. Raises ValueError beyond the limit.

    what: for the message, as "a weight of shape (3, 4)".
    """
    account = _account
    if account.left is None:
        return
    if weight and account.weights is not None:
        account.weights = left = account.weights - size
    else:
        account.left = left = account.left - size
    if left < 0:
        raise ValueError(f"the configuration asks for {what}: together more than the file can hold")
