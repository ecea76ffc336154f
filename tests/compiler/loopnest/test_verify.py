"""Loop nests that are broken on purpose: the verifier says what is wrong, and where."""
import pytest

from kgraph.compiler.ir import ProgramError
from kgraph.compiler.loopnest.nodes import (
    PARAMETERS,
    Buffer,
    Call,
    Do,
    For,
    If,
    Let,
    Load,
    LoopNest,
    Name,
    Number,
    Return,
    Set,
    Store,
    Tile,
    While,
    call,
)
from kgraph.compiler.loopnest.verify import verify_nest

ARGS, LO, HI, SCRATCH = (Name(p, "int64") for p in PARAMETERS)
ONE, ZERO = Number(1, "int64"), Number(0, "int64")
REAL = call("f32", 0.0)
X = Buffer("x", "float32", call("word", ARGS, 0), 0)
I, S = Name("i", "int64"), Name("s", "float32")
TILE = Tile("copy", 2, False, None, None)


def loop(*body, kind="serial", name="i", start=LO, stop=HI, step=ONE):
    return For(name, start, stop, step, kind, body)


def broken(*body, tiles=()):
    with pytest.raises(ProgramError) as error:
        verify_nest(LoopNest(body, tiles={t.name: t for t in tiles}, title="test"))
    assert str(error.value).startswith("test: expected ")
    return str(error.value)


def test_a_sound_nest_comes_back():
    nest = LoopNest((X, loop(Set("s", REAL), loop(Set("s", S + X[I]), kind="reduce", name="k"), Store(X, I, S),
                             kind="share"), Do(Call("copy", (LO, HI), None))), tiles={"copy": TILE})
    assert verify_nest(nest) is nest


@pytest.mark.parametrize("body", [
    (Let("a", I),), (loop(), Let("a", I)), (If(LO < HI, (Let("a", ONE),)), Let("b", Name("a", "int64"))),
    (If(LO < HI, (Set("i", ONE),)), Let("b", I)), (loop(Set("s", REAL)), Let("b", S)),
    (While(LO < HI, (Set("s", REAL),)), Let("b", S))])
def test_a_name_is_given_on_every_way_to_where_it_is_read(body):
    assert "to be given before it is read" in broken(*body)


def test_what_both_branches_give_is_known_after_them():
    ends = (Set("s", REAL),), (Return(),)
    for yes, no in (ends, ends[::-1], (ends[0], ends[0])):
        verify_nest(LoopNest((If(LO < HI, yes, no), Let("b", S))))


def test_names_and_their_dtypes():
    assert "a name of its own, received a" in broken(Let("a", ONE), Let("a", ONE))
    assert "a name of its own, received i" in broken(loop(loop()))
    assert "i of float32, received int64" in broken(loop(Let("a", Name("i", "float32"))))
    assert "s of float64, received float32" in broken(Set("s", REAL), Let("a", Name("s", "float64")))
    assert "s to stay float32, received int64" in broken(Set("s", REAL), Set("s", ONE))
    assert "a value" in broken(Let("a", Call("pause", (), None)))


@pytest.mark.parametrize("body", [(Let("a", ONE), Set("a", ONE)), (loop(Set("i", ONE)),), (Set("lo", ONE),),
                                  (X, Set("x", ONE))])
def test_only_a_set_gives_a_name_again(body):
    assert "a local that changes, received" in broken(*body)
    assert "a name of its own, received s" in broken(Set("s", REAL), Let("s", REAL))


def test_buffers_hold_what_they_are_for():
    assert "a buffer of this block or one around it, received x" in broken(Store(X, ZERO, REAL))
    assert "a buffer of this block or one around it, received x" in broken(If(LO < HI, (X,)), Let("a", X[0]))
    assert "a value of float32, received float64: x[0] <- 0.5" in broken(X, Store(X, ZERO, Number(0.5, "float64")))
    assert "a whole number, received float32" in broken(X, Let("a", Load(X, REAL)))
    assert "a whole number, received float32" in broken(X, Store(X, REAL, REAL))
    assert "a whole number, received float32" in broken(Buffer("y", "float32", REAL, 0))
    assert "to have one scope, received 0 and 3" in broken(X, Buffer("y", "float32", X.address, 3))


def test_tests_are_bools():
    assert "a test, received int64 lo" in broken(If(LO, ()))
    assert "a test, received int64 1" in broken(While(ONE, ()))


def test_calls_are_of_the_language():
    assert "a call that does something" in broken(Do(call("minimum", LO, HI)))
    assert "to give int64, received float32" in broken(Let("a", Call("minimum", (LO, HI), "float32")))
    assert "has no function 'copy'" in broken(Do(Call("copy", (LO, HI), None)))
    assert "2 operands of int64" in broken(Do(Call("copy", (LO,), None)), tiles=[TILE])
    assert "2 operands of int64" in broken(Do(Call("copy", (LO, REAL), None)), tiles=[TILE])


def test_loops():
    assert "a kind of loop among share, serial, reduce, vector, received wild" in broken(loop(kind="wild"))
    assert "a step that is not 0" in broken(loop(step=ZERO))
    assert "a whole number, received float32" in broken(loop(start=REAL))
    assert "a share loop around all others" in broken(loop(loop(kind="share", name="j")))
    assert "a share loop from lo to hi, received 0 .. hi" in broken(loop(kind="share", start=ZERO))
    assert "no statement after the end of the kernel" in broken(Return(), Let("a", ONE))


@pytest.mark.parametrize("kind", ["share", "vector"])
def test_rounds_that_know_nothing_of_each_other_carry_no_sum(kind):
    verify_nest(LoopNest((Set("s", REAL), loop(Set("s", S + S)))))
    assert "s to be given before it is read" in broken(Set("s", REAL), loop(Set("s", S + S), kind=kind))
    verify_nest(LoopNest((loop(Set("s", REAL), Set("s", S + S), kind=kind),)))
