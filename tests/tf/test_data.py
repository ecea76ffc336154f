"""tf.data: elements and their order, as TensorFlow gives them; training from data sets."""
import threading

import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf

Dataset = tf.data.Dataset


def values(data):
    return [x.tolist() if hasattr(x, "tolist") else x for x in data.as_numpy_iterator()]


R = Dataset.range
CASES = {  # name: (data set, its elements, cardinality), from TensorFlow
    "range": (R(2, 9, 3), [2, 5, 8], 3),
    "slices": (Dataset.from_tensor_slices([[1, 2], [3, 4]]), [[1, 2], [3, 4]], 2),
    "tensors": (Dataset.from_tensors([1, 2]), [[1, 2]], 1),
    "map": (R(3).map(lambda x: x * x), [0, 1, 4], 3),
    "threads": (R(37).map(lambda x: x + 1, num_parallel_calls=3), list(range(1, 38)), 37),
    "batch": (R(5).batch(2), [[0, 1], [2, 3], [4]], 3),
    "drop": (R(5).batch(2, drop_remainder=True), [[0, 1], [2, 3]], 2),
    "unbatch": (R(5).batch(2).unbatch(), [0, 1, 2, 3, 4], -2),
    "repeat": (R(2).repeat(2), [0, 1, 0, 1], 4),
    "endless": (R(2).repeat().take(3), [0, 1, 0], 3),
    "skip": (R(5).skip(3), [3, 4], 2),
    "take": (R(5).take(-1), [0, 1, 2, 3, 4], 5),
    "shard": (R(7).shard(3, 1), [1, 4], 2),
    "concatenate": (R(2).concatenate(R(1)), [0, 1, 0], 3),
    "filter": (R(5).filter(lambda x: x % 2 == 0), [0, 2, 4], -2),
    "enumerate": (R(3).enumerate(5).map(lambda i, x: i * 10 + x), [50, 61, 72], 3),
    "window": (R(7).window(3).flat_map(lambda w: w.batch(3)), [[0, 1, 2], [3, 4, 5], [6]], -2),
    "window shift": (R(5).window(3, shift=1, drop_remainder=True).flat_map(lambda w: w.batch(3)),
                     [[0, 1, 2], [1, 2, 3], [2, 3, 4]], -2),
    "window stride": (R(7).window(2, shift=4, stride=2).flat_map(lambda w: w.batch(2)), [[0, 2], [4, 6]], -2),
    "window far": (R(7).window(2, shift=3).flat_map(lambda w: w.batch(2)), [[0, 1], [3, 4], [6]], -2),
    "interleave": (R(1, 4).interleave(lambda x: Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2),
                   [1, 1, 2, 2, 1, 2, 3, 3, 3], -2),
    "take_while": (R(9).take_while(lambda x: x < 3), [0, 1, 2], -2),
    "scan": (R(4).scan(np.int64(0), lambda s, x: (s + x, s + x)), [0, 1, 3, 6], 4),
    "prefetch": (R(4).prefetch(tf.data.AUTOTUNE), [0, 1, 2, 3], 4),
    "padded": (R(1, 4).map(lambda x: tf.fill([x], x)).padded_batch(2), [[[1, 0], [2, 2]], [[3, 3, 3]]], 2),
    "padded to": (R(1, 3).map(lambda x: tf.fill([x], x)).padded_batch(2, [4], np.int64(-1)),
                  [[[1, -1, -1, -1], [2, 2, -1, -1]]], 1),
    "choose": (Dataset.choose_from_datasets([R(3), R(10, 13)], R(2).repeat()), [0, 10, 1, 11, 2, 12], -2),
    "text": (Dataset.from_tensor_slices(["a", "b"]).map(tf.strings.upper), [b"A", b"B"], 2),
}


@pytest.mark.parametrize("name", CASES)
def test_elements(name):
    data, expected, cardinality = CASES[name]
    assert values(data) == expected
    assert values(data) == expected   # again
    if name not in ("scan", "choose", "take_while", "enumerate"):
        assert int(data.cardinality()) == cardinality


def test_structures():
    data = Dataset.from_tensor_slices(({"a": np.arange(3), "b": np.float32([[1], [2], [3]])}, ["x", "y", "z"])).batch(2)
    (x, text), _ = list(data)
    assert x["a"].numpy().tolist() == [0, 1] and x["b"].shape == (2, 1) and text.numpy().tolist() == [b"x", b"y"]
    assert data.element_spec[0]["b"] == tf.TensorSpec([None, 1], tf.float32)
    zipped = Dataset.zip((Dataset.range(3), Dataset.range(5, 9)))
    assert [(int(a), int(b)) for a, b in zipped] == [(0, 5), (1, 6), (2, 7)] and len(zipped) == 3
    assert int(Dataset.range(5).reduce(np.int64(0), lambda s, x: s + x)) == 10
    with pytest.raises(ValueError, match="first axes of one length"):
        Dataset.from_tensor_slices((np.ones(2), np.ones(3)))
    with pytest.raises(ValueError, match="padded_batch makes them equal"):
        list(Dataset.range(3).map(lambda x: tf.fill([x], x)).batch(3))


