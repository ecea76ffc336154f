"""A small U-shaped network in Xception's manner: separable convolutions, residuals, upsampling; a label for each pixel."""
import numpy as np

import keras
from keras import layers


def get_model(img_size, num_classes):
    inputs = keras.Input(shape=img_size + (3,))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    previous_block_activation = x
    for filters in [6]:
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        residual = layers.Conv2D(filters, 1, strides=2, padding="same")(previous_block_activation)
        x = layers.add([x, residual])
        previous_block_activation = x
    for filters in [6, 4]:
        x = layers.Activation("relu")(x)
        x = layers.Conv2DTranspose(filters, 3, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.UpSampling2D(2)(x)
        residual = layers.UpSampling2D(2)(previous_block_activation)
        residual = layers.Conv2D(filters, 1, padding="same")(residual)
        x = layers.add([x, residual])
        previous_block_activation = x
    outputs = layers.Conv2D(num_classes, 3, activation="softmax", padding="same")(x)
    return keras.Model(inputs, outputs)


rng = np.random.RandomState(8)
model = get_model((8, 8), 3)
model.set_weights([rng.uniform(0.05, 0.3, w.shape) for w in model.get_weights()])
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="sparse_categorical_crossentropy",
              metrics=[keras.metrics.MeanIoU(3, sparse_y_pred=False)])
x = rng.rand(6, 8, 8, 3).astype("float32")
y = rng.randint(0, 3, (6, 8, 8, 1)).astype("uint8")
history = model.fit(x, y, epochs=3, batch_size=4, verbose=0, shuffle=False).history
print("values:", *history["loss"], *history["mean_io_u"], *model.evaluate(x, y, verbose=0))
