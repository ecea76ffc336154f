"""Patches of a picture, encoded with their places, through two blocks of attention."""
import numpy as np

import keras
from keras import layers, ops


class Patches(layers.Layer):
    def __init__(self, patch_size):
        super().__init__()
        self.patch_size = patch_size

    def call(self, images):
        shape = ops.shape(images)
        patches = ops.image.extract_patches(images, size=self.patch_size)
        n = (shape[1] // self.patch_size) * (shape[2] // self.patch_size)
        return ops.reshape(patches, (shape[0], n, self.patch_size * self.patch_size * shape[3]))


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim):
        super().__init__()
        self.num_patches = num_patches
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(input_dim=num_patches, output_dim=projection_dim)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        return self.projection(patch) + self.position_embedding(positions)


inputs = keras.Input(shape=(8, 8, 3))
encoded = PatchEncoder(4, 8)(Patches(4)(inputs))
for _ in range(2):
    x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
    attention = layers.MultiHeadAttention(num_heads=2, key_dim=4, dropout=0.0)(x1, x1)
    x2 = layers.Add()([attention, encoded])
    x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
    x3 = layers.Dense(8, activation=keras.activations.gelu)(layers.Dense(16, activation=keras.activations.gelu)(x3))
    encoded = layers.Add()([x3, x2])
representation = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(encoded))
model = keras.Model(inputs, layers.Dense(3)(representation))

rng = np.random.RandomState(2)
model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.AdamW(learning_rate=0.001, weight_decay=0.01),
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, name="top-2")])
x, y = rng.rand(12, 8, 8, 3).astype("float32"), np.arange(12) % 3
history = model.fit(x, y, batch_size=6, epochs=4, shuffle=False, verbose=0)
print("values:", *history.history["loss"], *history.history["top-2"])
