"""A model with its own train_step: loss and metrics kept by hand, gradients from a tape."""
import numpy as np
import tensorflow as tf

import keras


class CustomModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


rng = np.random.RandomState(1)
x, y = rng.rand(20, 5), rng.rand(20, 1)
inputs = keras.Input(shape=(5,))
outputs = keras.layers.Dense(1)(keras.layers.Dense(6, activation="tanh")(inputs))
model = CustomModel(inputs, outputs)
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.RMSprop(0.01))
history = model.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0).history
print("values:", *history["loss"], *history["mae"])
