"""tf.data: groups, buckets, what is unique, kept and counted: values that TensorFlow gives."""
import numpy as np
import pytest

import kgraph.tensorflow as tf

D = tf.data.Dataset
RANGE = D.range(10)
LENGTHS = D.from_generator(lambda: (list(range(n)) for n in (1, 3, 2, 5, 4)), output_types=tf.int32,
    output_shapes=[None])
first = lambda ds, n=20: [x.tolist() if hasattr(x, "tolist") else x for x in ds.take(n).as_numpy_iterator()]
size = lambda x: tf.shape(x)[0]
CASES = [   # a data set, its elements
    (D.from_tensor_slices([3, 1, 3, 2, 1]).unique(), [3, 1, 2]),
    (RANGE.batch(2).rebatch(5), [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]),
    (LENGTHS.bucket_by_sequence_length(size, [3], [2, 2]),
     [[[0, 0], [0, 1]], [[0, 1, 2, 0, 0], [0, 1, 2, 3, 4]], [[0, 1, 2, 3]]]),
    (LENGTHS.bucket_by_sequence_length(size, [3], [2, 2], drop_remainder=True),
     [[[0, 0], [0, 1]], [[0, 1, 2, 0, 0], [0, 1, 2, 3, 4]]]),
    (RANGE.group_by_window(lambda x: x % 2, lambda k, w: w.batch(3), window_size=3), [[0, 2, 4], [1, 3, 5], [6, 8],
    [7, 9]]),
    (D.counter(1, 2).take(3), [1, 3, 5]), (D.from_tensor_slices(["b", "a", "b"]).unique(), [b"b", b"a"]),
    (RANGE.apply(tf.data.experimental.map_and_batch(lambda x: x * 2, 5)), [[0, 2, 4, 6, 8], [10, 12, 14, 16, 18]]),
    (RANGE.apply(tf.data.experimental.take_while(lambda x: x < 3)), [0, 1, 2]),
    (D.range(2).apply(tf.data.experimental.shuffle_and_repeat(1, 2)), [0, 1, 0, 1]),
    (D.range(2).apply(tf.data.experimental.parallel_interleave(lambda x: D.from_tensors(x).repeat(2), 2)), [0, 1, 0,
    1]),
    (D.from_tensor_slices([1, 1]).apply(tf.data.experimental.unique()), [1]),
    (tf.data.experimental.Counter().take(2), [0, 1]),
]


@pytest.mark.parametrize("data, expected", CASES)
def test_elements(data, expected):
    assert first(data) == expected


def test_kept(tmp_path):
    data = D.from_tensor_slices({"a": [1, 2], "b": ([.5, 1.5], [[1], [2]])})
    data.save(str(tmp_path / "kept"))
    found = list(D.load(str(tmp_path / "kept")).as_numpy_iterator())
    assert found[1]["a"] == 2 and found[1]["b"][0] == 1.5 and found[1]["b"][1].tolist() == [2] and len(found) == 2
    with pytest.raises(NotImplementedError, match="expected elements of numbers"):
        D.from_tensors("a").save(str(tmp_path / "texts"))


def test_iterators_and_what_is_refused():
    steps = iter(D.range(2))
    assert isinstance(steps, tf.data.Iterator) and steps.element_spec.dtype == "int64"
    assert [int(next(steps)), int(steps.get_next())] == [0, 1]
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        steps.get_next()
    with pytest.raises(NotImplementedError, match="pad_to_bucket_boundary"):
        LENGTHS.bucket_by_sequence_length(size, [3], [2, 2], pad_to_bucket_boundary=True)
    with pytest.raises(ValueError, match="expected 2 bucket_batch_sizes, received 1"):
        LENGTHS.bucket_by_sequence_length(size, [3], [2])
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    assert first(RANGE.with_options(options), 1) == [0]


def test_parts_of_variables():
    v = tf.Variable([1., 2., 3.])
    assert v.scatter_nd_update([[0]], [9.]).numpy().tolist() == [9, 2, 3]
    assert v.scatter_nd_add([[1], [1]], [1., 1.]).numpy().tolist() == [9, 4, 3]
    assert v.scatter_nd_sub([[2]], [3.]).numpy().tolist() == [9, 4, 0] and v.gather_nd([[1]]).numpy().tolist() == [4]
    rows = tf.IndexedSlices(np.float32([5.]), np.int32([0]))
    assert v.scatter_update(rows).numpy().tolist() == [5, 4, 0] and v.scatter_add(rows).numpy().tolist() == [10, 4, 0]
    assert v.scatter_sub(rows).numpy().tolist() == [5, 4, 0] and tf.rank(v).numpy() == 1
    assert repr(tf.TensorSpec([None, 2])) == "TensorSpec(shape=(None, 2), dtype=tf.float32, name=None)"
