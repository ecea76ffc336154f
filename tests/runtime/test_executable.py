"""Executable: bindings, addresses, outputs, states, steps, checks, concurrency."""
import threading

import numpy as np
import pytest
from plans import evaluate, kernel, plan, pointwise, value

from kgraph.compiler.dims import SizeRule, dim
from kgraph.compiler.plan import STATUS, Buffer, Symbol
from kgraph.runtime import executable
from kgraph.runtime.executable import MAX_BINDINGS, Executable
from kgraph.variable import Variable, flatten

B = dim("B")


@pytest.fixture(params=["compiled", "python"], autouse=True)
def mode(request, monkeypatch):
    monkeypatch.setenv("KGRAPH_EMIT", "python" if request.param == "python" else "")


def scaled():
    """y = 2 x for x[B, 3], through a slot."""
    x, t, y = value((B, 3)), value((B, 3)), value((B, 3))
    steps = [pointwise("x0 + x0", [x], t), pointwise("x0 * f32(1)", [t], y)]
    return Executable(plan(steps, [x], [y], slots=[t], naive_bytes=2 * t.type.nbytes))


def test_sizes_are_bound_at_each_call():
    run = scaled()
    for n in (4, 1, 7, 4, 0):
        x = np.random.rand(n, 3).astype("float32")
        out, = run.run([x], {"B": n})
        assert out.shape == (n, 3) and (out == 2 * x).all()
    assert run.arena_bytes == {"planned": 0, "naive": 0}
    run.run([np.zeros((5, 3), "float32")], {"B": 5})
    assert run.arena_bytes == {"planned": 60, "naive": 120}


def test_bindings_are_bounded():
    run = scaled()
    for n in reversed(range(1, 2 * MAX_BINDINGS)):
        run.run([np.zeros((n, 3), "float32")], {"B": n})
    workspace, = run._idle
    assert len(workspace.bindings) == MAX_BINDINGS


def test_bindings_are_bounded_in_bytes(monkeypatch):
    run = scaled()
    run.run([np.zeros((9, 3), "float32")], {"B": 9})
    workspace, = run._idle
    monkeypatch.setattr(executable, "MAX_BYTES", 3 * workspace.kept)
    for n in (8, 7, 6, 5, 9, 8):
        out, = run.run([np.full((n, 3), n, "float32")], {"B": n})
        assert (out == 2 * n).all()
    assert list(workspace.bindings) == [(5,), (9,), (8,)]
    assert workspace.kept == sum(b.nbytes for b in workspace.bindings.values()) <= executable.MAX_BYTES


