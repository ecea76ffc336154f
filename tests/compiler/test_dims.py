"""Sizes: arithmetic folds, equal polynomials are equal, and unknown sizes refuse to be compared."""
import pickle

import pytest

from kgraph.compiler import dims
from kgraph.compiler.dims import dim

B, T = dim("B"), dim("T")


@pytest.mark.parametrize("made,text", [
    (B + B, "2*B"), (2 * B - B, "B"), (B * T, "B*T"), (T * B - B * T, "0"), (4 * (B + 1) - 4, "4*B"), (3 - B, "-B+3"),
    ((T - 3) // 2 + 1, "((T-3)//2)+1"), (6 * B // 3, "2*B"), (B * T // T, "B"), ((B + T) // (B + T), "1"),
    (6 * B % 3, "0"), (T % 2, "(T%2)"), (dims.maximum(B, 3), "max(B,3)"), (dims.maximum(B, B), "B"),
    (dims.maximum(4 * B, B), "4*B"), (dims.maximum(B, B + T), "B+T"), (dims.maximum(B, T), "max(B,T)"),
    (dims.maximum((T - 3) // 2, 0), "max(((T-3)//2),0)"),
    (dims.size_of((B, 3, T)), "3*B*T"), (dims.size_of(()), "1")])
def test_arithmetic_folds(made, text):
    assert str(made) == text


@pytest.mark.parametrize("make", [
    lambda b, t: (t - 3) // 2 + 1, lambda b, t: b * t + 4 * b - 1, lambda b, t: (b * t) // 3 % 2, lambda b, t: 7 // b,
    lambda b, t: 7 % t, lambda b, t: dims.maximum(b, t) - b, lambda b, t: (b + 1) * (t - 1) // (b + 1)])
def test_evaluate_is_integer_arithmetic(make):
    for b, t in ((1, 4), (5, 9), (32, 7)):
        assert dims.evaluate(make(B, T), {"B": b, "T": t}) == make(b, t)


def test_equality_and_hash_follow_the_polynomial():
    assert 2 * B + T == T + B + B and hash(2 * B + T) == hash(T + B + B)
    assert B != T and B != 3 and B - B == 0
    assert {B * T: 1}[T * B] == 1


@pytest.mark.parametrize("use", [lambda: bool(B), lambda: B < 3, lambda: range(B), lambda: [1, 2][B]])
def test_an_unknown_size_is_no_integer(use):
    with pytest.raises(TypeError, match="symbolic"):
        use()


def test_nested_structures():
    nested = (B, [T + 1, "x"], {"n": 2 * B}, slice(0, B))
    assert dims.evaluate(nested, {"B": 3, "T": 4}) == (3, [5, "x"], {"n": 6}, slice(0, 3))
    assert dims.names((B, (T, 3))) == {"B", "T"}
    assert dims.substitute((B * T, (T - 3) // 2), {"T": 2 * B}) == (2 * B * B, (2 * B - 3) // 2)
    with pytest.raises(KeyError, match="T"):
        T.evaluate({"B": 1})


def test_pickle():
    assert pickle.loads(pickle.dumps(B * 3 + T // 2)) == B * 3 + T // 2
