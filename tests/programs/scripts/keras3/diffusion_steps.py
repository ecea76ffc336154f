"""Denoising with rates from a schedule: a network with sinusoids of time, an average network beside it, steps by hand."""
import math

import numpy as np
import tensorflow as tf

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable()
def sinusoidal_embedding(x):
    frequencies = ops.exp(ops.linspace(ops.log(1.0), ops.log(8.0), 2))
    angular_speeds = ops.cast(2.0 * math.pi * frequencies, "float32")
    return ops.concatenate([ops.sin(angular_speeds * x), ops.cos(angular_speeds * x)], axis=3)


def get_network():
    noisy = keras.Input(shape=(6, 6, 1))
    variances = keras.Input(shape=(1, 1, 1))
    e = layers.Lambda(sinusoidal_embedding, output_shape=(1, 1, 4))(variances)
    e = layers.UpSampling2D(size=6, interpolation="nearest")(e)
    x = layers.Concatenate()([layers.Conv2D(4, kernel_size=1)(noisy), e])
    residual = layers.Conv2D(4, kernel_size=1)(x)
    x = layers.BatchNormalization(center=False, scale=False)(x)
    x = layers.Conv2D(4, kernel_size=3, padding="same", activation="swish")(x)
    x = layers.Add()([x, residual])
    return keras.Model([noisy, variances], layers.Conv2D(1, kernel_size=1)(x), name="unet")


class DiffusionModel(keras.Model):
    def __init__(self, noise):
        super().__init__()
        self.network = get_network()
        self.ema_network = keras.models.clone_model(self.network)
        self.noise = ops.convert_to_tensor(noise, "float32")
        self.noise_loss_tracker = keras.metrics.Mean(name="n_loss")

    def schedule(self, times):
        start, end = ops.arccos(0.95), ops.arccos(0.1)
        angles = start + times * (end - start)
        return ops.sin(angles), ops.cos(angles)

    def train_step(self, images):
        noise_rates, signal_rates = self.schedule(ops.reshape(ops.linspace(0.1, 0.9, 4), (4, 1, 1, 1)))
        noisy_images = signal_rates * images + noise_rates * self.noise
        with tf.GradientTape() as tape:
            pred_noises = self.network([noisy_images, noise_rates ** 2], training=True)
            noise_loss = self.loss(self.noise, pred_noises)
        gradients = tape.gradient(noise_loss, self.network.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_weights))
        self.noise_loss_tracker.update_state(noise_loss)
        for weight, ema_weight in zip(self.network.weights, self.ema_network.weights):
            ema_weight.assign(0.9 * ema_weight + 0.1 * weight)
        return {m.name: m.result() for m in self.metrics if m.name == "n_loss"}


rng = np.random.RandomState(30)
model = DiffusionModel(rng.normal(0, 1, (4, 6, 6, 1)))
weights = [rng.uniform(0.05, 0.4, w.shape) for w in model.network.get_weights()]
model.network.set_weights(weights)
model.ema_network.set_weights(weights)
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=1e-2, weight_decay=1e-3), loss=keras.losses.mean_absolute_error)
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=1e-2, weight_decay=1e-3), loss=keras.losses.MeanAbsoluteError())
model.loss = keras.losses.MeanAbsoluteError()
history = model.fit(rng.rand(8, 6, 6, 1).astype("float32"), epochs=4, batch_size=4, shuffle=False, verbose=0).history
print("values:", *history["n_loss"], *[float(w.sum()) for w in model.ema_network.get_weights()[:3]])
