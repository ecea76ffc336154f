"""Averages of weights, gradients gathered over steps, a checkpoint, a log in CSV, training that goes on where it stopped."""
import csv

import numpy as np

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="book")
class Scale(layers.Layer):
    def __init__(self, by=2.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain",
                                    constraint=keras.constraints.NonNeg())

    def call(self, x):
        return x * self.gain * self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


rng = np.random.RandomState(27)
x, y = rng.rand(24, 4).astype("float32"), rng.rand(24, 2).astype("float32")
model = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="relu6"), Scale(0.5), layers.Dense(2)])
model.set_weights([rng.uniform(0, 0.5, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.8, gradient_accumulation_steps=2), loss="mse",
              metrics=[keras.metrics.RootMeanSquaredError(name="rmse")])
callbacks = [keras.callbacks.CSVLogger("log.csv"), keras.callbacks.SwapEMAWeights(swap_on_epoch=False),
             keras.callbacks.ModelCheckpoint("last.weights.h5", save_weights_only=True)]
first = model.fit(x, y, epochs=3, batch_size=6, shuffle=False, verbose=0, callbacks=callbacks).history
rows = list(csv.DictReader(open("log.csv")))
model.save("model.keras")
again = keras.saving.load_model("model.keras")
second = again.fit(x, y, epochs=2, batch_size=6, shuffle=False, verbose=0).history
print("values:", *first["loss"], *first["rmse"], *second["loss"], rows[1]["loss"], again.layers[1].by)
