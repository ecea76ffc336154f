"""predict_on_batch and model(x) of several inputs: what is not like the call before takes the long way."""
import numpy as np
import pytest

import kgraph as K
from kgraph import Input, layers

A, B = np.linspace(-1, 1, 36, dtype="float32").reshape(9, 4), np.arange(18, dtype="int32").reshape(9, 2)


@pytest.fixture
def model():
    K.set_random_seed(1)
    a, b = Input((4,), name="a"), Input((2,), dtype="int32", name="b")
    table = layers.Flatten()(layers.Embedding(18, 3)(b))
    return K.Model([a, b], [layers.Dense(2)(layers.concatenate([a, table])), table])


def check(found, wanted):
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("kind", ["list", "tuple", "dict"])
def test_arrays_like_those_before(model, kind):
    of = {"list": lambda a, b: [a, b], "tuple": lambda a, b: (a, b), "dict": lambda a, b: {"b": b, "a": a}}[kind]
    whole = model.predict([A, B], verbose=0)
    for rows in (9, 9, 1, 4, 0, 9):
        check(model.predict_on_batch(of(A[:rows], B[:rows])), [w[:rows] for w in whole])
    check([x.numpy() for x in model(of(A, B))], whole)
    check([x.numpy() for x in model(of(A[:3], B[:3]))], [w[:3] for w in whole])


def test_others_take_the_long_way(model):
    whole = model.predict_on_batch([A, B])
    others = [[A.astype("float64"), B], [A, B.astype("int64")], [np.asfortranarray(A), B], (A, B), {"a": A, "b": B},
              [A.tolist(), B], [A, B]]
    for x in others:
        check(model.predict_on_batch(x), whole)
    for x in ([A[:3], B], [A, B[:, :1]], [A], [A, B, B], [A, np.float32(3)], {"a": A, "c": B}):
        with pytest.raises((ValueError, KeyError)):
            model.predict_on_batch(x)
        check(model.predict_on_batch([A, B]), whole)
    with pytest.raises(IndexError, match=r"embedding.*index 18 is outside \[0, 18\)"):
        model.predict_on_batch([A, B + 1])
    model.set_weights([w * 0 for w in model.get_weights()])
    check(model.predict_on_batch([A, B]), [w * 0 for w in whole])
