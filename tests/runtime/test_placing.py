"""Places: arrays that can be read where they lie, and others."""
import numpy as np
import pytest

from kgraph.runtime.placing import Places

F32, I32 = np.dtype("float32"), np.dtype("int32")


@pytest.fixture(params=[True, False], ids=["native", "python"])
def step(request):
    """(words, places) of two inputs, one of them read from two places, and of two outputs."""
    words = np.zeros(6, np.int64)
    return words, Places("step", [(F32, (2, 3), ((1, 0), (4, 8))), (I32, (), ((0, 0),))],
                         [(F32, (0, 5), ((3, 0),)), (F32, (4,), ())], words, request.param)


def test_addresses_are_written(step):
    words, places = step
    x, k = np.zeros((2, 3), "float32"), np.array(7, "int32")
    kept, results = places.fill([x, k])
    assert [(r.shape, r.dtype) for r in results] == [((0, 5), F32), ((4,), F32)] and kept[0] is x and kept[1] is k
    start = x.ctypes.data
    assert words.tolist() == [k.ctypes.data, start, 0, results[0].ctypes.data, start + 8, 0]
    out = [np.zeros((0, 5), "float32"), np.zeros(4, "float32")]
    assert places.fill([x, k], out)[1] == out and words[3] == out[0].ctypes.data


OTHERS = {"dtype": np.ones((2, 3)), "strided": np.ones((3, 2), "float32").T, "swapped": np.ones((2, 3), ">f4"),
          "list": [[1, 1, 1], [1, 1, 1]], "unaligned": np.frombuffer(bytearray(25), "float32", 6, 1).reshape(2, 3),
          "subclass": np.ones((2, 3), "float32").view(type("Own", (np.ndarray,), {}))}


@pytest.mark.parametrize("other", OTHERS)
def test_others_are_converted(step, other):
    words, places = step
    k, x = np.array(7, "int32"), OTHERS[other]
    assert places.fill([x, k], exact=True) is None
    (read, _), _ = places.fill([x, k])
    assert words[1] == read.ctypes.data and read.dtype == F32 and read.flags.c_contiguous
    np.testing.assert_array_equal(read, np.asarray(x))


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (6,), (), (2, 3, 1)])
def test_wrong_shapes(step, shape):
    _, places = step
    with pytest.raises(ValueError, match=r"step: expected an input of shape \(2, 3\), received"):
        places.fill([np.zeros(shape, "float32"), np.array(7, "int32")])


def test_wrong_numbers_of_arrays(step):
    _, places = step
    with pytest.raises(ValueError, match="step: expected 2 inputs, received 1"):
        places.fill([np.zeros((2, 3), "float32")])
    with pytest.raises(ValueError):
        places.fill([np.zeros((2, 3), "float32"), np.array(7, "int32")], [np.zeros((0, 5), "float32")])


def test_outputs_can_be_written(step):
    _, places = step
    read_only = np.zeros(4, "float32")
    read_only.flags.writeable = False
    for wrong in (read_only, np.zeros(5, "float32"), np.zeros(4), np.zeros(8, "float32")[::2]):
        with pytest.raises(ValueError, match="step: expected for output 1 a contiguous, writable float32 array"):
            places.fill([np.zeros((2, 3), "float32"), np.array(7, "int32")], [np.zeros((0, 5), "float32"), wrong])
