"""The profiler's rows and limits."""
import logging

import numpy as np
from plans import kernel, plan, pointwise, value

from kgraph.runtime import profile, thread_pool
from kgraph.runtime.executable import Executable
from kgraph.variable import Variable


def test_rows_and_limits():
    x, s, y = value((4096,)), value((4096,)), value((4096,))
    grow = kernel("s = pf32(args, 0)\nfor i in range(lo, hi):\n    s[i] = s[i] + f32(1)", (s,), 4096, flops=4096)
    state = Variable(np.zeros(4096, "float32"))
    run = Executable(plan([grow, pointwise("x0 + x0", [x], y, work=10**9)], [x], [y], [s]), [state])
    rows = profile.profile(run, [np.ones(4096, "float32")], repeats=5)
    assert [r.name for r in rows] == [k.name for k in run.plan.kernels] and rows[0].scopes == ("test",)
    assert all(r.seconds >= 0 and 0 <= r.share <= 1 for r in rows)
    assert rows[0].flops == 4096 and rows[1].gbytes == 0
    row = profile.Row("k", ("test",), 1e-6, 4096, 8192, 0.5)
    assert row.gflops == 4.096 and row.gbytes == 8.192
    assert (state.numpy() == 0).all(), "states keep their values"
    most = profile.limits()
    assert most.threads == thread_pool.get_num_threads() and profile.limits() is most
    assert min(most.float32, most.float64, most.bfloat16, most.int8, most.bandwidth) > 1e6


def test_debug_prints(monkeypatch, capsys):
    monkeypatch.setenv("KGRAPH_DEBUG", "2")
    monkeypatch.setattr(logging.getLogger("kgraph"), "propagate", False)  # to the handlers of pytest
    x, y = value((5,)), value((5,))
    out, = Executable(plan([pointwise("x0 * f32(3)", [x], y)], [x], [y])).run([np.ones(5, "float32")], steps=2)
    assert (out == 3).all()
    printed = capsys.readouterr().err
    assert "for test" in printed or "GFLOP/s" in printed
    assert printed.count("GFLOP/s") == 2 and printed.count(" us ") == 2
