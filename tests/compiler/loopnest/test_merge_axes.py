"""merge_axes: neighbouring axes become one loop exactly where one loop reaches the same places in the same order."""
import itertools

import pytest

from kgraph.compiler.dims import dim
from kgraph.compiler.loopnest.index import Axis, Index, Opaque, linear, merge_axes

SIZES = (4, 5, 6)


def axes():
    return [Axis(n) for n in SIZES]


def numbers(groups, order):
    return [[order.index(axis) for axis in group] for group in groups]


def at(order, strides):
    return Index(dict(zip(order, strides)))


CASES = [  # strides of each access, barriers, what runs as one loop
    ([(30, 6, 1)], (), [[0, 1, 2]]), ([(60, 12, 2)], (), [[0, 1, 2]]), ([(0, 0, 0)], (), [[0, 1, 2]]),
    ([(30, 6, 1), (0, 0, 1)], (), [[0, 1], [2]]), ([(30, 6, 1), (5, 1, 0)], (), [[0, 1], [2]]),
    ([(30, 6, 1), (0, 6, 1)], (), [[0], [1, 2]]), ([(30, 6, 1), (1, 4, 20)], (), [[0], [1], [2]]),
    ([(35, 7, 1)], (), [[0, 1], [2]]), ([(30, -6, -1)], (), [[0], [1, 2]]), ([(30, 6, 1)], (1,), [[0], [1, 2]]),
    ([(30, 6, 1)], (2,), [[0, 1], [2]]), ([(30, 6, 1)], (0,), [[0, 1, 2]])]


@pytest.mark.parametrize("accesses,barriers,expected", CASES)
def test_what_runs_as_one_loop(accesses, barriers, expected):
    order = axes()
    groups = merge_axes(order, [at(order, s) for s in accesses], [order[b] for b in barriers])
    assert numbers(groups, order) == expected


@pytest.mark.parametrize("accesses,barriers,expected", CASES)
def test_one_loop_reaches_the_same_places(accesses, barriers, expected):
    """A group's variable counts all its rounds; its last axis's stride stands for all (see Writer.at)."""
    for strides in accesses:
        apart = [sum(s * i for s, i in zip(strides, place)) for place in itertools.product(*map(range, SIZES))]
        rounds = [range(len(list(itertools.product(*[range(SIZES[n]) for n in group])))) for group in expected]
        merged = [sum(strides[group[-1]] * i for group, i in zip(expected, place))
                  for place in itertools.product(*rounds)]
        assert merged == apart


def test_an_opaque_index_keeps_its_axes_apart():
    order = axes()
    inside = Opaque("//", at(order, (1, 0, 0)), Index.of(3))
    assert numbers(merge_axes(order, [inside]), order) == [[0], [1, 2]]
    assert numbers(merge_axes(order, [Opaque("+", inside, at(order, (0, 0, 1)))]), order) == [[0], [1], [2]]


def test_sizes_under_names():
    rows, columns = Axis(dim("B")), Axis(dim("T"))
    whole = linear((rows, columns), (dim("B"), dim("T")))
    assert merge_axes([rows, columns], [whole]) == [[rows, columns]]
    assert merge_axes([rows, columns], [whole, linear((columns,), (dim("T"),))]) == [[rows], [columns]]
    assert merge_axes([rows, columns], [linear((rows, columns), (dim("B"), dim("S")))]) == [[rows], [columns]]


def test_equal_numbers_of_named_axes_are_no_proof():
    rows, columns = Axis(7, "rows"), Axis(7, "columns")
    assert merge_axes([rows, columns], [linear((rows, columns), (7, 7))]) == [[rows, columns]]
    assert merge_axes([rows, columns], [Index({rows: 7, columns: 1})]) == [[rows], [columns]]


def test_no_axes():
    assert merge_axes([], [Index()]) == []
