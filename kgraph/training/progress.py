"""The progress bar: redrawn in place on a terminal or in a notebook, one line at the end anywhere else.

A carriage return is only written to what can be redrawn, and no more than five times a second; where the encoding of
the stream has no bar characters, ASCII ones are used.
"""
from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
import time

import numpy as np

from kgraph import config
from kgraph.codegen.functions import announcing
from kgraph.log import report
from kgraph.naming import printable
from kgraph.training import processes

__all__ = ["Progbar", "reporting", "resolve_verbose", "say", "setting_up"]

INTERVAL = 0.2  # seconds between two redraws
LEAST_BAR = 4   # characters; where there is room for less, there is no bar


def can_redraw(stream) -> bool:
    """Whether the stream is a terminal or a notebook cell."""
    if not config.is_interactive_logging_enabled():
        return False
    if "ipykernel" in sys.modules:
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        return False


def _shortened(line, columns) -> str:
    """A line without the last of its values, so that it has room."""
    return line if len(line) <= columns else line[:columns].rpartition(" - ")[0] or line[:columns]


def resolve_verbose(verbose) -> int:
    """0, 1 (a bar) or 2 (one line an epoch); "auto" is a bar where it can be redrawn. Raises ValueError for another."""
    if not processes.is_first():
        return 0
    if verbose == "auto":
        return 1 if can_redraw(sys.stdout) else 2
    if verbose not in (0, 1, 2, True, False):
        raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, received {verbose!r}")
    return int(verbose)


def say(text: str, end="\n"):
    """Write text to standard output, in ASCII where its encoding asks for it; without interactive logging to a logger.
    """
    if not processes.is_first():
        return
    if not config.is_interactive_logging_enabled():
        logging.getLogger("kgraph").info(text)
        return
    stream = sys.stdout
    try:
        (text + end).encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = text.translate({ord("━"): "=", ord("╺"): "-"}).encode("ascii", "replace").decode("ascii")
    stream.write(text + end)
    stream.flush()


class _Setup(threading.local):
    """What this thread has spent on tracing and compiling steps, and whether it shall say so."""

    seconds = 0.0
    say = None


_setup = _Setup()


@contextlib.contextmanager
def reporting(verbose):
    """Inside, the first compilation that takes long says so in one line, unless verbose is 0."""
    before, _setup.say = _setup.say, _say_compiling if verbose else None
    try:
        yield
    finally:
        _setup.say = before


def _say_compiling(count):
    _setup.say = None
    report(0, f"compiling {count} kernel{'s' if count > 1 else ''}, first run only", prefix="")


@contextlib.contextmanager
def setting_up():
    """Around what makes a step: the time is not that of the steps."""
    start = time.perf_counter()
    try:
        with announcing(_setup.say):
            yield
    finally:
        _setup.seconds += time.perf_counter() - start


class Progbar:
    """A bar with the values of metrics beside it.

    stateless_metrics the other way: names whose values are averaged, those of others being shown as they are

    Args:
        unit_name: what a step is called.
        prefix: before each line.
        target: steps in all, or None when not known
        width: of the bar, in characters; less where the terminal is narrow
        verbose: 0 nothing, 1 a bar, 2 only a line at the end
        interval: least time between two redraws, in seconds
        stateful_metrics: names whose values are shown as they are; those of others are averaged over the steps
        stateless_metrics: names whose values are averaged even so.

    Raises:
        ValueError: an argument of another kind.
    """

    def __init__(self, target, width=20, verbose=1, interval=INTERVAL, stateful_metrics=None,
                 stateless_metrics=None, unit_name="step", prefix=""):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: expected stateful_metrics or stateless_metrics, received both")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = max(interval, INTERVAL)
        self.stateful_metrics = set(stateful_metrics or ()) if stateless_metrics is None else None
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.prefix = prefix
        self.redraws = verbose == 1 and can_redraw(sys.stdout)
        self._values = {}  # name -> [sum, steps]
        self._seen = 0
        self._start, self._setup = time.perf_counter(), _setup.seconds
        self._last = 0.0
        self._drawn = 0    # characters on the line now

    def update(self, current, values=None, finalize=None):
        """Show that `current` steps are done. values: (name, value) pairs. finalize: end the line.

        Args:
            current: the step that is done.
            values: pairs (name, value).
            finalize: whether it is the last one.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._collect(current, values or ())
        now = time.perf_counter()
        self._seen = current
        if not self.verbose or not (finalize or (self.redraws and now - self._last >= self.interval)):
            return
        self._last = now
        line = self._line(current, now, finalize)
        if self.redraws and not finalize:
            line = _shortened(line, self._columns())  # a line that wraps could not be drawn over
        if not self.redraws:
            say(f"{self.prefix} - {line}" if self.prefix else line)
            return
        say("\r" + line.ljust(self._drawn), end="\n" if finalize else "")
        self._drawn = 0 if finalize else len(line)

    def add(self, n, values=None):
        """Show that n more steps are done.

        Args:
            n: steps that were done.
            values: pairs (name, value).
        """
        self.update(self._seen + n, values)

    def _collect(self, current, values):
        steps = max(current - self._seen, 1)
        for name, value in values:
            as_it_is = (name not in self.stateless_metrics if self.stateful_metrics is None
                        else name in self.stateful_metrics)
            if as_it_is or name not in self._values:
                self._values[name] = [value, 1] if as_it_is else [value * steps, steps]
            else:
                self._values[name][0] += value * steps
                self._values[name][1] += steps

    def _line(self, current, now, finalize) -> str:
        step = self._seconds_a_step(current, now)
        parts = [self._count(current)]
        left = now - self._start if finalize or not self.target else step * (self.target - current)
        parts.append(clock(left))
        parts.append(f"{duration(step)}/{self.unit_name}")
        values = "".join(f" - {printable(name)}: {show(total / count)}"
                         for name, (total, count) in self._values.items())
        if self.redraws and self.target:
            room = self._columns() - len(" ".join(parts)) - len(values) - 1
            parts[1:1] = [self._bar(current, min(self.width, room))] if room >= LEAST_BAR else []
        return (" " if self.redraws else " - ").join(parts) + values

    @staticmethod
    def _columns() -> int:
        """Characters that a line of the terminal holds beside the cursor."""
        return max(shutil.get_terminal_size().columns - 1, 1)

    def _count(self, current):
        return f"{current:{len(str(self.target))}d}/{self.target}" if self.target else f"{current}/Unknown"

    def _bar(self, current, width):
        done = int(width * min(current / self.target, 1.0))
        return "━" * done + "╺" * (width - done)

    def _seconds_a_step(self, current, now):
        return max(now - self._start - (_setup.seconds - self._setup), 0.0) / current if current else 0.0


def clock(seconds) -> str:
    """``7s``, ``1:05`` or ``2:00:09``."""
    seconds = int(seconds + 0.5)
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds >= 60 else f"{seconds}s"


def duration(seconds) -> str:
    """``2s``, ``15ms`` or ``40us``."""
    if seconds >= 1:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def show(value) -> str:
    """A metric's value in a few characters; of an array, its mean."""
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
