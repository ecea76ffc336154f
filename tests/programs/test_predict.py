"""`python -m kgraph predict`."""
import numpy as np
import pytest

import kgraph
from kgraph import layers
from kgraph.__main__ import main
from kgraph.programs import predict


@pytest.fixture
def saved(tmp_path):
    a, b = kgraph.Input((3,), name="a"), kgraph.Input((2,), name="b")
    both = layers.Concatenate()([a, b])
    model = kgraph.Model([a, b], [layers.Dense(2, name="two")(both), layers.Dense(1, name="one")(both)])
    one = kgraph.Sequential([kgraph.Input((3,)), layers.Dense(2)])
    model.save(tmp_path / "both.keras")
    one.save(tmp_path / "one.keras")
    return one, model


def test_files_in_pieces(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(predict, "ROWS", 10)
    x = np.random.default_rng(0).normal(size=(37, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "none.npy", x[:0, :2])
    files = [str(tmp_path / name) for name in ("x.npy", "none.npy", "gone.npy", "text.txt")]
    assert main(["predict", str(tmp_path / "one.keras"), *files, "--output", str(tmp_path / "out"),
                 "--batch-size", "4"]) == 1
    found = np.load(tmp_path / "out" / "x.predictions.npy")
    np.testing.assert_allclose(found, saved[0].predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and [line.split(": ")[1] for line in err.splitlines()] == [
        "ValueError", "FileNotFoundError", "ValueError"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["x.predictions.npy"]


def test_several_jobs_inputs_and_outputs(saved, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        np.savez(tmp_path / f"x{i}.npz", b=rng.random((5 + i, 2)), a=rng.random((5 + i, 3)))
    files = [str(tmp_path / f"x{i}.npz") for i in range(3)]
    assert main(["predict", str(tmp_path / "both.keras"), *files, "--jobs", "2"]) == 0
    for i, file in enumerate(files):
        stored = np.load(file)
        two, one = saved[1].predict([stored["a"], stored["b"]], verbose=0)
        np.testing.assert_allclose(np.load(tmp_path / f"x{i}.predictions.two.npy"), two, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(np.load(tmp_path / f"x{i}.predictions.one.npy"), one, rtol=1e-5, atol=1e-6)


def test_parquet(saved, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    x = np.random.default_rng(0).normal(size=(7, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    assert main(["predict", str(tmp_path / "one.keras"), str(tmp_path / "x.npy"), "--format", "parquet"]) == 0
    table = parquet.read_table(tmp_path / "x.predictions.parquet")
    assert table.column_names == ["output_0", "output_1"]
    np.testing.assert_allclose(np.stack([c.to_numpy() for c in table.columns], 1), saved[0].predict(x, verbose=0),
                               rtol=1e-6)


def test_bad_arguments(saved, tmp_path, capsys):
    model = str(tmp_path / "one.keras")
    for arguments, said in ((["x.npy", "--jobs", "0"], "--jobs and --batch-size of 1 or more"),
                            (["a/x.npy", "b/x.npy", "--output", str(tmp_path)], "expected files of different names")):
        assert main(["predict", model, *arguments]) == 1
        assert said in capsys.readouterr().err
