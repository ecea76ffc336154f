"""Dilated causal convolutions with gates and skips, as for sound; a schedule lowers the rate."""
import numpy as np

import keras
from keras import layers

rng = np.random.RandomState(7)
wave = np.sin(np.arange(150) / 5) + rng.normal(0, 0.1, 150)
x = keras.utils.timeseries_dataset_from_array(wave[:-1, None], wave[20:], sequence_length=20, batch_size=32,
                                              sequence_stride=2)
inputs = keras.Input((20, 1))
h = layers.Conv1D(6, 1)(inputs)
skips = []
for rate in (1, 2, 4):
    gate = layers.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(h)
    filtered = layers.Conv1D(6, 2, padding="causal", dilation_rate=rate, activation="tanh")(h)
    z = layers.multiply([filtered, gate])
    skips.append(layers.Conv1D(4, 1)(z))
    h = layers.add([layers.Conv1D(6, 1)(z), h])
out = layers.Activation("relu")(layers.add(skips))
out = layers.Dense(1)(layers.Lambda(lambda t: t[:, -1, :])(out))
model = keras.Model(inputs, out)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
schedule = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=3, decay_rate=0.9, staircase=True)
model.compile(keras.optimizers.SGD(schedule, momentum=0.9), loss=keras.losses.Huber(0.5), metrics=["mae", "mape"])
history = model.fit(x, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
result = model.evaluate(x, verbose=0, return_dict=True)
print("values:", *history.history["loss"], result["loss"], result["mae"], float(model.optimizer.learning_rate))
