"""bench --distributed reckons what it says."""
import json
import re

import pytest
from mpi import needs_mpi, run
from rich.console import Console

from kgraph.bench import distributed as d


def test_formulas():
    latency, bandwidth = 5e-6, 1e9
    assert d.exchange_seconds(1, 4e6, latency, bandwidth) == 0
    assert d.exchange_seconds(2, 4e6, latency, bandwidth) == pytest.approx(2 * 5e-6 + 4e-3)
    assert d.exchange_seconds(1024, 4e6, latency, bandwidth) == pytest.approx(2 * 1023 * 5e-6 + 2 * 1023 / 1024 * 4e-3)
    assert d.step_seconds(3e-3, 1e-3, False) == 4e-3
    assert d.step_seconds(3e-3, 1e-3, True) == 3e-3 and d.step_seconds(3e-3, 4e-3, True) == pytest.approx(5e-3)
    assert d.fit_line(d.SIZES, [latency + size / bandwidth for size in d.SIZES]) == pytest.approx((latency, bandwidth))


def test_table_says_where_communication_wins():
    console = Console(width=120, record=True, file=open("/dev/null", "w"))
    console.print(d.table("mlp", 3e-3, 2.7e6, 128, 20e-6, 2e9))
    text = console.export_text()
    assert "1024" in text and "communication wins from 16 processes on" in text


@needs_mpi
def test_messages_are_measured():
    seconds = json.loads(re.search(r"\[[-\d., e]+\]", run(2, "-m", "kgraph.bench.distributed"))[0])
    assert len(seconds) == len(d.SIZES) and min(seconds) > 0
    latency, bandwidth = d._messages()
    assert latency > 0 and bandwidth > 1e3
