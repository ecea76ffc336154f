"""A small convolutional network for pictures of digits."""
import numpy as np

import keras
from keras import layers

rng = np.random.RandomState(0)
x_train = rng.randint(0, 256, (16, 12, 12)).astype("float32") / 255
x_train = np.expand_dims(x_train, -1)
y_train = keras.utils.to_categorical(np.arange(16) % 4, 4)

model = keras.Sequential([
    keras.Input(shape=(12, 12, 1)),
    layers.Conv2D(4, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Flatten(),
    layers.Dropout(0.0),
    layers.Dense(4, activation="softmax"),
])
model.set_weights([rng.uniform(-0.3, 0.3, w.shape) for w in model.get_weights()])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=8, epochs=4, shuffle=False, verbose=0, validation_split=0.25)
print("values:", *history.history["loss"], history.history["val_loss"][-1], *model.evaluate(x_train, y_train, verbose=0))
