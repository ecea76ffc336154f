"""Errors as users see them: with the frames of their own program, without those inside kgraph."""
from __future__ import annotations

import functools
import os
import types

from kgraph import config

__all__ = ["filtered"]

_PACKAGE = os.path.dirname(__file__) + os.sep


def filtered(function):
    """A decorator for what users call: an error that leaves it shows no frames inside kgraph, unless
    config.disable_traceback_filtering() was called."""
    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if args and (explain := getattr(type(args[0]), "_explain_error", None)) is not None:
                explain(args[0], error)
            if config.is_traceback_filtering_enabled():
                shorten(error)
            raise
    return call


def shorten(error):
    """Take the frames inside kgraph off an error, and off those that led to it."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = _without_own(error.__traceback__)
        error = error.__cause__ or error.__context__


def _without_own(traceback):
    kept = []
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            kept.append(traceback)
        traceback = traceback.tb_next
    inner = None
    for t in reversed(kept):
        inner = types.TracebackType(inner, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return inner