def test_from_generator():
    def rows(n):
        for i in range(n):
            yield [i, i + 1], "t" * i
    data = Dataset.from_generator(rows, args=[2], output_signature=(
        tf.TensorSpec([2], tf.float32), tf.TensorSpec([], tf.string)))
    assert [(x.numpy().tolist(), t.numpy()) for x, t in data] == [([0, 1], b""), ([1, 2], b"t")]
    old = Dataset.from_generator(lambda: iter([1, 2]), tf.int64, tf.TensorShape([]))
    assert values(old) == [1, 2] and old.element_spec == tf.TensorSpec([], tf.int64)
    with pytest.raises(ValueError, match="expected an element of shape"):
        list(Dataset.from_generator(lambda: iter([1]), output_signature=tf.TensorSpec([2], tf.int32)))


def test_shuffle_is_seeded():
    data = Dataset.range(20).shuffle(7, seed=3)
    first, second = values(data), values(data)
    assert sorted(first) == list(range(20)) and first != second != list(range(20))
    again = Dataset.range(20).shuffle(7, seed=3)
    assert [values(again), values(again)] == [first, second]
    same = Dataset.range(20).shuffle(7, seed=3, reshuffle_each_iteration=False)
    assert values(same) == values(same) == first
    assert all(x <= i + 6 for i, x in enumerate(first))   # no more than the buffer holds


def test_draws_do_not_depend_on_threads():
    def drawn(threads):
        tf.random.set_seed(5)
        draw = lambda x: (tf.random.uniform([2]), tf.random.uniform([2], seed=3))
        data = Dataset.range(6).map(draw, num_parallel_calls=threads)
        return [np.stack([np.concatenate(pair) for pair in data.as_numpy_iterator()]) for _ in range(2)]
    (a, later), (b, _), (c, _) = drawn(None), drawn(2), drawn(5)
    assert np.array_equal(a, b) and np.array_equal(a, c) and not np.array_equal(a, later)
    assert len(np.unique(a)) == a.size


def test_pictures_are_changed_at_random_by_place():
    """Of an element, a seed and a pass alone: whichever thread does it."""
    ramp = np.arange(60, dtype="float32").reshape(4, 5, 3) / 60

    def change(i):
        x = tf.image.random_crop(ramp, [3, 3, 3], seed=1)
        return tf.image.random_brightness(tf.image.random_flip_left_right(x), 0.1, seed=2)

    def drawn(threads):
        tf.random.set_seed(5)
        data = Dataset.range(9).map(change, num_parallel_calls=threads)
        return [np.array(values(data)) for _ in range(2)]
    one, three = drawn(None), drawn(3)
    np.testing.assert_array_equal(one, three)
    assert len({x.tobytes() for x in [*one[0], *one[1]]}) == 18
    for x in one[0]:     # a part of the ramp, perhaps mirrored, lighter or darker by less than 0.1
        rows = x[:, 1:] - x[:, :-1]
        np.testing.assert_allclose(rows, np.sign(rows[0, 0, 0]) * np.full_like(rows, 0.05), rtol=1e-4)
        assert np.abs(ramp - x[0, 0, 0]).min() < 0.1


def test_cache_reads_once_and_errors_come_through_threads():
    reads = []
    data = Dataset.range(3).map(lambda x: reads.append(1) or x).cache()
    assert values(data) == values(data) == [0, 1, 2] and len(reads) == 3

    def fails(x):
        raise ValueError("of the map")
    with pytest.raises(ValueError, match="of the map"):
        list(Dataset.range(3).map(fails, num_parallel_calls=2).prefetch(1))
    endless = iter(Dataset.range(3).repeat().prefetch(1))
    next(endless)
    endless.close() if hasattr(endless, "close") else None
    assert threading.active_count() < 50


def test_a_model_trains_evaluates_and_predicts():
    x, y = np.random.default_rng(0).normal(size=(10, 3)).astype("float32"), np.arange(10, dtype="float32")[:, None]
    data = Dataset.from_tensor_slices((x, y)).batch(4)

    def model():
        net = kgraph.Sequential([kgraph.Input((3,)), kgraph.layers.Dense(1, kernel_initializer="ones")])
        net.compile("sgd", "mse")
        return net
    one, two = model(), model()
    a = one.fit(data, epochs=2, verbose=0, validation_data=data).history
    b = two.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0, validation_data=(x, y)).history
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-6)
    np.testing.assert_allclose(one.evaluate(data, verbose=0), b["val_loss"][-1], rtol=1e-5)
    np.testing.assert_allclose(one.predict(data.map(lambda x, y: x), verbose=0), two.predict(x, verbose=0), rtol=1e-5)
    history = one.fit(data.repeat(), steps_per_epoch=2, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2


def test_text_into_a_model():
    layer = kgraph.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)
    data = Dataset.from_tensor_slices(["a b", "b"]).batch(2)
    assert [np.asarray(layer(t)).tolist() for t in data] == [[[2, 3], [3, 0]]]
    net = kgraph.Sequential([kgraph.Input((), dtype="string"), layer, kgraph.layers.Embedding(4, 1),
                             kgraph.layers.Flatten(), kgraph.layers.Dense(1)])
    net.compile("sgd", "mse")
    labelled = Dataset.from_tensor_slices((["a b", "b", "a"], np.float32([1, 2, 3]))).batch(2)
    assert len(net.fit(labelled, verbose=0).history["loss"]) == 1
