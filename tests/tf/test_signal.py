"""tf.signal, and tf.data of the columns of CSV files: values that TensorFlow gives."""
import numpy as np
import pytest

import kgraph.tensorflow as tf

S = tf.signal
X = np.random.default_rng(0).normal(size=(2, 50)).astype("float32")
SPECTRA = S.stft(X, 16, 8)
FULL = S.fft(tf.cast(X, tf.complex64))
# name, result, shape, the sum of magnitudes that TensorFlow gives
CASES = [
    ("frame", S.frame(X, 8, 3), (2, 15, 8), 192.86), ("padded frame", S.frame(X, 8, 3, True), (2, 17, 8), 210.09),
    ("frame of rows", S.frame(X, 2, 1, axis=0), (1, 2, 50), 79.56), ("no frame", S.frame(X, 60, 3), (2, 0, 60), 0),
    ("filled frame", S.frame(X, 60, 30, True, 1.), (2, 2, 60), 213.44), ("stft", SPECTRA, (2, 5, 9), 190.62),
    ("padded stft", S.stft(X, 12, 5, 32, None, True), (2, 10, 17), 963.86),
    ("inverse", S.inverse_stft(SPECTRA, 16, 8), (2, 48), 48.45),
    ("inverse of window", S.inverse_stft(SPECTRA, 16, 8, window_fn=S.inverse_stft_window_fn(8)), (2, 48), 63.72),
    ("fft", FULL, (2, 50), 602.9), ("ifft", S.ifft(tf.cast(X, tf.complex64)), (2, 50), 12.06),
    ("fft2d", S.fft2d(tf.cast(X, tf.complex64)), (2, 50), 879.39), ("rfft", S.rfft(X, [20]), (2, 11), 83.79),
    ("irfft", S.irfft(SPECTRA, [10]), (2, 5, 10), 52.05),
    ("overlap", S.overlap_and_add(X.reshape(2, 10, 5), 2), (2, 23), 57.24),
    ("mel", S.linear_to_mel_weight_matrix(10, 33, 8000, 80., 3000.), (33, 10), 20.89),
    ("mel defaults", S.linear_to_mel_weight_matrix(), (129, 20), 110.8),
    ("mfcc", S.mfccs_from_log_mel_spectrograms(X), (2, 50), 76.69), ("dct", S.dct(X), (2, 50), 766.94),
    ("dct ortho", S.dct(X, norm="ortho"), (2, 50), 76.22), ("longer dct", S.dct(X, n=60), (2, 60), 916.63),
    ("shorter dct", S.dct(X, n=20), (2, 20), 198.44),
]


@pytest.mark.parametrize("name, found, shape, total", CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_as_tensorflow(name, found, shape, total):
    assert tuple(found.shape) == shape and found.dtype in ("float32", "complex64")
    assert float(np.abs(found.numpy()).sum(dtype="float64")) == pytest.approx(total, rel=1e-4, abs=6e-3)


def test_transforms_and_their_inverses():
    np.testing.assert_allclose(S.ifft(FULL).numpy().real, X, atol=1e-5)
    np.testing.assert_allclose(S.irfft(S.rfft(X)), X, atol=1e-5)
    np.testing.assert_allclose(S.ifftshift(S.fftshift(X)), X)
    np.testing.assert_allclose(S.ifft2d(S.fft2d(tf.cast(X, tf.complex64))).numpy().real, X, atol=1e-5)
    back = S.inverse_stft(SPECTRA, 16, 8, window_fn=S.inverse_stft_window_fn(8))
    np.testing.assert_allclose(back[:, 8:40], X[:, 8:40], atol=1e-5)
    with pytest.raises(NotImplementedError, match="expected type 2, received 3"):
        S.dct(X, 3)


def test_windows():
    assert S.hann_window(4).numpy().tolist() == pytest.approx([0, .5, 1, .5], abs=1e-6)
    assert S.hann_window(5).numpy().tolist() == pytest.approx([0, .5, 1, .5, 0], abs=1e-6)
    assert S.hann_window(4, periodic=False).numpy().tolist() == pytest.approx([0, .75, .75, 0], abs=1e-6)
    assert S.hamming_window(4).numpy().tolist() == pytest.approx([.08, .54, 1, .54], abs=1e-6)
    assert S.hann_window(1).numpy().tolist() == [1]


def test_csv_columns(tmp_path):
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text('a,b,c,d,e,y\n1,2.5,x,,3000000000,0\n2,,"y, z",,1,1\n3,1e300,w,,2,0\n')
    other.write_text("a,b,c,d,e,y\n7,2.5,q,,5,1\n")

    def read(*args, **kwargs):
        first = next(iter(tf.data.experimental.make_csv_dataset(*args, shuffle=False, **kwargs)))
        return tf.nest.map_structure(lambda x: (x.numpy().tolist(), x.dtype.name), first)
    assert read(str(path), 2, num_epochs=1) == {
        "a": ([1, 2], "int32"), "b": ([2.5, 0], "float64"), "c": ([b"x", b"y, z"], "string"),
        "d": ([b""] * 2, "string"),
        "e": ([3000000000, 1], "int64"), "y": ([0, 1], "int32")}
    assert read([str(path), str(other)], 5, select_columns=["y", "a"], label_name="y", num_epochs=1) == (
        {"a": ([1, 2, 3, 7], "int32")}, ([0, 1, 0, 1], "int32"))
    assert read(str(path), 4, select_columns=[0, 2], column_defaults=[tf.float32, ""],
                label_name="c") == (
        {"a": ([1, 2, 3, 1], "float32")}, ([b"x", b"y, z", b"w", b"x"], "string"))
    assert read(str(tmp_path / "b*"), 3, header=False, num_epochs=1, column_names=list("ABCDEF"))["A"] == (
        [b"a", b"7"], "string")
    data = tf.data.experimental.make_csv_dataset(str(path), 3, label_name="y", num_epochs=1)
    assert [sorted(x["a"].numpy().tolist()) for x, _ in data] == [[1, 2, 3]]
    with pytest.raises(ValueError, match="expected label_name among"):
        tf.data.experimental.make_csv_dataset(str(path), 3, label_name="z")
    cells = tf.data.experimental.CsvDataset(str(path), [0, ""], header=True, exclude_cols=[1, 3, 4, 5])
    assert next(cells.as_numpy_iterator()) == (1, b"x")
