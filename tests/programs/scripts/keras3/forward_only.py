"""Layers that each learn for themselves, forward only, inside one train_step over real and made-up labels."""
import numpy as np
import tensorflow as tf

import keras
from keras import ops


class FFDense(keras.layers.Layer):
    def __init__(self, units, init_optimizer, num_epochs=2, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(units=units)
        self.relu = keras.layers.ReLU()
        self.optimizer = init_optimizer()
        self.num_epochs, self.threshold = num_epochs, 1.5

    def call(self, x):
        x_norm = ops.norm(x, ord=2, axis=1, keepdims=True) + 1e-4
        return self.relu(self.dense(x / x_norm))

    def forward_forward(self, x_pos, x_neg):
        loss = 0.0
        for _ in range(self.num_epochs):
            with tf.GradientTape() as tape:
                g_pos = ops.mean(ops.power(self.call(x_pos), 2), 1)
                g_neg = ops.mean(ops.power(self.call(x_neg), 2), 1)
                loss = ops.log(1 + ops.exp(ops.concatenate([-g_pos + self.threshold, g_neg - self.threshold], 0)))
                mean_loss = ops.mean(loss)
            gradients = tape.gradient(mean_loss, self.dense.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.dense.trainable_weights))
        return ops.stop_gradient(self.call(x_pos)), ops.stop_gradient(self.call(x_neg)), mean_loss


class FFNetwork(keras.Model):
    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        make = lambda: keras.optimizers.SGD(0.1)
        self.layer_list = [FFDense(d, make) for d in dims]
        self.loss_mean = keras.metrics.Mean(name="FinalLoss")

    def call(self, x):
        for layer in self.layer_list:
            x = layer(x)
        return x

    def overlay(self, x, y):
        return ops.concatenate([ops.one_hot(y, 3), x[:, 3:]], axis=1)

    def train_step(self, data):
        x, y = data
        h_pos, h_neg = self.overlay(x, y), self.overlay(x, (y + 1) % 3)
        total = 0.0
        for layer in self.layer_list:
            h_pos, h_neg, loss = layer.forward_forward(h_pos, h_neg)
            total = total + loss
        self.loss_mean.update_state(total)
        return {"FinalLoss": self.loss_mean.result()}


rng = np.random.RandomState(26)
model = FFNetwork([6, 5])
model(np.zeros((1, 8), "float32"))
model.set_weights([rng.normal(0, 0.6, w.shape) for w in model.get_weights()])
model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
x, y = rng.rand(12, 8).astype("float32"), rng.randint(0, 3, 12).astype("int32")
history = model.fit(x, y, epochs=3, batch_size=6, shuffle=False, verbose=0).history
print("values:", *history["FinalLoss"], *[float(w.sum()) for w in model.get_weights()])
