"""kgraph.tensorflow: functions with the values that TensorFlow 2.21 gives."""
import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf
from kgraph.tensorflow.__main__ import table

A = np.float32([[1, -2, 3], [4, 5, -6]])
# name, arguments, what TensorFlow gives
CASES = [
    ("reduce_sum", (A, 1), [2, 3]), ("reduce_mean", (A, 0, True), [[2.5, 1.5, -1.5]]), ("reduce_max", (A,), 5),
    ("reduce_mean", (np.int32([1, 2, 4]),), 2), ("math.reduce_std", (A,), 3.8042373), ("argmax", (A,), [1, 1, 0]),
    ("math.reduce_variance", (A, 1), [4.222222, 24.666666]), ("argsort", (A, 1, "DESCENDING"), [[2, 0, 1], [1, 0, 2]]),
    ("sort", (A, -1, "DESCENDING"), [[3, 1, -2], [5, 4, -6]]), ("norm", (A,), 9.539392), ("norm", (A, 1), 21),
    ("argsort", (np.int32([2, 1, 2]), -1, "DESCENDING"), [0, 2, 1]), ("add_n", ([A[0], A[1]],), [5, 3, -3]),
    ("clip_by_value", (A, -1, 2), [[1, -1, 2], [2, 2, -1]]),
    ("clip_by_norm", (A[0], 2.0), [.5345225, -1.069045, 1.6035674]),
    ("cumsum", (A[0],), [1, -1, 2]), ("cumsum", (A[0], 0, True, True), [1, 3, 0]), ("matmul", (A, A, False, True),
                                                                                [[14, -24], [-24, 77]]),
    ("floor", (np.float32([-1.5]),), [-2]), ("math.floormod", (np.int32([-7]), np.int32([3])), [2]),
    ("math.l2_normalize", (A[0],), [.2672612, -.5345225, .8017837]),
    ("math.squared_difference", (A[0], A[1]), [9, 49, 81]),
    ("math.confusion_matrix", ([0, 1, 1, 2], [0, 1, 2, 2]), [[1, 0, 0], [0, 1, 1], [0, 0, 1]]),
    ("math.count_nonzero", (np.int32([0, 2, 3]),), 2), ("math.xlogy", (np.float32([0, 2]), np.float32([0, 1])), [0, 0]),
    ("math.bincount", (np.int32([1, 1, 3]),), [0, 2, 0, 1]), ("concat", ([A, A], 1), np.concatenate([A, A], 1)),
    ("fill", ([2], 7), [7, 7]), ("range", (5,), [0, 1, 2, 3, 4]), ("range", (3, 9, 3), [3, 6]),
    ("one_hot", ([1, 0], 2), [[0, 1], [1, 0]]), ("one_hot", ([1], 2, 5.0, -1.0), [[-1, 5]]),
    ("sequence_mask", ([1, 3],), [[True, False, False], [True, True, True]]), ("where", ([False, True],), [[1]]),
    ("where", ([True, False], [1, 1], [2, 2]), [1, 2]), ("gather", (A, [1, 0]), A[[1, 0]]),
    ("gather", (A, [[2], [0]], None, None, 1), [[3], [4]]), ("gather", (A, [2, 2], None, 1), A[:, [2, 2]]),
    ("gather_nd", (A, [[0, 2], [1, 0]]), [3, 4]), ("gather_nd", (A, [[2], [0]], 1), [3, 4]),
    ("boolean_mask", (A[0], [True, False, True]), [1, 3]), ("pad", (A[0], [[1, 2]]), [0, 1, -2, 3, 0, 0]),
    ("pad", (A[0], [[1, 1]], "REFLECT"), [-2, 1, -2, 3, -2]), ("slice", (A, [0, 1], [-1, 2]), A[:, 1:]),
    ("reverse", (A, [1]), A[:, ::-1]), ("tile", (A[0], [2]), np.tile(A[0], 2)), ("eye", (2, 3), np.eye(2, 3)),
    ("scatter_nd", ([[1], [1]], [2., 3.], [3]), [0, 5, 0]), ("searchsorted", ([1, 3, 5], [0, 3]), [0, 1]),
    ("tensor_scatter_nd_update", (A[0], [[1]], [9.]), [1, 9, 3]), ("linspace", (0., 1., 3), [0, .5, 1]),
    ("tensor_scatter_nd_add", (A[0], [[1]], [9.]), [1, 7, 3]), ("size", (A,), 6), ("shape", (A,), [2, 3]),
    ("rank", (A,), 2), ("constant", (3, "float32", [2]), [3, 3]), ("zeros", ([2],), [0, 0]),
    ("nn.relu", (A[0],), [1, 0, 3]), ("nn.leaky_relu", (A[0],), [1, -.4, 3]), ("nn.l2_loss", (A[0],), 7),
    ("nn.gelu", (A[0],), [.8413447, -.04550028, 2.9959502]), ("nn.silu", (A[0],), [.7310586, -.23840584, 2.8577223]),
    ("nn.softmax", (A[0],), [.11849966, .005899752, .8756003]), ("nn.zero_fraction", ([0., 1.],), .5),
    ("nn.softmax_cross_entropy_with_logits", ([[0., 0., 1.]], A[:1]), [.1328453]),
    ("nn.sparse_softmax_cross_entropy_with_logits", ([2], A[:1]), [.1328453]),
    ("nn.sigmoid_cross_entropy_with_logits", ([0., 1., 1.], A[0]), [1.3132617, 2.126928, .04858735]),
    ("nn.weighted_cross_entropy_with_logits", ([1.], [2.], 3.), [.38078403]),
    ("nn.compute_average_loss", ([1., 2.], None, 4), .75), ("nn.bias_add", (A, [1., 1., 1.]), A + 1),
    ("linalg.band_part", (np.ones((3, 3), "float32"), 0, -1), np.triu(np.ones((3, 3)))),
    ("linalg.diag", ([1., 2.],), [[1, 0], [0, 2]]), ("linalg.trace", (np.eye(3),), 3),
    ("linalg.set_diag", (np.zeros((2, 3), "float32"), [1., 2.]), [[1, 0, 0], [0, 2, 0]]),
    ("linalg.matvec", (A, [1., 1., 1.]), [2, 3]), ("linalg.global_norm", ([A, None],), 9.539392),
    ("linalg.inv", ([[2., 0.], [0., 4.]],), [[.5, 0], [0, .25]]),
]


