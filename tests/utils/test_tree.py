"""kgraph.tree: what Keras's functions of these names give (checked with Keras 3.15.1)."""
import collections
import doctest

import pytest

from kgraph import tree

Point = collections.namedtuple("Point", "x y")
NESTED = {"b": [1, (2, 3)], "a": Point(4, None)}


def test_examples():
    assert doctest.testmod(tree).failed == 0


def test_flatten_with_path():
    assert tree.flatten_with_path(NESTED) == [(("a", 0), 4), (("a", 1), None), (("b", 0), 1), (("b", 1, 0), 2),
                                              (("b", 1, 1), 3)]


def test_map_structure_and_none():
    assert tree.map_structure(lambda v: v * 2, NESTED, none_is_leaf=False) == {"b": [2, (4, 6)], "a": Point(8, None)}
    with pytest.raises(TypeError):
        tree.map_structure(3, [1])
    with pytest.raises(TypeError, match="at least one structure"):
        tree.map_structure(len)


@pytest.mark.parametrize("shallow, deep", [([None, None], [[1]]), ([[None]], [1]), ({"a": None}, {"b": [1]})])
def test_map_structure_up_to_refuses_what_is_shallower(shallow, deep):
    with pytest.raises(ValueError, match="at least as deep"):
        tree.map_structure_up_to(shallow, len, deep)


def test_traverse():
    seen = []
    assert tree.traverse(seen.append, [(1, 2), [3], {"a": 4}]) == [(1, 2), [3], {"a": 4}]
    assert seen == [[(1, 2), [3], {"a": 4}], (1, 2), 1, 2, [3], 3, {"a": 4}, 4]
    seen.clear()
    tree.traverse(seen.append, [(1, 2), [3]], top_down=False)
    assert seen == [1, 2, (1, 2), 3, [3], [(1, 2), [3]]]
    assert tree.traverse(lambda x: tree.MAP_TO_NONE if x == 2 else None, [1, 2]) == [1, None]
    assert tree.traverse(lambda x: "t" if isinstance(x, tuple) else None, [(1, 2), 3]) == ["t", 3]


@pytest.mark.parametrize("a, b", [([1], (1,)), ({"a": 1}, {"b": 1}), ([1], [1, 2]), (1, [1]), (Point(1, 2), (1, 2))])
def test_structures_that_differ(a, b):
    with pytest.raises(ValueError, match="nest alike"):
        tree.assert_same_structure(a, b)


def test_structures_and_paths_that_agree():
    tree.assert_same_structure([(0, 1)], [(2, 3)])
    tree.assert_same_structure({"a": 1}, collections.OrderedDict(a=2))
    tree.assert_same_paths([0, 1], Point(2, 3))
    with pytest.raises(ValueError, match=r"of its own and \[0\] with \[\]"):
        tree.assert_same_paths([0, 1], [0])


def test_shapes_and_lists():
    assert tree.map_shape_structure(lambda s: s + (1,), [(None, 2), {"a": [3]}]) == [(None, 2, 1), {"a": (3, 1)}]
    assert tree.lists_to_tuples([1, [2, {"a": [3]}]]) == (1, (2, {"a": (3,)}))