def test_all_extents_share_memory_as_large_as_the_largest_need():
    run = scaled()
    for n in (3, 40, 7, 100, 1):
        out, = run.run([np.full((n, 3), n, "float32")], {"B": n})
        assert (out == 2 * n).all()
    workspace, = run._idle
    assert len(workspace.arena) == -(-100 * 3 * 4 // 64) * 64
    assert {id(s.base) for b in workspace.bindings.values() for s in b._slots} == {id(workspace.arena.base)}


def test_outputs_belong_to_the_caller():
    run, x = scaled(), np.ones((2, 3), "float32")
    first, = run.run([x], {"B": 2})
    second, = run.run([x * 5], {"B": 2})
    assert (first == 2).all() and (second == 10).all()
    given = np.empty((2, 3), "float32")
    assert run.run([x], {"B": 2}, outputs=[given])[0] is given and (given == 2).all()
    with pytest.raises(ValueError, match=r"expected for output 0 .* \(2, 3\), received float32 of shape \(3, 3\)"):
        run.run([x], {"B": 2}, outputs=[np.empty((3, 3), "float32")])


def test_inputs_of_other_layouts_are_copied():
    run, x = scaled(), np.random.rand(6, 6)
    out, = run.run([x[::2, ::2]], {"B": 3})
    np.testing.assert_array_equal(out, 2 * x[::2, ::2].astype("float32"))
    with pytest.raises(ValueError, match=r"expected an input of shape \(3, 3\), received \(4, 3\)"):
        run.run([np.zeros((4, 3), "float32")], {"B": 3})
    with pytest.raises(ValueError, match="expected 1 inputs, received 2"):
        run.run([x, x], {"B": 3})


def test_rules_of_sizes_are_checked():
    x, y = value((B,)), value((B,))
    run = Executable(plan([pointwise("x0", [x], y)], [x], [y], size_rules=(SizeRule(B, "==", dim("C"), "add"),)))
    run.run([np.zeros(3, "float32")], {"B": 3, "C": 3})
    with pytest.raises(ValueError, match="hand: add: expected B == C, received 3 and 4 for B = 3, C = 4"):
        run.run([np.zeros(3, "float32")], {"B": 3, "C": 4})


def accumulator(states):
    """state += x in place; y is the new state's memory."""
    x, s = value((4,)), value((4,))
    step = kernel("s = pf32(args, 1)\nx = pf32(args, 0)\nfor i in range(lo, hi):\n    s[i] = s[i] + x[i]", (x, s), 4)
    new = value((4,))
    return Executable(plan([step], [x], [new], [s], aliases={new: Buffer("state", 0)}), states)


def test_steps_carry_the_state():
    v = Variable(np.zeros(4, "float32"))
    run = accumulator([v])
    out, = run.run([np.arange(4, dtype="float32")], steps=5)
    assert (v.numpy() == 5 * np.arange(4)).all() and (out == v.numpy()).all()
    out[...] = -1  # a copy: the state is not the caller's
    assert (v.numpy() == 5 * np.arange(4)).all()


def test_states_are_found_again_after_they_move():
    v, w = Variable(np.zeros(4, "float32"), name="v"), Variable(np.ones(3, "float32"), name="w")
    run, x = accumulator([v]), np.ones(4, "float32")
    run.run([x])
    flatten([w, v], "home")
    run.run([x])
    v.assign(v.numpy() + 10)
    run.run([x])
    assert (v.numpy() == 13).all() and (w.numpy() == 1).all()


def test_outputs_that_are_inputs_or_constants():
    x, c, t = value((4,)), value((4,)), value((2,))
    run = Executable(plan([], [x], [x, c, t], constants=[c],
                          aliases={x: Buffer("input", 0), c: Buffer("constant", 0), t: Buffer("input", 0, 8)}),
                     constants=[np.arange(4, dtype="float32")])
    given = np.array([5, 6, 7, 8], "float32")
    a, b, d = run.run([given])
    assert a is not given and (a == given).all() and (b == [0, 1, 2, 3]).all() and (d == [7, 8]).all()


def test_index_errors():
    x, i, y = value((5,)), value((3,), "int64"), value((3,))
    text = ("x = pf32(args, 0)\ni = pi64(args, 1)\ny = pf32(args, 2)\nfor k in range(lo, hi):\n"
            "    y[k] = x[checked(word(args, 3), word(args, 4), i[k], 5)]")
    after = value((1,))
    run = Executable(plan([kernel(text, (x, i, y, STATUS, 1), 3), pointwise("f32(1)", [], after)], [x, i], [y, after],
                          checks=(("embedding", 5),)))
    data = np.arange(5, dtype="float32")
    assert (run.run([data, np.array([4, 0, 2])])[0] == [4, 0, 2]).all()
    for bad in (7, -1, 5):
        with pytest.raises(IndexError, match=rf"embedding: index {bad} is outside \[0, 5\)"):
            run.run([data, np.array([0, bad, 2])], steps=3)
    assert (run.run([data, np.array([1, 1, 2])])[0] == [1, 1, 2]).all()


def test_products_and_scratch():
    a, b, c = value((B, 20)), value((20, 30)), value((B, 30))
    text = ("t = pf32_at(scratch, 60)\nn = word(args, 4)\nk = word(args, 5)\n"
            "gemm(word(args, 3), hi - lo, n, k, word(args, 0) + 4 * lo * k, k, 1, word(args, 1), n, 1, scratch, n, 0, "
            "scratch + 4 * n * word(args, 6))\nc = pf32(args, 2)\nfor i in range(lo, hi):\n    for j in range(n):\n"
            "        c[i * n + j] = maximum(t[(i - lo) * n + j], f32(0))")
    step = kernel(text, (a, b, c, Symbol("gemm_f32"), 30, 20, B), B, grain=2, work=10**6, scratch=B * 120)
    run = Executable(plan([step], [a, b], [c]))
    x, w = np.random.randn(33, 20).astype("float32"), np.random.randn(20, 30).astype("float32")
    np.testing.assert_allclose(run.run([x, w], {"B": 33})[0], np.maximum(x @ w, 0), atol=1e-5)


def test_concurrent_calls():
    """Eight threads at once, each with sizes and numbers of its own."""
    run, wrong = scaled(), []

    def work(k):
        x = np.full((k % 3 + 1, 3), k, "float32")
        for _ in range(50):
            if not (run.run([x], {"B": k % 3 + 1})[0] == 2 * k).all():
                wrong.append(k)
    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_real_arguments_and_booleans():
    x, y = value((6,)), value((6,), "bool")
    text = "x = pf32(args, 0)\ny = pb1(args, 1)\nc = real32(args, 2)\nfor i in range(lo, hi):\n    y[i] = x[i] > c"
    step = kernel(text, (x, y, 0.25), 6)
    out, = Executable(plan([step], [x], [y])).run([np.linspace(0, 1, 6).astype("float32")])
    assert out.dtype == bool and out.tolist() == [False, False, True, True, True, True]
    assert evaluate("(x0 ^ True) | x0", np.array([True, False]), dtype="bool").all()
