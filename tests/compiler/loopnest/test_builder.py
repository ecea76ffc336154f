"""Loop nests written by the builder: what is printed, and what it refuses."""
import numpy as np
import pytest

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.builder import Builder, both, differ, either, equal, least, most
from kgraph.compiler.loopnest.interpret import run
from kgraph.compiler.loopnest.nodes import Let, Set, Tile, call
from kgraph.compiler.loopnest.records import SEGMENT, WINDOW
from kgraph.compiler.loopnest.verify import verify_nest
from kgraph.compiler.printing import kernel_source

CLIPPED = """\
def clipped(x, n):
    # sums
    numbers = pf32_at(x, 0)
    total = f64(0.0)
    for i in range(1, n, 2):
        if numbers[i] < 0.0 or i == 3:
            last = -i
        elif i != 5 and i < 9:
            last = min(i, 7)
        else:
            last = max(i, 8)
        total = total + f64(numbers[i]) * last
    while total > 9.0:
        total = total - 9.0
    numbers[0] = f32(f64(numbers[0]) + total)
    return
"""


def clipped():
    w = Builder(("x", "n"))
    x, n = w.given
    numbers = w.buffer("numbers", "float32", x, 0)
    total = w.let("total", call("f64", 0.0))
    with w.loop("i", 1, n, step=2) as i:
        with w.when(either(numbers[i] < 0.0, equal(i, 3))):
            last = w.let("last", -i)
        with w.otherwise():
            with w.when(both(differ(i, 5), i < 9)):
                w.let(last, least(i, 7))
            with w.otherwise():
                w.let(last, most(i, 8))
        w.let(total, total + call("f64", numbers[i]) * last)
    with w.during(total > 9.0):
        w.let(total, total - 9.0)
    w.store(numbers[0], call("f32", call("f64", numbers[0]) + total))
    w.end()
    return w.nest("sums")


def test_what_is_written_is_printed():
    nest = verify_nest(clipped())
    assert kernel_source(nest, "clipped") == CLIPPED
    x = np.array([1, 2, 7, 4, 7, 3, 7, 5], "float32")
    run(nest, x.ctypes.data, len(x))
    total = 2 * 1 + 4 * -3 + 3 * 8 + 5 * 7
    assert x[0] == 1 + (total % 9 or 9)


def test_a_local_that_is_given_once_stays():
    w = Builder(("n",))
    w.let("a", 1)
    b = w.let("b", w.given[0])
    w.let(b, b + 1)
    assert [type(s) for s in w.nest().body] == [Let, Set, Set]


def test_locals_of_a_block_end_with_it_unless_the_other_branch_gives_them_too():
    w = Builder(("n",))
    with w.when(w.given[0] > 0):
        one, other = w.lets(one=1, other=2)
    with w.otherwise():
        w.let(one, 3)
    w.let("after", one)
    with pytest.raises(ProgramError, match="expected other to be given before it is read.*late: i64 = other"):
        w.let("late", other)
    verify_nest(w.nest())


@pytest.mark.parametrize("name", ["n", "f32", "i64"])
def test_names_of_the_language_and_parameters_are_not_free(name):
    w = Builder(("n",))
    with pytest.raises(ProgramError, match=f"expected a free name for a variable, received {name}"):
        w.let(name, 1)
    assert w.free(name) == f"{name}_"


def test_words_of_records_have_names():
    w = Builder(("block",))
    g = w.record("g", WINDOW, w.given[0], 0)
    with w.loop("k", 0, 3) as k:
        w.fill(g.axes[k], taps=k + 1, low=g.axes[k].taps + g.kind)
    words = np.zeros(WINDOW.words, np.int64)
    words[WINDOW.place("kind")] = 1
    run(verify_nest(w.nest()), words.ctypes.data)
    assert [words[WINDOW.place("axes", k, field)] for k in range(3) for field in ("taps", "low")] == [1, 2, 2, 3, 3, 4]
    with pytest.raises(KeyError, match="window has no kindness"):
        g.kindness  # noqa: B018
    with pytest.raises(KeyError, match=r"segment has no"):
        w.record("s", SEGMENT, w.given[0], 0).axes  # noqa: B018


def test_sums_in_memory_keep_its_type():
    w = Builder(("x",))
    halves = w.buffer("halves", "bfloat16", w.given[0], 0)
    w.accumulate(halves[0], halves[1])
    assert kernel_source(verify_nest(w.nest()), "f").splitlines()[-1] == "    halves[0] = bf16(halves[0] + halves[1])"


def test_tiles_are_called_like_functions():
    w = Builder(("x",), [Tile("twice", 1, True, None, lambda x: 2 * x), Tile("look", 1, False, None, None)])
    w.do("look", w.let("y", w.call("twice", w.given[0]) + 1))
    assert kernel_source(verify_nest(w.nest()), "f").splitlines()[1:] == ["    y = twice(x) + 1", "    look(y)"]
