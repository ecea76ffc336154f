"""What the writer of kernels refuses to say, and the names that it gives."""
import numpy as np
import pytest

from kgraph.compiler.ir import Program, ProgramError, TensorType, Value
from kgraph.compiler.loopnest.language import CASTS
from kgraph.compiler.loopnest.nodes import Buffer, For, If, Name, call, expression
from kgraph.compiler.lowering.writer import ARGS, Writer
from kgraph.compiler.prims.reduce import argmax_p, argmin_p
from kgraph.compiler.printing import printed
from kgraph.function import build


def writer():
    x = Value(TensorType((3,), "float32"), "x")
    return Writer(Program("empty", (x,), (), (x,)))


def test_a_name_is_read_where_it_was_given_or_further_in():
    w = writer()
    a = w.let("a", 1)
    with w.loop("i", 0, 3) as i:
        b = w.let("b", a + i)
        c = w.let("c", a, 0)
    w.let("d", c)
    with pytest.raises(ProgramError, match="expected b to be given before it is read.*e: i64 = b"):
        w.let("e", b)


I = Name("i", "int64")
X = Buffer("x", "int32", call("word", ARGS, 0), 0)


@pytest.mark.parametrize("give", [
    lambda w: w.let("a", I), lambda w: w.store(X[I], 1), lambda w: w.open(If(I > 0, ())),
    lambda w: w.open(For("k", *map(expression, (0, I, 1)), "serial", ()))], ids=["let", "store", "if", "for"])
def test_the_variable_of_a_loop_is_unknown_outside(give):
    w = writer()
    w.put(X)
    with w.loop("i", 0, 3):
        w.let("y", I)
    with pytest.raises(ProgramError, match="expected i to be given before it is read"):
        give(w)


def test_an_outer_statement_may_not_read_what_is_inside():
    w = writer()
    with w.loop("i", 0, 3) as i, pytest.raises(ProgramError, match="expected i to be given"):
        w.let("a", i, 0)


def test_no_variable_has_the_name_of_a_function():
    w = writer()
    names = [w.fresh(stem) for _ in range(70) for stem in "iuf"]
    assert len({*names}) == len(names) and not {*names} & {*CASTS}
    with pytest.raises(ProgramError, match="expected a free name for a variable, received i32"):
        w.let("i32", 1)


def test_blocks_hold_what_is_written_in_them():
    w = writer()
    a = w.let("a", 1)
    with w.during(a < 3):
        with w.when(a > 1):
            b = w.let("b", a)
        with w.otherwise():
            w.store(w.scratch_pointer("int64", 0, 0)[a], 2)
        w.let(a, a + 1)
    w.let("c", a)
    assert w.depth == 0 and printed(w.nest())[1].splitlines()[1:] == [
        "    a = 1", "    w0 = pi64_at(scratch, 60)", "    while a < 3:", "        if a > 1:", "            b = a",
        "        else:", "            w0[a] = 2", "        a = a + 1", "    c = a"]
    with pytest.raises(ProgramError, match="expected b"):
        w.let("d", b)


@pytest.mark.parametrize("prim", [argmax_p, argmin_p])
@pytest.mark.parametrize("shape,axis", [((4, 1), 1), ((1,), 0), ((1, 5), 0), ((0, 1), 1)])
def test_the_only_position_is_0(prim, shape, axis):
    from kgraph.compiler.trace import bind
    compiled = build("only", lambda x: [bind(prim, x, axes=(axis,))], (TensorType(shape, "float32"),))
    got, = compiled(np.ones(shape, "float32"))
    np.testing.assert_array_equal(got, np.zeros([n for i, n in enumerate(shape) if i != axis]))
