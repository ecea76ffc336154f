"""tf.sparse, tf.ragged, tf.sets, what is parsed into them, and saved models: values that TensorFlow gives."""
import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf

S, R = tf.sparse, tf.RaggedTensor
A = tf.SparseTensor([[0, 1], [1, 0], [1, 2]], [1., 2., 3.], [2, 3])
B = tf.SparseTensor(indices=[[1, 2], [0, 0]], values=[4., 5.], dense_shape=[2, 4])
LONG, ROWS = tf.constant([1, 0, 3], tf.int64), tf.ragged.constant([[1, 2], [], [3]])
DENSE = [   # result, what it is as a dense tensor
    (A, [[0, 1, 0], [2, 0, 3]]), (S.from_dense([[0, 1], [2, 0]]), [[0, 1], [2, 0]]),
    (S.concat(1, [A, B]), [[0, 1, 0, 5, 0, 0, 0], [2, 0, 3, 0, 0, 4, 0]]), (S.reorder(B), [[5, 0, 0, 0], [0, 0, 4, 0]]),
    (S.concat(0, [A, B], expand_nonconcat_dims=True), [[0, 1, 0, 0], [2, 0, 3, 0], [5, 0, 0, 0], [0, 0, 4, 0]]),
    (S.reshape(A, [3, -1]), [[0, 1], [0, 2], [0, 3]]), (S.transpose(A), [[0, 2], [1, 0], [0, 3]]),
    (S.expand_dims(A), [[[0], [1], [0]], [[2], [0], [3]]]), (S.slice(A, [0, 1], [2, 2]), [[1, 0], [0, 3]]),
    (S.retain(A, [True, False, True]), [[0, 1, 0], [0, 0, 3]]), (S.add(A, A), [[0, 2, 0], [4, 0, 6]]),
    (S.eye(2, 3), [[1, 0, 0], [0, 1, 0]]), (S.map_values(tf.square, A), [[0, 1, 0], [4, 0, 9]]),
    (S.reduce_sum(A, 1, output_is_sparse=True), [1, 5]),
    (tf.sets.intersection([[1, 2, 3]], [[3, 2, 7]]), [[2, 3]]), (tf.sets.union([[1, 2]], [[2, 5]]), [[1, 2, 5]]),
    (tf.sets.difference([[5, 1, 2]], [[2, 9, 9]]), [[1, 5]]), (tf.sets.difference([[1]], [[2, 9]], False), [[2, 9]]),
]
TENSORS = [   # result, its values
    (S.to_dense(A, 9.), [[9, 1, 9], [2, 9, 3]]), (S.reduce_sum(A), 6), (S.reduce_sum(A, 0, keepdims=True), [[2, 1, 3]]),
    (S.sparse_dense_matmul(A, np.arange(6, dtype="float32").reshape(3, 2)), [[2, 3], [12, 17]]),
    (S.sparse_dense_matmul(A, np.arange(4, dtype="float32").reshape(2, 2), True), [[4, 6], [0, 1], [6, 9]]),
    (S.sparse_dense_matmul(A, np.arange(6, dtype="float32").reshape(2, 3), adjoint_b=True), [[1, 4], [6, 21]]),
    (S.add(A, np.ones((2, 3), "float32")), [[1, 2, 1], [3, 1, 4]]),
    (tf.sets.size(S.from_dense([[1, 1], [3, 0]])), [1, 1]),
    (S.to_indicator(tf.SparseTensor([[0, 0], [1, 0], [1, 1]], LONG, [2, 2]), 4), [[0, 1, 0, 0], [1, 0, 0, 1]]),
    (S.to_dense(tf.SparseTensor([[0, 1]], ["x"], [1, 2])), [[b"", b"x"]]),
    (S.to_dense(tf.SparseTensor(np.zeros((0, 2)), tf.zeros([0]), [1, 2])), [[0, 0]]),
    (ROWS.to_tensor(), [[1, 2], [0, 0], [3, 0]]), (ROWS.to_tensor(-1), [[1, 2], [-1, -1], [3, -1]]),
    (ROWS.to_tensor(shape=[None, 1]), [[1], [0], [3]]), (ROWS.to_tensor(shape=[4, 3])[2:], [[3, 0, 0], [0, 0, 0]]),
    (ROWS.row_lengths(), [2, 0, 1]), (ROWS.value_rowids(), [0, 0, 2]), (ROWS.bounding_shape(), [3, 2]),
    (ROWS[0], [1, 2]),
    (tf.ragged.constant([[[1], [2, 3]], [[4]]]).to_tensor(), [[[1, 0], [2, 3]], [[4, 0], [0, 0]]]),
    (tf.strings.split(["a b", "c"]).to_tensor("?"), [[b"a", b"b"], [b"c", b"?"]]),
]
RAGGED = [   # result, its rows
    (ROWS, [[1, 2], [], [3]]), (ROWS[1:], [[], [3]]), (ROWS[::2], [[1, 2], [3]]),
    (tf.ragged.stack([[1, 2], [3]]), [[1, 2], [3]]),
    (tf.ragged.range([2, 0, 3]), [[0, 1], [], [0, 1, 2]]),
    (tf.ragged.map_flat_values(tf.square, ROWS), [[1, 4], [], [9]]),
    (tf.ragged.boolean_mask([[1, 2], [4, 5]], [[True, False], [True, True]]), [[1], [4, 5]]),
    (R.from_row_splits([1, 2, 3], [0, 2, 2, 3]), [[1, 2], [], [3]]),
    (R.from_row_lengths([1, 2, 3], [1, 2]), [[1], [2, 3]]),
    (R.from_value_rowids([1, 2, 3], [0, 0, 2]), [[1, 2], [], [3]]), (R.from_tensor([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (R.from_tensor([[1, 2, 0], [3, 0, 0]], padding=0), [[1, 2], [3]]), (R.from_tensor([[1, 2]], lengths=[1]), [[1]]),
    (R.from_sparse(S.from_dense([[1, 2, 0], [3, 0, 0]])), [[1, 2], [3]]),
    (tf.strings.split(["a b", "c", ""]), [[b"a", b"b"], [b"c"], []]),
    (tf.strings.split([["a b", "c"], ["d", "e f"]]), [[[b"a", b"b"], [b"c"]], [[b"d"], [b"e", b"f"]]]),
    (tf.strings.unicode_split(["ab", "é"], "UTF-8"), [[b"a", b"b"], ["é".encode()]]),
    (tf.strings.unicode_decode(["ab", "é"], "UTF-8"), [[97, 98], [233]]),
]


@pytest.mark.parametrize("found, expected", DENSE)
def test_sparse(found, expected):
    assert isinstance(found, tf.SparseTensor) and S.to_dense(found).numpy().tolist() == expected
    assert found.shape.as_list() == list(np.shape(expected))


@pytest.mark.parametrize("found, expected", TENSORS)
def test_tensors(found, expected):
    assert found.numpy().tolist() == expected


@pytest.mark.parametrize("found, expected", RAGGED)
def test_ragged(found, expected):
    assert isinstance(found, tf.RaggedTensor) and found.to_list() == expected
    assert found.shape.as_list()[:2] == [len(expected), None]


def test_gradients_reach_what_is_multiplied():
    w = tf.Variable(np.ones((3, 2), "float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(S.sparse_dense_matmul(A, w) * [[1., 2.], [3., 4.]])
    assert tape.gradient(loss, w).numpy().tolist() == [[6, 8], [1, 2], [9, 12]]
    with pytest.raises(ValueError, match="a row of indices for each value"):
        tf.SparseTensor([[0, 1]], [1., 2.], [2, 3])
    with pytest.raises(ValueError, match="shapes that differ on axis 0 alone"):
        S.concat(0, [A, B])


def example(**features):
    kinds = {int: ("int64_list", tf.train.Int64List), float: ("float_list", tf.train.FloatList),
             bytes: ("bytes_list", tf.train.BytesList)}
    made = {}
    for name, value in features.items():
        kind, make = kinds[type(value[0])]
        made[name] = tf.train.Feature(**{kind: make(value=value)})
    return tf.train.Features(feature=made)


SPEC = {"ids": tf.io.VarLenFeature(tf.int64), "w": tf.io.FixedLenFeature([], tf.float32, 9.),
        "t": tf.io.VarLenFeature(tf.string), "box": tf.io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True)}
RECORDS = [tf.train.Example(features=f).SerializeToString() for f in (
    example(ids=[1, 2, 3], w=[.5], t=[b"x", b"y"], box=[1., 2., 3., 4.]), example(ids=[7], t=[b"z"]))]


def test_features_of_any_length():
    one = tf.io.parse_single_example(RECORDS[1], SPEC)
    assert (one["w"].numpy(), one["box"].shape, one["ids"].values.numpy().tolist()) == (9, (0, 2), [7])
    both = tf.io.parse_example(RECORDS, SPEC)
    assert S.to_dense(both["ids"]).numpy().tolist() == [[1, 2, 3], [7, 0, 0]]
    assert both["box"].numpy().tolist() == [[[1, 2], [3, 4]], [[0, 0], [0, 0]]]
    data = tf.data.Dataset.from_tensor_slices(RECORDS).map(lambda s: tf.io.parse_single_example(s, SPEC))
    dense = data.map(lambda d: (S.to_dense(d["ids"]), S.to_dense(d["t"], "")))
    ids, texts = next(dense.padded_batch(2).as_numpy_iterator())
    assert ids.tolist() == [[1, 2, 3], [7, 0, 0]] and texts.tolist() == [[b"x", b"y"], [b"z", b""]]
    batch = next(iter(data.map(lambda d: d["ids"]).batch(2)))
    assert batch.indices.numpy().tolist() == [[0, 0], [0, 1], [0, 2], [1, 0]] and batch.shape.as_list() == [2, 3]
    with pytest.raises(ValueError, match="feature 'box': expected 2 values for shape"):
        tf.io.parse_single_example(RECORDS[1], {"box": tf.io.FixedLenSequenceFeature([2], tf.float32)})


def test_sequence_examples():
    lists = {name: tf.train.FeatureList(feature=[example(x=v).feature["x"] for v in values])
             for name, values in {"f": ([1., 2.], [3., 4.]), "v": ([1], [2, 3])}.items()}
    text = tf.train.SequenceExample(context=example(n=[2]), feature_lists=tf.train.FeatureLists(feature_list=lists))
    whole, parts = tf.io.parse_single_sequence_example(
        text.SerializeToString(), {"n": tf.io.FixedLenFeature([], tf.int64)},
        {"f": tf.io.FixedLenSequenceFeature([2], tf.float32), "v": tf.io.VarLenFeature(tf.int64),
         "none": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)})
    assert whole["n"].numpy() == 2 and parts["f"].numpy().tolist() == [[1, 2], [3, 4]] and parts["none"].shape == (0,)
    assert S.to_dense(parts["v"]).numpy().tolist() == [[1, 0], [2, 3]]


def test_ragged_batches():
    data = tf.data.Dataset.range(1, 4).map(lambda i: tf.range(i)).ragged_batch(2)
    assert [x.to_list() for x in data] == [[[0], [0, 1]], [[0, 1, 2]]] and next(iter(data)).dtype == "int64"
    assert [x.numpy().tolist() for x in tf.data.Dataset.from_tensor_slices(ROWS)] == [[1, 2], [], [3]]


def test_saved_models(tmp_path):
    net = kgraph.Sequential([kgraph.Input((2,)), kgraph.layers.Dense(3)])
    with pytest.warns(UserWarning, match="TensorFlow does not read"):
        tf.saved_model.save(net, str(tmp_path / "m"))
    found, x = tf.saved_model.load(str(tmp_path / "m")), tf.ones([1, 2])
    np.testing.assert_allclose(found.signatures["serving_default"](x)["output_0"], net(x), rtol=1e-6)
    assert tf.saved_model.contains_saved_model(str(tmp_path / "m"))
    with pytest.raises(FileNotFoundError, match="received none"):
        tf.saved_model.load(str(tmp_path))
    with pytest.raises(TypeError, match="expected a Keras model, received Module"):
        tf.saved_model.save(tf.Module(), str(tmp_path / "n"))


def test_names_of_tensorflow_1(capsys):
    x = tf.constant([1., 2.])
    assert tf.compat.v1.Print(x, [x, "b"], "x is ") is x and capsys.readouterr().err == "x is [[1. 2.]][b]\n"
    with pytest.raises(ValueError, match="expected a TPU, found none"):
        tf.tpu.experimental.initialize_tpu_system(None)


def test_models_say_what_to_use():
    model = kgraph.Sequential([kgraph.Input((2,)), kgraph.layers.Dense(1)])
    for given, way in ((ROWS, r"its to_tensor\(\) fills"), (A, "tf.sparse.to_dense makes")):
        with pytest.raises(TypeError, match=way):
            kgraph.ops.add(given, 1)
        with pytest.raises(TypeError, match=way):
            kgraph.layers.IntegerLookup(vocabulary=[1, 2])(given)
        with pytest.raises(TypeError, match=way):
            model(given)
