"""What kgraph tells of itself while it works, through the logger "kgraph".

``KGRAPH_DEBUG`` sets its level: 0 what everybody should see, 1 what is compiled and why, 2 also kernel timings,
3 also programs and loop nests, 4 also sources. Without handlers of the program's own, messages go to stderr.
"""
from __future__ import annotations

import logging
import os
import sys

__all__ = ["is_heard", "report"]

LEVELS = (25, logging.INFO, 18, 15, logging.DEBUG)  # of the logger, by KGRAPH_DEBUG


def is_heard(level: int) -> bool:
    """Whether KGRAPH_DEBUG, or a level that the program gave the logger, asks for what is told at this level.

    Raises ValueError for a KGRAPH_DEBUG other than 0 to 4.
    """
    given = os.environ.get("KGRAPH_DEBUG") or "0"
    if given not in ("0", "1", "2", "3", "4"):
        raise ValueError(f"expected KGRAPH_DEBUG to be 0, 1, 2, 3 or 4, received {given!r}")
    logger = logging.getLogger("kgraph")
    return int(given) >= level or bool(logger.level) and logger.isEnabledFor(LEVELS[level])


def report(level: int, text: str, prefix="kgraph: "):
    """Tell something, if it is heard at that level."""
    if is_heard(level):
        logger = logging.getLogger("kgraph")
        record = logger.makeRecord("kgraph", LEVELS[level], "", 0, prefix + text, (), None)
        (logger if logger.hasHandlers() else _stderr).handle(record)


class _Stderr(logging.StreamHandler):
    """Writes to what sys.stderr is at the time."""

    def __init__(self):
        logging.Handler.__init__(self)

    @property
    def stream(self):
        return sys.stderr


_stderr = _Stderr()
