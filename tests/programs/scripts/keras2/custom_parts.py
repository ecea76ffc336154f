"""Loss, activation, initializer, regularizer, constraint, metric and layer of one's own; saved and loaded again."""
import numpy as np
import tensorflow as tf
from tensorflow import keras


def create_huber(threshold=1.0):
    def huber_fn(y_true, y_pred):
        error = y_true - y_pred
        is_small_error = tf.abs(error) < threshold
        return tf.where(is_small_error, tf.square(error) / 2, threshold * tf.abs(error) - threshold ** 2 / 2)
    return huber_fn


def my_softplus(z):
    return tf.math.log(tf.exp(z) + 1.0)


def my_glorot_initializer(shape, dtype=tf.float32):
    return tf.reshape(tf.cast(tf.linspace(-0.4, 0.5, shape[0] * shape[1]), dtype), shape)


def my_positive_weights(weights):
    return tf.where(weights < 0., tf.zeros_like(weights), weights)


class MyL1Regularizer(keras.regularizers.Regularizer):
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, weights):
        return tf.reduce_sum(tf.abs(self.factor * weights))

    def get_config(self):
        return {"factor": self.factor}


class HuberMetric(keras.metrics.Metric):
    def __init__(self, threshold=1.0, **kwargs):
        super().__init__(**kwargs)
        self.threshold = threshold
        self.huber_fn = create_huber(threshold)
        self.total = self.add_weight(name="total", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        metric = self.huber_fn(y_true, y_pred)
        self.total.assign_add(tf.reduce_sum(metric))
        self.count.assign_add(tf.cast(tf.size(y_true), tf.float32))

    def result(self):
        return self.total / self.count

    def get_config(self):
        return {**super().get_config(), "threshold": self.threshold}


class MyDense(keras.layers.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, batch_input_shape):
        self.kernel = self.add_weight(name="kernel", shape=[batch_input_shape[-1], self.units], initializer="ones")
        self.bias = self.add_weight(name="bias", shape=[self.units], initializer="zeros")
        super().build(batch_input_shape)

    def call(self, X):
        return self.activation(X @ self.kernel + self.bias)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "activation": keras.activations.serialize(self.activation)}


rng = np.random.RandomState(15)
X, y = rng.normal(0, 1, (24, 5)).astype("float32"), rng.normal(0, 1, (24, 1)).astype("float32")
model = keras.models.Sequential([
    keras.layers.Dense(6, activation=my_softplus, kernel_initializer=my_glorot_initializer, input_shape=[5],
                       kernel_regularizer=MyL1Regularizer(0.01), kernel_constraint=my_positive_weights),
    MyDense(1)])
model.compile(loss=create_huber(2.0), optimizer="adamax", metrics=[HuberMetric(2.0, name="huber"), "mae"])
first = model.fit(X, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
model.save("my_model.keras")
model = keras.models.load_model("my_model.keras", compile=False, custom_objects={
    "my_softplus": my_softplus, "my_glorot_initializer": my_glorot_initializer, "MyL1Regularizer": MyL1Regularizer,
    "my_positive_weights": my_positive_weights, "MyDense": MyDense})
model.compile(loss=create_huber(2.0), optimizer="adamax", metrics=[HuberMetric(2.0, name="huber")])
second = model.fit(X, y, epochs=2, batch_size=8, shuffle=False, verbose=0).history
print("values:", *first["loss"], *first["huber"], *first["mae"], *second["loss"], model.layers[0].get_weights()[0].min())
