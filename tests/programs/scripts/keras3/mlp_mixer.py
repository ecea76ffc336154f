"""Mixing over places, then over channels, with nothing but dense layers."""
import numpy as np

import keras
from keras import layers


class MLPMixerLayer(layers.Layer):
    def __init__(self, num_patches, hidden_units, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mlp1 = keras.Sequential([layers.Dense(units=num_patches, activation="gelu"), layers.Dense(units=num_patches)])
        self.mlp2 = keras.Sequential([layers.Dense(units=hidden_units, activation="silu"), layers.Dense(hidden_units)])
        self.normalize = layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        return super().build(input_shape)

    def call(self, inputs):
        x = self.normalize(inputs)
        x_channels = keras.ops.transpose(x, axes=(0, 2, 1))
        mlp1_outputs = keras.ops.transpose(self.mlp1(x_channels), axes=(0, 2, 1))
        x = mlp1_outputs + inputs
        return x + self.mlp2(self.normalize(x))


rng = np.random.RandomState(20)
inputs = layers.Input(shape=(4, 4, 3))
x = layers.Reshape((-1, 3))(inputs)
x = layers.Dense(5)(x)
x = keras.Sequential([MLPMixerLayer(16, 5) for _ in range(2)])(x)
outputs = layers.Dense(2)(layers.GlobalAveragePooling1D()(x))
model = keras.Model(inputs, outputs)
model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
model.compile(keras.optimizers.Lion(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["acc"])
history = model.fit(rng.rand(12, 4, 4, 3), np.arange(12) % 2, batch_size=4, epochs=5, shuffle=False, verbose=0).history
print("values:", *history["loss"], *history["acc"])
