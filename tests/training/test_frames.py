"""Frames, tables and sparse matrices train and predict as the arrays in them do; cloudpickle and joblib take models.

Each test skips where its package is missing; `.ci/run data` has them all.
"""
import subprocess
import sys

import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.training import arrays

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 4)).astype("float32")
X[np.abs(X) < 0.5] = 0
Y = (X.sum(1) > 0).astype("float32")
NAMES = list("abcd")


def made(sparse=False):
    kgraph.utils.set_random_seed(0)
    model = kgraph.Sequential([kgraph.Input((4,), sparse=sparse), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def numbers(model, x, y) -> list:
    """Losses of fit, predictions, loss of evaluate."""
    losses = model.fit(x, y, batch_size=8, epochs=2, verbose=0, validation_split=0.2).history
    return [*losses["loss"], *losses["val_loss"], *model.predict(x, verbose=0)[:, 0], model.evaluate(x, y, verbose=0)]


def _pandas(pd):
    return pd.DataFrame(X, columns=NAMES), pd.Series(Y)


def _polars(pl):
    return pl.DataFrame(X, schema=NAMES), pl.Series("y", Y)


def _pyarrow(pa):
    return pa.table({name: X[:, i] for i, name in enumerate(NAMES)}), pa.chunked_array([Y[:7], Y[7:]])


KINDS = {"pandas": ("pandas", _pandas), "polars": ("polars", _polars),
         "query": ("polars", lambda pl: (pl.LazyFrame(X, schema=NAMES), pl.LazyFrame({"y": Y}))),
         "pyarrow": ("pyarrow", _pyarrow),
         "one type": ("pandas", lambda pd: (pd.DataFrame(X, columns=NAMES).convert_dtypes(), pd.DataFrame({"y": Y}))),
         "batch": ("pyarrow", lambda pa: (pa.record_batch(dict(zip(NAMES, X.T.copy()))), pa.array(Y)))}


@pytest.mark.parametrize("kind", KINDS)
def test_frames(kind):
    package, make = KINDS[kind]
    x, y = make(pytest.importorskip(package))
    np.testing.assert_allclose(numbers(made(), x, y), numbers(made(), X, Y), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_by_name(kind):
    """A frame's columns are inputs of their own; a column of texts is named."""
    package, make = KINDS[kind]
    module = pytest.importorskip(package)
    frame = make(module)[0]
    frame = frame.collect() if kind == "query" else frame
    inputs = [kgraph.Input((1,), name=name) for name in NAMES]
    model = kgraph.Model(inputs, layers.Concatenate()(inputs))
    np.testing.assert_array_equal(model.predict({name: frame[name] for name in NAMES}, verbose=0), X)
    texts = {"a": [1.0, 2.0], "b": ["x", "y"]}
    table = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}[package]
    with pytest.raises(ValueError, match="expected numbers, received 'x' in the column 'b'"):
        made().predict(getattr(module, table)(texts), verbose=0)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
def test_sparse_matrices(kind, large, monkeypatch):
    """A large one is made dense batch by batch alone."""
    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr(arrays, "_SPARSE_WHOLE", 10 if large else 1000)
    expected = numbers(made(), X, Y)
    for matrix in (sparse.csr_matrix(X).asformat(kind), sparse.csr_array(X).asformat(kind)):
        assert isinstance(arrays.as_arrays(matrix), arrays.SparseRows if large else np.ndarray)
        np.testing.assert_allclose(numbers(made(sparse=True), matrix, Y), expected, rtol=1e-6, atol=1e-7)
    assert made().train_on_batch(matrix, Y) == made().train_on_batch(X, Y)


def test_input_says_that_it_is_sparse():
    model = made(sparse=True)
    assert model.get_config()["layers"][0]["config"]["sparse"] is True and model.inputs[0].sparse
    again = kgraph.Sequential.from_config(model.get_config())
    assert again.inputs[0].sparse and again.predict(X, verbose=0).shape == (20, 1)
    with pytest.raises(ValueError, match="expected ragged=False, received True: .*padded_batch"):
        kgraph.Input((4,), ragged=True)


class Twice(layers.Layer):
    def call(self, x):
        return kgraph.ops.multiply(x, 2.0)


ELSEWHERE = """
import pickle, sys
import numpy as np
total, model = pickle.load(open(sys.argv[1], "rb"))
assert "test_frames" not in sys.modules
x = np.arange(8, dtype="float32").reshape(2, 4)
assert float(total(x)) == 56
np.testing.assert_array_equal(model.predict(x, verbose=0), 2 * x)
"""


def test_cloudpickle(tmp_path):
    """What Spark, loky and mlflow ship to other processes: functions that name kgraph, layers of the program's own."""
    cloudpickle = pytest.importorskip("cloudpickle")
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        model = kgraph.Sequential([kgraph.Input((4,)), Twice()])
        shipped = cloudpickle.dumps((lambda x: kgraph.ops.sum(x) * 2, model))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    (tmp_path / "shipped").write_bytes(shipped)
    subprocess.run([sys.executable, "-c", ELSEWHERE, tmp_path / "shipped"], check=True, timeout=500, cwd=tmp_path)


def test_joblib(tmp_path):
    joblib = pytest.importorskip("joblib")
    model = made()
    model.fit(X, Y, verbose=0)
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    first, second = (m.fit(X, Y, verbose=0).history["loss"] for m in (model, again))
    assert first == second
