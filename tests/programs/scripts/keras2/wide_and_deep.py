"""Wide and deep with an auxiliary output, as a subclass; a loss on what a hidden layer reconstructs."""
import numpy as np
import tensorflow as tf
from tensorflow import keras


class WideAndDeepModel(keras.Model):
    def __init__(self, units=6, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.hidden1 = keras.layers.Dense(units, activation=activation)
        self.hidden2 = keras.layers.Dense(units, activation=activation)
        self.main_output = keras.layers.Dense(1)
        self.aux_output = keras.layers.Dense(1)
        self.reconstruct = keras.layers.Dense(3)
        self.reconstruction_mean = keras.metrics.Mean(name="reconstruction_error")

    def call(self, inputs, training=None):
        input_A, input_B = inputs
        hidden2 = self.hidden2(self.hidden1(input_B))
        reconstruction = self.reconstruct(hidden2)
        recon_loss = tf.reduce_mean(tf.square(reconstruction - input_B))
        self.add_loss(0.05 * recon_loss)
        if training:
            result = self.reconstruction_mean(recon_loss)
            self.add_metric(result)
        concat = keras.layers.concatenate([input_A, hidden2])
        return self.main_output(concat), self.aux_output(hidden2)


rng = np.random.RandomState(19)
X, y = rng.rand(20, 5).astype("float32"), rng.rand(20, 1).astype("float32")
X_A, X_B = X[:, :3], X[:, 2:]
model = WideAndDeepModel()
model([X_A[:2], X_B[:2]])
model.set_weights([rng.normal(0, 0.4, w.shape) for w in model.get_weights()])
model.compile(loss=["mse", "mse"], loss_weights=[0.9, 0.1], optimizer=keras.optimizers.SGD(learning_rate=0.05))
history = model.fit((X_A, X_B), (y, y), epochs=4, batch_size=5, shuffle=False, verbose=0).history
total = model.evaluate((X_A, X_B), (y, y), verbose=0)
y_pred_main, y_pred_aux = model.predict((X_A[:3], X_B[:3]), verbose=0)
print("values:", *history["loss"], *history["output_1_loss"], *history["reconstruction_error"], total[0], y_pred_main.sum(), y_pred_aux.sum())