def find(name):
    found = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("name, arguments, expected", CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_values(name, arguments, expected):
    np.testing.assert_allclose(np.asarray(find(name)(*arguments)), np.asarray(expected), rtol=2e-6, atol=1e-7)


def test_results_with_several_parts():
    top = tf.math.top_k(A, 2)
    assert top.values.numpy().tolist() == [[3, 1], [5, 4]] and top.indices.numpy().tolist() == [[2, 0], [1, 0]]
    values, index = tf.unique([3, 1, 3])
    assert values.numpy().tolist() == [3, 1] and index.numpy().tolist() == [0, 1, 0]
    mean, variance = tf.nn.moments(A, [1])
    np.testing.assert_allclose(variance, [4.222222, 24.666666], rtol=1e-6)
    clipped, norm = tf.clip_by_global_norm([tf.constant(A), None], 1.0)
    assert clipped[1] is None and float(norm) == pytest.approx(9.539392)
    assert [x.numpy().tolist() for x in tf.split(tf.range(5), [1, -1])] == [[0], [1, 2, 3, 4]]
    s, u, v = tf.linalg.svd(A)
    np.testing.assert_allclose(u @ tf.linalg.diag(s) @ tf.transpose(v), A, atol=1e-5)
    assert tf.argmax(A).dtype == tf.int64 and tf.math.top_k(A).indices.dtype == tf.int32


def test_dtypes_and_shapes():
    assert tf.float32 == "float32" and tf.float32.name == "float32" and tf.float32.as_numpy_dtype is np.float32
    assert tf.as_dtype(np.int64) is not None and tf.as_dtype(np.int64) == tf.int64 and tf.string.name == "string"
    assert (tf.uint8.max, tf.int32.is_integer, tf.float16.is_floating, tf.bool.is_bool) == (255, True, True, True)
    assert tf.cast([1.7], tf.int32).dtype == tf.int32 and tf.zeros([2], tf.float64).dtype == "float64"
    shape = tf.TensorShape([None, 3])
    assert shape.as_list() == [None, 3] and shape.rank == 2 and shape[1:] == (3,) and not shape.is_fully_defined()
    assert shape.is_compatible_with((7, 3)) and not shape.is_compatible_with((7, 4))
    assert tf.TensorShape(None).rank is None
    assert kgraph.layers.Dense(2, dtype=tf.float32).compute_dtype == "float32"
    s = tf.shape(A)
    assert tf.concat([s[:1], [5]], 0) == (2, 5) and (s * 2).numpy().tolist() == [4, 6]
    assert tf.zeros(tf.shape(A)).shape == (2, 3) and tf.random.normal(tf.constant([2, 1])).shape == (2, 1)


def test_text():
    x = tf.constant(["a", "bc"])
    assert x.dtype == tf.string and x.shape == (2,) and x[1].numpy() == b"bc"
    assert (x + "!").numpy().tolist() == [b"a!", b"bc!"] and (x == "a").numpy().tolist() == [True, False]
    assert tf.concat([x, ["d"]], 0).numpy().tolist() == [b"a", b"bc", b"d"]
    assert tf.constant("é").numpy() == "é".encode()


def test_gradients():
    v = tf.Variable([1.0, 2.0], name="v")
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = v * v * x
        z = tf.reduce_sum(y)
    assert tape.gradient(z, v).numpy().tolist() == [6, 16] and tape.gradient(z, [x])[0].numpy().tolist() == [1, 4]
    assert tape.jacobian(y, v).numpy().tolist() == [[6, 0], [0, 16]]
    unused = tf.Variable(1.0)
    assert tape.gradient(z, unused) is None
    assert float(tape.gradient(z, unused, unconnected_gradients=tf.UnconnectedGradients.ZERO)) == 0
    m = tf.constant(A)
    with tf.GradientTape() as tape:
        y = m * m
    assert tape.batch_jacobian(y, m).numpy()[1].tolist() == [[8, 0, 0], [0, 10, 0], [0, 0, -12]]

    @tf.custom_gradient
    def halved(x):
        return x, lambda up: up / 2
    with tf.GradientTape() as tape:
        y = halved(x)
    assert tape.gradient(y, x).numpy().tolist() == [.5, .5]


def test_variables_and_modules():
    v = tf.Variable(1.0)
    assert float(v.assign_add(2)) == 3 and float(v.assign_sub(1.0)) == 2 and float(v.assign(5)) == 5
    assert tf.Variable(np.zeros(2)).dtype == tf.float64 and tf.Variable([1, 2]).dtype == tf.int32

    class Net(tf.Module):
        def __init__(self):
            super().__init__("net")
            self.w = tf.Variable([1.0])
            self.parts = [tf.Variable(2.0, trainable=False), kgraph.layers.Dense(1)]
            self.parts[1].build((None, 2))
    net = Net()
    assert net.name == "net" and len(net.variables) == 4 and len(net.trainable_variables) == 3
    assert net.submodules == (net.parts[1],)


def test_function_compiles_and_falls_back():
    calls = []

    @tf.function
    def f(x, times=2):
        calls.append(1)
        return {"y": x * times}
    assert f(tf.constant([1.0]))["y"].numpy() == [2] and f(tf.constant([5.0]), times=2)["y"].numpy() == [10]
    assert f(tf.constant([5.0]), times=2)["y"].numpy() == [10] and len(calls) == 2

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def g(x):
        if tf.reduce_sum(x) > 0:
            return x
        return -x
    with pytest.warns(UserWarning, match="g cannot be compiled"):
        assert g([-1.0]).numpy() == [1]
    assert g([2]).numpy() == [2]
    with pytest.raises(TypeError, match="expected an argument of shape"):
        g([[1.0]])

    class Net:
        @tf.function
        def call(self, x):
            return x + 1
    assert Net().call(tf.constant(1.0)).numpy() == 2


def test_a_training_step_in_a_function():
    model = kgraph.Sequential([kgraph.Input((2,)), kgraph.layers.Dense(1, kernel_initializer="ones")])
    optimizer, mean = kgraph.optimizers.SGD(0.01), kgraph.metrics.Mean()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        grads = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(grads, model.trainable_variables))
        mean.update_state(loss)
        return loss
    x, y = np.float32([[1, 2], [3, 4]]), np.float32([[1], [2]])
    losses = [float(step(x, y)) for _ in range(3)]
    np.testing.assert_allclose(losses[:2], [14.5, 6.805], rtol=1e-6)
    assert float(mean.result()) == pytest.approx(sum(losses) / 3)


