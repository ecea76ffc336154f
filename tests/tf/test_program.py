"""Programs in the manner of tutorials: `import tensorflow` finds kgraph.tensorflow."""
import importlib

import numpy as np
import pytest

import kgraph
import kgraph.tensorflow as tf


@pytest.fixture
def as_keras():
    kgraph.install_as_keras()
    yield
    kgraph.uninstall_as_keras()


def test_modules_by_their_names(as_keras):
    found = importlib.import_module("tensorflow")
    assert found.__version__ == tf.__version__ and found.float32 is tf.float32
    assert importlib.import_module("tensorflow.data").Dataset is tf.data.Dataset
    assert importlib.import_module("tensorflow.compat.v1").to_float(3).dtype == tf.float32
    assert importlib.import_module("tensorflow.compat.v1.keras.backend").set_session is kgraph.backend.set_session
    assert importlib.import_module("tensorflow.keras.layers") is kgraph.layers
    assert found.losses is kgraph.losses and found.optimizers.Adam is kgraph.optimizers.Adam
    assert found.get_logger().name == "tensorflow" and not found.test.is_gpu_available()


def test_a_training_loop_of_ones_own(as_keras):
    scope = {}
    exec("""
import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

x = np.arange(12, dtype="float32").reshape(6, 2) / 10
y = x.sum(1, keepdims=True)
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(3).prefetch(tf.data.AUTOTUNE)
model = tf.keras.Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
optimizer, loss_fn = tf.keras.optimizers.SGD(0.1), tf.keras.losses.MeanSquaredError()

@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y + 1.0, model(x, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss

losses = [float(step(a, b)) for _ in range(2) for a, b in data]
""", scope)
    assert scope["losses"] == pytest.approx(LOSSES, rel=1e-5)


LOSSES = [1.0, 0.51006269, 0.32808489, 0.046230573]   # what TensorFlow 2.21 gives


def test_tables():
    init = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([0, 1], tf.int64))
    assert tf.lookup.StaticHashTable(init, -1).lookup(tf.constant(["b", "z"])).numpy().tolist() == [1, -1]
    table = tf.lookup.StaticVocabularyTable(init, 3)
    found = table.lookup(tf.constant(["a", "other"])).numpy().tolist()
    assert found[0] == 0 and found[1] in (2, 3, 4) and int(table.size()) == 5


def test_sounds():
    samples = np.float32([[0.0], [0.5], [-0.5]])
    sound = tf.audio.decode_wav(tf.audio.encode_wav(samples, 8000), desired_channels=2, desired_samples=4)
    assert sound.audio.shape == (4, 2) and int(sound.sample_rate) == 8000
    np.testing.assert_allclose(sound.audio[:3, 1:], samples, atol=1e-4)


def test_a_tpu_is_looked_for_in_vain():
    with pytest.raises(ValueError, match="TPU"):
        tf.distribute.cluster_resolver.TPUClusterResolver()


def test_models_run_eagerly_where_functions_do():
    model = kgraph.Sequential([kgraph.Input((2,)), kgraph.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert not model.run_eagerly and not tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    assert model.run_eagerly and tf.config.functions_run_eagerly()
