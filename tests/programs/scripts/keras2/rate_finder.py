"""Rates that grow batch by batch to find a good one, then a single cycle of rates: callbacks and backend values."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

K = keras.backend


class ExponentialLearningRate(keras.callbacks.Callback):
    def __init__(self, factor):
        self.factor = factor
        self.rates = []
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.rates.append(K.get_value(self.model.optimizer.learning_rate))
        self.losses.append(logs["loss"])
        K.set_value(self.model.optimizer.learning_rate, self.model.optimizer.learning_rate * self.factor)


class OneCycleScheduler(keras.callbacks.Callback):
    def __init__(self, iterations, max_rate):
        self.half, self.max_rate, self.iteration, self.rates = iterations // 2, max_rate, 0, []

    def on_batch_begin(self, batch, logs):
        away = abs(self.iteration - self.half) / self.half
        self.iteration += 1
        K.set_value(self.model.optimizer.learning_rate, self.max_rate * (1 - 0.9 * away))

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(K.get_value(self.model.optimizer.lr)))


rng = np.random.RandomState(14)
X, y = rng.rand(24, 6), rng.randint(0, 3, 24)
model = keras.models.Sequential([keras.layers.Flatten(input_shape=[6]),
                                 keras.layers.Dense(8, activation="selu", kernel_initializer="lecun_normal"),
                                 keras.layers.AlphaDropout(rate=0.0), keras.layers.Dense(3, activation="softmax")])
weights = [rng.normal(0, 0.4, w.shape) for w in model.get_weights()]
model.set_weights(weights)
model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.SGD(learning_rate=1e-3), metrics=["accuracy"])
expon_lr = ExponentialLearningRate(factor=1.5)
model.fit(X, y, epochs=1, batch_size=4, callbacks=[expon_lr], shuffle=False, verbose=0)
model.set_weights(weights)
onecycle = OneCycleScheduler(12, max_rate=0.3)
history = model.fit(X, y, epochs=2, batch_size=4, callbacks=[onecycle], shuffle=False, verbose=0)
print("values:", *expon_lr.rates, *expon_lr.losses, *history.history["loss"], *onecycle.rates)