def test_control_flow():
    assert float(tf.cond(tf.constant(True), lambda: tf.constant(1.0), lambda: tf.constant(2.0))) == 1
    i, total = tf.while_loop(lambda i, t: i < 4, lambda i, t: (i + 1, t + i), (0, 0))
    assert (int(i), int(total)) == (4, 6)
    assert tf.map_fn(lambda x: x * 2, tf.constant([1, 2])).numpy().tolist() == [2, 4]
    assert tf.scan(lambda a, x: a + x, tf.constant([1, 2, 3])).numpy().tolist() == [1, 3, 6]
    assert int(tf.foldl(lambda a, x: a + x, tf.constant([1, 2, 3]))) == 6
    array = tf.TensorArray(tf.float32, size=2)
    array = array.write(0, 1.0).write(1, 2.0)
    assert array.stack().numpy().tolist() == [1, 2] and array.size() == 2
    with pytest.raises(IndexError, match="below 2"):
        array.write(2, 1.0)
    assert tf.py_function(lambda x: x + 1, [1], tf.int32).numpy() == 2


def test_random():
    tf.random.set_seed(3)
    first = tf.random.normal([4]), tf.random.uniform([4], 2, 5, tf.int32), tf.random.uniform([2], seed=1)
    assert not np.array_equal(tf.random.uniform([2], seed=1), first[2])
    tf.random.set_seed(3)
    again = tf.random.normal([4]), tf.random.uniform([4], 2, 5, tf.int32), tf.random.uniform([2], seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert set(first[1].numpy().tolist()) <= {2, 3, 4}
    assert np.array_equal(tf.random.stateless_uniform([3], [1, 2]), tf.random.stateless_uniform([3], (1, 2)))
    assert tf.random.categorical([[0.0, -99.0]], 3).numpy().tolist() == [[0, 0, 0]]
    assert tf.random.Generator.from_seed(1).normal([2]).shape == (2,)


def test_convolutions():
    x = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    k = np.ones((2, 2, 1, 1), "float32")
    assert tf.nn.conv2d(x, k, strides=[1, 2, 2, 1], padding="VALID").numpy().ravel().tolist() == [10, 18, 42, 50]
    assert tf.nn.max_pool(x, 2, 2, "SAME").numpy().ravel().tolist() == [5, 7, 13, 15]
    assert tf.nn.avg_pool2d(x, 2, 2, "VALID").numpy().ravel().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert tf.nn.conv2d_transpose(x, k, [1, 8, 8, 1], 2).shape == (1, 8, 8, 1)


def test_devices_and_strategies():
    assert tf.config.list_physical_devices("GPU") == [] and len(tf.config.list_logical_devices("CPU")) == 1
    strategy = tf.distribute.MirroredStrategy()
    with strategy.scope():
        assert tf.distribute.get_strategy() is strategy and strategy.num_replicas_in_sync == 1
    assert float(strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(lambda x: x + 1, (1.0,)), axis=None)) == 2
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.matmul(np.ones((2, 3)), np.ones((2, 3)))
    tf.debugging.assert_equal([1], [1])
    with pytest.raises(ValueError, match="equal to"):
        tf.debugging.assert_equal([1], [2])
    assert tf.compat.v1.set_random_seed is tf.random.set_seed and tf.compat.as_bytes("a") == b"a"


