"""A trained base frozen under a new head, then thawed at a tenth of the rate; low-rank updates of one layer at the end."""
import numpy as np

import keras
from keras import layers

rng = np.random.RandomState(31)
base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu", name="conv"),
                         layers.BatchNormalization(), layers.DepthwiseConv2D(3, padding="same"), layers.ReLU(max_value=6)],
                        name="base")
base.set_weights([rng.uniform(0.05, 0.4, w.shape) for w in base.get_weights()])
base.trainable = False
inputs = keras.Input((8, 8, 3))
x = layers.Rescaling(scale=2.0, offset=-1)(inputs)
x = base(x, training=False)
x = layers.GlobalAveragePooling2D(keepdims=False)(x)
x = layers.Dense(6, activation="hard_silu", name="features")(layers.Dropout(0.0)(x))
model = keras.Model(inputs, layers.Dense(1)(x))
for layer in model.layers:
    if isinstance(layer, layers.Dense):
        layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
images, labels = rng.rand(12, 8, 8, 3).astype("float32"), (np.arange(12) % 2).astype("float32")[:, None]
loss, metric = keras.losses.BinaryCrossentropy(from_logits=True), keras.metrics.BinaryAccuracy()
counts, losses = [], []
for rate, trainable in ((1e-2, False), (1e-3, True)):
    base.trainable = trainable
    base.layers[1].trainable = False
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, metrics=[metric])
    losses += model.fit(images, labels, epochs=2, batch_size=6, shuffle=False, verbose=0).history["loss"]
    counts.append(sum(int(np.prod(w.shape)) for w in model.trainable_weights))
model.get_layer("features").enable_lora(rank=2)
a, b = model.get_layer("features").lora_kernel_a, model.get_layer("features").lora_kernel_b
a.assign(rng.normal(0, 0.5, a.shape))
b.assign(rng.normal(0, 0.5, b.shape))
model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
losses += model.fit(images, labels, epochs=2, batch_size=6, shuffle=False, verbose=0).history["loss"]
print("values:", *losses, *counts, len(model.trainable_weights))
