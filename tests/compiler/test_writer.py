"""What the writer of kernels refuses to say, and the names that it gives."""
import numpy as np
import pytest

from kgraph.compiler.ir import Program, ProgramError, TensorType, Value
from kgraph.compiler.loopnest.index import Axis
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.lowering.writer import Writer
from kgraph.compiler.prims.reduce import argmax_p, argmin_p
from kgraph.compiler.printing import printed
from kgraph.function import build


def writer():
    x = Value(TensorType((3,), "float32"), "x")
    return Writer(Program("empty", (x,), (), (x,)))


def test_a_name_is_read_where_it_was_given_or_further_in():
    w = writer()
    w.line("a = 1")
    w.loop(Axis(3), name="i")
    w.line("b = a + i")
    w.line("c = a", 0)
    w.close()
    w.line("d = c")
    with pytest.raises(ProgramError, match="expected b to be given before it is read.*e: i64 = b"):
        w.line("e = b")


@pytest.mark.parametrize("text", ["a = i", "x[i] = 1", "if i > 0:", "for k in range(i):"])
def test_the_variable_of_a_loop_is_unknown_outside(text):
    w = writer()
    w.line("x = pi32(args, 0)")
    w.loop(Axis(3), name="i")
    w.line("y = i")
    w.close()
    with pytest.raises(ProgramError, match="expected i to be given before it is read"):
        (w.open if text.endswith(":") else w.line)(text)


def test_an_outer_line_may_not_read_what_is_inside():
    w = writer()
    w.loop(Axis(3), name="i")
    with pytest.raises(ProgramError, match="expected i to be given"):
        w.line("a = i", 0)


def test_no_variable_has_the_name_of_a_function():
    w = writer()
    names = [w.fresh(stem) for _ in range(70) for stem in "iuf"]
    assert len({*names}) == len(names) and not {*names} & {*CASTS}
    with pytest.raises(ProgramError, match="expected a free name for a variable, received i32"):
        w.line("i32 = 1")


def test_blocks_follow_their_own_indentation():
    w = writer()
    w.block("a = 1\nwhile a < 3:\n    if a > 1:\n        b = a\n    a = a + 1\nc = a")
    assert w.depth == 0 and printed(w.nest())[1].splitlines()[1:] == [
        "    a = 1", "    while a < 3:", "        if a > 1:", "            b = a", "        a = a + 1", "    c = a"]
    with pytest.raises(ProgramError, match="expected b"):
        w.line("d = b")


@pytest.mark.parametrize("prim", [argmax_p, argmin_p])
@pytest.mark.parametrize("shape,axis", [((4, 1), 1), ((1,), 0), ((1, 5), 0), ((0, 1), 1)])
def test_the_only_position_is_0(prim, shape, axis):
    from kgraph.compiler.trace import bind
    compiled = build("only", lambda x: [bind(prim, x, axes=(axis,))], (TensorType(shape, "float32"),))
    got, = compiled(np.ones(shape, "float32"))
    np.testing.assert_array_equal(got, np.zeros([n for i, n in enumerate(shape) if i != axis]))