def test_what_is_missing_is_named():
    with pytest.raises(AttributeError, match="kgraph.tensorflow has no public name 'feature_column'"):
        tf.feature_column  # noqa: B018
    with pytest.raises(AttributeError, match="no public name 'reduce_summ'. Did you mean 'reduce_sum'"):
        tf.reduce_summ  # noqa: B018
    with pytest.raises(AttributeError, match="kgraph.tensorflow.nn has no public name 'no_such'"):
        tf.nn.no_such  # noqa: B018


def test_every_name_of_the_table_is_there():
    rows = dict(row.strip("| ").split(" | ", 1) for row in table().splitlines()[2:])
    assert len(rows) == 1 + len(tf.ROOMS)
    for module, names in rows.items():
        owner = find(module.strip("`").removeprefix("tf").lstrip(".")) if module != "`tf`" else tf
        for name in names.split(", "):
            getattr(owner, name.strip("`"))


def test_shapes_and_dtypes_of_tensors_answer_as_tensorflow_has_them():
    x, symbolic = tf.zeros([2, 3]), kgraph.layers.Dense(4)(kgraph.Input((3,)))
    assert x.shape == (2, 3) and x.shape.as_list() == [2, 3] and x.shape[1:].as_list() == [3] and x.shape.rank == 2
    assert x.get_shape().num_elements() == 6 and symbolic.get_shape().as_list() == [None, 4]
    assert symbolic.shape.ndims == 2 and not symbolic.shape.is_fully_defined()
    assert repr(x.shape) == "(2, 3)" and repr(x.dtype) == "'float32'"
    assert (x.dtype.name, x.dtype.is_floating, x.dtype.as_numpy_dtype) == ("float32", True, np.float32)
    assert tf.Variable([1]).dtype.is_integer and tf.Variable([1]).shape.as_list() == [1]
    x.set_shape([None, 3])
    with pytest.raises(ValueError, match=r"set_shape: expected what fits shape \(2, 3\), received \(3, 3\)"):
        x.set_shape([3, 3])

    @tf.function
    def f(y):
        return tf.reshape(y, [y.shape.as_list()[1], -1])
    assert f(x).shape == (3, 2)
