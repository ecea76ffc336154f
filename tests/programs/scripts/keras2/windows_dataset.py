"""A series cut into windows by a dataset, an RNN that predicts at every step, the last one measured."""
import numpy as np
import tensorflow as tf
from tensorflow import keras

series = np.sin(np.arange(90) / 6).astype("float32") + np.cos(np.arange(90) / 11).astype("float32")
n_steps = 12


def make_dataset(series):
    dataset = tf.data.Dataset.from_tensor_slices(series[:, np.newaxis])
    dataset = dataset.window(n_steps + 3, shift=3, drop_remainder=True)
    dataset = dataset.flat_map(lambda window: window.batch(n_steps + 3))

    def to_targets(window):
        targets = [window[k + 1:n_steps + k + 1] for k in range(3)]
        return window[:n_steps], tf.concat(targets, axis=1)
    return dataset.map(to_targets).batch(8).prefetch(1)


def last_time_step_mse(Y_true, Y_pred):
    return keras.metrics.mean_squared_error(Y_true[:, -1], Y_pred[:, -1])


rng = np.random.RandomState(17)
model = keras.models.Sequential([
    keras.layers.SimpleRNN(6, return_sequences=True, input_shape=[None, 1]),
    keras.layers.SimpleRNN(6, return_sequences=True),
    keras.layers.TimeDistributed(keras.layers.Dense(3))])
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=0.01), metrics=[last_time_step_mse])
train_set = make_dataset(series[:60]).apply(tf.data.experimental.assert_cardinality(2))
valid_set = make_dataset(series[60:])
history = model.fit(train_set, epochs=3, validation_data=valid_set, verbose=0).history
counts = [int(sum(1 for _ in ds)) for ds in (train_set, valid_set)]
print("values:", *history["loss"], *history["val_last_time_step_mse"], *counts)
