"""The progress bar: redrawn in place on a terminal or in a notebook, one line at the end anywhere else.

A carriage return is only written to what can be redrawn, and no more than five times a second; where the encoding of
the stream has no bar characters, ASCII ones are used.
"""
from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time

import numpy as np

from kgraph import config
from kgraph.codegen.functions import announcing
from kgraph.naming import printable

__all__ = ["Progbar", "reporting", "resolve_verbose", "say", "setting_up"]

INTERVAL = 0.2  # seconds between two redraws


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


def resolve_verbose(verbose) -> int:
    """0, 1 (a bar) or 2 (one line an epoch); "auto" is a bar where it can be redrawn. Raises ValueError for another."""
    if verbose == "auto":
        return 1 if can_redraw(sys.stdout) else 2
    if verbose not in (0, 1, 2, True, False):
        raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, received {verbose!r}")
    return int(verbose)


def say(text: str, end="\n"):
    """Write text to standard output, in ASCII where its encoding asks for it; without interactive logging to a logger.
    """
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
    print(f"compiling {count} kernels, first run only", file=sys.stderr, flush=True)


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

    target            steps in all, or None when not known
    width             of the bar, in characters
    verbose           0 nothing, 1 a bar, 2 only a line at the end
    interval          least time between two redraws, in seconds
    stateful_metrics  names whose values are shown as they are; those of others are averaged over the steps
    unit_name         what a step is called
    prefix            text before the count in a single line, such as ``Epoch 3/10``
    """

    def __init__(self, target, width=20, verbose=1, interval=INTERVAL, stateful_metrics=None, unit_name="step",
                 prefix=""):
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = max(interval, INTERVAL)
        self.stateful_metrics = set(stateful_metrics or ())
        self.unit_name = unit_name
        self.prefix = prefix
        self.redraws = verbose == 1 and can_redraw(sys.stdout)
        self._values = {}  # name -> [sum, steps]
        self._seen = 0
        self._start, self._setup = time.perf_counter(), _setup.seconds
        self._last = 0.0
        self._drawn = 0    # characters on the line now

    def update(self, current, values=None, finalize=None):
        """Show that `current` steps are done. values: (name, value) pairs. finalize: end the line."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._collect(current, values or ())
        now = time.perf_counter()
        self._seen = current
        if not self.verbose or not (finalize or (self.redraws and now - self._last >= self.interval)):
            return
        self._last = now
        line = self._line(current, now, finalize)
        if not self.redraws:
            say(f"{self.prefix} - {line}" if self.prefix else line)
            return
        say("\r" + line.ljust(self._drawn), end="\n" if finalize else "")
        self._drawn = 0 if finalize else len(line)

    def add(self, n, values=None):
        """Show that n more steps are done."""
        self.update(self._seen + n, values)

    def _collect(self, current, values):
        steps = max(current - self._seen, 1)
        for name, value in values:
            if name in self.stateful_metrics or name not in self._values:
                self._values[name] = [value, 1] if name in self.stateful_metrics else [value * steps, steps]
            else:
                self._values[name][0] += value * steps
                self._values[name][1] += steps

    def _line(self, current, now, finalize) -> str:
        step = self._seconds_a_step(current, now)
        parts = [self._count(current)]
        if self.redraws and self.target:
            parts.append(self._bar(current))
        left = now - self._start if finalize or not self.target else step * (self.target - current)
        parts.append(clock(left))
        parts.append(f"{duration(step)}/{self.unit_name}")
        head = " ".join(parts) if self.redraws else " - ".join(parts)
        return head + "".join(f" - {printable(name)}: {show(total / count)}"
                              for name, (total, count) in self._values.items())

    def _count(self, current):
        return f"{current:{len(str(self.target))}d}/{self.target}" if self.target else f"{current}/Unknown"

    def _bar(self, current):
        done = int(self.width * min(current / self.target, 1.0))
        return "━" * done + "╺" * (self.width - done)

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
