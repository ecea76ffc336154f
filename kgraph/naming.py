"""Names of objects, what to say when a name is not known, and where in the user's program that is."""
from __future__ import annotations

import contextlib
import difflib
import inspect
import os
import re
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["any_arguments", "auto_name", "check_keywords", "given", "missing", "nearest", "object_name", "printable",
           "reset_names", "to_snake_case", "user_line", "user_place", "wanted", "warn_at_user"]

wanted: set = set()   # public names that programs asked for in vain, for `kgraph run`

_counts: dict = defaultdict(int)
_PACKAGE = str(Path(__file__).parent) + os.sep
_OWN = (_PACKAGE, contextlib.__file__)


def to_snake_case(name: str) -> str:
    """``MeanSquaredError`` -> ``mean_squared_error``, with Keras's treatment of digits (``Conv2D`` -> ``conv2d``)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """A name not given before: ``dense``, ``dense_1``, ``dense_2`` ..."""
    name = to_snake_case(prefix)
    count = _counts[name]
    _counts[name] += 1
    return f"{name}_{count}" if count else name


def reset_names():
    """Start automatic names again from the first (part of ``clear_session``)."""
    _counts.clear()


def object_name(obj) -> str:
    """What an object, class or function calls itself."""
    return getattr(obj, "name", None) or to_snake_case(getattr(obj, "__name__", type(obj).__name__))


def printable(text, keep="") -> str:
    """text with what a terminal or a reader of XML would not show but obey written as an escape: ``\\x1b``.

    keep: characters that stay as they are, such as line breaks.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def nearest(name, known) -> str:
    """`` Did you mean 'adam'?``, or nothing when no known name is near."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    if not close:
        lower = {str(k).lower(): str(k) for k in known}
        close = [lower[c] for c in difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.6)]
    return f" Did you mean {close[0]!r}?" if close else ""


def missing(module: str, name: str, known) -> AttributeError:
    """The error for a name that a public module does not have, with the nearest one that it has."""
    if not name.startswith("_"):
        home = "tensorflow" if module.startswith("kgraph.tensorflow") else "keras"
        wanted.add(f"{home}{module.removeprefix('kgraph').removeprefix('.tensorflow')}.{name}")
    return AttributeError(f"{module} has no public name {name!r}.{nearest(name, known)}", name=name)


def check_keywords(where: str, received, known):
    """Raise TypeError for the first keyword that is not known, naming the nearest that is.

    known: names, or a callable whose parameters are meant.
    """
    known = list(inspect.signature(known).parameters) if callable(known) else list(known)
    for name in received:
        if name not in known:
            raise TypeError(f"{where}: unknown argument {name!r}, received {name}=...{nearest(name, known)}")


def _user_frame():
    """The innermost frame that is not kgraph's own: where the user's program is."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
        frame = frame.f_back
    return frame


def user_place() -> tuple:
    """(file, line, globals) of the innermost call that is not kgraph's own."""
    frame = _user_frame()
    return frame.f_code.co_filename, frame.f_lineno, frame.f_globals


def user_line() -> tuple:
    """(file, line) of the innermost call that is not kgraph's own. Takes one to three microseconds."""
    frame = _user_frame()
    return frame.f_code.co_filename, frame.f_lineno


def warn_at_user(message: str, category=UserWarning):
    """Warn, once for each place of the user's program, which the message names."""
    file, line, scope = user_place()
    registry = scope.setdefault("__warningregistry__", {})
    warnings.warn_explicit(f"{file}:{line}: {message}", category, file, line, registry=registry)


def any_arguments(f) -> Callable[..., Any]:
    """f itself. Type checkers then allow that subclasses take other arguments."""
    return f


def given(names) -> dict:
    """The arguments among the locals() of an __init__, what it took as **kwargs included."""
    return {**{k: v for k, v in names.items() if k not in ("self", "kwargs", "__class__")}, **names["kwargs"]}
