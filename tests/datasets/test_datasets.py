import gzip
import hashlib
import importlib
import io
import pickle
import tarfile

import numpy as np
import pytest

from kgraph import datasets
from kgraph.datasets.source import load_plain


def test_digits():
    (x, y), (x_test, y_test) = datasets.digits.load_data()
    assert x.shape == (1437, 8, 8) and x_test.shape == (360, 8, 8) and x.dtype == y.dtype == np.uint8
    assert x.max() == 16 and set(y) == set(y_test) == set(range(10))
    assert not {a.tobytes() for a in x} & {a.tobytes() for a in x_test}
    np.testing.assert_array_equal(datasets.digits.load_data()[1][0], x_test)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """put(module, name, bytes): a file in Keras's cache folder that has the digest the module expects."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def put(module, name, data, digest="DIGEST", folder="datasets"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sha = hashlib.sha256(data).hexdigest()
        if digest:
            monkeypatch.setattr(f"kgraph.datasets.{module}.{digest}", sha)
        return sha

    return put


def npz(**arrays):
    f = io.BytesIO()
    np.savez_compressed(f, **arrays)
    return f.getvalue()


def lists(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def test_mnist(cache):
    x, y = np.arange(2 * 784).reshape(2, 28, 28).astype("uint8"), np.array([3, 4], "uint8")
    cache("mnist", "mnist.npz", npz(x_train=x, y_train=y, x_test=x[:1], y_test=y[:1]))
    (a, b), (c, d) = datasets.mnist.load_data()
    np.testing.assert_array_equal(a, x)
    assert b.tolist() == [3, 4] and len(c) == len(d) == 1


def test_fashion_mnist(cache, monkeypatch):
    idx = lambda a: gzip.compress(bytes([0, 0, 8, a.ndim]) + np.array(a.shape, ">u4").tobytes() + a.tobytes())
    x, y = np.arange(3 * 784).reshape(3, 28, 28).astype("uint8"), np.arange(3, dtype="uint8")
    files = {name: cache("fashion_mnist", name, idx(x if "images" in name else y), None, "datasets/fashion-mnist")
             for name in datasets.fashion_mnist.FILES}
    monkeypatch.setattr(datasets.fashion_mnist, "FILES", files)
    (a, b), (c, d) = datasets.fashion_mnist.load_data()
    np.testing.assert_array_equal(a, x)
    np.testing.assert_array_equal(c, x)
    assert b.tolist() == d.tolist() == [0, 1, 2]


def tar_of_pickles(**members):
    f = io.BytesIO()
    with tarfile.open(fileobj=f, mode="w:gz") as tar:
        for name, value in members.items():
            data = pickle.dumps(value, protocol=2)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return f.getvalue()


def batch(first, **labels):
    return {"data": (np.arange(2 * 3072) + first).astype("uint8").reshape(2, 3072), **labels}


def test_cifar10(cache):
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    members = {f"cifar-10-batches-py/{n}": batch(i, labels=[i, i + 1]) for i, n in enumerate(names)}
    cache("cifar10", "cifar-10-batches-py-target_archive", tar_of_pickles(**members))
    (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    assert x.shape == (10, 32, 32, 3) and y.shape == (10, 1) and y_test.tolist() == [[5], [6]]
    np.testing.assert_array_equal(x[2], batch(1)["data"][0].reshape(3, 32, 32).transpose(1, 2, 0))


@pytest.mark.parametrize("mode, expected", [("fine", [[7], [8]]), ("coarse", [[1], [2]])])
def test_cifar100(cache, mode, expected):
    members = {f"cifar-100-python/{n}": batch(0, fine_labels=[7, 8], coarse_labels=[1, 2]) for n in ("train", "test")}
    cache("cifar100", "cifar-100-python-target_archive", tar_of_pickles(**members))
    assert datasets.cifar100.load_data(mode)[1][1].tolist() == expected


def test_imdb(cache):
    x = lists([1, 5, 9], [2], [3, 3, 3, 3])
    cache("imdb", "imdb.npz", npz(x_train=x, y_train=np.array([0, 1, 1]), x_test=x[:2], y_test=np.array([0, 1])))
    (a, b), _ = datasets.imdb.load_data(num_words=10)
    assert sorted(map(list, a)) == [[1, 4, 8, 2], [1, 5], [1, 6, 6, 6, 6]] and b.sum() == 2
    (a, b), (c, d) = datasets.imdb.load_data(maxlen=4, start_char=None, index_from=0, oov_char=None, skip_top=2)
    assert sorted(map(list, a)) == [[2], [5]] and sorted(map(list, c)) == [[2], [5]]
    with pytest.raises(ValueError, match="maxlen=1"):
        datasets.imdb.load_data(maxlen=1)


def test_reuters(cache):
    cache("reuters", "reuters.npz", npz(x=lists(*[[i, i] for i in range(10)]), y=np.arange(10)))
    (x, y), (x_test, y_test) = datasets.reuters.load_data(num_words=100)
    assert len(x) == 8 and len(x_test) == 2
    assert all(text == [1, k + 3, k + 3] for text, k in zip(x, y))
    assert len(datasets.reuters.get_label_names()) == 46 and datasets.reuters.get_label_names()[3] == "earn"


@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
def test_housing(cache, name):
    x = np.arange(20.0).reshape(10, 2)
    cache(name, f"{name}.npz", npz(x=x, y=x[:, 0]))
    module = importlib.import_module(f"kgraph.datasets.{name}")
    (a, b), (c, d) = module.load_data()
    assert len(a) == 8 and len(c) == 2 and sorted(np.r_[b, d]) == list(x[:, 0])
    with pytest.raises(ValueError, match="test_split in"):
        module.load_data(test_split=1.0)


@pytest.mark.parametrize("value", [
    {"a": [1, 2.5, "text", None]}, np.arange(6, dtype="int16").reshape(2, 3), np.asfortranarray(np.eye(2, 3)),
])
@pytest.mark.parametrize("protocol", [2, 4])
def test_load_plain(value, protocol):
    got = load_plain(io.BytesIO(pickle.dumps(value, protocol)))
    np.testing.assert_equal(got, value)


class Attack:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("value", [Attack(), [Attack()], {"data": Attack()}, np.float64, ValueError("x")])
def test_load_plain_runs_nothing(value, capsys):
    with pytest.raises(pickle.UnpicklingError, match="arrays and lists only"):
        load_plain(io.BytesIO(pickle.dumps(value)))
    assert capsys.readouterr().out == ""


def test_unknown_data_set():
    with pytest.raises(AttributeError, match="no public name 'mnst'. Did you mean 'mnist'"):
        datasets.__getattr__("mnst")
