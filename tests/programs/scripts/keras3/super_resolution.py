"""Pictures made larger: channels become pixels, a callback measures the peak signal-to-noise ratio."""
import numpy as np

import keras
from keras import layers, ops


class DepthToSpace(layers.Layer):
    def __init__(self, block_size):
        super().__init__()
        self.block_size = block_size

    def call(self, inputs):
        batch, height, width, depth = ops.shape(inputs)
        depth = depth // (self.block_size ** 2)
        x = ops.reshape(inputs, [batch, height, width, self.block_size, self.block_size, depth])
        x = ops.transpose(x, [0, 1, 3, 2, 4, 5])
        return ops.reshape(x, [batch, height * self.block_size, width * self.block_size, depth])


class ESPCNCallback(keras.callbacks.Callback):
    def __init__(self, low, high):
        super().__init__()
        self.low, self.high, self.psnr, self.kept = low, high, [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.kept.clear()

    def on_epoch_end(self, epoch, logs=None):
        made = self.model.predict(self.low, verbose=0)
        self.psnr.append(float(ops.psnr(ops.convert_to_tensor(self.high), ops.convert_to_tensor(made), 1.0)))

    def on_test_batch_end(self, batch, logs=None):
        self.kept.append(10 * np.log10(1 / logs["loss"]))


rng = np.random.RandomState(24)
high = rng.rand(6, 8, 8, 1).astype("float32")
low = ops.convert_to_numpy(ops.image.resize(high, (4, 4), interpolation="bilinear", antialias=False))
inputs = keras.Input(shape=(None, None, 1))
x = layers.Conv2D(6, 5, padding="same", activation="tanh")(inputs)
x = layers.Conv2D(4, 3, padding="same", activation="tanh")(x)
model = keras.Model(inputs, DepthToSpace(2)(layers.Conv2D(4, 3, padding="same")(x)))
model.set_weights([rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.005, amsgrad=True), loss=keras.losses.MeanSquaredError())
callback = ESPCNCallback(low, high)
history = model.fit(low, high, epochs=4, batch_size=3, shuffle=False, verbose=0, callbacks=[callback],
                    validation_data=(low, high)).history
print("values:", *history["loss"], *callback.psnr, *callback.kept)
