"""The progress bar: a bar on a terminal, lines elsewhere, never a carriage return into a file."""
import io
import sys

import numpy as np
import pytest

import kgraph as K
from kgraph import layers
from kgraph.training import progress
from kgraph.training.progress import Progbar, clock, duration, resolve_verbose, say, show


class Screen(io.TextIOWrapper):
    def __init__(self, encoding="utf-8", terminal=True):
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def screen(monkeypatch):
    def use(**kwargs):
        stream = Screen(**kwargs)
        monkeypatch.setattr(sys, "stdout", stream)
        return stream
    monkeypatch.setenv("TERM", "xterm")
    return use


def test_terminal_redraws_at_most_five_times_a_second(screen, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    stream = screen()
    bar = Progbar(100, interval=0.01, stateful_metrics=["loss"])
    for i in range(100):
        now[0] += 0.02
        bar.update(i + 1, [("loss", 1 / (i + 1))])
    text = stream.text()
    assert 9 <= text.count("\r") <= 11 and text.endswith("\n") and text.count("\n") == 1
    assert "100/100 " + "━" * 20 + " 2s 20ms/step - loss: 0.0100" in text


def test_lines_elsewhere(screen):
    stream = screen(terminal=False)
    bar = Progbar(3, prefix="Epoch 1/2", stateful_metrics=["loss"])
    for i in range(3):
        bar.update(i + 1, [("loss", 0.5)])
    text = stream.text()
    assert "\r" not in text and text.startswith("Epoch 1/2 - 3/3 - 0s - ") and text.endswith("loss: 0.5000\n")
    assert text.count("\n") == 1


def test_ascii_where_the_encoding_asks_for_it(screen):
    stream = screen(encoding="cp1252")
    Progbar(2).update(2)
    assert "━" not in stream.text() and "=" * 20 in stream.text()
    say("schön ━")
    assert stream.text().endswith("sch?n =\n")


def test_dumb_terminal(screen, monkeypatch):
    screen()
    assert resolve_verbose("auto") == 1
    monkeypatch.setenv("TERM", "dumb")
    assert resolve_verbose("auto") == 2
    with pytest.raises(ValueError, match="verbose"):
        resolve_verbose(3)


def test_values_are_averaged_unless_stateful(screen):
    stream = screen(terminal=False)
    bar = Progbar(4)
    bar.update(1, [("a", 1.0)])
    bar.add(3, [("a", 2.0)])
    assert "a: 1.7500" in stream.text()


def test_unknown_number_of_steps(screen):
    stream = screen()
    bar = Progbar(None)
    bar.update(7)
    bar.update(8, finalize=True)
    assert "8/Unknown" in stream.text()


@pytest.mark.parametrize("verbose, terminal, lines", [(1, False, 3), (2, False, 3), (0, False, 0), ("auto", False, 3),
                                                      (1, True, 6)])
def test_fit_writes_lines(screen, verbose, terminal, lines):
    inputs = K.Input((2,))
    m = K.Model(inputs, layers.Dense(1)(inputs))
    m.compile("sgd", "mse")
    stream = screen(terminal=terminal)
    x = np.ones((8, 2), "float32")
    m.fit(x, x[:, :1], epochs=3, verbose=verbose, validation_data=(x, x[:, :1]))
    text = stream.text()
    assert text.count("\n") == lines and ("\r" in text) == terminal
    if lines:
        assert "Epoch 3/3" in text and "val_loss" in text


def test_evaluate_and_predict_write_one_line(screen):
    inputs = K.Input((2,))
    m = K.Model(inputs, layers.Dense(1)(inputs))
    m.compile("sgd", "mse")
    x = np.ones((40, 2), "float32")
    stream = screen(terminal=False)
    m.evaluate(x, x[:, :1])
    m.predict(x)
    m.predict((x[i:i + 8] for i in range(0, 40, 8)), steps=5)
    lines = stream.text().splitlines()
    assert [line.split(" - ")[0] for line in lines] == ["2/2", "2/2", "5/5"] and "loss: " in lines[0]


def test_small_texts():
    assert [clock(s) for s in (7, 65, 7209)] == ["7s", "1:05", "2:00:09"]
    assert [duration(s) for s in (2, 0.015, 4e-5)] == ["2s", "15ms", "40us"]
    assert [show(v) for v in (0.25, 0, 1e-5, np.array([1.0, 3.0]))] == ["0.2500", "0.0000", "1.0000e-05", "2.0000"]


@pytest.mark.parametrize("columns", [200, 80, 70, 50, 40, 20])
def test_a_redrawn_line_fits_the_terminal(screen, monkeypatch, columns):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = screen()
    bar = Progbar(1000)
    for i in range(0, 999, 9):
        now[0] += 0.5
        bar.update(i, [("loss", 0.1), ("accuracy", 0.9)])
    lines = stream.text().split("\r")[2:]
    assert all(len(line.rstrip()) < columns for line in lines) and max(map(len, lines)) > columns - 12 or columns > 80
    assert ("━" in lines[-1]) == (columns >= 70)
